/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "classfile/sameends.h"

#include <string.h>

enum { LENGTH = 700 };

static uint8_t before[LENGTH];
static uint8_t after[LENGTH + 3];

/* The same bytes in both, but for those of `after` from `from` to `to`. */
static void fill(size_t from, size_t to)
{
    for (size_t i = 0; i < LENGTH; i++)
        before[i] = (uint8_t)(i * 7);
    memcpy(after, before, LENGTH);
    for (size_t i = from; i < to; i++)
        after[i] ^= 0xFF;
}

static struct hd_bytes at(const uint8_t *file, size_t from, size_t length)
{
    return (struct hd_bytes){ file + from, length };
}

static void finds_what_is_the_same_up_to_the_byte(void **state)
{
    (void)state;
    for (size_t from = 0; from < LENGTH; from += 13) {
        fill(from, from + 1);
        struct hd_same_ends ends = hd_same_ends_find(at(before, 0, LENGTH), at(after, 0, LENGTH));
        assert_int_equal(ends.head, from);
        assert_int_equal(ends.tail, LENGTH - from - 1);
        assert_false(hd_same_ends_are_all(&ends));
    }
    fill(0, 0);
    struct hd_same_ends ends = hd_same_ends_find(at(before, 0, LENGTH), at(after, 0, LENGTH));
    assert_true(hd_same_ends_are_all(&ends));
    ends = hd_same_ends_find(at(before, 0, LENGTH), at(after, 0, LENGTH - 1));
    assert_false(hd_same_ends_are_all(&ends));
}

static void covers_what_stands_in_the_same_place_on_one_side(void **state)
{
    (void)state;
    fill(300, 310);
    struct hd_same_ends ends = hd_same_ends_find(at(before, 0, LENGTH), at(after, 0, LENGTH));
    assert_true(hd_same_ends_cover(&ends, at(before, 0, 300), at(after, 0, 300)));
    assert_false(hd_same_ends_cover(&ends, at(before, 0, 301), at(after, 0, 301)));
    assert_true(hd_same_ends_cover(&ends, at(before, 310, 390), at(after, 310, 390)));
    assert_false(hd_same_ends_cover(&ends, at(before, 309, 5), at(after, 309, 5)));
    assert_false(hd_same_ends_cover(&ends, at(before, 295, 30), at(after, 295, 30)));
    assert_false(hd_same_ends_cover(&ends, at(before, 10, 5), at(after, 11, 5)));
    assert_false(hd_same_ends_cover(&ends, at(before, 10, 5), at(after, 10, 6)));
}

static void counts_the_end_of_another_length_from_its_end(void **state)
{
    (void)state;
    fill(0, 0);
    memmove(after + 403, after + 400, LENGTH - 400);
    memset(after + 400, 0xA5, 3);
    struct hd_same_ends ends = hd_same_ends_find(at(before, 0, LENGTH), at(after, 0, LENGTH + 3));
    assert_int_equal(ends.head, 400);
    assert_int_equal(ends.tail, 300);
    assert_true(hd_same_ends_cover(&ends, at(before, 400, 100), at(after, 403, 100)));
    assert_false(hd_same_ends_cover(&ends, at(before, 400, 100), at(after, 400, 100)));
    assert_true(hd_same_ends_cover(&ends, at(before, 300, 100), at(after, 300, 100)));
}

static void what_is_from_elsewhere_is_compared(void **state)
{
    (void)state;
    static const uint8_t elsewhere[] = "elsewhere";
    fill(0, 0);
    struct hd_same_ends ends = hd_same_ends_find(at(before, 0, LENGTH), at(after, 0, LENGTH));
    struct hd_bytes text = { elsewhere, sizeof elsewhere };
    assert_false(hd_same_ends_cover(&ends, text, at(after, 0, sizeof elsewhere)));
    assert_false(hd_same_ends_cover(&ends, at(before, 0, sizeof elsewhere), text));
    assert_true(hd_same_ends_equal(&ends, text, text));
    const struct hd_same_ends nothing = { .head = 0 };
    assert_false(hd_same_ends_cover(&nothing, at(before, 0, 4), at(after, 0, 4)));
    assert_true(hd_same_ends_equal(&nothing, at(before, 0, 4), at(after, 0, 4)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_the_same_up_to_the_byte),
        cmocka_unit_test(covers_what_stands_in_the_same_place_on_one_side),
        cmocka_unit_test(counts_the_end_of_another_length_from_its_end),
        cmocka_unit_test(what_is_from_elsewhere_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
