/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "classfile/twins.h"
#include "tests/unit/class_builder.h"

/* Two pools: what stands at FIRST in one stands at SECOND in the other. */
enum { FIRST = 6, ARRAY = 8, SECOND = 8, OTHER_ARRAY = 10, OTHER_TEXT = 6 };

static struct builder *builders[2];
static struct hd_class *classes[2];
static struct hd_twins twins;

static struct hd_class *parse(struct builder *builder)
{
    struct hd_class *class_file = NULL;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bytes bytes = build_class(builder);
    assert_int_equal(hd_class_parse(bytes.data, bytes.length, &class_file, &err), 0);
    return class_file;
}

static int open_pools(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    for (int i = 0; i < 2; i++)
        builders[i] = new_builder();
    assert_int_equal(named(builders[0], HD_TAG_STRING, "text"), FIRST);
    assert_int_equal(named(builders[0], HD_TAG_CLASS, "[[I"), ARRAY);
    assert_int_equal(named(builders[1], HD_TAG_STRING, "other"), OTHER_TEXT);
    assert_int_equal(named(builders[1], HD_TAG_STRING, "text"), SECOND);
    assert_int_equal(named(builders[1], HD_TAG_CLASS, "[[I"), OTHER_ARRAY);
    for (int i = 0; i < 2; i++)
        classes[i] = parse(builders[i]);
    return hd_twins_init(&twins, classes[0]->pool, classes[1]->pool, false, &err);
}

static int close_pools(void **state)
{
    (void)state;
    hd_twins_close(&twins);
    for (int i = 0; i < 2; i++) {
        hd_class_free(classes[i]);
        free(builders[i]);
    }
    return 0;
}

#define COMPARE(before, after)                                                                     \
    hd_twins_compare_code(&twins, (struct hd_bytes){ (before), sizeof(before) },                   \
                          (struct hd_bytes){ (after), sizeof(after) })

static void a_constant_is_the_same_at_another_index(void **state)
{
    (void)state;
    static const uint8_t before[] = { 0x12, FIRST, 0x57, 0xB1 };
    static const uint8_t after[] = { 0x12, SECOND, 0x57, 0xB1 };
    static const uint8_t other[] = { 0x12, OTHER_TEXT, 0x57, 0xB1 };
    static const uint8_t wide[] = { 0x13, 0, SECOND, 0x57, 0xB1 };
    for (int i = 0; i < 2; i++) { /* unknown, then remembered */
        assert_int_equal(COMPARE(before, after), HD_TWINS_SAME);
        assert_int_equal(COMPARE(before, other), HD_TWINS_DIFFER);
        assert_int_equal(COMPARE(before, wide), HD_TWINS_UNSURE);
    }
}

static void what_follows_the_index_counts_too(void **state)
{
    (void)state;
    static const uint8_t before[] = { 0xC5, 0, ARRAY, 2, 0xB1 };
    static const uint8_t after[] = { 0xC5, 0, OTHER_ARRAY, 2, 0xB1 };
    static const uint8_t other[] = { 0xC5, 0, OTHER_ARRAY, 1, 0xB1 };
    assert_int_equal(COMPARE(before, after), HD_TWINS_SAME);
    assert_int_equal(COMPARE(before, other), HD_TWINS_UNSURE);
}

static void what_stands_at_an_index_is_compared_not_the_index(void **state)
{
    (void)state;
    static const uint8_t code[] = { 0x12, FIRST, 0xB1 };
    assert_int_equal(COMPARE(code, code), HD_TWINS_DIFFER);
    assert_false(hd_twins_aligned(&twins, FIRST));
    assert_true(hd_twins_aligned(&twins, 1));
    assert_false(hd_twins_aligned(&twins, 999));
}

static void the_first_number_that_is_another_settles_it(void **state)
{
    (void)state;
    static const uint8_t push_one[] = { 0x10, 1, 0xB1 };
    static const uint8_t push_two[] = { 0x10, 2, 0x57, 0xB1 };
    static const uint8_t pop[] = { 0x57, 0xB1 };
    static const uint8_t pop2[] = { 0x58, 0xB1 };
    assert_int_equal(COMPARE(push_one, push_two), HD_TWINS_DIFFER);
    assert_int_equal(COMPARE(pop, pop2), HD_TWINS_DIFFER);
}

/* A wide jump over the same instructions means the same, and so may a longer way to the same
 * instruction; after the shorter code the meaning goes on with the handlers. */
static void where_the_bytes_do_not_tell_it_is_not_settled(void **state)
{
    (void)state;
    static const uint8_t jump[] = { 0xA7, 0, 3, 0xB1 };
    static const uint8_t further[] = { 0xA7, 0, 4, 0xB1, 0xB1 };
    static const uint8_t wide[] = { 0xC8, 0, 0, 0, 5, 0xB1 };
    static const uint8_t broken[] = { 0xA7, 0 };
    static const uint8_t none[] = { 0xA7 };
    static const uint8_t pop[] = { 0x57 };
    static const uint8_t pop_and_return[] = { 0x57, 0xB1 };
    assert_int_equal(COMPARE(jump, further), HD_TWINS_UNSURE);
    assert_int_equal(COMPARE(jump, wide), HD_TWINS_UNSURE);
    assert_int_equal(COMPARE(jump, broken), HD_TWINS_UNSURE);
    assert_int_equal(COMPARE(none, none), HD_TWINS_UNSURE);
    assert_int_equal(COMPARE(pop, pop_and_return), HD_TWINS_UNSURE);
}

static void handlers_are_the_same_with_the_same_offsets_and_type(void **state)
{
    (void)state;
    static const uint8_t before[] = { 0, 0, 0, 4, 0, 5, 0, 4 };
    static const uint8_t moved[] = { 0, 0, 0, 3, 0, 5, 0, 4 };
    static const uint8_t typed[] = { 0, 0, 0, 4, 0, 5, 0, 2 };
    static const uint8_t untyped[] = { 0, 0, 0, 4, 0, 5, 0, 0 };
    const struct hd_bytes tables[] = { { before, 8 }, { moved, 8 }, { typed, 8 }, { untyped, 8 } };
    assert_true(hd_twins_same_handlers(&twins, tables[0], tables[0]));
    assert_true(hd_twins_same_handlers(&twins, tables[3], tables[3]));
    assert_false(hd_twins_same_handlers(&twins, tables[0], tables[1]));
    assert_false(hd_twins_same_handlers(&twins, tables[0], tables[2]));
    assert_false(hd_twins_same_handlers(&twins, tables[0], tables[3]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_is_the_same_at_another_index),
        cmocka_unit_test(what_follows_the_index_counts_too),
        cmocka_unit_test(what_stands_at_an_index_is_compared_not_the_index),
        cmocka_unit_test(the_first_number_that_is_another_settles_it),
        cmocka_unit_test(where_the_bytes_do_not_tell_it_is_not_settled),
        cmocka_unit_test(handlers_are_the_same_with_the_same_offsets_and_type),
    };
    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
