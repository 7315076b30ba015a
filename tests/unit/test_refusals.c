/* SPDX-License-Identifier: Apache-2.0 */
#include "core/refusals.h"

#include "core/alloc.h"
#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define PERIOD (HD_REFUSALS_SECONDS * SECOND)

static void refuse(struct hd_refusals *refusals, const char *peer, const char *what, int64_t when)
{
    struct hd_origin origin = { .way = HD_WAY_WEBSOCKET };
    snprintf(origin.who, sizeof origin.who, "cert:%s", peer);
    snprintf(origin.from, sizeof origin.from, "%s:1234", peer);
    const struct hd_refusal refusal = { .origin = &origin,
                                        .peer = peer,
                                        .what = what,
                                        .why = "a\nline \033[2J of \"words\"",
                                        .role = HD_ROLE_VIEWER,
                                        .needed = HD_ROLE_DEPLOYER };
    hd_refusals_add(refusals, &refusal, when);
}

static const char *text_of(const json_t *lines, size_t index, const char *key)
{
    return json_string_value(json_object_get(json_array_get(lines, index), key));
}

static json_int_t count_of(const json_t *lines, size_t index)
{
    return json_integer_value(json_object_get(json_array_get(lines, index), "count"));
}

static void a_refusal_is_a_line_that_says_who_what_and_why(void **state)
{
    (void)state;
    struct hd_refusals refusals = { .spent = 0 };
    assert_null(hd_refusals_take(&refusals, 0));
    refuse(&refusals, "alice", "push", 5 * SECOND);
    json_t *lines = hd_refusals_take(&refusals, 0);
    assert_int_equal(json_array_size(lines), 1);
    assert_string_equal(text_of(lines, 0, "who"), "cert:alice");
    assert_string_equal(text_of(lines, 0, "from"), "alice:1234");
    assert_string_equal(text_of(lines, 0, "way"), "websocket");
    assert_string_equal(text_of(lines, 0, "what"), "push");
    assert_string_equal(text_of(lines, 0, "role"), "viewer");
    assert_string_equal(text_of(lines, 0, "needed"), "deployer");
    assert_string_equal(text_of(lines, 0, "when"), "1970-01-01T00:00:05.000Z");
    assert_null(strchr(text_of(lines, 0, "why"), '\n'));
    assert_null(strchr(text_of(lines, 0, "why"), 033));
    assert_int_equal(count_of(lines, 0), 1);
    json_decref(lines);
    assert_false(hd_refusals_any(&refusals));
}

static void the_same_again_is_counted(void **state)
{
    (void)state;
    struct hd_refusals refusals = { .spent = 0 };
    for (int i = 0; i < 1000; i++)
        refuse(&refusals, i % 2 == 0 ? "alice" : "bob", "push", i);
    json_t *lines = hd_refusals_take(&refusals, 0);
    assert_int_equal(json_array_size(lines), 2);
    assert_string_equal(text_of(lines, 0, "who"), "cert:alice");
    assert_int_equal(count_of(lines, 0), 500);
    assert_int_equal(count_of(lines, 1), 500);
    json_decref(lines);
}

static void of_too_many_different_ones_the_rest_is_counted(void **state)
{
    (void)state;
    struct hd_refusals refusals = { .spent = 0 };
    char peer[32];
    for (int i = 0; i < 10000; i++) {
        snprintf(peer, sizeof peer, "10.0.%d.%d", i / 250, i % 250);
        refuse(&refusals, peer, "push", i);
    }
    json_t *lines = hd_refusals_take(&refusals, 0);
    assert_int_equal(json_array_size(lines), HD_REFUSALS_KINDS + 1);
    assert_null(text_of(lines, HD_REFUSALS_KINDS, "who"));
    assert_int_equal(count_of(lines, HD_REFUSALS_KINDS), 10000 - HD_REFUSALS_KINDS);
    json_decref(lines);
}

/* A day of refusals, a thousand a second: lines are bounded, and none is lost from the count. */
static void whoever_comes_again_and_again_cannot_fill_the_disk(void **state)
{
    (void)state;
    struct hd_refusals refusals = { .spent = 0 };
    size_t written = 0;
    uint64_t counted = 0;
    const int64_t start = 77 * SECOND; /* of a clock of its own */
    for (int64_t second = 0; second < 86400; second++) {
        refuse(&refusals, "alice", "push", second * SECOND);
        refuse(&refusals, "alice", "rollback", second * SECOND);
        json_t *lines = hd_refusals_take(&refusals, start + second * SECOND);
        for (size_t i = 0; i < json_array_size(lines); i++)
            counted += (uint64_t)count_of(lines, i);
        written += json_array_size(lines);
        json_decref(lines);
    }
    for (size_t i = 0; i < HD_REFUSALS_KINDS; i++)
        counted += refusals.lines[i].count;
    assert_int_equal(written, HD_REFUSALS_BURST + 86400 / HD_REFUSALS_SECONDS - 1);
    assert_int_equal(counted, 2 * 86400);
}

static void after_quiet_time_there_is_room_again(void **state)
{
    (void)state;
    struct hd_refusals refusals = { .spent = 0 };
    int64_t now = 0;
    for (int i = 0; i < HD_REFUSALS_BURST; i++) {
        refuse(&refusals, "alice", "push", now);
        json_t *lines = hd_refusals_take(&refusals, now);
        assert_int_equal(json_array_size(lines), 1);
        json_decref(lines);
        assert_int_equal(hd_refusals_wait(&refusals, now), i + 1 < HD_REFUSALS_BURST ? 0 : PERIOD);
    }
    refuse(&refusals, "alice", "push", now);
    assert_null(hd_refusals_take(&refusals, now + PERIOD - 1));
    json_t *lines = hd_refusals_take(&refusals, now + PERIOD);
    assert_int_equal(json_array_size(lines), 1);
    json_decref(lines);
    now += 1000 * PERIOD;
    for (int i = 0; i < HD_REFUSALS_BURST; i++) {
        refuse(&refusals, "bob", "push", now);
        lines = hd_refusals_take(&refusals, now);
        assert_int_equal(json_array_size(lines), 1);
        json_decref(lines);
    }
}

static void what_memory_was_out_for_is_written_later(void **state)
{
    (void)state;
    struct hd_refusals refusals = { .spent = 0 };
    json_t *lines = NULL;
    refuse(&refusals, "alice", "push", 0);
    for (uint64_t at = 1; lines == NULL && at < 200; at++) {
        hd_alloc_fail_at(at);
        lines = hd_refusals_take(&refusals, 0);
        hd_alloc_fail_at(0);
        assert_true(lines != NULL || hd_refusals_any(&refusals));
    }
    assert_non_null(lines);
    json_decref(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_is_a_line_that_says_who_what_and_why),
        cmocka_unit_test(the_same_again_is_counted),
        cmocka_unit_test(of_too_many_different_ones_the_rest_is_counted),
        cmocka_unit_test(whoever_comes_again_and_again_cannot_fill_the_disk),
        cmocka_unit_test(after_quiet_time_there_is_room_again),
        cmocka_unit_test(what_memory_was_out_for_is_written_later),
    };
    hd_json_use_hd_alloc();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
