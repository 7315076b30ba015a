/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody may try with a bundle that others have signed: each attempt ends in its reason. */
#include "core/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sealing.h"

#define NOW    INT64_C(1790000000) /* 2026-09-21T14:13:20Z */
#define VALID  "\"not-before\":\"2026-09-21T00:00:00Z\",\"expires\":\"2026-09-22T00:00:00Z\","
#define SIGNED "\"name\":\"fix\",\"target\":\"shop\"," VALID

#define FOO(contents)                                                                              \
    {                                                                                              \
        "org/example/Foo.class", contents, 0                                                       \
    }
#define BAR(contents)                                                                              \
    {                                                                                              \
        "org/example/Bar.class", contents, 0                                                       \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, 0                                                                              \
    }

static const struct jar_entry whole[] = { FOO(FOO_CONTENTS), BAR(BAR_CONTENTS), END };

/* One attempt. Everything but what is tried is as it was signed. */
struct attempt {
    const char *what;
    enum hd_reason reason;
    struct jar_entry entries[4]; /* none: as they were signed */
    const char *members;         /* of the manifest in the bundle; NULL: as signed */
    const char *signed_members;  /* of the manifest that was signed; NULL: SIGNED */
    const char *signers[2];      /* keys; none: ann */
    const char *name_space;      /* of the signature; NULL: hotdrop */
    unsigned approvals;          /* 0: 1 */
    int64_t now;                 /* 0: NOW */
    const char *signatures;      /* in place of the signatures; NULL: those */
    size_t cut;                  /* bytes cut off the end of the signatures */
};

static const struct attempt attempts[] = {
    { .what = "nothing is changed", .reason = HD_REASON_NONE },
    /* the bundle */
    { .what = "a class is changed",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .entries = { FOO("evil"), BAR(BAR_CONTENTS) } },
    { .what = "a class is emptied",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .entries = { FOO(""), BAR(BAR_CONTENTS) } },
    { .what = "a class is left out",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .entries = { FOO(FOO_CONTENTS) } },
    { .what = "a class is added",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .entries = { FOO(FOO_CONTENTS),
                   BAR(BAR_CONTENTS),
                   { "org/example/Evil.class", "evil", 0 } } },
    { .what = "two classes change places",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .entries = { FOO(BAR_CONTENTS), BAR(FOO_CONTENTS) } },
    { .what = "a class gets another name",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .entries = { { "org/example/Fob.class", FOO_CONTENTS, 0 }, BAR(BAR_CONTENTS) } },
    { .what = "a class moves below WEB-INF",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .entries = { { "WEB-INF/classes/org/example/Foo.class", FOO_CONTENTS, 0 },
                   BAR(BAR_CONTENTS) } },
    { .what = "a version for this JVM is added",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .entries = { FOO(FOO_CONTENTS),
                   BAR(BAR_CONTENTS),
                   { "META-INF/versions/9/org/example/Foo.class", "e", 0 } } },
    { .what = "a version for a later JVM is added",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .entries = { FOO(FOO_CONTENTS),
                   BAR(BAR_CONTENTS),
                   { "META-INF/versions/99/org/example/Foo.class", "e", 0 } } },
    { .what = "a class hides behind a version",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .entries = { FOO(FOO_CONTENTS),
                   { "META-INF/versions/99/org/example/Foo.class", BAR_CONTENTS, 0 } } },
    /* the manifest */
    { .what = "the name is changed",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .members = "\"name\":\"fax\",\"target\":\"shop\"," VALID },
    { .what = "the name is taken away",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .members = "\"target\":\"shop\"," VALID },
    { .what = "the target is taken away",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .members = "\"name\":\"fix\"," VALID },
    { .what = "the target is changed",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .members = "\"name\":\"fix\",\"target\":\"bank\"," VALID },
    { .what = "the times are taken away",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .members = "\"name\":\"fix\",\"target\":\"shop\"," },
    { .what = "a version is added",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .members = "\"version\":\"2\"," SIGNED },
    { .what = "white space is added",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .members = " " SIGNED },
    { .what = "a key is there twice",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .signed_members = "\"name\":\"a\"," SIGNED },
    { .what = "a restriction is signed that is not known here",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .signed_members = "\"only-on-sundays\":true," SIGNED },
    { .what = "it was signed for another target",
      .reason = HD_REASON_WRONG_TARGET,
      .signed_members = "\"target\":\"bank\"," VALID },
    /* the signatures */
    { .what = "there is no signature", .reason = HD_REASON_SIGNATURE_REQUIRED, .signatures = "" },
    { .what = "there is something else",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .signatures = "trust me" },
    { .what = "somebody else signed it",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .signers = { "eve" } },
    { .what = "it was signed as something else",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .name_space = "git" },
    { .what = "the key is too weak", .reason = HD_REASON_SIGNATURE_INVALID, .signers = { "weak" } },
    { .what = "the signer has left", .reason = HD_REASON_SIGNATURE_INVALID, .signers = { "old" } },
    { .what = "the signer may sign other things",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .signers = { "git" } },
    { .what = "the end of the signature is cut off",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .cut = 30 },
    { .what = "half of the signature is cut off",
      .reason = HD_REASON_SIGNATURE_INVALID,
      .cut = 150 },
    { .what = "two must approve and one did",
      .reason = HD_REASON_APPROVALS_MISSING,
      .approvals = 2 },
    { .what = "two must approve and one did twice",
      .reason = HD_REASON_APPROVALS_MISSING,
      .approvals = 2,
      .signers = { "ann", "ann" } },
    { .what = "two must approve and one did with two keys",
      .reason = HD_REASON_APPROVALS_MISSING,
      .approvals = 2,
      .signers = { "ann", "ann2" } },
    { .what = "two must approve and one is a stranger",
      .reason = HD_REASON_APPROVALS_MISSING,
      .approvals = 2,
      .signers = { "ann", "eve" } },
    { .what = "two must approve and did",
      .reason = HD_REASON_NONE,
      .approvals = 2,
      .signers = { "ann", "ben" } },
    /* the clock */
    { .what = "it has expired", .reason = HD_REASON_EXPIRED, .now = NOW + 86400 },
    { .what = "it is not valid yet", .reason = HD_REASON_EXPIRED, .now = NOW - 86400 },
    { .what = "the clock jumped to 1970", .reason = HD_REASON_EXPIRED, .now = 1 },
};

static struct hd_signers *allowed(const struct ssh_keys *keys)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_signers *signers = NULL;
    ssh_run(keys, "for name in ann ann2 ben eve old git; do "
                  "ssh-keygen -q -t ed25519 -N '' -f $name; done; "
                  "ssh-keygen -q -t rsa -b 1024 -N '' -f weak");
    ssh_run(keys, "{ for name in ann ben weak; do printf \"$name \"; cat $name.pub; done; "
                  "printf 'ann '; cat ann2.pub; "
                  "printf 'old valid-before=20200101Z '; cat old.pub; "
                  "printf 'git namespaces=\"git\" '; cat git.pub; } >allowed");
    assert_int_equal(hd_signers_read(ssh_read(keys, "allowed"), &signers, &err), 0);
    return signers;
}

/* The signatures as they stand in the bundle. */
static const char *sign(const struct ssh_keys *keys, const struct attempt *attempt,
                        const char *manifest)
{
    static char text[16384];
    const char *name_space = attempt->name_space != NULL ? attempt->name_space : "hotdrop";
    size_t length = 0;
    for (size_t i = 0; i < 2; i++) {
        const char *signer = i == 0 && attempt->signers[0] == NULL ? "ann" : attempt->signers[i];
        if (signer == NULL)
            continue;
        struct hd_bytes one = ssh_sign(keys, signer, name_space, manifest);
        memcpy(text + length, one.data, one.length);
        length += one.length;
    }
    text[length - attempt->cut] = '\0';
    return attempt->signatures != NULL ? attempt->signatures : text;
}

static void try(const struct ssh_keys *keys, const struct hd_signers *signers,
                const struct attempt *attempt)
{
    static char manifest[2048];
    struct hd_error err = HD_ERROR_INIT;
    struct hd_seal seal;
    const char *members = attempt->signed_members != NULL ? attempt->signed_members : SIGNED;
    const struct hd_seal_terms terms = {
        .signers = signers,
        .approvals = attempt->approvals != 0 ? attempt->approvals : 1,
        .target = "shop",
        .now = attempt->now != 0 ? attempt->now : NOW,
    };
    const char *signatures = sign(keys, attempt, sealing_manifest(members));
    snprintf(manifest, sizeof manifest, "%s",
             sealing_manifest(attempt->members != NULL ? attempt->members : members));
    struct hd_bundle *bundle = sealed_of(
        attempt->entries[0].name != NULL ? attempt->entries : whole, manifest, signatures);
    enum hd_reason reason = hd_seal_judge(bundle, &terms, &seal, &err);
    if (reason != attempt->reason)
        fail_msg("%s: %s (%s)", attempt->what, hd_reason_word(reason), err.text);
    if (reason == HD_REASON_NONE)
        hd_seal_close(&seal);
    hd_bundle_free(bundle);
}

static void every_attempt_ends_in_its_reason(void **state)
{
    struct hd_signers *signers = allowed(*state);
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
        try(*state, signers, &attempts[i]);
    hd_signers_free(signers);
}

/* Whichever byte of the manifest is changed, it is not what was signed. */
static void no_changed_byte_of_a_manifest_goes_unseen(void **state)
{
    static char manifest[2048], signatures[16384];
    struct hd_signers *signers = allowed(*state);
    const struct hd_seal_terms terms = {
        .signers = signers, .approvals = 1, .target = "shop", .now = NOW
    };
    snprintf(manifest, sizeof manifest, "%s", sealing_manifest(SIGNED));
    snprintf(signatures, sizeof signatures, "%s", sealing_sign(*state, manifest, "ann", NULL));
    for (size_t at = 0; manifest[at] != '\0'; at++) {
        struct hd_error err = HD_ERROR_INIT;
        struct hd_seal seal;
        manifest[at] ^= 1;
        struct hd_bundle *bundle = sealed_of(whole, manifest, signatures);
        manifest[at] ^= 1;
        assert_int_equal(hd_seal_judge(bundle, &terms, &seal, &err), HD_REASON_SIGNATURE_INVALID);
        hd_bundle_free(bundle);
    }
    hd_signers_free(signers);
}

#define SSH_TEST(name) cmocka_unit_test_setup_teardown(name, ssh_keys_start, ssh_keys_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SSH_TEST(every_attempt_ends_in_its_reason),
        SSH_TEST(no_changed_byte_of_a_manifest_goes_unseen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
