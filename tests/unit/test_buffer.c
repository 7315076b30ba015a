/* SPDX-License-Identifier: Apache-2.0 */
#include "core/buffer.h"

#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void what_is_appended_stands_in_order(void **state)
{
    (void)state;
    struct hd_buffer buffer = HD_BUFFER_INIT;
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t pair[2] = { (uint8_t)i, (uint8_t)(i >> 8) };
        assert_int_equal(hd_buffer_append(&buffer, pair, sizeof pair, NULL), 0);
    }
    struct hd_bytes view = hd_buffer_view(&buffer);
    assert_int_equal(view.length, 2000);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(view.data[2 * i] | view.data[2 * i + 1] << 8, i);
    hd_buffer_close(&buffer);
}

static void reserving_changes_no_contents_and_makes_the_next_append_sure(void **state)
{
    (void)state;
    struct hd_buffer buffer = HD_BUFFER_INIT;
    assert_int_equal(hd_buffer_append(&buffer, "ab", 2, NULL), 0);
    assert_int_equal(hd_buffer_reserve(&buffer, 5000, NULL), 0);
    assert_int_equal(buffer.length, 2);
    char filling[5000] = { 0 };
    hd_alloc_fail_at(1);
    assert_int_equal(hd_buffer_append(&buffer, filling, sizeof filling, NULL), 0);
    hd_alloc_fail_at(0);
    assert_memory_equal(buffer.data, "ab", 2);
    hd_buffer_close(&buffer);
}

static void a_failed_append_keeps_what_was_there(void **state)
{
    (void)state;
    struct hd_buffer buffer = HD_BUFFER_INIT;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_buffer_append(&buffer, "kept", 5, NULL), 0);
    hd_alloc_fail_at(1);
    assert_int_equal(hd_buffer_reserve(&buffer, 100000, &err), -1);
    hd_alloc_fail_at(0);
    assert_int_equal(err.code, HD_E_MEMORY);
    assert_int_equal(buffer.length, 5);
    assert_string_equal((char *)buffer.data, "kept");
    hd_buffer_close(&buffer);
}

static void a_length_that_overflows_is_out_of_memory(void **state)
{
    (void)state;
    struct hd_buffer buffer = HD_BUFFER_INIT;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_buffer_append(&buffer, "x", 1, NULL), 0);
    assert_int_equal(hd_buffer_reserve(&buffer, SIZE_MAX, &err), -1);
    assert_int_equal(err.code, HD_E_MEMORY);
    assert_int_equal(buffer.length, 1);
    hd_buffer_close(&buffer);
}

static void stealing_moves_the_memory_out(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_buffer buffer = HD_BUFFER_INIT;
    size_t length = 99;
    assert_null(hd_buffer_steal(&buffer, &length));
    assert_int_equal(length, 0);
    assert_int_equal(hd_buffer_append(&buffer, "abc", 3, NULL), 0);
    uint8_t *stolen = hd_buffer_steal(&buffer, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(stolen, "abc", 3);
    assert_null(buffer.data);
    hd_buffer_close(&buffer);
    hd_free(stolen);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static void what_is_dropped_goes_from_the_front(void **state)
{
    (void)state;
    struct hd_buffer buffer = HD_BUFFER_INIT;
    hd_buffer_drop(&buffer, 0);
    assert_int_equal(hd_buffer_append(&buffer, "abcdef", 6, NULL), 0);
    hd_buffer_drop(&buffer, 2);
    assert_int_equal(hd_buffer_append(&buffer, "g", 1, NULL), 0);
    assert_int_equal(buffer.length, 5);
    assert_memory_equal(buffer.data, "cdefg", 5);
    hd_buffer_drop(&buffer, 5);
    assert_int_equal(buffer.length, 0);
    hd_buffer_close(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_stands_in_order),
        cmocka_unit_test(reserving_changes_no_contents_and_makes_the_next_append_sure),
        cmocka_unit_test(a_failed_append_keeps_what_was_there),
        cmocka_unit_test(a_length_that_overflows_is_out_of_memory),
        cmocka_unit_test(what_is_dropped_goes_from_the_front),
        cmocka_unit_test(stealing_moves_the_memory_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
