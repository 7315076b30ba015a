/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/resolve.h"
#include "tests/unit/every_allocation.h"
#include "tests/unit/fake_classes.h"

static struct object *const app = &loaders[0], *const shop = &loaders[1];

static int setup(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof vm);
    vm.has_trial_loader = true;
    return 0;
}

static int nothing_is_left(void **state)
{
    (void)state;
    assert_int_equal(vm.globals, 0);
    assert_int_equal(vm.frames, 0);
    assert_int_equal(vm.blocks, 0);
    assert_int_equal(hd_alloc_outstanding(), 0);
    return 0;
}

static struct hd_resolution resolve(const char *const *wanted, size_t count)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_resolution found;
    assert_int_equal(hd_resolve(&jvm, &jni, NULL, wanted, count, &found, &err), 0);
    assert_int_equal(found.count, count);
    assert_true((size_t)vm.capacity >= vm.count);
    return found;
}

static void every_loader_that_defines_a_class_is_found(void **state)
{
    (void)state;
    const char *const wanted[] = { "com/example/Foo", "java/lang/String", "com/example/Bar" };
    load("I", NULL);
    load("Lcom/example/Foo;", app);
    load("Ljava/lang/String;", NULL);
    struct object *foo_in_shop = load("Lcom/example/Foo;", shop);
    load("Lcom/example/Bar;", app);
    struct hd_resolution found = resolve(wanted, 3);
    assert_int_equal(found.names[0].class_count, 2);
    assert_ptr_equal(found.names[0].classes[0].loader, app);
    assert_ptr_equal(found.names[0].classes[1].class, foo_in_shop);
    assert_true(found.names[0].classes[0].modifiable);
    assert_int_equal(found.names[1].class_count, 1);
    assert_null(found.names[1].classes[0].loader);
    assert_int_equal(found.names[2].class_count, 1);
    hd_resolution_close(&found, &jni);
}

static void arrays_and_hidden_classes_are_nobodys_match(void **state)
{
    (void)state;
    const char *const wanted[] = { "com/example/Foo" };
    load("[Lcom/example/Foo;", app);
    load("Lcom/example/Foo.0x00007f;", app);
    load("Lcom/example/sub/Foo;", app);
    struct hd_resolution found = resolve(wanted, 1);
    assert_int_equal(found.names[0].class_count, 0);
    hd_resolution_close(&found, &jni);
}

static void what_the_verifier_was_asked_about_is_not_the_applications(void **state)
{
    (void)state;
    const char *const wanted[] = { "com/example/Foo", "com/example/New" };
    load("Lcom/example/Foo;", &trial_loader);
    struct hd_resolution found = resolve(wanted, 2);
    assert_int_equal(found.names[0].class_count, 0);
    assert_int_equal(found.names[0].package_loader_count, 0);
    assert_int_equal(found.names[1].package_loader_count, 0);
    hd_resolution_close(&found, &jni);
}

static void a_class_that_is_not_loaded_has_the_loaders_of_its_package_each_once(void **state)
{
    (void)state;
    const char *const wanted[] = { "com/example/New", "other/New" };
    struct object *bar_in_app = load("Lcom/example/Bar;", app);
    load("Lcom/example/Baz;", app);
    load("Lcom/example/Foo;", shop);
    load("Lcom/example/sub/Foo;", app);
    struct hd_resolution found = resolve(wanted, 2);
    assert_int_equal(found.names[0].package_loader_count, 2);
    assert_ptr_equal(found.names[0].package_loaders[0], app);
    assert_ptr_equal(found.names[0].package_neighbours[0], bar_in_app);
    assert_ptr_equal(found.names[0].package_loaders[1], shop);
    assert_int_equal(found.names[1].package_loader_count, 0);
    hd_resolution_close(&found, &jni);
}

static void a_package_is_looked_at_once_for_all_its_new_classes(void **state)
{
    (void)state;
    const char *const wanted[] = { "com/example/N1", "com/example/N2", "com/example/N3" };
    load("Lcom/example/Bar;", app);
    load("Lcom/example/Baz;", app);
    struct hd_resolution found = resolve(wanted, 3);
    assert_int_equal(found.names[2].package_loader_count, 1);
    assert_int_equal(vm.asked, 2);
    hd_resolution_close(&found, &jni);
}

static void the_unnamed_package_is_a_package_and_frozen_classes_are_marked(void **state)
{
    (void)state;
    const char *const wanted[] = { "Foo", "New" };
    load("LFoo;", app)->frozen = true;
    load("Lcom/example/Foo;", app);
    struct hd_resolution found = resolve(wanted, 2);
    assert_int_equal(found.names[0].class_count, 1);
    assert_false(found.names[0].classes[0].modifiable);
    assert_int_equal(found.names[1].package_loader_count, 1);
    hd_resolution_close(&found, &jni);
}

static void what_the_jvm_refuses_to_tell_is_an_error_that_names_the_function(void **state)
{
    (void)state;
    const char *const wanted[] = { "com/example/Foo" };
    struct hd_error err = HD_ERROR_INIT;
    struct hd_resolution found;
    load("Lcom/example/Foo;", app);
    vm.loader_error = JVMTI_ERROR_INVALID_CLASS;
    assert_int_equal(hd_resolve(&jvm, &jni, NULL, wanted, 1, &found, &err), -1);
    assert_int_equal(err.code, HD_E_JVM);
    assert_non_null(strstr(err.text, "GetClassLoader"));
}

static int resolve_some(void *context, struct hd_error *err)
{
    const char *const wanted[] = { "com/example/Foo", "com/example/New", "Foo", "other/New" };
    struct hd_resolution found;
    (void)context;
    int result = hd_resolve(&jvm, &jni, NULL, wanted, 4, &found, err);
    if (result == 0)
        hd_resolution_close(&found, &jni);
    assert_int_equal(vm.globals, 0);
    assert_int_equal(vm.blocks, 0);
    assert_int_equal(vm.frames, 0);
    return result;
}

static void memory_that_is_out_leaves_no_reference_behind(void **state)
{
    (void)state;
    load("Lcom/example/Foo;", app);
    load("Lcom/example/Bar;", app);
    load("Lcom/example/Foo;", shop);
    load("LFoo;", app)->frozen = true;
    fail_every_allocation(resolve_some, NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, nothing_is_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_loader_that_defines_a_class_is_found),
        TEST(arrays_and_hidden_classes_are_nobodys_match),
        TEST(what_the_verifier_was_asked_about_is_not_the_applications),
        TEST(a_class_that_is_not_loaded_has_the_loaders_of_its_package_each_once),
        TEST(a_package_is_looked_at_once_for_all_its_new_classes),
        TEST(the_unnamed_package_is_a_package_and_frozen_classes_are_marked),
        TEST(what_the_jvm_refuses_to_tell_is_an_error_that_names_the_function),
        TEST(memory_that_is_out_leaves_no_reference_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
