/* SPDX-License-Identifier: Apache-2.0 */
/* Classes that load while there are patches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_hook.h"

/* ---- classes that load ----------------------------------------------------------------------- */

static void the_event_is_on_only_while_there_are_patches(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_false(first.event_on || second.event_on);
    PUBLISH(*state, waiting("a/A", &shop, "new", 1));
    assert_true(first.event_on && second.event_on);
    assert_int_equal(hd_hook_publish_take(*state, &jni, NULL, 0, &err), 0);
    assert_false(first.event_on || second.event_on);
    assert_int_equal(vm.weak_references, 0);
}

static void a_class_gets_the_patch_of_its_loader_and_only_that(void **state)
{
    PUBLISH(*state, waiting("b/B", &other, "for other", 1), waiting("a/A", NULL, "for boot", 2),
            waiting("b/B", &shop, "for shop", 3));
    assert_string_equal(load("b/B", (jobject)&shop), "for shop");
    assert_string_equal(load("b/B", (jobject)&other), "for other");
    assert_string_equal(load("a/A", NULL), "for boot");
    assert_null(load("a/A", (jobject)&shop));
    assert_null(load("b/B", NULL));
    assert_null(load("b/BB", (jobject)&shop));
    assert_null(load("a", NULL));
    assert_null(load("c/C", NULL));
    assert_int_equal(vm.event_count, 3);
    expect_event(0, HD_HOOK_APPLIED, "b/B", 3, &shop_loader);
    expect_event(2, HD_HOOK_APPLIED, "a/A", 2, NULL);
    expect_file(0, "as it comes");
}

static void a_loader_that_is_gone_is_not_the_boot_loader(void **state)
{
    struct reference dying = { &other_loader };
    struct hd_patch *made = waiting("a/A", &dying, "new", 1);
    ((struct reference *)made->loader)->object = NULL;
    PUBLISH(*state, made);
    assert_null(load("a/A", NULL));
}

/* From then on it is for the file of that first one. */
static void a_patch_for_any_loader_goes_to_the_first_and_to_those_like_it(void **state)
{
    PUBLISH(*state, patch_for_any("a/A", "new", 4));
    assert_string_equal(load("a/A", (jobject)&shop), "new");
    assert_null(load_bytes("a/A", (jobject)&other, "another", 7));
    assert_string_equal(load("a/A", NULL), "new");
    assert_int_equal(vm.event_count, 3);
    expect_event(0, HD_HOOK_APPLIED, "a/A", 4, &shop_loader);
    expect_event(1, HD_HOOK_WRONG_BASE, "a/A", 4, &other_loader);
    expect_event(2, HD_HOOK_APPLIED, "a/A", 4, NULL);
}

static void a_patch_for_any_loader_stays_taken_when_it_is_published_again(void **state)
{
    struct hd_patch *any = patch_for_any("a/A", "new", 4);
    PUBLISH(*state, hd_patch_keep(any));
    assert_string_equal(load("a/A", (jobject)&shop), "new");
    PUBLISH(*state, any, waiting("b/B", NULL, "b", 5));
    assert_null(load_bytes("a/A", (jobject)&other, "another", 7));
    PUBLISH(*state, patch_for_any("a/A", "newer", 6));
    assert_string_equal(load("a/A", (jobject)&other), "newer");
}

static void the_patch_for_just_this_loader_goes_first(void **state)
{
    PUBLISH(*state, patch_for_any("a/A", "for any", 3), waiting("a/A", &shop, "for shop", 2));
    assert_string_equal(load("a/A", (jobject)&shop), "for shop");
    assert_string_equal(load("a/A", (jobject)&other), "for any");
}

static void a_file_that_means_what_the_base_meant_gets_the_patch(void **state)
{
    struct class_bytes base = class_file(1, false), reordered = class_file(1, true);
    PUBLISH(*state, patch(HD_PATCH_WAITS, "Foo", &shop, &base, "new", 7));
    assert_string_equal(load_bytes("Foo", (jobject)&shop, base.data, base.length), "new");
    assert_string_equal(load_bytes("Foo", (jobject)&shop, reordered.data, reordered.length), "new");
}

static void a_file_that_is_not_the_base_is_left_alone_and_told(void **state)
{
    struct class_bytes base = class_file(1, false), another = class_file(0, false);
    PUBLISH(*state, patch(HD_PATCH_WAITS, "Foo", &shop, &base, "new", 7));
    assert_null(load_bytes("Foo", (jobject)&shop, another.data, another.length));
    expect_event(0, HD_HOOK_WRONG_BASE, "Foo", 7, &shop_loader);
    assert_null(load("Foo", (jobject)&shop));
    expect_event(1, HD_HOOK_WRONG_BASE, "Foo", 7, &shop_loader);
}

/* The application was redeployed with the change in it. */
static void a_file_that_is_the_patch_already_counts_as_applied(void **state)
{
    struct class_bytes base = class_file(1, false);
    PUBLISH(*state, patch(HD_PATCH_WAITS, "Foo", &shop, &base, "new", 7));
    assert_null(load_bytes("Foo", (jobject)&shop, "new", 3));
    expect_event(0, HD_HOOK_APPLIED, "Foo", 7, &shop_loader);
}

/* What a loader could not define the first time, for want of a supertype, say. */
static void who_defines_a_class_again_gets_the_same_patch_again(void **state)
{
    struct class_bytes base = class_file(1, false), another = class_file(0, false);
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, "new", 7));
    assert_string_equal(load_bytes("Foo", (jobject)&shop, base.data, base.length), "new");
    assert_null(load_bytes("Foo", (jobject)&shop, another.data, another.length));
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, NULL, "new", 7));
    assert_null(load_bytes("Foo", (jobject)&shop, base.data, base.length));
    assert_int_equal(vm.event_count, 0);
}

/* ---- loaders that come ----------------------------------------------------------------------- */

static void a_new_loader_gets_the_patch_that_was_made_for_its_file(void **state)
{
    struct class_bytes base = class_file(1, false), reordered = class_file(1, true);
    PUBLISH(*state, patch(HD_PATCH_NEWCOMERS, "Foo", NULL, &base, "new", 7),
            patch(HD_PATCH_LOADED, "Foo", &shop, &base, "new", 7));
    assert_string_equal(load_bytes("Foo", (jobject)&other, reordered.data, reordered.length),
                        "new");
    expect_event(0, HD_HOOK_APPLIED, "Foo", 7, &other_loader);
    assert_memory_equal(vm.events[0]->file->bytes.data, reordered.data, reordered.length);
}

static void a_new_loader_with_another_file_is_left_alone_and_told(void **state)
{
    struct class_bytes base = class_file(1, false), another = class_file(0, false);
    PUBLISH(*state, patch(HD_PATCH_NEWCOMERS, "Foo", NULL, &base, "old", 6),
            patch(HD_PATCH_NEWCOMERS, "Foo", NULL, &base, "new", 7));
    assert_null(load_bytes("Foo", (jobject)&other, another.data, another.length));
    assert_int_equal(vm.event_count, 1);
    expect_event(0, HD_HOOK_WRONG_BASE, "Foo", 7, &other_loader);
}

static void of_two_bases_the_one_that_is_the_loaders_own_file_decides(void **state)
{
    struct class_bytes base = class_file(1, false), another = class_file(0, false);
    PUBLISH(*state, patch(HD_PATCH_NEWCOMERS, "Foo", NULL, &base, "for base", 6),
            patch(HD_PATCH_NEWCOMERS, "Foo", NULL, &another, "for another", 7));
    assert_string_equal(load_bytes("Foo", (jobject)&other, base.data, base.length), "for base");
    assert_string_equal(load_bytes("Foo", NULL, another.data, another.length), "for another");
}

/* Nobody can tell whether the new loader's class is the same. */
static void where_the_base_is_not_known_no_new_loader_gets_the_patch(void **state)
{
    PUBLISH(*state, patch(HD_PATCH_NEWCOMERS, "Foo", NULL, NULL, "new", 7));
    assert_null(load("Foo", (jobject)&other));
    expect_event(0, HD_HOOK_WRONG_BASE, "Foo", 7, &other_loader);
}

/* A deployment of it is under way, and has looked for its loaders already. */
static void who_loads_a_class_that_is_being_deployed_is_told(void **state)
{
    struct class_bytes base = class_file(1, false), another = class_file(0, false);
    PUBLISH(*state, patch(HD_PATCH_NEWCOMERS, "Foo", NULL, &base, "new", 7),
            patch(HD_PATCH_WATCH, "Foo", NULL, NULL, "", 0));
    assert_string_equal(load_bytes("Foo", (jobject)&shop, base.data, base.length), "new");
    assert_int_equal(vm.event_count, 1);
    assert_null(load_bytes("Foo", (jobject)&other, another.data, another.length));
    assert_int_equal(vm.event_count, 3);
    expect_event(1, HD_HOOK_WRONG_BASE, "Foo", 7, &other_loader);
    expect_event(2, HD_HOOK_SEEN, "Foo", 0, &other_loader);
    assert_memory_equal(vm.events[2]->file->bytes.data, another.data, another.length);
}

static void a_patch_for_chosen_loaders_is_not_for_others(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    struct class_bytes base = class_file(1, false);
    struct hd_patch *made = NULL;
    const struct hd_patch like = { .place = HD_PATCH_NEWCOMERS,
                                   .class_name = "Foo",
                                   .base = blob_of(base.data, base.length),
                                   .file = blob_of("new", 3),
                                   .loader_text = "shop",
                                   .deployment = 7 };
    assert_int_equal(hd_patch_new(&jni, &like, &made, &err), 0);
    hd_blob_release(like.base);
    hd_blob_release(like.file);
    PUBLISH(*state, made);
    assert_null(load_bytes("Foo", (jobject)&other, base.data, base.length));
    assert_int_equal(vm.event_count, 0);
}

static void classes_without_a_name_pass(void **state)
{
    PUBLISH(*state, waiting("a/A", NULL, "new", 1));
    assert_null(load(NULL, NULL));
}

/* ---- when something is wrong ----------------------------------------------------------------- */

static void a_hook_that_is_shut_does_nothing(void **state)
{
    PUBLISH(*state, waiting("a/A", NULL, "new", 1));
    hd_hook_shut(*state);
    assert_null(load("a/A", NULL));
    assert_int_equal(vm.event_count, 0);
}

static void where_the_jvm_has_no_memory_the_class_comes_as_it_is(void **state)
{
    PUBLISH(*state, patch_for_any("a/A", "new", 1));
    vm.out_of_memory = true;
    assert_null(load("a/A", (jobject)&shop));
    assert_int_equal(vm.event_count, 0);
    vm.out_of_memory = false;
    assert_string_equal(load("a/A", (jobject)&other), "new");
}

static void an_event_that_cannot_be_switched_on_keeps_the_former_patches(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    PUBLISH(*state, waiting("a/A", NULL, "old", 1));
    struct hd_patch *made = waiting("a/A", NULL, "new", 2);
    vm.event_error = JVMTI_ERROR_WRONG_PHASE;
    assert_int_equal(try_to_publish(*state, &made, 1, &err), -1);
    assert_int_equal(err.code, HD_E_JVM);
    vm.event_error = JVMTI_ERROR_NONE;
    assert_string_equal(load("a/A", NULL), "old");
}

static int publish_once(void *hook, struct hd_error *err)
{
    const struct hd_patch like = { .place = HD_PATCH_WAITS,
                                   .class_name = "a/A",
                                   .loader = (jobject)&shop };
    struct hd_patch filled = like, *made = NULL;
    if (hd_blob_of((struct hd_bytes){ (const uint8_t *)"new", 3 }, &filled.file, err) != 0)
        return -1;
    int result = hd_patch_new(&jni, &filled, &made, err);
    hd_blob_release(filled.file);
    struct hd_patch **list = result == 0 ? hd_alloc_zeroed(1, sizeof *list) : NULL;
    if (list == NULL) {
        hd_patch_release(made, &jni);
        return result == 0 ? hd_error_set_memory(err) : -1;
    }
    list[0] = made;
    result = hd_hook_publish_take(hook, &jni, list, 1, err);
    if (result == 0)
        result = hd_hook_publish_take(hook, &jni, NULL, 0, err);
    assert_int_equal(vm.weak_references, 0);
    return result;
}

static void memory_that_is_out_is_told_and_nothing_leaks(void **state)
{
    fail_every_allocation(publish_once, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOOK_TEST(the_event_is_on_only_while_there_are_patches),
        HOOK_TEST(a_class_gets_the_patch_of_its_loader_and_only_that),
        HOOK_TEST(a_loader_that_is_gone_is_not_the_boot_loader),
        HOOK_TEST(a_patch_for_any_loader_goes_to_the_first_and_to_those_like_it),
        HOOK_TEST(a_patch_for_any_loader_stays_taken_when_it_is_published_again),
        HOOK_TEST(the_patch_for_just_this_loader_goes_first),
        HOOK_TEST(a_file_that_means_what_the_base_meant_gets_the_patch),
        HOOK_TEST(who_defines_a_class_again_gets_the_same_patch_again),
        HOOK_TEST(a_file_that_is_not_the_base_is_left_alone_and_told),
        HOOK_TEST(a_file_that_is_the_patch_already_counts_as_applied),
        HOOK_TEST(a_new_loader_gets_the_patch_that_was_made_for_its_file),
        HOOK_TEST(a_new_loader_with_another_file_is_left_alone_and_told),
        HOOK_TEST(of_two_bases_the_one_that_is_the_loaders_own_file_decides),
        HOOK_TEST(where_the_base_is_not_known_no_new_loader_gets_the_patch),
        HOOK_TEST(who_loads_a_class_that_is_being_deployed_is_told),
        HOOK_TEST(a_patch_for_chosen_loaders_is_not_for_others),
        HOOK_TEST(classes_without_a_name_pass),
        HOOK_TEST(a_hook_that_is_shut_does_nothing),
        HOOK_TEST(where_the_jvm_has_no_memory_the_class_comes_as_it_is),
        HOOK_TEST(an_event_that_cannot_be_switched_on_keeps_the_former_patches),
        HOOK_TEST(memory_that_is_out_is_told_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
