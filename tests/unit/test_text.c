/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text.h"

#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#define BYTES(literal) ((struct hd_bytes){ (const uint8_t *)(literal), sizeof(literal) - 1 })

static void well_formed_utf8_is_told_from_the_rest(void **state)
{
    (void)state;
    static const char *const good[] = { "",
                                        "plain",
                                        "\x7F",
                                        "\xC2\x80",
                                        "\xDF\xBF",
                                        "\xE0\xA0\x80",
                                        "\xED\x9F\xBF",
                                        "\xEE\x80\x80",
                                        "\xEF\xBF\xBF",
                                        "\xF0\x90\x80\x80",
                                        "\xF4\x8F\xBF\xBF" };
    static const char *const bad[] = { "\x80",
                                       "\xBF",
                                       "\xC0\x80",
                                       "\xC1\xBF",
                                       "\xC2",
                                       "\xC2\x41",
                                       "\xE0\x9F\xBF",
                                       "\xE2\x82",
                                       "\xED\xA0\x80",
                                       "\xED\xBF\xBF",
                                       "\xF0\x8F\xBF\xBF",
                                       "\xF4\x90\x80\x80",
                                       "\xF5\x80\x80\x80",
                                       "\xFF",
                                       "ok\xE2\x82" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(hd_text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(hd_text_is_utf8(bad[i], strlen(bad[i])));
    assert_true(hd_text_is_utf8("a\0b", 3));
}

static void assert_becomes(struct hd_bytes modified, const char *expected)
{
    char *text = hd_text_from_modified_utf8(modified);
    assert_non_null(text);
    assert_string_equal(text, expected);
    assert_true(hd_text_is_utf8(text, strlen(text)));
    hd_free(text);
}

static void modified_utf8_becomes_utf8(void **state)
{
    (void)state;
    assert_becomes(BYTES(""), "");
    assert_becomes(BYTES("plain/Name$1"), "plain/Name$1");
    assert_becomes(BYTES("caf\xC3\xA9"), "caf\xC3\xA9");
    assert_becomes(BYTES("a\xC0\x80z"), "a\\0z");
    assert_becomes(BYTES("a\0z"), "a\\0z");
    assert_becomes(BYTES("<\xED\xA0\xBD\xED\xB8\x80>"), "<\xF0\x9F\x98\x80>");
}

static void what_is_no_character_is_shown_as_replaced(void **state)
{
    (void)state;
    assert_becomes(BYTES("a\xED\xA0\xBD"), "a\xEF\xBF\xBD");
    assert_becomes(BYTES("a\xED\xA0\xBD-"), "a\xEF\xBF\xBD-");
    assert_becomes(BYTES("\xED\xB8\x80z"), "\xEF\xBF\xBDz");
    assert_becomes(BYTES("\xED\xA0\xBD\xED\xA0\xBD\xED\xB8\x80"), "\xEF\xBF\xBD\xF0\x9F\x98\x80");
    assert_becomes(BYTES("\xFFz\xE2\x82"), "\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void a_class_name_gets_its_java_form(void **state)
{
    (void)state;
    char *name = hd_text_class_name(BYTES("com/example/Foo$Bar"));
    assert_string_equal(name, "com.example.Foo$Bar");
    hd_free(name);
    hd_alloc_fail_at(1);
    assert_null(hd_text_class_name(BYTES("Foo")));
    hd_alloc_fail_at(1);
    assert_null(hd_text_class_name(BYTES("Foo\xFF")));
    hd_alloc_fail_at(0);
}

static void assert_size(const char *text, uint64_t expected)
{
    uint64_t bytes = 0;
    assert_int_equal(hd_text_parse_size(text, &bytes, NULL), 0);
    assert_true(bytes == expected);
}

static void sizes_are_read_as_people_write_them(void **state)
{
    (void)state;
    assert_size("0", 0);
    assert_size("1234", 1234);
    assert_size("64K", 65536);
    assert_size("256M", UINT64_C(256) << 20);
    assert_size("1G", UINT64_C(1) << 30);
    assert_size("1g", UINT64_C(1) << 30);
    assert_size("18446744073709551615", UINT64_MAX);
    static const char *const bad[] = { "",
                                       "K",
                                       "-1",
                                       "+1",
                                       " 1",
                                       "1 ",
                                       "1.5M",
                                       "1KB",
                                       "1MM",
                                       "0x10",
                                       "18446744073709551616",
                                       "17179869184G",
                                       "99999999999999999999999" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct hd_error err = HD_ERROR_INIT;
        uint64_t bytes = 77;
        assert_int_equal(hd_text_parse_size(bad[i], &bytes, &err), -1);
        assert_int_equal(err.code, HD_E_USAGE);
        assert_non_null(strstr(err.text, bad[i]));
        assert_true(bytes == 77);
    }
}

static void times_need_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t milliseconds;
    } good[] = {
        { "30ms", 30 }, { "0ms", 0 }, { "2s", 2000 }, { "1m", 60000 }, { "2min", 120000 }
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t milliseconds = 77;
        assert_int_equal(hd_text_parse_time(good[i].text, &milliseconds, NULL), 0);
        assert_true(milliseconds == good[i].milliseconds);
    }
    static const char *const bad[] = { "",    "30",  "ms", "1.5s",
                                       "-1s", "1 s", "1h", "18446744073709551615s" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct hd_error err = HD_ERROR_INIT;
        uint64_t milliseconds = 77;
        assert_int_equal(hd_text_parse_time(bad[i], &milliseconds, &err), -1);
        assert_int_equal(err.code, HD_E_USAGE);
        assert_true(milliseconds == 77);
    }
}

static void numbers_stay_within_their_bounds(void **state)
{
    (void)state;
    uint64_t number = 0;
    assert_int_equal(hd_text_parse_number("1", 1, 65535, &number, NULL), 0);
    assert_true(number == 1);
    assert_int_equal(hd_text_parse_number("65535", 1, 65535, &number, NULL), 0);
    assert_true(number == 65535);
    static const char *const bad[] = { "0", "65536", "", "1x", "x1", "-1", " 1" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct hd_error err = HD_ERROR_INIT;
        assert_int_equal(hd_text_parse_number(bad[i], 1, 65535, &number, &err), -1);
        assert_int_equal(err.code, HD_E_USAGE);
        assert_non_null(strstr(err.text, "from 1 to 65535"));
    }
    assert_true(number == 65535);
}

static void a_bad_value_cannot_disturb_the_line_that_repeats_it(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    uint64_t bytes;
    assert_int_equal(hd_text_parse_size("1\n\x1B[31mM", &bytes, &err), -1);
    assert_null(strchr(err.text, '\n'));
    assert_null(strchr(err.text, '\x1B'));
}

static void assert_escaped(const char *text, size_t capacity, const char *expected)
{
    char out[64];
    memset(out, '#', sizeof out);
    hd_text_escape(text, out, capacity);
    assert_string_equal(out, expected);
    for (size_t i = capacity; i < sizeof out; i++)
        assert_int_equal(out[i], '#');
}

static void escaping_leaves_one_harmless_line(void **state)
{
    (void)state;
    assert_escaped("plain caf\xC3\xA9", 64, "plain caf\xC3\xA9");
    assert_escaped("a\nb\tc\x1B[0m\x7F", 64, "a\\x0Ab\\x09c\\x1B[0m\\x7F");
    assert_escaped("bad \xFF\xE2\x82", 64, "bad \\xFF\\xE2\\x82");
    assert_escaped("\xC2\x9B", 64, "\\xC2\\x9B");
    assert_escaped("\xE2\x80\xAE", 64, "\\xE2\\x80\\xAE");
    assert_escaped("\xE2\x80\xA8", 64, "\\xE2\\x80\\xA8");
}

static void what_is_too_long_is_cut_and_says_so(void **state)
{
    (void)state;
    assert_escaped("12345678", 9, "12345678");
    assert_escaped("123456789", 9, "12345\xE2\x80\xA6");
    assert_escaped("123\xC3\xA9\xC3\xA9\xC3\xA9", 9, "123\xC3\xA9\xE2\x80\xA6");
    assert_escaped("1234\xC3\xA9\xC3\xA9\xC3\xA9", 9, "1234\xE2\x80\xA6");
    assert_escaped("\n\n\n", 9, "\\x0A\xE2\x80\xA6");
    assert_escaped("12345", 4, "\xE2\x80\xA6");
    assert_escaped("12345", 3, "");
    assert_escaped("12345", 1, "");
    char untouched = '#';
    hd_text_escape("x", &untouched, 0);
    assert_int_equal(untouched, '#');
}

static void times_are_written_in_utc_whatever_the_zone(void **state)
{
    (void)state;
    setenv("TZ", "Asia/Kathmandu", 1);
    tzset();
    char out[HD_TEXT_TIME_SIZE];
    hd_text_utc(INT64_C(1769862896789123), out);
    assert_string_equal(out, "2026-01-31T12:34:56.789Z");
    hd_text_utc(0, out);
    assert_string_equal(out, "1970-01-01T00:00:00.000Z");
    hd_text_utc(-1, out);
    assert_string_equal(out, "1969-12-31T23:59:59.999Z");
    hd_text_utc(INT64_MAX, out);
    assert_true(strlen(out) < HD_TEXT_TIME_SIZE);
    hd_text_utc(INT64_MIN, out);
    assert_true(strlen(out) < HD_TEXT_TIME_SIZE);
}

static void now_is_the_time_of_day(void **state)
{
    (void)state;
    time_t before = time(NULL);
    int64_t now = hd_text_now();
    assert_true(now / 1000000 >= before);
    assert_true(now / 1000000 <= time(NULL) + 1);
}

static void what_is_formatted_is_not_cut_inside_a_character(void **state)
{
    (void)state;
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
    static const char *const fits[] = { "", "", "a", "a", "a\xC3\xA9", "a\xC3\xA9", "a\xC3\xA9" };
    char out[sizeof text];
    for (size_t capacity = 1; capacity <= sizeof text; capacity++) {
        hd_text_format(out, capacity, "%s", text);
        assert_true(hd_text_is_utf8(out, strlen(out)));
        size_t most = capacity - 1;
        assert_int_equal(hd_text_fit(text, sizeof text - 1, most), strlen(out));
        if (capacity < sizeof fits / sizeof fits[0])
            assert_string_equal(out, fits[capacity]);
    }
    assert_string_equal(out, text);
    hd_text_format(out, 3, "\xA9\xA9\xA9\xA9"); /* stray bytes are no cut character */
    assert_string_equal(out, "\xA9\xA9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_utf8_is_told_from_the_rest),
        cmocka_unit_test(modified_utf8_becomes_utf8),
        cmocka_unit_test(what_is_no_character_is_shown_as_replaced),
        cmocka_unit_test(a_class_name_gets_its_java_form),
        cmocka_unit_test(sizes_are_read_as_people_write_them),
        cmocka_unit_test(times_need_a_unit),
        cmocka_unit_test(numbers_stay_within_their_bounds),
        cmocka_unit_test(a_bad_value_cannot_disturb_the_line_that_repeats_it),
        cmocka_unit_test(escaping_leaves_one_harmless_line),
        cmocka_unit_test(what_is_too_long_is_cut_and_says_so),
        cmocka_unit_test(what_is_formatted_is_not_cut_inside_a_character),
        cmocka_unit_test(times_are_written_in_utc_whatever_the_zone),
        cmocka_unit_test(now_is_the_time_of_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
