/* SPDX-License-Identifier: Apache-2.0 */
#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* 32 equal bytes would come once in 2^248 runs. */
static void every_byte_that_was_asked_for_is_filled(void **state)
{
    (void)state;
    uint8_t first[34] = { 0 }, second[34] = { 0 };
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_random_fill(first + 1, 32, &err), 0);
    assert_int_equal(hd_random_fill(second + 1, 32, &err), 0);
    assert_memory_not_equal(first + 1, second + 1, 32);
    assert_memory_not_equal(first + 25, (uint8_t[8]){ 0 }, 8);
    assert_int_equal(first[0] | first[33] | second[0] | second[33], 0);
}

static void what_the_kernel_refuses_is_an_error(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_random_fill((void *)(uintptr_t)8, 32, &err), -1);
    assert_non_null(strstr(err.text, "random bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_that_was_asked_for_is_filled),
        cmocka_unit_test(what_the_kernel_refuses_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
