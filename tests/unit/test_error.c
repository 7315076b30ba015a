/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

static void the_first_error_stays(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    assert_false(hd_error_is_set(&err));
    assert_int_equal(hd_error_set(&err, HD_E_FORMAT, "constant %u: bad tag %u", 7u, 99u), -1);
    assert_int_equal(hd_error_set(&err, HD_E_LIMIT, "later"), -1);
    assert_int_equal(hd_error_set_errno(&err, ENOENT, "later"), -1);
    assert_int_equal(hd_error_set_memory(&err), -1);
    assert_int_equal(err.code, HD_E_FORMAT);
    assert_string_equal(err.text, "constant 7: bad tag 99");
}

static void an_error_without_a_place_for_it_is_only_returned(void **state)
{
    (void)state;
    assert_int_equal(hd_error_set(NULL, HD_E_FORMAT, "nobody asks"), -1);
    assert_int_equal(hd_error_set_errno(NULL, ENOENT, "nobody asks"), -1);
    assert_int_equal(hd_error_prefix(NULL, "nobody asks"), -1);
}

static void a_system_error_ends_in_its_words(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_error_set_errno(&err, ENOENT, "/no/such/%s", "file"), -1);
    assert_int_equal(err.code, HD_E_SYSTEM);
    assert_string_equal(err.text, "/no/such/file: No such file or directory");
}

static void a_prefix_goes_in_front_and_needs_an_error(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    hd_error_prefix(&err, "app.jar");
    assert_string_equal(err.text, "");
    hd_error_set(&err, HD_E_FORMAT, "no class in it");
    hd_error_prefix(&err, "%s.jar", "app");
    assert_string_equal(err.text, "app.jar: no class in it");
    assert_int_equal(err.code, HD_E_FORMAT);
}

static void a_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    char words[2 * HD_ERROR_TEXT_MAX];
    for (size_t i = 0; i + 2 < sizeof words; i += 2)
        memcpy(words + i, "\xC3\xA9", 2);
    words[sizeof words - 2] = '\0';
    for (size_t shift = 0; shift < 2; shift++) {
        struct hd_error err = HD_ERROR_INIT;
        hd_error_set(&err, HD_E_FORMAT, "%.*s%s", (int)shift, "x", words);
        assert_true(strlen(err.text) >= HD_ERROR_TEXT_MAX - 4);
        assert_true(hd_text_is_utf8(err.text, strlen(err.text)));
        hd_error_prefix(&err, "abc");
        assert_true(strlen(err.text) < HD_ERROR_TEXT_MAX);
        assert_true(hd_text_is_utf8(err.text, strlen(err.text)));
    }
}

static void clearing_makes_room_for_the_next_error(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    hd_error_set_memory(&err);
    assert_int_equal(err.code, HD_E_MEMORY);
    hd_error_clear(&err);
    assert_false(hd_error_is_set(&err));
    assert_string_equal(err.text, "");
    hd_error_set(&err, HD_E_DENIED, "no");
    assert_int_equal(err.code, HD_E_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(an_error_without_a_place_for_it_is_only_returned),
        cmocka_unit_test(a_system_error_ends_in_its_words),
        cmocka_unit_test(a_prefix_goes_in_front_and_needs_an_error),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(clearing_makes_room_for_the_next_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
