/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/define.h"
#include "tests/unit/every_allocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8, DEEP = 20000, NAME_SIZE = 16 };

static struct hd_bytes text(const char *name)
{
    return (struct hd_bytes){ (const uint8_t *)name, name != NULL ? strlen(name) : 0 };
}

/* What matters of a class here: "Name", its superclass, one interface. */
static struct hd_class class_of(const char *name, const char *super, struct hd_bytes *interface)
{
    return (struct hd_class){ .name = text(name),
                              .super_name = text(super),
                              .interfaces = interface,
                              .interface_count = interface != NULL ? 1 : 0 };
}

/* The names in order, "I B A". */
static const char *order_of(const struct hd_class *classes, size_t count)
{
    static char line[256];
    const struct hd_class *list[MOST] = { NULL };
    size_t order[MOST];
    struct hd_error err = HD_ERROR_INIT;
    for (size_t i = 0; i < count; i++)
        list[i] = &classes[i];
    assert_int_equal(hd_define_order(list, count, order, &err), 0);
    line[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct hd_class *class = list[order[i]];
        size_t length = strlen(line);
        snprintf(line + length, sizeof line - length, "%s%.*s", i > 0 ? " " : "",
                 (int)class->name.length, (const char *)class->name.data);
    }
    return line;
}

static void supertypes_come_before_their_users(void **state)
{
    (void)state;
    struct hd_bytes interface = text("I");
    const struct hd_class classes[] = {
        class_of("C", "B", NULL),
        class_of("B", "A", &interface),
        class_of("A", "java/lang/Object", NULL),
        class_of("I", "java/lang/Object", NULL),
    };
    assert_string_equal(order_of(classes, 4), "A I B C");
}

static void unrelated_classes_keep_their_order(void **state)
{
    (void)state;
    const struct hd_class classes[] = {
        class_of("B", "java/lang/Object", NULL),
        class_of("A", "other/Base", NULL),
        class_of("C", NULL, NULL),
    };
    assert_string_equal(order_of(classes, 3), "B A C");
}

static void a_class_that_extends_itself_or_goes_round_still_has_a_place(void **state)
{
    (void)state;
    const struct hd_class classes[] = {
        class_of("A", "A", NULL),
        class_of("B", "C", NULL),
        class_of("C", "B", NULL),
    };
    assert_string_equal(order_of(classes, 3), "A C B");
}

static void a_shared_superclass_comes_once(void **state)
{
    (void)state;
    const struct hd_class classes[] = {
        class_of("B", "A", NULL),
        class_of("C", "A", NULL),
        class_of("A", "java/lang/Object", NULL),
    };
    assert_string_equal(order_of(classes, 3), "A B C");
}

/* Each extends the next: as deep as a pusher likes, and no stack to overflow. */
static void a_long_chain_of_superclasses_is_no_recursion(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_class *classes = calloc(DEEP, sizeof *classes);
    const struct hd_class **list = calloc(DEEP, sizeof(struct hd_class *));
    size_t *order = calloc(DEEP, sizeof *order);
    char(*names)[NAME_SIZE] = calloc(DEEP + 1, NAME_SIZE);
    for (size_t i = 0; i <= DEEP; i++)
        snprintf(names[i], NAME_SIZE, "C%zu", i);
    for (size_t i = 0; i < DEEP; i++) {
        classes[i] = class_of(names[i], names[i + 1], NULL);
        list[i] = &classes[i];
    }
    assert_int_equal(hd_define_order(list, DEEP, order, &err), 0);
    for (size_t i = 0; i < DEEP; i++)
        assert_int_equal(order[i], DEEP - 1 - i);
    free(classes);
    free(list);
    free(order);
    free(names);
}

static int order_two(void *context, struct hd_error *err)
{
    const struct hd_class classes[] = { class_of("B", "A", NULL), class_of("A", NULL, NULL) };
    const struct hd_class *list[] = { &classes[0], &classes[1] };
    size_t order[2] = { 9, 9 };
    (void)context;
    int result = hd_define_order(list, 2, order, err);
    assert_true(result != 0 || (order[0] == 1 && order[1] == 0));
    return result;
}

static void memory_that_is_out_is_told(void **state)
{
    (void)state;
    fail_every_allocation(order_two, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(supertypes_come_before_their_users),
        cmocka_unit_test(unrelated_classes_keep_their_order),
        cmocka_unit_test(a_class_that_extends_itself_or_goes_round_still_has_a_place),
        cmocka_unit_test(a_shared_superclass_comes_once),
        cmocka_unit_test(a_long_chain_of_superclasses_is_no_recursion),
        cmocka_unit_test(memory_that_is_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
