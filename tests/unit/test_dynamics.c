/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic constants put into the order that HotSpot can merge: what moves, what follows it, and
 * what must not change. */
#include "classfile/dynamics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classfile/fingerprint.h"
#include "classfile/pool.h"
#include "tests/unit/class_builder.h"
#include "tests/unit/every_allocation.h"

/* What a switch over patterns with an enum constant looks like: a call site, made of a constant,
 * made of another. */
struct nested {
    struct builder *builder;
    unsigned call_site, outer, inner; /* indices in the pool */
};

static void put_bootstrap(struct part *part, unsigned method, unsigned argument)
{
    put_u2(part, method);
    put_u2(part, 1);
    put_u2(part, argument);
}

static void add_bootstraps(struct builder *builder, unsigned first, unsigned second, unsigned third)
{
    struct part *bootstraps = calloc(1, sizeof *bootstraps);
    unsigned method =
        handle(builder, 6, member(builder, HD_TAG_METHOD, "B", "b", "()Ljava/lang/Object;"));
    put_u2(bootstraps, 3);
    put_bootstrap(bootstraps, method, first);
    put_bootstrap(bootstraps, method, second);
    put_bootstrap(bootstraps, method, third);
    add_class_attribute(builder, "BootstrapMethods", bootstraps);
    free(bootstraps);
}

static void add_code(struct nested *nested)
{
    uint8_t code[] = {
        0xAA, 0, 0,    0, 0, 0,   0, 20, 0,  0, 0,
        0,    0, 0,    0, 0, 0,   0, 0,  20, /* tableswitch; its operands look like instructions */
        0xBA, 0, 0,    0, 0,                 /* invokedynamic */
        0x12, 0, 0x13, 0, 0, 0xB1            /* ldc, ldc_w, return */
    };
    code[21] = (uint8_t)(nested->call_site >> 8);
    code[22] = (uint8_t)nested->call_site;
    code[26] = (uint8_t)nested->outer;
    code[28] = (uint8_t)(nested->inner >> 8);
    code[29] = (uint8_t)nested->inner;
    add_code_method(nested->builder, code, sizeof code, NULL, NULL, 0);
}

/* pad: other constants between the first dynamic one and the rest. */
static struct nested new_nested(bool inner_first, unsigned pad)
{
    struct nested nested = { .builder = new_builder() };
    struct builder *builder = nested.builder;
    unsigned type = name_and_type(builder, "c", "Ljava/lang/Object;"),
             site = name_and_type(builder, "s", "()V");
    if (inner_first)
        nested.inner = pair(builder, HD_TAG_DYNAMIC, 2, type);
    nested.outer = pair(builder, HD_TAG_DYNAMIC, 1, type);
    for (unsigned i = 0; i < pad; i++)
        number(builder, HD_TAG_LONG, i);
    nested.call_site = pair(builder, HD_TAG_INVOKE_DYNAMIC, 0, site);
    if (!inner_first)
        nested.inner = pair(builder, HD_TAG_DYNAMIC, 2, type);
    add_bootstraps(builder, nested.outer, nested.inner,
                   named(builder, HD_TAG_STRING, "the constant's name"));
    add_code(&nested);
    return nested;
}

static struct hd_class *parsed(struct hd_bytes file)
{
    struct hd_class *class_file = NULL;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_class_parse(file.data, file.length, &class_file, &err) != 0)
        fail_msg("%s", err.text);
    return class_file;
}

static void assert_same_meaning(const struct hd_class *one, const struct hd_class *two)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_digest first, second;
    assert_int_equal(hd_class_fingerprint(one, &first, &err), 0);
    assert_int_equal(hd_class_fingerprint(two, &second, &err), 0);
    assert_memory_equal(&first, &second, sizeof first);
}

/* Every dynamic constant stands behind those among its bootstrap method's arguments. */
static void assert_in_order(const struct hd_pool *pool)
{
    for (unsigned i = 1; i < pool->count; i++) {
        if (!hd_pool_is(pool, i, HD_TAGS(HD_TAG_DYNAMIC) | HD_TAGS(HD_TAG_INVOKE_DYNAMIC)))
            continue;
        const struct hd_bootstrap *bootstrap = &pool->bootstraps[pool->constants[i].first];
        for (unsigned argument = 0; argument < bootstrap->argument_count; argument++) {
            unsigned index = hd_u2_at(bootstrap->arguments + 2 * argument);
            assert_true(hd_pool_tag(pool, index) != HD_TAG_DYNAMIC || index < i);
        }
    }
}

static void what_is_made_of_dynamic_constants_moves_behind_them(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct nested nested = new_nested(false, 3);
    struct hd_bytes file = build_class(nested.builder);
    struct hd_class *before = parsed(file);
    uint8_t *ordered = NULL;
    assert_int_equal(hd_dynamics_put_in_order(before, &ordered, &err), 0);
    assert_non_null(ordered);
    struct hd_class *after = parsed((struct hd_bytes){ ordered, file.length });
    assert_in_order(after->pool);
    assert_same_meaning(before, after);
    uint8_t *again = ordered;
    assert_int_equal(hd_dynamics_put_in_order(after, &again, &err), 0);
    assert_null(again);
    hd_class_free(after);
    hd_class_free(before);
    hd_free(ordered);
    free(nested.builder);
}

static void a_class_in_order_stays_as_it_is(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct nested nested = new_nested(true, 3);
    struct hd_class *class_file = parsed(build_class(nested.builder));
    uint8_t unchanged, *ordered = &unchanged;
    assert_int_equal(hd_dynamics_put_in_order(class_file, &ordered, &err), 0);
    assert_null(ordered);
    hd_class_free(class_file);
    free(nested.builder);
}

static void a_class_without_dynamic_constants_stays_as_it_is(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct builder *builder = new_builder();
    struct hd_class *class_file = parsed(build_class(builder));
    uint8_t unchanged, *ordered = &unchanged;
    assert_int_equal(hd_dynamics_put_in_order(class_file, &ordered, &err), 0);
    assert_null(ordered);
    hd_class_free(class_file);
    free(builder);
}

/* The call site stands at a low index, and ldc names the outer constant, whose only free place
 * is behind 300 others. */
static void an_ldc_that_cannot_follow_is_told(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct builder *builder = new_builder();
    unsigned type = name_and_type(builder, "c", "Ljava/lang/Object;");
    unsigned outer = pair(builder, HD_TAG_DYNAMIC, 0, type);
    for (unsigned i = 0; i < 300; i++)
        number(builder, HD_TAG_INTEGER, i);
    unsigned inner = pair(builder, HD_TAG_DYNAMIC, 1, type);
    unsigned text = named(builder, HD_TAG_STRING, "text");
    add_bootstraps(builder, inner, text, text);
    uint8_t code[] = { 0x12, (uint8_t)outer, 0xB1 };
    add_code_method(builder, code, sizeof code, NULL, NULL, 0);
    struct hd_class *class_file = parsed(build_class(builder));
    uint8_t untouched, *ordered = &untouched;
    long outstanding = hd_alloc_outstanding();
    assert_int_equal(hd_dynamics_put_in_order(class_file, &ordered, &err), -1);
    assert_int_equal(err.code, HD_E_LIMIT);
    assert_ptr_equal(ordered, &untouched);
    assert_int_equal(hd_alloc_outstanding(), outstanding);
    hd_class_free(class_file);
    free(builder);
}

static int put_in_order(void *context, struct hd_error *err)
{
    uint8_t *ordered;
    int result = hd_dynamics_put_in_order(context, &ordered, err);
    if (result == 0)
        hd_free(ordered);
    return result;
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    struct nested nested = new_nested(false, 3);
    struct hd_class *class_file = parsed(build_class(nested.builder));
    fail_every_allocation(put_in_order, class_file);
    hd_class_free(class_file);
    free(nested.builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_of_dynamic_constants_moves_behind_them),
        cmocka_unit_test(a_class_in_order_stays_as_it_is),
        cmocka_unit_test(a_class_without_dynamic_constants_stays_as_it_is),
        cmocka_unit_test(an_ldc_that_cannot_follow_is_told),
        cmocka_unit_test(memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
