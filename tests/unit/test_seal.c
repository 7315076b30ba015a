/* SPDX-License-Identifier: Apache-2.0 */
#include "core/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sealing.h"

#define NOW INT64_C(1790000000) /* 2026-09-21T14:13:20Z */

/* ann and ben are allowed signers, and ann with a second key; eve has a key and is none. */
static struct hd_signers *allowed(const struct ssh_keys *keys)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_signers *signers = NULL;
    ssh_make_key(keys, "ann", "-t ed25519");
    ssh_make_key(keys, "ann2", "-t ed25519");
    ssh_make_key(keys, "ben", "-t ecdsa");
    ssh_make_key(keys, "eve", "-t ed25519");
    ssh_run(keys, "(printf 'ann ' && cat ann.pub && printf 'ann ' && cat ann2.pub && "
                  "printf 'ben ' && cat ben.pub) >allowed");
    assert_int_equal(hd_signers_read(ssh_read(keys, "allowed"), &signers, &err), 0);
    return signers;
}

static void expect(struct hd_bundle *bundle, const struct hd_seal_terms *terms,
                   enum hd_reason reason, const char *words)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_seal seal;
    enum hd_reason found = hd_seal_judge(bundle, terms, &seal, &err);
    if (found != reason || strstr(err.text, words) == NULL)
        fail_msg("%s (%s) instead of %s (%s)", hd_reason_word(found), err.text,
                 hd_reason_word(reason), words);
    if (found == HD_REASON_NONE)
        hd_seal_close(&seal);
    hd_bundle_free(bundle);
}

static void who_has_signed_is_told(void **state)
{
    struct hd_seal seal;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_signers *signers = allowed(*state);
    const struct hd_seal_terms terms = { signers, 2, NULL, false, false, NOW };
    const char *manifest = sealing_manifest("");
    struct hd_bundle *bundle = sealed(manifest, sealing_sign(*state, manifest, "ann", "ben"));
    assert_int_equal(hd_seal_judge(bundle, &terms, &seal, &err), HD_REASON_NONE);
    assert_int_equal(seal.principal_count, 2);
    assert_string_equal(seal.principals[0], "ann");
    assert_string_equal(seal.principals[1], "ben");
    assert_int_equal(seal.manifest.sequence, 7);
    hd_seal_close(&seal);
    hd_bundle_free(bundle);
    hd_signers_free(signers);
}

static void nothing_unsigned_passes(void **state)
{
    struct hd_signers *signers = allowed(*state);
    const struct hd_seal_terms terms = { signers, 1, NULL, false, false, NOW };
    const char *manifest = sealing_manifest("");
    expect(opened(make_jar(sealing_entries), 17), &terms, HD_REASON_SIGNATURE_REQUIRED,
           "no META-INF/hotdrop.json");
    expect(sealed(manifest, ""), &terms, HD_REASON_SIGNATURE_REQUIRED, "no signature");
    expect(sealed(manifest, "\n"), &terms, HD_REASON_SIGNATURE_REQUIRED, "no signature");
    expect(sealed(manifest, "hello"), &terms, HD_REASON_SIGNATURE_INVALID, "BEGIN");
    expect(sealed(manifest, sealing_sign(*state, manifest, "eve", NULL)), &terms,
           HD_REASON_SIGNATURE_INVALID, "not among the allowed signers");
    hd_signers_free(signers);
}

static void a_changed_manifest_is_not_what_was_signed(void **state)
{
    struct hd_signers *signers = allowed(*state);
    const struct hd_seal_terms terms = { signers, 1, "shop", false, false, NOW };
    static char signatures[16384];
    snprintf(signatures, sizeof signatures, "%s",
             sealing_sign(*state, sealing_manifest(""), "ann", NULL));
    expect(sealed(sealing_manifest("\"target\":\"shop\","), signatures), &terms,
           HD_REASON_SIGNATURE_INVALID, "ann: the signature does not fit");
    hd_signers_free(signers);
}

static void a_changed_class_is_not_what_was_signed(void **state)
{
    static const struct jar_entry changed[] = { { "org/example/Foo.class", "evil", 0 },
                                                { "org/example/Bar.class", BAR_CONTENTS, 0 },
                                                { NULL, NULL, 0 } };
    struct hd_signers *signers = allowed(*state);
    const struct hd_seal_terms terms = { signers, 1, NULL, false, false, NOW };
    const char *manifest = sealing_manifest("");
    expect(sealed_of(changed, manifest, sealing_sign(*state, manifest, "ann", NULL)), &terms,
           HD_REASON_SIGNATURE_INVALID, "org/example/Foo.class");
    hd_signers_free(signers);
}

static void two_approvals_are_those_of_two_people(void **state)
{
    struct hd_signers *signers = allowed(*state);
    const struct hd_seal_terms terms = { signers, 2, NULL, false, false, NOW };
    const char *manifest = sealing_manifest("");
    expect(sealed(manifest, sealing_sign(*state, manifest, "ann", "ben")), &terms, HD_REASON_NONE,
           "");
    expect(sealed(manifest, sealing_sign(*state, manifest, "ann", NULL)), &terms,
           HD_REASON_APPROVALS_MISSING, "1 of 2");
    expect(sealed(manifest, sealing_sign(*state, manifest, "ann", "ann")), &terms,
           HD_REASON_APPROVALS_MISSING, "1 of 2");
    expect(sealed(manifest, sealing_sign(*state, manifest, "ann", "ann2")), &terms,
           HD_REASON_APPROVALS_MISSING, "1 of 2");
    expect(sealed(manifest, sealing_sign(*state, manifest, "ann", "eve")), &terms,
           HD_REASON_APPROVALS_MISSING, "1 of 2");
    hd_signers_free(signers);
}

static void expect_of_members(const struct ssh_keys *keys, const struct hd_seal_terms *terms,
                              const char *members, enum hd_reason reason, const char *words)
{
    const char *manifest = sealing_manifest(members);
    expect(sealed(manifest, sealing_sign(keys, manifest, "ann", NULL)), terms, reason, words);
}

static void a_bundle_is_for_its_target_and_its_time(void **state)
{
    struct hd_signers *signers = allowed(*state);
    const struct hd_seal_terms shop = { signers, 1, "shop", false, false, NOW };
    const struct hd_seal_terms nameless = { signers, 1, NULL, false, false, NOW };
    const struct hd_seal_terms any = { signers, 1, NULL, true, false, NOW };
    expect_of_members(*state, &shop, "\"target\":\"shop\",", HD_REASON_NONE, "");
    expect_of_members(*state, &shop, "\"target\":\"bank\",", HD_REASON_WRONG_TARGET, "for bank");
    expect_of_members(*state, &nameless, "\"target\":\"bank\",", HD_REASON_WRONG_TARGET, "no app=");
    expect_of_members(*state, &any, "\"target\":\"bank\",", HD_REASON_NONE, "");
    expect_of_members(
        *state, &shop,
        "\"not-before\":\"2026-09-21T14:13:20Z\",\"expires\":\"2026-09-21T14:13:21Z\",",
        HD_REASON_NONE, "");
    expect_of_members(*state, &shop, "\"not-before\":\"2026-09-21T14:13:21Z\",", HD_REASON_EXPIRED,
                      "not to be used before 2026-09-21T14:13:21");
    expect_of_members(*state, &shop, "\"expires\":\"2026-09-21T14:13:20Z\",", HD_REASON_EXPIRED,
                      "expired at 2026-09-21T14:13:20");
    hd_signers_free(signers);
}

#define SSH_TEST(name) cmocka_unit_test_setup_teardown(name, ssh_keys_start, ssh_keys_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SSH_TEST(who_has_signed_is_told),
        SSH_TEST(nothing_unsigned_passes),
        SSH_TEST(a_changed_manifest_is_not_what_was_signed),
        SSH_TEST(a_changed_class_is_not_what_was_signed),
        SSH_TEST(two_approvals_are_those_of_two_people),
        SSH_TEST(a_bundle_is_for_its_target_and_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
