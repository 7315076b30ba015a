/* SPDX-License-Identifier: Apache-2.0 */
/* Classes that others retransform and redefine while there are patches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_hook.h"

/* ---- classes that are changed ---------------------------------------------------------------- */

static void what_another_agent_retransforms_from_the_base_is_the_patch_again(void **state)
{
    struct class_bytes base = class_file(1, false), rebuilt = class_file(1, true);
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, "new", 7));
    assert_string_equal(retransform("Foo", (jobject)&shop, base.data, base.length), "new");
    assert_string_equal(retransform("Foo", (jobject)&shop, rebuilt.data, rebuilt.length), "new");
    assert_null(retransform("Foo", (jobject)&other, base.data, base.length));
    assert_null(retransform("Foo", (jobject)&shop, "new", 3));
    assert_int_equal(vm.event_count, 0);
}

static void what_an_agent_before_us_edited_passes_and_is_told(void **state)
{
    struct class_bytes base = class_file(1, false), edited = class_file(0, false);
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, "new", 7));
    assert_null(retransform("Foo", (jobject)&shop, edited.data, edited.length));
    assert_int_equal(vm.event_count, 1);
    expect_event(0, HD_HOOK_EDITED, "Foo", 7, &shop_loader);
    assert_null(vm.events[0]->file);
}

/* On JDK 17 a class that loaded with one patch begins its retransformations with that for ever. */
static void an_earlier_patch_that_is_shown_again_is_answered_with_the_latest(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    struct class_bytes base = class_file(1, false);
    struct hd_patch *made = NULL;
    struct hd_patch like = { .place = HD_PATCH_LOADED,
                             .class_name = "Foo",
                             .loader = (jobject)&shop,
                             .base = blob_of(base.data, base.length),
                             .file = blob_of("new", 3),
                             .deployment = 7 };
    like.earlier[0] = blob_of("old", 3);
    assert_int_equal(hd_patch_new(&jni, &like, &made, &err), 0);
    hd_blob_release(like.base);
    hd_blob_release(like.file);
    hd_blob_release(like.earlier[0]);
    PUBLISH(*state, made);
    assert_string_equal(retransform("Foo", (jobject)&shop, "old", 3), "new");
}

static struct hd_patch *patch_of_files(const struct class_bytes *base,
                                       const struct class_bytes *file)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_patch *made = NULL;
    struct hd_patch like = { .place = HD_PATCH_LOADED,
                             .class_name = "Foo",
                             .loader = (jobject)&shop,
                             .base = blob_of(base->data, base->length),
                             .file = blob_of(file->data, file->length) };
    assert_int_equal(hd_patch_new(&jni, &like, &made, &err), 0);
    hd_blob_release(like.base);
    hd_blob_release(like.file);
    return made;
}

/* Parameter names are missing, then. */
static void the_patch_as_an_old_jvm_rebuilds_it_is_answered_with_the_patch(void **state)
{
    struct class_bytes base = class_file(1, false), file = class_file(0, false),
                       rebuilt = class_file(0, true);
    PUBLISH(*state, patch_of_files(&base, &file));
    assert_non_null(retransform("Foo", (jobject)&shop, rebuilt.data, rebuilt.length));
}

/* An answer would make the JVM cache what it has shown. */
static void the_patch_as_a_new_jvm_rebuilds_it_passes(void **state)
{
    struct class_bytes base = class_file(1, false), file = class_file(0, false),
                       rebuilt = class_file(0, true), old = class_file(1, true);
    PUBLISH(*state, patch_of_files(&base, &file));
    assert_null(retransform("Foo", (jobject)&shop, rebuilt.data, rebuilt.length));
    assert_non_null(retransform("Foo", (jobject)&shop, old.data, old.length));
    PUBLISH(*state, patch_of_files(&base, &base));
    assert_null(retransform("Foo", (jobject)&shop, old.data, old.length));
    assert_int_equal(vm.event_count, 0);
}

/* The calling thread redefines a class of ours, and the JVM shows this memory. */
static jvmtiClassDefinition given;

static void begin_own_redefinition(const void *file, size_t length)
{
    given = (jvmtiClassDefinition){ (jclass)&shop, (jint)length, file };
    hd_hook_own_redefinition(&given, 1);
}

static void end_own_redefinition(void)
{
    hd_hook_own_redefinition(NULL, 0);
}

/* What the patch looks like with their edit is known since it was redefined. */
static void an_edit_of_the_patch_is_told_from_an_edit_of_something_else(void **state)
{
    static const char new_file[] = "new";
    struct class_bytes base = class_file(1, false), edited = class_file(0, false);
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, new_file, 7));
    begin_own_redefinition(new_file, 3);
    assert_null(show(jvmti, false, "Foo", (jobject)&shop, new_file, 3));
    assert_null(show(retransforming, false, "Foo", (jobject)&shop, edited.data, edited.length));
    end_own_redefinition();
    assert_null(retransform("Foo", (jobject)&shop, edited.data, edited.length));
    assert_int_equal(vm.event_count, 0);
    edited.data[edited.length - 1] ^= 1;
    assert_null(retransform("Foo", (jobject)&shop, edited.data, edited.length));
    expect_event(0, HD_HOOK_EDITED, "Foo", 7, &shop_loader);
}

/* An agent that cannot retransform is asked before us. */
static void an_edit_on_top_of_an_edit_is_not_the_patch(void **state)
{
    static const char new_file[] = "new";
    struct class_bytes base = class_file(1, false), edited = class_file(0, false);
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, new_file, 7));
    begin_own_redefinition(new_file, 3);
    assert_null(show(jvmti, false, "Foo", (jobject)&shop, base.data, base.length));
    assert_null(show(retransforming, false, "Foo", (jobject)&shop, edited.data, edited.length));
    end_own_redefinition();
    assert_null(retransform("Foo", (jobject)&shop, edited.data, edited.length));
    expect_event(0, HD_HOOK_EDITED, "Foo", 7, &shop_loader);
}

/* The agent that edited it before may be gone. */
static void what_was_made_of_the_patch_is_forgotten_before_it_is_redefined_again(void **state)
{
    static const char new_file[] = "new";
    struct class_bytes base = class_file(1, false), edited = class_file(0, false);
    struct hd_patch *again = patch(HD_PATCH_LOADED, "Foo", &shop, &base, new_file, 7);
    PUBLISH(*state, again);
    begin_own_redefinition(new_file, 3);
    assert_null(show(jvmti, false, "Foo", (jobject)&shop, new_file, 3));
    assert_null(show(retransforming, false, "Foo", (jobject)&shop, edited.data, edited.length));
    hd_patch_forget_edit(again);
    begin_own_redefinition(new_file, 3);
    redefine("Foo", (jobject)&shop, new_file);
    end_own_redefinition();
    assert_null(retransform("Foo", (jobject)&shop, edited.data, edited.length));
    expect_event(0, HD_HOOK_EDITED, "Foo", 7, &shop_loader);
}

/* A rehearsal of other code, say. */
static void what_they_make_of_other_code_is_not_the_patch(void **state)
{
    static const char other_file[] = "other";
    struct class_bytes base = class_file(1, false), edited = class_file(0, false);
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, "new", 7));
    begin_own_redefinition(other_file, 5);
    assert_null(show(jvmti, false, "Foo", (jobject)&shop, other_file, 5));
    assert_null(show(retransforming, false, "Foo", (jobject)&shop, edited.data, edited.length));
    end_own_redefinition();
    assert_null(retransform("Foo", (jobject)&shop, edited.data, edited.length));
    expect_event(0, HD_HOOK_EDITED, "Foo", 7, &shop_loader);
}

/* The JVM refuses it: there is nothing to put back. */
static void memory_that_the_jvm_has_freed_passes(void **state)
{
    struct class_bytes base = class_file(1, false), freed = class_file(0, false);
    memset(freed.data, 0, 12);
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, "new", 7));
    assert_null(retransform("Foo", (jobject)&shop, freed.data, freed.length));
    assert_null(retransform("Foo", (jobject)&shop, "abc", 3));
    assert_int_equal(vm.event_count, 0);
}

/* Rolled back: a JVM that remembers the patch must not bring it back. */
static void a_class_that_is_its_base_again_stays_that(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_patch *made = NULL;
    struct hd_patch like = { .place = HD_PATCH_LOADED,
                             .class_name = "Foo",
                             .loader = (jobject)&shop };
    like.base = like.file = blob_of("base", 4);
    like.earlier[0] = blob_of("patch", 5);
    assert_int_equal(hd_patch_new(&jni, &like, &made, &err), 0);
    hd_blob_release(like.base);
    hd_blob_release(like.earlier[0]);
    PUBLISH(*state, made);
    assert_true(first.event_on);
    assert_true(second.event_on);
    assert_string_equal(retransform("Foo", (jobject)&shop, "patch", 5), "base");
    assert_null(retransform("Foo", (jobject)&shop, "base", 4));
    assert_int_equal(vm.event_count, 0);
    redefine("Foo", (jobject)&shop, "theirs");
    expect_event(0, HD_HOOK_FOREIGN, "Foo", 0, &shop_loader);
}

static void a_foreign_redefinition_passes_and_is_told(void **state)
{
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, NULL, "new", 7));
    redefine("Foo", (jobject)&shop, "theirs");
    assert_int_equal(vm.event_count, 1);
    expect_event(0, HD_HOOK_FOREIGN, "Foo", 7, &shop_loader);
    expect_file(0, "theirs");
    redefine("Foo", (jobject)&other, "theirs");
    redefine("Foo", (jobject)&shop, "new");
    assert_int_equal(vm.event_count, 1);
}

static void our_own_redefinitions_are_no_news(void **state)
{
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, NULL, "new", 7));
    begin_own_redefinition("as given", 8);
    redefine("Foo", (jobject)&shop, "as an agent edited it");
    end_own_redefinition();
    assert_int_equal(vm.event_count, 0);
}

/* An agent between our two environments redefines another class while it is asked. */
static void redefinitions_within_redefinitions_are_told_from_retransformations(void **state)
{
    struct class_bytes base = class_file(1, false);
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, "new", 7),
            patch(HD_PATCH_LOADED, "Bar", &shop, &base, "new", 7));
    begin_own_redefinition(base.data, base.length);
    assert_null(show(jvmti, false, "Foo", (jobject)&shop, base.data, base.length));
    redefine("Bar", (jobject)&shop, "theirs");
    assert_null(show(retransforming, false, "Foo", (jobject)&shop, base.data, base.length));
    end_own_redefinition();
    assert_string_equal(retransform("Foo", (jobject)&shop, base.data, base.length), "new");
}

static void a_jvm_that_gives_no_second_environment_is_served_by_the_first(void **state)
{
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, NULL, "new", 7));
    assert_true(first.event_on);
    assert_false(second.event_on);
    assert_null(second.callback);
    redefine("Foo", (jobject)&shop, "theirs");
    expect_event(0, HD_HOOK_FOREIGN, "Foo", 7, &shop_loader);
}

/* Whatever cannot be had, the class gets its patch or comes as it is, an event tells of it or is
 * lost, and nothing leaks. */
static void a_class_is_shown_while_any_allocation_fails(void **state)
{
    struct class_bytes base = class_file(1, false), reordered = class_file(1, true),
                       edited = class_file(0, false);
    PUBLISH(*state, patch(HD_PATCH_NEWCOMERS, "Foo", NULL, &base, "new", 7),
            patch(HD_PATCH_LOADED, "Foo", &shop, &base, "new", 7));
    for (unsigned long nth = 1; nth < 60; nth++) {
        long before = hd_alloc_outstanding();
        hd_alloc_fail_at(nth);
        const char *loaded = load_bytes("Foo", (jobject)&other, reordered.data, reordered.length);
        hd_alloc_fail_at(nth);
        assert_null(retransform("Foo", (jobject)&shop, edited.data, edited.length));
        hd_alloc_fail_at(nth);
        redefine("Foo", (jobject)&shop, "theirs");
        hd_alloc_fail_at(0);
        assert_true(loaded == NULL || strcmp(loaded, "new") == 0);
        while (vm.event_count > 0)
            hd_hook_event_free(vm.events[--vm.event_count], &jni);
        assert_int_equal(hd_alloc_outstanding(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOOK_TEST(what_another_agent_retransforms_from_the_base_is_the_patch_again),
        HOOK_TEST(what_an_agent_before_us_edited_passes_and_is_told),
        HOOK_TEST(an_earlier_patch_that_is_shown_again_is_answered_with_the_latest),
        HOOK_TEST(the_patch_as_an_old_jvm_rebuilds_it_is_answered_with_the_patch),
        cmocka_unit_test_setup_teardown(the_patch_as_a_new_jvm_rebuilds_it_passes, setup_exact,
                                        nothing_is_left),
        HOOK_TEST(an_edit_of_the_patch_is_told_from_an_edit_of_something_else),
        HOOK_TEST(an_edit_on_top_of_an_edit_is_not_the_patch),
        HOOK_TEST(what_was_made_of_the_patch_is_forgotten_before_it_is_redefined_again),
        HOOK_TEST(what_they_make_of_other_code_is_not_the_patch),
        HOOK_TEST(memory_that_the_jvm_has_freed_passes),
        HOOK_TEST(a_class_that_is_its_base_again_stays_that),
        HOOK_TEST(a_foreign_redefinition_passes_and_is_told),
        HOOK_TEST(our_own_redefinitions_are_no_news),
        HOOK_TEST(redefinitions_within_redefinitions_are_told_from_retransformations),
        cmocka_unit_test_setup_teardown(
            a_jvm_that_gives_no_second_environment_is_served_by_the_first, setup_sparing,
            nothing_is_left),
        HOOK_TEST(a_class_is_shown_while_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
