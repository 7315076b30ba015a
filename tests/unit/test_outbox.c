/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/outbox.h"
#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add(struct hd_outbox *outbox, json_t *message)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_outbox_add_take(outbox, message, &err), 0);
}

static void an_empty_outbox_has_nothing_to_send(void **state)
{
    (void)state;
    struct hd_outbox outbox = { 0 };
    struct hd_outbox_chunk chunk;
    assert_false(hd_outbox_next(&outbox, &chunk));
    hd_outbox_close(&outbox);
}

static void messages_leave_whole_and_in_order(void **state)
{
    (void)state;
    struct hd_outbox outbox = { 0 };
    struct hd_outbox_chunk chunk;
    add(&outbox, json_pack("{s:i}", "n", 1));
    add(&outbox, json_pack("{s:i}", "n", 2));
    assert_int_equal(outbox.bytes, 14);
    for (int number = 1; number <= 2; number++) {
        char expected[32];
        snprintf(expected, sizeof expected, "{\"n\":%d}", number);
        assert_true(hd_outbox_next(&outbox, &chunk));
        assert_true(chunk.begins && chunk.ends);
        assert_int_equal(chunk.length, strlen(expected));
        assert_memory_equal(chunk.data, expected, chunk.length);
        hd_outbox_sent(&outbox, &chunk);
    }
    assert_false(hd_outbox_next(&outbox, &chunk));
    assert_int_equal(outbox.bytes, 0);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static void a_long_message_leaves_in_chunks_that_say_where_it_begins_and_ends(void **state)
{
    (void)state;
    static char text[3 * HD_OUTBOX_CHUNK];
    static char sent[4 * HD_OUTBOX_CHUNK];
    size_t length = 0;
    unsigned chunks = 0;
    struct hd_outbox outbox = { 0 };
    struct hd_outbox_chunk chunk;
    memset(text, 'x', sizeof text - 1);
    add(&outbox, json_pack("[s]", text));
    while (hd_outbox_next(&outbox, &chunk)) {
        assert_true(chunk.length > 0 && chunk.length <= HD_OUTBOX_CHUNK);
        assert_int_equal(chunk.begins, chunks == 0);
        assert_int_equal(chunk.ends, chunks == 3);
        memcpy(sent + length, chunk.data, chunk.length);
        length += chunk.length;
        chunks++;
        hd_outbox_sent(&outbox, &chunk);
    }
    assert_int_equal(chunks, 4);
    assert_int_equal(length, strlen(text) + 4);
    assert_memory_equal(sent, "[\"x", 3);
    assert_memory_equal(sent + length - 3, "x\"]", 3);
}

static void a_client_that_never_reads_is_a_limit(void **state)
{
    (void)state;
    struct hd_outbox outbox = { .bytes = HD_OUTBOX_MAX - 3 };
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_outbox_add_take(&outbox, json_pack("{s:i}", "n", 1), &err), -1);
    assert_int_equal(err.code, HD_E_LIMIT);
    assert_null(outbox.first);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static void without_memory_nothing_is_added_and_nothing_leaks(void **state)
{
    (void)state;
    struct hd_outbox outbox = { 0 };
    struct hd_outbox_chunk chunk;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_outbox_add_take(&outbox, NULL, &err), -1);
    assert_int_equal(err.code, HD_E_MEMORY);
    int result = -1;
    for (unsigned long nth = 1; result != 0; nth++) {
        json_t *message = json_pack("{s:i}", "n", 1);
        hd_error_clear(&err);
        hd_alloc_fail_at(nth);
        result = hd_outbox_add_take(&outbox, message, &err);
        hd_alloc_fail_at(0);
        assert_int_equal(err.code, result == 0 ? HD_OK : HD_E_MEMORY);
        assert_int_equal(hd_outbox_next(&outbox, &chunk), result == 0);
        assert_true(nth < 100);
    }
    hd_outbox_close(&outbox);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_outbox_has_nothing_to_send),
        cmocka_unit_test(messages_leave_whole_and_in_order),
        cmocka_unit_test(a_long_message_leaves_in_chunks_that_say_where_it_begins_and_ends),
        cmocka_unit_test(a_client_that_never_reads_is_a_limit),
        cmocka_unit_test(without_memory_nothing_is_added_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
