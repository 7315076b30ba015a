/* SPDX-License-Identifier: Apache-2.0 */
#include "core/signers.h"

#include "core/ssh_signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/every_allocation.h"
#include "tests/unit/ssh_keygen.h"

#define NOW INT64_C(1790000000) /* 2026-09-21 */

/* The public half of a key as a line of the file has it: "TYPE BASE64". */
static const char *public_half(const struct ssh_keys *keys, const char *name)
{
    static char half[2048];
    char file[64];
    snprintf(file, sizeof file, "%s.pub", name);
    struct hd_bytes text = ssh_read(keys, file);
    snprintf(half, sizeof half, "%.*s", (int)text.length, text.data);
    *strchr(strchr(half, ' ') + 1, ' ') = '\0';
    return half;
}

static struct hd_signers *read_text(const char *text)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_signers *signers = NULL;
    struct hd_bytes bytes = { (const uint8_t *)text, strlen(text) };
    assert_int_equal(hd_signers_read(bytes, &signers, &err), 0);
    return signers;
}

static void expect(const struct ssh_keys *keys, const char *key, const struct hd_signers *signers,
                   const char *principal, const char *words)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_ssh_signature signature;
    struct hd_bytes armour = ssh_sign(keys, key, "hotdrop", "x");
    const char *found = NULL;
    assert_int_equal(hd_ssh_signature_next(&armour, &signature, &err), 1);
    int status = hd_signers_find(signers, signature.key, NOW, &found, &err);
    hd_ssh_signature_close(&signature);
    assert_int_equal(status, principal != NULL ? 0 : -1);
    if (principal != NULL) {
        assert_string_equal(found, principal);
        return;
    }
    assert_int_equal(err.code, HD_E_DENIED);
    assert_non_null(strstr(err.text, words));
}

static void a_key_is_found_by_its_line(void **state)
{
    char text[4096];
    ssh_make_key(*state, "ann", "-t ed25519");
    ssh_make_key(*state, "ben", "-t rsa -b 2048");
    ssh_make_key(*state, "eve", "-t ed25519");
    int length =
        snprintf(text, sizeof text, "# who may sign\n\n  ann@example.org,second %s ann\r\n",
                 public_half(*state, "ann"));
    snprintf(text + length, sizeof text - (size_t)length,
             "\"ben the builder\" namespaces=\"git,hot*\" %s", public_half(*state, "ben"));
    struct hd_signers *signers = read_text(text);
    expect(*state, "ann", signers, "ann@example.org", NULL);
    expect(*state, "ben", signers, "ben the builder", NULL);
    expect(*state, "eve", signers, NULL, "not among the allowed signers");
    hd_signers_free(signers);
}

static void expect_of_options(const struct ssh_keys *keys, const char *options,
                              const char *principal, const char *words)
{
    char text[4096];
    snprintf(text, sizeof text, "ann %s %s\n", options, public_half(keys, "ann"));
    struct hd_signers *signers = read_text(text);
    expect(keys, "ann", signers, principal, words);
    hd_signers_free(signers);
}

static void a_line_holds_in_its_time_and_namespace_only(void **state)
{
    ssh_make_key(*state, "ann", "-t ed25519");
    expect_of_options(*state, "valid-after=\"20260101Z\",valid-before=\"20270101000000Z\"", "ann",
                      NULL);
    expect_of_options(*state, "valid-before=202601010000Z", NULL, "at this time");
    expect_of_options(*state, "valid-after=20270101", NULL, "at this time");
    expect_of_options(*state, "namespaces=\"git\"", NULL, "namespace");
    expect_of_options(*state, "namespaces=\"git,hotdrop\"", "ann", NULL);
}

static void a_negated_namespace_outweighs_the_others(void **state)
{
    ssh_make_key(*state, "ann", "-t ed25519");
    expect_of_options(*state, "namespaces=\"!hotdrop,*\"", NULL, "namespace");
    expect_of_options(*state, "namespaces=\"*,!hot*\"", NULL, "namespace");
    expect_of_options(*state, "namespaces=\"*,!h?tdrop\"", NULL, "namespace");
    expect_of_options(*state, "namespaces=\"!git\"", NULL, "namespace");
    expect_of_options(*state, "namespaces=\"!git,*\"", "ann", NULL);
    expect_of_options(*state, "namespaces=\"h?tdrop\"", "ann", NULL);
    expect_of_options(*state, "namespaces=\"[h]otdrop\"", NULL, "namespace");
}

static void of_two_lines_for_a_key_the_one_that_holds_counts(void **state)
{
    char text[4096];
    ssh_make_key(*state, "ann", "-t ed25519");
    const char *half = public_half(*state, "ann");
    snprintf(text, sizeof text, "old valid-before=20200101Z %s\nnew %s\n", half, half);
    struct hd_signers *signers = read_text(text);
    expect(*state, "ann", signers, "new", NULL);
    hd_signers_free(signers);
}

static void what_is_not_understood_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {
        { "ann\n", "line 1: not" },
        { "# fine\nann ssh-ed25519\n", "line 2: not" },
        { "ann ssh-ed25519 AAAA!\n", "base64" },
        { "ann cert-authority ssh-ed25519 AAAAAAAA\n", "cert-authority is not known" },
        { "ann valid-after=tomorrow ssh-ed25519 AAAAAAAA\n", "tomorrow" },
        { "ann valid-after=\"2026\" ssh-ed25519 AAAAAAAA\n", "2026" },
        { "ann valid-before=20261301Z ssh-ed25519 AAAAAAAA\n", "20261301" },
        { "ann valid-before=202601019999Z ssh-ed25519 AAAAAAAA\n", "202601019999" },
        { "ann namespaces ssh-ed25519 AAAAAAAA\n", "namespaces is not known" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct hd_error err = HD_ERROR_INIT;
        struct hd_signers *signers = NULL;
        struct hd_bytes bytes = { (const uint8_t *)bad[i].text, strlen(bad[i].text) };
        assert_int_equal(hd_signers_read(bytes, &signers, &err), -1);
        assert_int_equal(err.code, HD_E_FORMAT);
        assert_non_null(strstr(err.text, bad[i].words));
    }
}

static void an_empty_file_allows_nobody(void **state)
{
    ssh_make_key(*state, "ann", "-t ed25519");
    struct hd_signers *signers = read_text("");
    expect(*state, "ann", signers, NULL, "not among");
    hd_signers_free(signers);
}

static int attempt(void *context, struct hd_error *err)
{
    struct hd_signers *signers = NULL;
    struct hd_bytes bytes = { context, strlen(context) };
    int status = hd_signers_read(bytes, &signers, err);
    hd_signers_free(signers);
    return status;
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    static char text[] = "ann namespaces=\"a\" ssh-ed25519 AAAAAAAA\nben ssh-rsa AAAAAAAA c\n";
    fail_every_allocation(attempt, text);
}

#define SSH_TEST(name) cmocka_unit_test_setup_teardown(name, ssh_keys_start, ssh_keys_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SSH_TEST(a_key_is_found_by_its_line),
        SSH_TEST(a_line_holds_in_its_time_and_namespace_only),
        SSH_TEST(a_negated_namespace_outweighs_the_others),
        SSH_TEST(of_two_lines_for_a_key_the_one_that_holds_counts),
        cmocka_unit_test(what_is_not_understood_is_refused_with_its_line),
        SSH_TEST(an_empty_file_allows_nobody),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
