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

#define SAME(before, after)                                                                        \
    hd_twins_same_code(&twins, (struct hd_bytes){ (before), sizeof(before) },                      \
                       (struct hd_bytes){ (after), sizeof(after) })

static void a_constant_is_the_same_at_another_index(void **state)
{
    (void)state;
    static const uint8_t before[] = { 0x12, FIRST, 0x57, 0xB1 };
    static const uint8_t after[] = { 0x12, SECOND, 0x57, 0xB1 };
    static const uint8_t other[] = { 0x12, OTHER_TEXT, 0x57, 0xB1 };
    static const uint8_t wide[] = { 0x13, 0, SECOND, 0x57, 0xB1 };
    for (int i = 0; i < 2; i++) { /* unknown, then remembered */
        assert_true(SAME(before, after));
        assert_false(SAME(before, other));
        assert_false(SAME(before, wide));
    }
}

static void what_follows_the_index_counts_too(void **state)
{
    (void)state;
    static const uint8_t before[] = { 0xC5, 0, ARRAY, 2, 0xB1 };
    static const uint8_t after[] = { 0xC5, 0, OTHER_ARRAY, 2, 0xB1 };
    static const uint8_t other[] = { 0xC5, 0, OTHER_ARRAY, 1, 0xB1 };
    assert_true(SAME(before, after));
    assert_false(SAME(before, other));
}

static void what_stands_at_an_index_is_compared_not_the_index(void **state)
{
    (void)state;
    static const uint8_t code[] = { 0x12, FIRST, 0xB1 };
    assert_false(SAME(code, code));
    assert_false(hd_twins_aligned(&twins, FIRST));
    assert_true(hd_twins_aligned(&twins, 1));
    assert_false(hd_twins_aligned(&twins, 999));
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
        cmocka_unit_test(handlers_are_the_same_with_the_same_offsets_and_type),
    };
    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
