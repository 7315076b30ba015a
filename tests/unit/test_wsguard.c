/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/wsguard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
/* A masked text frame "hi", a masked empty binary frame, a masked close. */
#define GOOD_FRAMES                                                                                \
    "\x81\x82"                                                                                     \
    "abcd"                                                                                         \
    "\x09\x0b"                                                                                     \
    "\x82\x80"                                                                                     \
    "\x00\x00\x00\x00"                                                                             \
    "\x88\x82"                                                                                     \
    "\x00\x00\x00\x00"                                                                             \
    "\x03\xe8"

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

static void an_unmasked_frame_becomes_a_reserved_one_and_the_rest_is_dropped(void **state)
{
    (void)state;
    static const char bytes[] = HEAD GOOD_FRAMES "\x81\x02hi" GOOD_FRAMES;
    size_t good = sizeof(HEAD GOOD_FRAMES) - 1;
    for (size_t piece = 1; piece < sizeof bytes; piece++) {
        struct run *result = run(bytes, sizeof bytes - 1, piece);
        assert_int_equal(result->verdict, HD_WSGUARD_BAD_FRAME);
        assert_int_equal(result->length, good + 1);
        assert_memory_equal(result->out, bytes, good);
        assert_int_equal(result->out[good], 0x8F);
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
    assert_int_equal(run(bytes, HD_WSGUARD_HEAD_MAX, 1000)->verdict, HD_WSGUARD_GOOD);
    assert_int_equal(run(bytes, HD_WSGUARD_HEAD_MAX + 1, 1000)->verdict, HD_WSGUARD_BAD_HEAD);
}

static void a_body_behind_the_head_counts_as_frames(void **state)
{
    (void)state;
    static const char bytes[] = "\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    assert_int_equal(run(bytes, sizeof bytes - 1, 7)->verdict, HD_WSGUARD_BAD_FRAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masked_frames_pass_unchanged_however_they_are_cut),
        cmocka_unit_test(long_frames_pass_with_both_forms_of_length),
        cmocka_unit_test(an_unmasked_frame_becomes_a_reserved_one_and_the_rest_is_dropped),
        cmocka_unit_test(
            a_frame_with_a_reserved_bit_and_a_control_frame_that_is_long_or_cut_are_refused),
        cmocka_unit_test(an_unmasked_empty_frame_is_refused_too),
        cmocka_unit_test(a_head_with_a_bare_line_feed_or_carriage_return_is_refused),
        cmocka_unit_test(a_head_without_an_end_is_refused_at_its_limit),
        cmocka_unit_test(a_body_behind_the_head_counts_as_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
