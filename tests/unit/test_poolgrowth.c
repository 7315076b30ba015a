/* SPDX-License-Identifier: Apache-2.0 */
/* How much a version adds to the pool that the JVM holds. */
#include "classfile/poolgrowth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/class_builder.h"
#include "tests/unit/every_allocation.h"

static struct hd_class *parsed(struct builder *builder)
{
    struct hd_bytes file = build_class(builder);
    struct hd_class *class_file = NULL;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_class_parse(file.data, file.length, &class_file, &err) != 0)
        fail_msg("%s", err.text);
    return class_file;
}

static unsigned added(struct builder *before, struct builder *after)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_class *one = parsed(before), *two = parsed(after);
    unsigned slots = 0;
    assert_int_equal(hd_pool_slots_added(one, two, &slots, &err), 0);
    hd_class_free(one);
    hd_class_free(two);
    free(before);
    free(after);
    return slots;
}

static struct builder *with_text(const char *text)
{
    struct builder *builder = new_builder();
    named(builder, HD_TAG_STRING, text);
    return builder;
}

static void the_same_constants_add_nothing(void **state)
{
    (void)state;
    assert_int_equal(added(with_text("one"), with_text("one")), 0);
}

static void a_text_that_goes_adds_nothing(void **state)
{
    (void)state;
    assert_int_equal(added(with_text("one"), new_builder()), 0);
}

static void a_new_text_needs_a_slot_and_its_constant_another(void **state)
{
    (void)state;
    assert_int_equal(added(with_text("one"), with_text("two")), 2);
}

static void the_order_of_constants_does_not_count(void **state)
{
    (void)state;
    struct builder *before = with_text("one"), *after = with_text("two");
    named(before, HD_TAG_STRING, "two");
    named(after, HD_TAG_STRING, "one");
    assert_int_equal(added(before, after), 0);
}

static void a_long_needs_two_slots(void **state)
{
    (void)state;
    struct builder *after = new_builder();
    number(after, HD_TAG_LONG, 5);
    assert_int_equal(added(new_builder(), after), 2);
}

static void every_slot_counts(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    number(builder, HD_TAG_LONG, 5);
    struct hd_class *class_file = parsed(builder);
    assert_int_equal(hd_pool_slots(class_file), builder->pool_count);
    hd_class_free(class_file);
    free(builder);
}

static int count_added(void *context, struct hd_error *err)
{
    struct hd_class **classes = context;
    unsigned slots;
    return hd_pool_slots_added(classes[0], classes[1], &slots, err);
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    struct builder *before = with_text("one"), *after = with_text("two");
    struct hd_class *classes[] = { parsed(before), parsed(after) };
    fail_every_allocation(count_added, classes);
    hd_class_free(classes[0]);
    hd_class_free(classes[1]);
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_constants_add_nothing),
        cmocka_unit_test(a_text_that_goes_adds_nothing),
        cmocka_unit_test(a_new_text_needs_a_slot_and_its_constant_another),
        cmocka_unit_test(the_order_of_constants_does_not_count),
        cmocka_unit_test(a_long_needs_two_slots),
        cmocka_unit_test(every_slot_counts),
        cmocka_unit_test(memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
