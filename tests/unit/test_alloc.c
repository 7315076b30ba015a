/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void what_is_freed_is_no_longer_outstanding(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    void *plain = hd_alloc(10);
    char *text = hd_strdup("text");
    assert_int_equal(hd_alloc_outstanding(), before + 2);
    plain = hd_realloc_array(plain, 100, 8);
    assert_int_equal(hd_alloc_outstanding(), before + 2);
    hd_free(plain);
    hd_free(text);
    hd_free(NULL);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static void a_product_that_overflows_is_out_of_memory(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    volatile size_t half = SIZE_MAX / 2;
    assert_null(hd_alloc_zeroed(half, 3));
    assert_null(hd_realloc_array(NULL, half, 3));
    char *memory = hd_alloc(1);
    assert_null(hd_realloc_array(memory, half, 3));
    assert_null(hd_strndup("x", SIZE_MAX));
    hd_free(memory);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static void no_bytes_are_still_an_allocation(void **state)
{
    (void)state;
    void *nothing = hd_alloc(0);
    void *zeroed = hd_alloc_zeroed(0, 8);
    assert_non_null(nothing);
    assert_non_null(zeroed);
    hd_free(nothing);
    hd_free(zeroed);
}

static void zeroed_memory_is_zero_and_copies_are_whole(void **state)
{
    (void)state;
    uint8_t *zeroed = hd_alloc_zeroed(4, 16);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(zeroed[i], 0);
    hd_free(zeroed);

    char *copy = hd_strndup("ab\0cd", 5);
    assert_memory_equal(copy, "ab\0cd\0", 6);
    hd_free(copy);
    char *made = hd_asprintf("%s-%d", "n", 42);
    assert_string_equal(made, "n-42");
    hd_free(made);
}

static void exactly_the_nth_allocation_fails(void **state)
{
    (void)state;
    hd_alloc_fail_at(3);
    void *first = hd_alloc(1);
    char *second = hd_strdup("2");
    char *third = hd_asprintf("%d", 3);
    void *fourth = hd_alloc_zeroed(1, 1);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(third);
    assert_non_null(fourth);
    hd_free(first);
    hd_free(second);
    hd_free(fourth);
}

static void a_failed_growth_leaves_the_memory(void **state)
{
    (void)state;
    char *memory = hd_strdup("kept");
    hd_alloc_fail_at(1);
    assert_null(hd_realloc_array(memory, 1000, 1));
    assert_string_equal(memory, "kept");
    hd_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_freed_is_no_longer_outstanding),
        cmocka_unit_test(a_product_that_overflows_is_out_of_memory),
        cmocka_unit_test(no_bytes_are_still_an_allocation),
        cmocka_unit_test(zeroed_memory_is_zero_and_copies_are_whole),
        cmocka_unit_test(exactly_the_nth_allocation_fails),
        cmocka_unit_test(a_failed_growth_leaves_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
