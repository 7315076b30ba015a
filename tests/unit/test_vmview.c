/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "classfile/compare.h"
#include "tests/unit/class_builder.h"
#include "tests/unit/class_samples.h"

static struct hd_class *parse(struct builder *builder)
{
    struct hd_class *class_file = NULL;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bytes bytes = build_class(builder);
    if (hd_class_parse(bytes.data, bytes.length, &class_file, &err) != 0)
        fail_msg("%s", err.text);
    return class_file;
}

/* return; with an int field, a text constant before or after an unused one, a static method m that
 * loads the text. */
static struct builder *new_sample(bool other_pool, const char *text, bool wide)
{
    static const struct part none;
    struct builder *builder = new_builder();
    if (other_pool)
        utf8(builder, "something else");
    unsigned string = named(builder, HD_TAG_STRING, text);
    /* ldc or ldc_w; ifnull past the nop; nop; return */
    const uint8_t narrow_code[] = { 0x12, (uint8_t)string, 0xC6, 0, 4, 0x00, 0xB1 };
    const uint8_t wide_code[] = { 0x13, 0, (uint8_t)string, 0xC6, 0, 4, 0x00, 0xB1 };
    add_field(builder, HD_ACC_PRIVATE, "x", "I", &none, 0);
    if (wide)
        add_code_method(builder, wide_code, sizeof wide_code, NULL, NULL, 0);
    else
        add_code_method(builder, narrow_code, sizeof narrow_code, NULL, NULL, 0);
    return builder;
}

static enum hd_view_match match(struct builder *held, struct builder *file)
{
    struct hd_class *classes[] = { parse(held), parse(file) };
    struct hd_vm_view *view = view_of(classes[0]);
    struct hd_error err = HD_ERROR_INIT;
    enum hd_view_match result;
    assert_int_equal(hd_view_match_file(view, classes[1], &result, &err), 0);
    free_view(view);
    hd_class_free(classes[0]);
    hd_class_free(classes[1]);
    free(held);
    free(file);
    return result;
}

static void a_class_matches_its_file_whatever_the_pool(void **state)
{
    (void)state;
    assert_int_equal(match(new_sample(false, "a", false), new_sample(false, "a", false)),
                     HD_VIEW_SAME);
    assert_int_equal(match(new_sample(true, "a", false), new_sample(false, "a", false)),
                     HD_VIEW_SAME);
}

/* HotSpot makes ldc_w of ldc when merging pools moves the constant beyond 255, and with it every
 * offset. */
static void a_wider_instruction_means_the_same(void **state)
{
    (void)state;
    assert_int_equal(match(new_sample(true, "a", true), new_sample(false, "a", false)),
                     HD_VIEW_SAME);
}

static void other_code_is_an_edit(void **state)
{
    (void)state;
    assert_int_equal(match(new_sample(false, "b", false), new_sample(false, "a", false)),
                     HD_VIEW_EDITED);
}

static void what_an_agent_added_is_an_edit(void **state)
{
    (void)state;
    static const struct part none;
    struct builder *held = new_sample(false, "a", false);
    add_field(held, HD_ACC_STATIC | HD_ACC_SYNTHETIC, "$jacocoData", "[Z", &none, 0);
    add_method(held, HD_ACC_ABSTRACT, "$jacocoInit", "()[Z", &none, 0);
    assert_int_equal(match(held, new_sample(false, "a", false)), HD_VIEW_EDITED);
}

static void a_member_that_is_missing_makes_it_another_class(void **state)
{
    (void)state;
    static const struct part none;
    struct builder *file = new_sample(false, "a", false);
    add_method(file, HD_ACC_ABSTRACT, "newer", "()V", &none, 0);
    assert_int_equal(match(new_sample(false, "a", false), file), HD_VIEW_OTHER);
    file = new_sample(false, "a", false);
    add_field(file, 0, "newer", "I", &none, 0);
    assert_int_equal(match(new_sample(false, "a", false), file), HD_VIEW_OTHER);
}

static void other_flags_or_ancestors_make_it_another_class(void **state)
{
    (void)state;
    struct builder *file = new_sample(false, "a", false);
    file->access |= HD_ACC_FINAL;
    assert_int_equal(match(new_sample(false, "a", false), file), HD_VIEW_OTHER);
    file = new_sample(false, "a", false);
    file->super_name = (uint16_t)named(file, HD_TAG_CLASS, "java/lang/Thread");
    assert_int_equal(match(new_sample(false, "a", false), file), HD_VIEW_OTHER);
    file = new_sample(false, "a", false);
    put_u2(&file->interfaces, named(file, HD_TAG_CLASS, "java/lang/Runnable"));
    file->interface_count++;
    assert_int_equal(match(new_sample(false, "a", false), file), HD_VIEW_OTHER);
}

/* The JVM shows a nested class's flags as its InnerClasses attribute has them: private static here.
 */
static void a_nested_class_is_known_by_its_inner_flags(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    struct part *inner = calloc(1, sizeof *inner);
    builder->access = 0x0020;
    put_u2(inner, 1);
    put_u2(inner, builder->name);
    put_u2(inner, named(builder, HD_TAG_CLASS, "Outer"));
    put_u2(inner, utf8(builder, "T"));
    put_u2(inner, HD_ACC_PRIVATE | HD_ACC_STATIC);
    add_class_attribute(builder, "InnerClasses", inner);
    struct hd_class *file = parse(builder);
    struct hd_vm_view *view = view_of(file);
    struct hd_error err = HD_ERROR_INIT;
    enum hd_view_match result;
    assert_int_equal(view->access, HD_ACC_PRIVATE | HD_ACC_STATIC);
    assert_int_equal(hd_view_match_file(view, file, &result, &err), 0);
    assert_int_equal(result, HD_VIEW_SAME);
    view->access = 0;
    assert_int_equal(hd_view_match_file(view, file, &result, &err), 0);
    assert_int_equal(result, HD_VIEW_OTHER);
    free_view(view);
    hd_class_free(file);
    free(inner);
    free(builder);
}

static void a_pool_that_cannot_be_read_proves_nothing(void **state)
{
    (void)state;
    struct builder *builder = new_sample(false, "a", false);
    struct hd_class *file = parse(builder);
    struct hd_vm_view *view = view_of(file);
    struct hd_error err = HD_ERROR_INIT;
    enum hd_view_match result;
    view->pool_bytes.length -= 3;
    assert_int_equal(hd_view_match_file(view, file, &result, &err), 0);
    assert_int_equal(result, HD_VIEW_EDITED);
    view->pool_count = 0;
    assert_int_equal(hd_view_match_file(view, file, &result, &err), 0);
    assert_int_equal(result, HD_VIEW_EDITED);
    assert_int_equal(err.code, HD_OK);
    free_view(view);
    hd_class_free(file);
    free(builder);
}

static void a_live_class_is_compared_as_far_as_it_shows(void **state)
{
    (void)state;
    static const struct part none;
    struct builder *held = new_sample(false, "a", false);
    struct builder *file = new_sample(true, "b", false);
    add_field(file, HD_ACC_STATIC, "y", "J", &none, 0);
    struct hd_class *classes[] = { parse(held), parse(file) };
    struct hd_vm_view *view = view_of(classes[0]);
    struct hd_comparison comparison;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_compare_view(view, classes[1], &comparison, &err), 0);
    assert_int_equal(comparison.count, 2);
    assert_int_equal(comparison.differences[0].kind, HD_DIFFERENCE_FIELD_ADDED);
    assert_string_equal(comparison.differences[0].member, "y");
    assert_int_equal(comparison.differences[1].kind, HD_DIFFERENCE_METHOD_BODY);
    assert_string_equal(comparison.differences[1].member, "m()");
    hd_comparison_close(&comparison);
    free_view(view);
    hd_class_free(classes[0]);
    hd_class_free(classes[1]);
    free(held);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_matches_its_file_whatever_the_pool),
        cmocka_unit_test(a_wider_instruction_means_the_same),
        cmocka_unit_test(other_code_is_an_edit),
        cmocka_unit_test(what_an_agent_added_is_an_edit),
        cmocka_unit_test(a_member_that_is_missing_makes_it_another_class),
        cmocka_unit_test(other_flags_or_ancestors_make_it_another_class),
        cmocka_unit_test(a_nested_class_is_known_by_its_inner_flags),
        cmocka_unit_test(a_pool_that_cannot_be_read_proves_nothing),
        cmocka_unit_test(a_live_class_is_compared_as_far_as_it_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
