/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/digest.h"

#include <string.h>

static void digest_is(const char *text, const char *wanted)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_digest digest;
    char hex[HD_DIGEST_HEX_SIZE];
    assert_int_equal(hd_digest_of(text, strlen(text), &digest, &err), 0);
    hd_digest_to_hex(&digest, hex);
    assert_string_equal(hex, wanted);
}

/* FIPS 180-4's examples. */
static void known_texts_have_their_known_digests(void **state)
{
    (void)state;
    digest_is("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_is("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void a_digester_starts_afresh_after_each_digest(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_digest whole;
    struct hd_digest pieces;
    struct hd_digester *digester = hd_digester_new();
    assert_non_null(digester);
    hd_digester_add(digester, "something else", 14);
    assert_int_equal(hd_digester_finish(digester, &pieces, &err), 0);
    hd_digester_add(digester, "a", 1);
    hd_digester_add(digester, NULL, 0);
    hd_digester_add(digester, "bc", 2);
    assert_int_equal(hd_digest_of("abc", 3, &whole, &err), 0);
    assert_false(hd_digest_equal(&whole, &pieces));
    assert_int_equal(hd_digester_finish(digester, &pieces, &err), 0);
    assert_true(hd_digest_equal(&whole, &pieces));
    hd_digester_free(digester);
    hd_digester_free(NULL);
}

static void hex_is_read_only_where_it_is_a_whole_digest(void **state)
{
    (void)state;
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    char hex[HD_DIGEST_HEX_SIZE], other[80];
    struct hd_digest digest = { { 1 } };
    assert_true(hd_digest_from_hex(abc, &digest));
    hd_digest_to_hex(&digest, hex);
    assert_string_equal(hex, abc);
    assert_false(hd_digest_from_hex(NULL, &digest));
    assert_false(hd_digest_from_hex(abc + 1, &digest));
    snprintf(other, sizeof other, "%s0", abc);
    assert_false(hd_digest_from_hex(other, &digest));
    snprintf(other, sizeof other, "%s", abc);
    other[63] = 'D';
    assert_false(hd_digest_from_hex(other, &digest));
    hd_digest_to_hex(&digest, hex);
    assert_string_equal(hex, abc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts_have_their_known_digests),
        cmocka_unit_test(a_digester_starts_afresh_after_each_digest),
        cmocka_unit_test(hex_is_read_only_where_it_is_a_whole_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
