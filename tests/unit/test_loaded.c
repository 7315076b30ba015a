/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/arrivals.h"
#include "agent/resolve.h"
#include "core/alloc.h"
#include "tests/unit/fake_classes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers --------------------------------------------------------------------------------- */

static struct hd_loaded *loaded;

static int setup(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof vm);
    loaded = hd_loaded_new(&jvm);
    assert_non_null(loaded);
    return 0;
}

static int nothing_is_left(void **state)
{
    (void)state;
    hd_loaded_free(loaded, &jni);
    assert_false(vm.event);
    assert_int_equal(vm.environments, 0);
    assert_int_equal(vm.weaks, 0);
    assert_int_equal(vm.frames, 0);
    assert_int_equal(vm.blocks, 0);
    assert_int_equal(vm.globals, 0);
    assert_int_equal(hd_alloc_outstanding(), 0);
    return 0;
}

static struct hd_bytes bytes(const char *text)
{
    return (struct hd_bytes){ (const uint8_t *)text, strlen(text) };
}

/* The list's references are to be seen until the next call. */
static struct hd_loaded_list find(enum hd_loaded_key key, const char *text)
{
    static jclass seen[16];
    struct hd_error err = HD_ERROR_INIT;
    struct hd_loaded_list list = { NULL, 0, 0 };
    assert_true(hd_loaded_update(loaded, &jni));
    assert_int_equal(hd_loaded_find(loaded, &jni, key, bytes(text), &list, &err), 0);
    for (size_t i = 0; i < list.count && i < 16; i++)
        seen[i] = list.classes[i];
    size_t count = list.count;
    hd_loaded_list_close(&list);
    return (struct hd_loaded_list){ seen, count, 16 };
}

static size_t count_named(const char *name)
{
    return find(HD_LOADED_BY_NAME, name).count;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void nothing_is_asked_of_the_jvm_before_something_is_looked_up(void **state)
{
    (void)state;
    load("Lcom/example/Foo;", NULL);
    assert_int_equal(vm.environments, 0);
    assert_int_equal(vm.walks, 0);
    assert_int_equal(hd_loaded_size(loaded), 0);
}

static void what_had_loaded_and_what_loads_later_is_found_by_one_walk(void **state)
{
    (void)state;
    struct object *first = load("Lcom/example/Foo;", &loaders[0]);
    load("LFoo;", &loaders[0]);
    assert_int_equal(count_named("com/example/Foo"), 1);
    struct object *second = load("Lcom/example/Foo;", &loaders[1]);
    load("Lcom/example/Bar;", &loaders[1]);
    struct hd_loaded_list list = find(HD_LOADED_BY_NAME, "com/example/Foo");
    assert_int_equal(list.count, 2);
    assert_ptr_equal(list.classes[0], first);
    assert_ptr_equal(list.classes[1], second);
    assert_int_equal(find(HD_LOADED_BY_PACKAGE, "com/example").count, 3);
    assert_int_equal(find(HD_LOADED_BY_PACKAGE, "").count, 1);
    assert_int_equal(count_named("com/example/Baz"), 0);
    assert_int_equal(vm.walks, 1);
    assert_true(hd_loaded_size(loaded) > 4 * sizeof(void *));
}

static void a_class_that_is_reported_again_is_there_once(void **state)
{
    (void)state;
    struct object *class = load("Ljava/lang/String;", NULL);
    vm.loads_during_walk = class; /* reported while the walk is under way, and seen by it */
    vm.count = 0;
    assert_int_equal(count_named("java/lang/String"), 1);
    report(class); /* another loader asked its parents for it */
    report(class);
    assert_int_equal(count_named("java/lang/String"), 1);
}

static void arrays_hidden_classes_and_primitive_types_are_not_there(void **state)
{
    (void)state;
    load("[Lcom/example/Foo;", NULL);
    load("I", NULL);
    load("Lcom/example/Foo.0x00007f;", NULL);
    assert_int_equal(find(HD_LOADED_BY_PACKAGE, "com/example").count, 0);
    load("Lcom/example/Foo.0x00008f;", NULL);
    assert_int_equal(find(HD_LOADED_BY_PACKAGE, "com/example").count, 0);
    assert_int_equal(vm.weaks, 0);
}

static void an_unloaded_class_is_not_found_and_let_go_of(void **state)
{
    (void)state;
    struct object *first = load("Lcom/example/Foo;", &loaders[0]);
    load("Lcom/example/Foo;", &loaders[1]);
    assert_int_equal(count_named("com/example/Foo"), 2);
    assert_int_equal(vm.weaks, 2);
    first->unloaded = true;
    assert_int_equal(count_named("com/example/Foo"), 1);
    assert_int_equal(vm.weaks, 1);
}

static void unload_all_but_the_first(void)
{
    for (size_t i = 1; i < vm.count; i++)
        vm.classes[i].unloaded = true;
}

static void loaders_that_come_and_go_leave_memory_as_it_was(void **state)
{
    (void)state;
    load("Lcom/example/Stays;", NULL);
    assert_int_equal(count_named("com/example/Stays"), 1);
    int most = 0;
    for (int i = 1; i < MOST_CLASSES; i++) {
        char signature[48];
        snprintf(signature, sizeof signature, "Lcom/example/Comes%d;", i);
        load(signature, &loaders[0]);
        most = most > vm.weaks ? most : vm.weaks;
        if (i % 100 != 0)
            continue;
        assert_int_equal(count_named("com/example/Stays"), 1);
        unload_all_but_the_first();
    }
    assert_int_equal(vm.walks, 1);
    assert_true(most < 2500);
    assert_true(hd_loaded_size(loaded) < 200000);
}

static void more_than_may_wait_are_let_go_of_and_the_next_lookup_walks_again(void **state)
{
    (void)state;
    assert_int_equal(count_named("com/example/Last"), 0);
    for (int i = 0; i <= HD_ARRIVALS_MOST; i++)
        load("Lcom/example/Many;", &loaders[0]);
    load("Lcom/example/Last;", &loaders[0]);
    assert_int_equal(vm.weaks, HD_ARRIVALS_MOST);
    assert_int_equal(count_named("com/example/Last"), 1);
    assert_int_equal(count_named("com/example/Many"), HD_ARRIVALS_MOST + 1);
    assert_int_equal(vm.walks, 2);
    load("Lcom/example/Last;", &loaders[1]);
    assert_int_equal(count_named("com/example/Last"), 2);
    assert_int_equal(vm.walks, 2);
}

static void a_class_that_memory_was_out_for_is_found_by_walking_again(void **state)
{
    (void)state;
    assert_int_equal(count_named("com/example/Foo"), 0);
    hd_alloc_fail_at(1);
    load("Lcom/example/Foo;", NULL);
    hd_alloc_fail_at(0);
    assert_int_equal(count_named("com/example/Foo"), 1);
    vm.weak_fails = true;
    load("Lcom/example/Bar;", NULL);
    assert_false(hd_loaded_update(loaded, &jni));
    vm.weak_fails = false;
    assert_int_equal(count_named("com/example/Bar"), 1);
}

static void a_jvm_without_the_event_is_asked_once(void **state)
{
    (void)state;
    vm.event_error = JVMTI_ERROR_WRONG_PHASE;
    assert_false(hd_loaded_update(loaded, &jni));
    assert_int_equal(vm.environments, 0);
    vm.event_error = JVMTI_ERROR_NONE;
    assert_false(hd_loaded_update(loaded, &jni));
    assert_int_equal(vm.walks, 0);
}

static void nothing_is_noted_once_the_jvm_shuts_down(void **state)
{
    (void)state;
    assert_int_equal(count_named("com/example/Foo"), 0);
    hd_arrivals_shut();
    load("Lcom/example/Foo;", NULL);
    assert_int_equal(vm.weaks, 0);
}

/* ---- beside the walk ------------------------------------------------------------------------- */

static void expect_same_classes(const struct hd_resolved_name *a, const struct hd_resolved_name *b)
{
    assert_int_equal(a->class_count, b->class_count);
    for (size_t i = 0; i < a->class_count; i++) {
        size_t k = 0;
        while (k < b->class_count && a->classes[i].class != b->classes[k].class)
            k++;
        assert_true(k < b->class_count);
        assert_ptr_equal(a->classes[i].loader, b->classes[k].loader);
    }
}

static void expect_same_packages(const struct hd_resolved_name *a, const struct hd_resolved_name *b)
{
    assert_int_equal(a->package_loader_count, b->package_loader_count);
    for (size_t i = 0; i < a->package_loader_count; i++) {
        size_t k = 0;
        while (k < b->package_loader_count && a->package_loaders[i] != b->package_loaders[k])
            k++;
        assert_true(k < b->package_loader_count);
        assert_ptr_equal(alive(a->package_neighbours[i])->loader, a->package_loaders[i]);
    }
}

static const char *const wanted[] = { "p0/C0", "p0/C1", "p1/C3", "C4", "C99", "p1/C99", "q/C1" };
enum { WANTED = sizeof wanted / sizeof wanted[0] };

static void expect_what_a_walk_finds(void)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_resolution by_index, by_walk;
    assert_int_equal(hd_resolve(&jvm, &jni, loaded, wanted, WANTED, &by_index, &err), 0);
    assert_int_equal(hd_resolve(&jvm, &jni, NULL, wanted, WANTED, &by_walk, &err), 0);
    for (size_t i = 0; i < WANTED; i++) {
        expect_same_classes(&by_index.names[i], &by_walk.names[i]);
        expect_same_packages(&by_index.names[i], &by_walk.names[i]);
    }
    hd_resolution_close(&by_index, &jni);
    hd_resolution_close(&by_walk, &jni);
}

static void load_any(unsigned *seed)
{
    static const char *const packages[] = { "", "p0/", "p1/", "p2/" };
    char signature[48];
    unsigned loader = (unsigned)rand_r(seed) % (LOADERS + 1);
    snprintf(signature, sizeof signature, "L%sC%d;", packages[rand_r(seed) % 4],
             rand_r(seed) % NAMES);
    load(signature, loader == LOADERS ? NULL : &loaders[loader]);
}

static void unload_loader(unsigned *seed)
{
    const struct object *loader = &loaders[rand_r(seed) % LOADERS];
    for (size_t i = 0; i < vm.count; i++)
        vm.classes[i].unloaded |= vm.classes[i].loader == loader;
}

static void the_index_says_what_a_walk_says(void **state)
{
    (void)state;
    unsigned seed = 17;
    for (int round = 0; round < 300; round++) {
        for (int i = rand_r(&seed) % 20; i > 0; i--)
            load_any(&seed);
        if (round % 7 == 0)
            unload_loader(&seed);
        if (vm.count > 0 && round % 3 == 0 && !vm.classes[vm.count / 2].unloaded)
            report(&vm.classes[vm.count / 2]);
        expect_what_a_walk_finds();
    }
    assert_int_equal(vm.walks, 300 + 1);
}

static void names_of_one_hash_are_told_apart(void **state)
{
    (void)state;
    /* FNV-1a, 32 bits */
    static const char *const alike[] = { "costarring", "liquid", "liquid/New" };
    struct hd_error err = HD_ERROR_INIT;
    struct hd_resolution found;
    load("Lcostarring;", &loaders[0]);
    struct object *liquid = load("Lliquid;", &loaders[0]);
    assert_int_equal(count_named("liquid"), 2);
    load("Lcostarring/Foo;", &loaders[0]);
    struct object *neighbour = load("Lliquid/Foo;", &loaders[1]);
    assert_int_equal(hd_resolve(&jvm, &jni, loaded, alike, 3, &found, &err), 0);
    assert_int_equal(found.names[0].class_count, 1);
    assert_int_equal(found.names[1].class_count, 1);
    assert_ptr_equal(found.names[1].classes[0].class, liquid);
    assert_int_equal(found.names[2].package_loader_count, 1);
    assert_ptr_equal(found.names[2].package_neighbours[0], neighbour);
    hd_resolution_close(&found, &jni);
}

static void resolve_with_failing_allocation(unsigned long nth)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_resolution found;
    hd_alloc_fail_at(nth);
    if (hd_resolve(&jvm, &jni, loaded, wanted, WANTED, &found, &err) == 0)
        hd_resolution_close(&found, &jni);
    else
        assert_int_equal(err.code, HD_E_MEMORY);
    hd_alloc_fail_at(0);
    assert_int_equal(vm.globals, 0);
}

/* Each in turn: while the index is filled, and while it grows by what has come. What cannot be
 * noted is walked over, what cannot be answered is an error. */
static void memory_that_is_out_never_hides_a_class(void **state)
{
    (void)state;
    unsigned seed = 25;
    for (unsigned long nth = 1; nth < 100; nth++) {
        vm.count = 0;
        hd_loaded_free(loaded, &jni);
        loaded = hd_loaded_new(&jvm);
        for (int i = 0; i < 1000; i++)
            load_any(&seed);
        resolve_with_failing_allocation(nth);
        expect_what_a_walk_finds();
        for (int i = 0; i < 1500; i++)
            load_any(&seed);
        resolve_with_failing_allocation(nth);
        expect_what_a_walk_finds();
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, nothing_is_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_asked_of_the_jvm_before_something_is_looked_up),
        TEST(what_had_loaded_and_what_loads_later_is_found_by_one_walk),
        TEST(a_class_that_is_reported_again_is_there_once),
        TEST(arrays_hidden_classes_and_primitive_types_are_not_there),
        TEST(an_unloaded_class_is_not_found_and_let_go_of),
        TEST(loaders_that_come_and_go_leave_memory_as_it_was),
        TEST(more_than_may_wait_are_let_go_of_and_the_next_lookup_walks_again),
        TEST(a_class_that_memory_was_out_for_is_found_by_walking_again),
        TEST(a_jvm_without_the_event_is_asked_once),
        TEST(nothing_is_noted_once_the_jvm_shuts_down),
        TEST(the_index_says_what_a_walk_says),
        TEST(names_of_one_hash_are_told_apart),
        TEST(memory_that_is_out_never_hides_a_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
