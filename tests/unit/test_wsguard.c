/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/wsguard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
/* A masked text frame "hi", a masked empty binary frame, a masked ping. */
#define GOOD_FRAMES                                                                                \
    "\x81\x82"                                                                                     \
    "abcd"                                                                                         \
    "\x09\x0b"                                                                                     \
    "\x82\x80"                                                                                     \
    "\x00\x00\x00\x00"                                                                             \
    "\x89\x82"                                                                                     \
    "\x00\x00\x00\x00"                                                                             \
    "\x03\xe8"
/* What the guard puts in place of a bad frame: a close with this code. */
#define CLOSE_OF(high, low) "\x88\x82\0\0\0\0" high low

struct run {
    uint8_t out[HD_WSGUARD_HEAD_MAX * 16];
    size_t length;
    enum hd_wsguard_verdict verdict;
};

/* Feeds the bytes in pieces of the given size. */
static struct run *run(const void *bytes, size_t length, size_t piece)
{
    static struct run result;
    struct hd_wsguard guard = HD_WSGUARD_INIT;
    result.length = 0;
    for (size_t at = 0; at < length; at += piece) {
        size_t count = length - at < piece ? length - at : piece;
        size_t passed =
            hd_wsguard_pass(&guard, (const uint8_t *)bytes + at, count, result.out + result.length);
        assert_true(passed <= count + HD_WSGUARD_EXTRA);
        result.length += passed;
    }
    result.verdict = guard.verdict;
    return &result;
}

static void assert_passes_whole(const void *bytes, size_t length)
{
    for (size_t piece = 1; piece <= length; piece = piece * 2 + 1) {
        struct run *result = run(bytes, length, piece);
        assert_int_equal(result->verdict, HD_WSGUARD_GOOD);
        assert_int_equal(result->length, length);
        assert_memory_equal(result->out, bytes, length);
    }
}

static void masked_frames_pass_unchanged_however_they_are_cut(void **state)
{
    (void)state;
    assert_passes_whole(HEAD GOOD_FRAMES, sizeof(HEAD GOOD_FRAMES) - 1);
}

static void long_frames_pass_with_both_forms_of_length(void **state)
{
    (void)state;
    static uint8_t bytes[sizeof HEAD + 70000 + 300];
    size_t at = sizeof HEAD - 1;
    memcpy(bytes, HEAD, at);
    memcpy(bytes + at, "\x82\xfe\x00\xc8", 4); /* 200 bytes */
    at += 4 + 4 + 200;
    memcpy(bytes + at, "\x82\xff\x00\x00\x00\x00\x00\x01\x11\x70", 10); /* 70,000 bytes */
    at += 10 + 4 + 70000;
    assert_passes_whole(bytes, at);
}

static void an_unmasked_frame_becomes_a_close_and_the_rest_is_dropped(void **state)
{
    (void)state;
    static const char bytes[] = HEAD GOOD_FRAMES "\x81\x02hi" GOOD_FRAMES;
    size_t good = sizeof(HEAD GOOD_FRAMES) - 1;
    for (size_t piece = 1; piece < sizeof bytes; piece++) {
        struct run *result = run(bytes, sizeof bytes - 1, piece);
        assert_int_equal(result->verdict, HD_WSGUARD_BAD_FRAME);
        assert_int_equal(result->length, good + 8);
        assert_memory_equal(result->out, bytes, good);
        assert_memory_equal(result->out + good, CLOSE_OF("\x03", "\xea"), 8);
    }
}

static void a_frame_with_a_reserved_bit_and_a_control_frame_that_is_long_or_cut_are_refused(
    void **state)
{
    (void)state;
    static const char *const frames[] = { "\xC1\x80", "\xA1\x80", "\x91\x80",
                                          "\x09\x80", "\x89\xFE", "\x88\xFF" };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        char bytes[sizeof HEAD + 2];
        memcpy(bytes, HEAD, sizeof HEAD - 1);
        memcpy(bytes + sizeof HEAD - 1, frames[i], 2);
        assert_int_equal(run(bytes, sizeof HEAD + 1, 1)->verdict, HD_WSGUARD_BAD_FRAME);
    }
}

/* A head, and behind it a frame that gets no further than a close with this code. */
static void assert_refused(const void *frame, size_t length, const char *close)
{
    static uint8_t bytes[512];
    memcpy(bytes, HEAD, sizeof HEAD - 1);
    memcpy(bytes + sizeof HEAD - 1, frame, length);
    for (size_t piece = 1; piece <= 40; piece += 13) {
        struct run *result = run(bytes, sizeof HEAD - 1 + length, piece);
        assert_int_equal(result->verdict, HD_WSGUARD_BAD_FRAME);
        assert_int_equal(result->length, sizeof HEAD - 1 + 8);
        assert_memory_equal(result->out + sizeof HEAD - 1, close, 8);
    }
}

static void a_length_that_is_not_the_shortest_or_too_high_is_refused(void **state)
{
    (void)state;
    static const char protocol_error[] = CLOSE_OF("\x03", "\xea");
    assert_refused("\x82\xfe\x00\x7d", 4, protocol_error);
    assert_refused("\x82\xfe\x00\x00", 4, protocol_error);
    assert_refused("\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff", 10, protocol_error);
    assert_refused("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10, protocol_error);
    assert_passes_whole(HEAD "\x82\xfe\x00\x7e", sizeof HEAD - 1); /* not known yet, and held */
    assert_passes_whole(HEAD "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"
                             "abcd",
                        sizeof HEAD - 1 + 14);
}

static void what_a_close_may_not_say_is_answered_with_the_code_for_that(void **state)
{
    (void)state;
    static const char protocol_error[] = CLOSE_OF("\x03", "\xea"),
                      no_utf8[] = CLOSE_OF("\x03", "\xef");
    assert_refused("\x88\x81\0\0\0\0\x03", 7, protocol_error);
    assert_refused("\x88\x82\0\0\0\0\x03\xe7", 8, protocol_error); /* 999 */
    assert_refused("\x88\x82\0\0\0\0\x03\xec", 8, protocol_error); /* 1004 */
    assert_refused("\x88\x82\0\0\0\0\x03\xf7", 8, protocol_error); /* 1015 */
    assert_refused("\x88\x82\0\0\0\0\x13\x88", 8, protocol_error); /* 5000 */
    assert_refused("\x88\x83\0\0\0\0\x03\xe8\xff", 9, no_utf8);
    assert_refused("\x88\x83\x01\x02\x04\x08\x02\xea\xc7", 9, no_utf8); /* masked */
}

static void nothing_passes_after_a_close(void **state)
{
    (void)state;
    static const char *const closes[] = { "\x88\x80"
                                          "abcd",
                                          "\x88\x84\0\0\0\0\x03\xe8ok" };
    static const size_t lengths[] = { 6, 10 };
    for (size_t i = 0; i < 2; i++) {
        uint8_t bytes[sizeof HEAD + 64];
        size_t good = sizeof HEAD - 1 + lengths[i];
        memcpy(bytes, HEAD, sizeof HEAD - 1);
        memcpy(bytes + sizeof HEAD - 1, closes[i], lengths[i]);
        memcpy(bytes + good, "\x81\x02hi", 4);
        struct run *result = run(bytes, good + 4, i + 1);
        assert_int_equal(result->verdict, HD_WSGUARD_CLOSED);
        assert_int_equal(result->length, good);
        assert_memory_equal(result->out, bytes, good);
    }
}

static void what_is_not_get_in_http_1_1_or_has_control_characters_is_refused(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "POST / HTTP/1.1\r\n",
        "get / HTTP/1.1\r\n",
        "GET / HTTP/1.0\r\n",
        "GET / HTTP/1.11\r\n",
        "GET /\r\n",
        "GET \r\n",
        "\r\n",
        "GET / HTTP/1.1\r\nX: \b\r\n",
        "GET /\x7f HTTP/1.1\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        assert_int_equal(run(heads[i], strlen(heads[i]), 2)->verdict, HD_WSGUARD_BAD_HEAD);
    assert_int_equal(run("GET / HTTP/1.1\r\nX: \0\r\n", 23, 23)->verdict, HD_WSGUARD_BAD_HEAD);
    assert_passes_whole("GET / HTTP/1.1\r\nX:\ty\r\n\r\n", 24);
}

static void a_header_is_a_name_and_a_value_on_one_line_of_bounded_length(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "GET / HTTP/1.1\r\nnonsense\r\n", "GET / HTTP/1.1\r\nX: one\r\n two\r\n",
        "GET / HTTP/1.1\r\n\tX: y\r\n",   "GET / HTTP/1.1\r\nX : y\r\n",
        "GET / HTTP/1.1\r\n: y\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(run(bad[i], strlen(bad[i]), 2)->verdict, HD_WSGUARD_BAD_HEAD);
    assert_passes_whole("GET / HTTP/1.1\r\nX-Odd_1:\r\nY:z:z\r\n\r\n", 35);

    static char longest[32 + HD_WSGUARD_LINE_MAX];
    size_t start = (size_t)snprintf(longest, sizeof longest, "GET / HTTP/1.1\r\nX:");
    memset(longest + start, 'x', HD_WSGUARD_LINE_MAX);
    size_t good = start + HD_WSGUARD_LINE_MAX - strlen("X:");
    assert_int_equal(run(longest, good, 100)->verdict, HD_WSGUARD_GOOD);
    assert_int_equal(run(longest, good + 1, 100)->verdict, HD_WSGUARD_BAD_HEAD);
}

static void an_unmasked_empty_frame_is_refused_too(void **state)
{
    (void)state;
    static const char bytes[] = HEAD "\x82\x00";
    assert_int_equal(run(bytes, sizeof bytes - 1, 1)->verdict, HD_WSGUARD_BAD_FRAME);
}

static void a_head_with_a_bare_line_feed_or_carriage_return_is_refused(void **state)
{
    (void)state;
    static const char *const heads[] = { "GET / HTTP/1.1\n\n", "GET / HTTP/1.1\r\n\n",
                                         "GET / HTTP/1.1\r\r\n\r\n",
                                         "GET / HTTP/1.1\rHost: x\r\n\r\n", "\n" };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        assert_int_equal(run(heads[i], strlen(heads[i]), 3)->verdict, HD_WSGUARD_BAD_HEAD);
}

static void a_head_without_an_end_is_refused_at_its_limit(void **state)
{
    (void)state;
    static char bytes[HD_WSGUARD_HEAD_MAX + 1];
    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, "GET ", 4);
    assert_int_equal(run(bytes, HD_WSGUARD_HEAD_MAX, 1000)->verdict, HD_WSGUARD_GOOD);
    assert_int_equal(run(bytes, HD_WSGUARD_HEAD_MAX + 1, 1000)->verdict, HD_WSGUARD_BAD_HEAD);
}

static void a_body_behind_the_head_counts_as_frames(void **state)
{
    (void)state;
    static const char bytes[] = HEAD "GET / HTTP/1.1\r\n\r\n";
    assert_int_equal(run(bytes, sizeof bytes - 1, 7)->verdict, HD_WSGUARD_BAD_FRAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masked_frames_pass_unchanged_however_they_are_cut),
        cmocka_unit_test(long_frames_pass_with_both_forms_of_length),
        cmocka_unit_test(an_unmasked_frame_becomes_a_close_and_the_rest_is_dropped),
        cmocka_unit_test(a_length_that_is_not_the_shortest_or_too_high_is_refused),
        cmocka_unit_test(what_a_close_may_not_say_is_answered_with_the_code_for_that),
        cmocka_unit_test(nothing_passes_after_a_close),
        cmocka_unit_test(what_is_not_get_in_http_1_1_or_has_control_characters_is_refused),
        cmocka_unit_test(
            a_frame_with_a_reserved_bit_and_a_control_frame_that_is_long_or_cut_are_refused),
        cmocka_unit_test(a_header_is_a_name_and_a_value_on_one_line_of_bounded_length),
        cmocka_unit_test(an_unmasked_empty_frame_is_refused_too),
        cmocka_unit_test(a_head_with_a_bare_line_feed_or_carriage_return_is_refused),
        cmocka_unit_test(a_head_without_an_end_is_refused_at_its_limit),
        cmocka_unit_test(a_body_behind_the_head_counts_as_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
