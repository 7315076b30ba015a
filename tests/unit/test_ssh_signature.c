/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh_signature.h"

#include "core/digest.h"
#include "core/ssh_key.h"
#include "core/ssh_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/every_allocation.h"
#include "tests/unit/ssh_keygen.h"

#include <openssl/evp.h>

#define MESSAGE "{\"hotdrop\":1}"

static struct hd_bytes text(const char *text)
{
    return (struct hd_bytes){ (const uint8_t *)text, strlen(text) };
}

static void parse(struct hd_bytes armour, struct hd_ssh_signature *out)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_ssh_signature_next(&armour, out, &err), 1);
}

static void expect_verdict(struct hd_bytes armour, const char *message, enum hd_error_code code,
                           const char *words)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_ssh_signature signature;
    parse(armour, &signature);
    int status = hd_ssh_signature_verify(&signature, text(message), &err);
    hd_ssh_signature_close(&signature);
    assert_int_equal(err.code, code);
    assert_int_equal(status, code == HD_OK ? 0 : -1);
    assert_non_null(strstr(err.text, words));
}

static void every_kind_of_key_that_ssh_keygen_makes_is_understood(void **state)
{
    static const char *const options[] = { "-t ed25519",      "-t ecdsa -b 256", "-t ecdsa -b 384",
                                           "-t ecdsa -b 521", "-t rsa -b 2048",  "-t rsa -b 4096" };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char name[16];
        snprintf(name, sizeof name, "key%zu", i);
        ssh_make_key(*state, name, options[i]);
        struct hd_bytes armour = ssh_sign(*state, name, "hotdrop", MESSAGE);
        expect_verdict(armour, MESSAGE, HD_OK, "");
        expect_verdict(armour, MESSAGE " ", HD_E_DENIED, "does not fit");
    }
}

static void a_signature_for_something_else_is_none_for_us(void **state)
{
    ssh_make_key(*state, "key", "-t ed25519");
    expect_verdict(ssh_sign(*state, "key", "git", MESSAGE), MESSAGE, HD_E_DENIED, "namespace");
}

static void a_weak_rsa_key_is_refused(void **state)
{
    ssh_make_key(*state, "key", "-t rsa -b 1024");
    expect_verdict(ssh_sign(*state, "key", "hotdrop", MESSAGE), MESSAGE, HD_E_DENIED, "1024 bits");
}

static void both_digests_of_ssh_keygen_are_understood(void **state)
{
    ssh_make_key(*state, "key", "-t ed25519");
    ssh_run(*state, "printf '%s' '" MESSAGE "' >m && ssh-keygen -q -Y sign -n hotdrop "
                    "-O hashalg=sha256 -f key m 2>/dev/null");
    expect_verdict(ssh_read(*state, "m.sig"), MESSAGE, HD_OK, "");
}

/* Whichever bit of the signature flips, it fits no longer or is no signature any more. */
static void no_flipped_bit_goes_unseen(void **state)
{
    ssh_make_key(*state, "key", "-t ed25519");
    struct hd_ssh_signature signature;
    parse(ssh_sign(*state, "key", "hotdrop", MESSAGE), &signature);
    const uint8_t *end = signature.blob.data + signature.blob.length;
    for (uint8_t *byte = (uint8_t *)(uintptr_t)signature.key.data; byte < end; byte++) {
        if (byte >= signature.key.data + signature.key.length && byte < signature.signature.data)
            continue; /* lengths, which were read already; and what is checked apart */
        for (unsigned bit = 0; bit < 8; bit++) {
            struct hd_error err = HD_ERROR_INIT;
            *byte ^= (uint8_t)(1u << bit);
            assert_int_equal(hd_ssh_signature_verify(&signature, text(MESSAGE), &err), -1);
            *byte ^= (uint8_t)(1u << bit);
        }
    }
    hd_ssh_signature_close(&signature);
}

static void several_signatures_stand_one_after_the_other(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_ssh_signature first, second;
    static char both[8192];
    ssh_make_key(*state, "a", "-t ed25519");
    ssh_make_key(*state, "b", "-t ecdsa");
    struct hd_bytes one = ssh_sign(*state, "a", "hotdrop", MESSAGE);
    size_t length = (size_t)snprintf(both, sizeof both, "\n%.*s\r\n\n", (int)one.length, one.data);
    one = ssh_sign(*state, "b", "hotdrop", MESSAGE);
    snprintf(both + length, sizeof both - length, "%.*s", (int)one.length, one.data);

    struct hd_bytes rest = text(both);
    assert_int_equal(hd_ssh_signature_next(&rest, &first, &err), 1);
    assert_int_equal(hd_ssh_signature_next(&rest, &second, &err), 1);
    struct hd_ssh_signature none;
    assert_int_equal(hd_ssh_signature_next(&rest, &none, &err), 0);
    assert_int_equal(hd_ssh_signature_verify(&first, text(MESSAGE), &err), 0);
    assert_int_equal(hd_ssh_signature_verify(&second, text(MESSAGE), &err), 0);
    assert_int_not_equal(first.key.length, second.key.length);
    hd_ssh_signature_close(&first);
    hd_ssh_signature_close(&second);
}

static void expect_damaged(struct hd_bytes armour)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_ssh_signature signature;
    long before = hd_alloc_outstanding();
    assert_int_equal(hd_ssh_signature_next(&armour, &signature, &err), -1);
    assert_int_equal(err.code, HD_E_FORMAT);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static void what_is_cut_off_anywhere_is_no_signature(void **state)
{
    ssh_make_key(*state, "key", "-t ed25519");
    struct hd_bytes armour = ssh_sign(*state, "key", "hotdrop", MESSAGE);
    size_t whole = armour.length - 1; /* the newline at the end is not needed */
    for (size_t length = 1; length < whole; length++)
        expect_damaged((struct hd_bytes){ armour.data, length });
    expect_damaged(text("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"));
    expect_damaged(text("-----BEGIN SSH SIGNATURE-----\n!!!!\n-----END SSH SIGNATURE-----\n"));
}

/* ---- hardware keys: what they make is made here, for nobody touches one in a test -------------- */

static void append_u8_string(struct hd_buffer *buffer, const void *data, size_t length)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_ssh_append_string(buffer, (struct hd_bytes){ data, length }, &err), 0);
}

static void append(struct hd_buffer *buffer, const void *data, size_t length)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_buffer_append(buffer, data, length, &err), 0);
}

static void sign_in_hardware(EVP_PKEY *pkey, uint8_t flags, struct hd_bytes data,
                             struct hd_buffer *signature)
{
    const uint8_t tail[5] = { flags, 0, 0, 0, 7 };
    struct hd_digest application, message;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_buffer signed_data = HD_BUFFER_INIT;
    uint8_t raw[64];
    size_t length = sizeof raw;
    assert_int_equal(hd_digest_of("ssh:", 4, &application, &err), 0);
    assert_int_equal(hd_digest_of(data.data, data.length, &message, &err), 0);
    append(&signed_data, application.bytes, sizeof application.bytes);
    append(&signed_data, tail, sizeof tail);
    append(&signed_data, message.bytes, sizeof message.bytes);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, pkey), 1);
    assert_int_equal(EVP_DigestSign(context, raw, &length, signed_data.data, signed_data.length),
                     1);
    EVP_MD_CTX_free(context);
    hd_buffer_close(&signed_data);
    append_u8_string(signature, "sk-ssh-ed25519@openssh.com", 26);
    append_u8_string(signature, raw, length);
    append(signature, tail, sizeof tail);
}

static void a_hardware_key_signs_when_somebody_touches_it(void **state)
{
    (void)state;
    struct hd_buffer key = HD_BUFFER_INIT, touched = HD_BUFFER_INIT, untouched = HD_BUFFER_INIT;
    uint8_t raw[32];
    size_t length = sizeof raw;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_non_null(pkey);
    assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, raw, &length), 1);
    append_u8_string(&key, "sk-ssh-ed25519@openssh.com", 26);
    append_u8_string(&key, raw, length);
    append_u8_string(&key, "ssh:", 4);
    sign_in_hardware(pkey, 1, text(MESSAGE), &touched);
    sign_in_hardware(pkey, 0, text(MESSAGE), &untouched);
    EVP_PKEY_free(pkey);

    struct hd_error err = HD_ERROR_INIT;
    struct hd_bytes public_key = hd_buffer_view(&key);
    assert_int_equal(hd_ssh_key_verify(public_key, hd_buffer_view(&touched), text(MESSAGE), &err),
                     0);
    assert_int_equal(hd_ssh_key_verify(public_key, hd_buffer_view(&touched), text("other"), &err),
                     -1);
    assert_int_equal(err.code, HD_E_DENIED);
    hd_error_clear(&err);
    assert_int_equal(hd_ssh_key_verify(public_key, hd_buffer_view(&untouched), text(MESSAGE), &err),
                     -1);
    assert_non_null(strstr(err.text, "touched"));
    hd_buffer_close(&key);
    hd_buffer_close(&touched);
    hd_buffer_close(&untouched);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int attempt(void *context, struct hd_error *err)
{
    struct hd_bytes armour = *(const struct hd_bytes *)context;
    struct hd_ssh_signature signature;
    if (hd_ssh_signature_next(&armour, &signature, err) != 1)
        return -1;
    int status = hd_ssh_signature_verify(&signature, text(MESSAGE), err);
    hd_ssh_signature_close(&signature);
    return status;
}

static void every_failed_allocation_is_told(void **state)
{
    ssh_make_key(*state, "key", "-t ed25519");
    struct hd_bytes armour = ssh_sign(*state, "key", "hotdrop", MESSAGE);
    fail_every_allocation(attempt, &armour);
}

#define SSH_TEST(name) cmocka_unit_test_setup_teardown(name, ssh_keys_start, ssh_keys_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SSH_TEST(every_kind_of_key_that_ssh_keygen_makes_is_understood),
        SSH_TEST(a_signature_for_something_else_is_none_for_us),
        SSH_TEST(a_weak_rsa_key_is_refused),
        SSH_TEST(both_digests_of_ssh_keygen_are_understood),
        SSH_TEST(no_flipped_bit_goes_unseen),
        SSH_TEST(several_signatures_stand_one_after_the_other),
        SSH_TEST(what_is_cut_off_anywhere_is_no_signature),
        cmocka_unit_test(a_hardware_key_signs_when_somebody_touches_it),
        SSH_TEST(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
