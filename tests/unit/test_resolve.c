/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/resolve.h"
#include "agent/verify.h"
#include "tests/unit/every_allocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every object of the fake JVM is a struct object, and a reference is its address. */
struct object {
    const char *signature; /* of a class */
    struct object *loader; /* of a class; NULL: boot */
    struct object *class;  /* of a loader */
    bool frozen;           /* a class that may not be modified */
};

enum { MOST_CLASSES = 16 };

static struct object ordinary_loader = { .signature = "Ljava/net/URLClassLoader;" },
                     trial_loader = { .signature = "L" HD_VERIFY_LOADER ";" };
static struct object app = { .class = &ordinary_loader }, shop = { .class = &ordinary_loader },
                     trial = { .class = &trial_loader };

static struct {
    struct object *loaded[MOST_CLASSES];
    jint count;
    int globals;    /* global references held */
    int frames;     /* local frames open */
    int blocks;     /* of JVMTI's memory */
    int asked;      /* calls of GetClassLoader */
    jvmtiError loader_error;
} vm;

static jvmtiError JNICALL get_loaded_classes(jvmtiEnv *jvmti, jint *count, jclass **classes)
{
    (void)jvmti;
    vm.blocks++;
    *count = vm.count;
    *classes = malloc(sizeof vm.loaded);
    memcpy(*classes, vm.loaded, sizeof vm.loaded);
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_class_signature(jvmtiEnv *jvmti, jclass class, char **signature, char **generic)
{
    (void)jvmti;
    assert_null(generic);
    vm.blocks++;
    *signature = strdup(((struct object *)class)->signature);
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_class_loader(jvmtiEnv *jvmti, jclass class, jobject *loader)
{
    (void)jvmti;
    vm.asked++;
    if (vm.loader_error != JVMTI_ERROR_NONE)
        return vm.loader_error;
    *loader = (jobject)((struct object *)class)->loader;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL is_modifiable_class(jvmtiEnv *jvmti, jclass class, jboolean *modifiable)
{
    (void)jvmti;
    *modifiable = !((struct object *)class)->frozen;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL deallocate(jvmtiEnv *jvmti, unsigned char *memory)
{
    (void)jvmti;
    vm.blocks -= memory != NULL;
    free(memory);
    return JVMTI_ERROR_NONE;
}

static jobject JNICALL new_global_ref(JNIEnv *jni, jobject object)
{
    (void)jni;
    vm.globals++;
    return object;
}

static void JNICALL delete_global_ref(JNIEnv *jni, jobject object)
{
    (void)jni;
    assert_non_null(object);
    vm.globals--;
}

static void JNICALL delete_local_ref(JNIEnv *jni, jobject object)
{
    (void)jni;
    (void)object;
}

static jboolean JNICALL is_same_object(JNIEnv *jni, jobject a, jobject b)
{
    (void)jni;
    return a == b;
}

static jclass JNICALL get_object_class(JNIEnv *jni, jobject object)
{
    (void)jni;
    return (jclass)((struct object *)object)->class;
}

static jclass JNICALL find_class(JNIEnv *jni, const char *name)
{
    (void)jni;
    assert_string_equal(name, HD_VERIFY_LOADER);
    return (jclass)&trial_loader;
}

static jint JNICALL push_local_frame(JNIEnv *jni, jint capacity)
{
    (void)jni;
    (void)capacity;
    vm.frames++;
    return JNI_OK;
}

static jobject JNICALL pop_local_frame(JNIEnv *jni, jobject result)
{
    (void)jni;
    vm.frames--;
    return result;
}

static jint JNICALL ensure_local_capacity(JNIEnv *jni, jint capacity)
{
    (void)jni;
    assert_true(capacity >= vm.count);
    return JNI_OK;
}

static const struct jvmtiInterface_1_ jvmti_functions = {
    .GetLoadedClasses = get_loaded_classes,
    .GetClassSignature = get_class_signature,
    .GetClassLoader = get_class_loader,
    .IsModifiableClass = is_modifiable_class,
    .Deallocate = deallocate,
};
static const struct JNINativeInterface_ jni_functions = {
    .NewGlobalRef = new_global_ref,
    .DeleteGlobalRef = delete_global_ref,
    .DeleteLocalRef = delete_local_ref,
    .IsSameObject = is_same_object,
    .GetObjectClass = get_object_class,
    .FindClass = find_class,
    .PushLocalFrame = push_local_frame,
    .PopLocalFrame = pop_local_frame,
    .EnsureLocalCapacity = ensure_local_capacity,
};
static jvmtiEnv jvmti = &jvmti_functions;
static JNIEnv jni = &jni_functions;
static const struct hd_jvm jvm = { .jvmti = &jvmti };

static int setup(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof vm);
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

static void load(struct object *class)
{
    assert_true(vm.count < MOST_CLASSES);
    vm.loaded[vm.count++] = class;
}

static struct hd_resolution resolve(const char *const *wanted, size_t count)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_resolution found;
    assert_int_equal(hd_resolve(&jvm, &jni, NULL, wanted, count, &found, &err), 0);
    assert_int_equal(found.count, count);
    return found;
}

static struct object foo_in_app = { .signature = "Lcom/example/Foo;", .loader = &app },
                     foo_in_shop = { .signature = "Lcom/example/Foo;", .loader = &shop },
                     bar_in_app = { .signature = "Lcom/example/Bar;", .loader = &app },
                     baz_in_app = { .signature = "Lcom/example/Baz;", .loader = &app },
                     foo_tried = { .signature = "Lcom/example/Foo;", .loader = &trial },
                     string_of_boot = { .signature = "Ljava/lang/String;" },
                     foo_array = { .signature = "[Lcom/example/Foo;", .loader = &app },
                     foo_hidden = { .signature = "Lcom/example/Foo.0x00007f;", .loader = &app },
                     integer = { .signature = "I" },
                     inner_of_other = { .signature = "Lcom/example/sub/Foo;", .loader = &app },
                     unnamed = { .signature = "LFoo;", .loader = &app, .frozen = true };

static void every_loader_that_defines_a_class_is_found(void **state)
{
    (void)state;
    const char *const wanted[] = { "com/example/Foo", "java/lang/String", "com/example/Bar" };
    load(&integer);
    load(&foo_in_app);
    load(&string_of_boot);
    load(&foo_in_shop);
    load(&bar_in_app);
    struct hd_resolution found = resolve(wanted, 3);
    assert_int_equal(found.names[0].class_count, 2);
    assert_ptr_equal(found.names[0].classes[0].loader, &app);
    assert_ptr_equal(found.names[0].classes[1].class, &foo_in_shop);
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
    load(&foo_array);
    load(&foo_hidden);
    load(&inner_of_other);
    struct hd_resolution found = resolve(wanted, 1);
    assert_int_equal(found.names[0].class_count, 0);
    hd_resolution_close(&found, &jni);
}

static void what_the_verifier_was_asked_about_is_not_the_applications(void **state)
{
    (void)state;
    const char *const wanted[] = { "com/example/Foo", "com/example/New" };
    load(&foo_tried);
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
    load(&bar_in_app);
    load(&baz_in_app);
    load(&foo_in_shop);
    load(&inner_of_other);
    struct hd_resolution found = resolve(wanted, 2);
    assert_int_equal(found.names[0].package_loader_count, 2);
    assert_ptr_equal(found.names[0].package_loaders[0], &app);
    assert_ptr_equal(found.names[0].package_neighbours[0], &bar_in_app);
    assert_ptr_equal(found.names[0].package_loaders[1], &shop);
    assert_int_equal(found.names[1].package_loader_count, 0);
    hd_resolution_close(&found, &jni);
}

static void a_package_is_looked_at_once_for_all_its_new_classes(void **state)
{
    (void)state;
    const char *const wanted[] = { "com/example/N1", "com/example/N2", "com/example/N3" };
    load(&bar_in_app);
    load(&baz_in_app);
    struct hd_resolution found = resolve(wanted, 3);
    assert_int_equal(found.names[2].package_loader_count, 1);
    assert_int_equal(vm.asked, 2);
    hd_resolution_close(&found, &jni);
}

static void the_unnamed_package_is_a_package_and_frozen_classes_are_marked(void **state)
{
    (void)state;
    const char *const wanted[] = { "Foo", "New" };
    load(&unnamed);
    load(&foo_in_app);
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
    load(&foo_in_app);
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
    load(&foo_in_app);
    load(&bar_in_app);
    load(&foo_in_shop);
    load(&unnamed);
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
