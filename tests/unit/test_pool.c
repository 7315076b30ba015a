/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/class_builder.h"

static void expect_pool_refused(struct builder *builder, const char *wanted)
{
    expect_refused(build_class(builder), wanted);
    free(builder);
}

static void an_index_of_the_wrong_kind_is_refused_by_number_and_name(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    unsigned text = utf8(builder, "x");
    pair(builder, HD_TAG_METHOD, text, text);
    expect_pool_refused(builder, "constant 6 (Methodref): index 5 is not a Class constant");

    builder = new_builder();
    around(builder, HD_TAG_STRING, 999);
    expect_pool_refused(builder, "constant 5 (String): index 999 is not a Utf8 constant");

    builder = new_builder();
    around(builder, HD_TAG_CLASS, 0);
    expect_pool_refused(builder, "constant 5 (Class): index 0 is not a Utf8 constant");
}

static void the_second_half_of_a_long_cannot_be_used(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    number(builder, HD_TAG_LONG, 7);
    around(builder, HD_TAG_CLASS, 6);
    expect_pool_refused(builder, "constant 7 (Class): index 6 is not a Utf8 constant");
}

static void a_long_at_the_very_end_is_refused(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    number(builder, HD_TAG_LONG, 7);
    builder->pool_count--;
    expect_pool_refused(builder, "no room for the second half of a Long");
}

static void unknown_and_too_new_tags_are_refused(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    constant_begin(builder, (enum hd_tag)2);
    put_u2(&builder->pool, 1);
    expect_pool_refused(builder, "constant 5: unknown tag 2");

    builder = new_builder();
    builder->major = 54;
    dynamic(builder, HD_TAG_DYNAMIC, 0, "x", "I");
    expect_pool_refused(builder, "Dynamic does not exist in class file version 54");

    builder = new_builder();
    builder->major = 50;
    named(builder, HD_TAG_METHOD_TYPE, "()V");
    expect_pool_refused(builder, "MethodType does not exist in class file version 50");

    builder = new_builder(); /* the first that is wrong is the one to tell */
    builder->major = 50;
    named(builder, HD_TAG_METHOD_TYPE, "()V");
    constant_begin(builder, (enum hd_tag)2);
    put_u2(&builder->pool, 1);
    expect_pool_refused(builder, "constant 6: MethodType does not exist in class file version 50");
}

static void constants_of_modules_belong_into_modules(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    named(builder, HD_TAG_MODULE, "java.base");
    expect_pool_refused(builder,
                        "a constant of kind Module or Package in a class that is no module");
}

static void a_text_that_is_not_modified_utf8_is_refused(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    utf8_bytes(builder, "a\0b", 3);
    expect_pool_refused(builder, "constant 5 (Utf8): not valid Modified UTF-8");
}

static void names_and_types_must_be_legal(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    named(builder, HD_TAG_CLASS, "a.b");
    expect_pool_refused(builder, "\"a.b\" is not a class name");

    builder = new_builder();
    name_and_type(builder, "x", "Q");
    expect_pool_refused(builder, "\"Q\" is not a descriptor");

    builder = new_builder();
    name_and_type(builder, "a/b", "I");
    expect_pool_refused(builder, "\"a/b\" is not a member's name");

    builder = new_builder();
    member(builder, HD_TAG_FIELD, "T", "x", "()V");
    expect_pool_refused(builder, "\"()V\" is not a field descriptor");

    builder = new_builder();
    member(builder, HD_TAG_METHOD, "T", "x", "I");
    expect_pool_refused(builder, "\"I\" is not a method descriptor");

    builder = new_builder();
    member(builder, HD_TAG_METHOD, "T", "<clinit>", "()V");
    expect_pool_refused(builder, "\"<clinit>\" cannot be referred to here");

    builder = new_builder();
    named(builder, HD_TAG_METHOD_TYPE, "I");
    expect_pool_refused(builder, "\"I\" is not a method descriptor");
}

static void method_handles_refer_to_what_fits_their_kind(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    handle(builder, 10, member(builder, HD_TAG_METHOD, "T", "x", "()V"));
    expect_pool_refused(builder, "its reference_kind is not 1 to 9");

    builder = new_builder();
    handle(builder, 1, member(builder, HD_TAG_METHOD, "T", "x", "()V"));
    expect_pool_refused(builder, "does not fit its reference_kind");

    builder = new_builder();
    handle(builder, 8, member(builder, HD_TAG_METHOD, "T", "x", "()V"));
    expect_pool_refused(builder, "only newInvokeSpecial refers to <init>");

    builder = new_builder();
    handle(builder, 6, member(builder, HD_TAG_METHOD, "T", "<init>", "()V"));
    expect_pool_refused(builder, "only newInvokeSpecial refers to <init>");

    builder = new_builder();
    builder->major = 51;
    handle(builder, 6, member(builder, HD_TAG_INTERFACE_METHOD, "T", "x", "()V"));
    expect_pool_refused(builder, "does not fit its reference_kind");

    builder = new_builder();
    handle(builder, 6, member(builder, HD_TAG_INTERFACE_METHOD, "T", "x", "()V"));
    handle(builder, 8, member(builder, HD_TAG_METHOD, "T", "<init>", "()V"));
    handle(builder, 2, member(builder, HD_TAG_FIELD, "T", "x", "I"));
    handle(builder, 9, member(builder, HD_TAG_INTERFACE_METHOD, "T", "x", "()V"));
    expect_accepted(build_class(builder));
    free(builder);
}

static void a_pool_larger_than_the_file_is_refused_before_memory_is_taken(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    builder->pool_count = 0xFFFF;
    expect_pool_refused(builder, "more than the file can hold");
    builder = new_builder();
    builder->pool_count = 0;
    expect_pool_refused(builder, "constant_pool_count is 0");
}

static void add_bootstraps(struct builder *builder, const struct part *entries, unsigned count)
{
    struct part *contents = calloc(1, sizeof *contents);
    put_u2(contents, count);
    put_part(contents, entries);
    add_class_attribute(builder, "BootstrapMethods", contents);
    free(contents);
}

/* Bootstrap method i takes the dynamic constant of bootstrap method i + 1, width times; the last
 * one none. */
static void add_chain(struct builder *builder, unsigned length, unsigned width, bool closed)
{
    struct part *entries = calloc(1, sizeof *entries);
    unsigned target = handle(builder, 6, member(builder, HD_TAG_METHOD, "T", "boot", "()V"));
    unsigned first = 0;
    for (unsigned i = 0; i < length; i++) {
        unsigned constant = dynamic(builder, HD_TAG_DYNAMIC, i, "x", "I");
        first = i == 0 ? constant : first;
    }
    unsigned step = 4; /* two texts, NameAndType, Dynamic */
    for (unsigned i = 0; i < length; i++) {
        bool has_next = i + 1 < length;
        unsigned count = has_next || closed ? width : 0;
        put_u2(entries, target);
        put_u2(entries, count);
        for (unsigned k = 0; k < count; k++)
            put_u2(entries, has_next ? first + (i + 1) * step : first);
    }
    add_bootstraps(builder, entries, length);
    free(entries);
}

static void dynamic_constants_may_nest_64_deep_and_not_in_a_circle(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    add_chain(builder, 64, 1, false);
    expect_accepted(build_class(builder));
    free(builder);

    builder = new_builder();
    add_chain(builder, 66, 1, false);
    expect_pool_refused(builder, "nest in a circle or deeper than 64");

    builder = new_builder();
    add_chain(builder, 3, 1, true);
    expect_pool_refused(builder, "nest in a circle or deeper than 64");

    builder = new_builder();
    add_chain(builder, 1, 1, true);
    expect_pool_refused(builder, "nest in a circle or deeper than 64");
}

/* 2 to the 40th arguments, once unfolded: HotSpot compares them one by one. */
static void dynamic_constants_may_not_explode(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    add_chain(builder, 40, 2, false);
    expect_pool_refused(builder, "unfold to more than");
}

static void every_dynamic_constant_has_a_bootstrap_method(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    dynamic(builder, HD_TAG_INVOKE_DYNAMIC, 0, "run", "()V");
    expect_pool_refused(builder, "there is no bootstrap method 0, only 0 of them");
}

/* A text of 64 KB that is looked at for each of 65,000 constants takes seconds. */
static void a_text_is_looked_at_once_however_many_constants_are_of_it(void **state)
{
    (void)state;
    static const enum hd_tag tags[] = { HD_TAG_CLASS, HD_TAG_METHOD_TYPE, HD_TAG_MODULE,
                                        HD_TAG_PACKAGE };
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        struct builder *builder = new_builder();
        struct hd_error err = HD_ERROR_INIT;
        struct hd_arena arena;
        struct hd_pool pool;
        unsigned text = utf8(builder, tags[i] == HD_TAG_METHOD_TYPE ? "()V" : "p");
        around(builder, tags[i], text);
        hd_arena_init(&arena, 1024);
        struct hd_reader reader =
            hd_reader_over((struct hd_bytes){ builder->pool.bytes, builder->pool.length }, &err);
        assert_int_equal(
            hd_pool_parse(&reader, builder->pool_count, 61, false, &arena, &pool, &err), 0);
        assert_true(pool.answers[text].asked != 0);
        hd_arena_close(&arena);
        free(builder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_of_the_wrong_kind_is_refused_by_number_and_name),
        cmocka_unit_test(the_second_half_of_a_long_cannot_be_used),
        cmocka_unit_test(a_long_at_the_very_end_is_refused),
        cmocka_unit_test(unknown_and_too_new_tags_are_refused),
        cmocka_unit_test(constants_of_modules_belong_into_modules),
        cmocka_unit_test(a_text_that_is_not_modified_utf8_is_refused),
        cmocka_unit_test(names_and_types_must_be_legal),
        cmocka_unit_test(method_handles_refer_to_what_fits_their_kind),
        cmocka_unit_test(a_pool_larger_than_the_file_is_refused_before_memory_is_taken),
        cmocka_unit_test(dynamic_constants_may_nest_64_deep_and_not_in_a_circle),
        cmocka_unit_test(dynamic_constants_may_not_explode),
        cmocka_unit_test(a_text_is_looked_at_once_however_many_constants_are_of_it),
        cmocka_unit_test(every_dynamic_constant_has_a_bootstrap_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
