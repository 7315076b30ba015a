/* SPDX-License-Identifier: Apache-2.0 */
/* The registry and what status tells of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/status.h"
#include "tests/unit/every_allocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A loader; a weak reference is a cell that points to it, or to nothing once it was collected. */
struct loader {
    const char *label;
    bool collected;
};
struct weak {
    struct loader *loader;
};
static struct loader app = { "app", false }, shop = { "shop", false };
static int weak_references;

static struct loader *behind(jobject reference)
{
    struct loader *loader = (struct loader *)reference;
    if (loader == NULL || loader == &app || loader == &shop)
        return loader;
    loader = ((struct weak *)reference)->loader;
    return loader->collected ? NULL : loader;
}

static jboolean JNICALL is_same_object(JNIEnv *jni, jobject a, jobject b)
{
    (void)jni;
    return behind(a) == behind(b);
}

static jweak JNICALL new_weak(JNIEnv *jni, jobject object)
{
    (void)jni;
    struct weak *weak = malloc(sizeof *weak);
    weak->loader = (struct loader *)object;
    weak_references++;
    return (jweak)weak;
}

static void JNICALL delete_weak(JNIEnv *jni, jweak weak)
{
    (void)jni;
    assert_non_null(weak);
    weak_references--;
    free(weak);
}

static const struct JNINativeInterface_ jni_functions = {
    .IsSameObject = is_same_object,
    .NewWeakGlobalRef = new_weak,
    .DeleteWeakGlobalRef = delete_weak,
};
static JNIEnv jni = &jni_functions;
static const struct hd_jvm jvm = { .version = "17.0.15+6", .pid = 4711 };

static int setup(void **state)
{
    app.collected = shop.collected = false;
    *state = hd_registry_new();
    return *state == NULL;
}

static int nothing_is_left(void **state)
{
    hd_registry_free(*state, &jni);
    assert_int_equal(weak_references, 0);
    assert_int_equal(hd_alloc_outstanding(), 0);
    return 0;
}

static struct hd_live *prepare(struct hd_registry *registry, const char *name,
                               struct loader *loader, enum hd_live_state live_state,
                               const char *file)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_live *live = NULL;
    const struct hd_live_wanted wanted = {
        .internal_name = name,
        .label = loader != NULL ? loader->label : "boot",
        .loader = (jobject)loader,
        .state = live_state,
        .file = { (const uint8_t *)file, strlen(file) },
    };
    assert_int_equal(hd_registry_prepare(registry, &jni, &wanted, &live, &err), 0);
    return live;
}

static struct hd_live *prepare_for_any(struct hd_registry *registry, const char *name,
                                       const char *file)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_live *live = NULL;
    const struct hd_live_wanted wanted = { .internal_name = name,
                                           .label = "",
                                           .any_loader = true,
                                           .state = HD_LIVE_PENDING,
                                           .file = { (const uint8_t *)file, strlen(file) } };
    assert_int_equal(hd_registry_prepare(registry, &jni, &wanted, &live, &err), 0);
    return live;
}

static void set_base(struct hd_live *live, const char *base)
{
    struct hd_error err = HD_ERROR_INIT;
    const struct hd_bytes bytes = { (const uint8_t *)base, strlen(base) };
    assert_int_equal(hd_live_set_base(live, bytes, HD_BASE_PROVEN, &err), 0);
}

static void put(struct hd_registry *registry, const char *name, struct loader *loader,
                const char *base, const char *file)
{
    struct hd_live *live = prepare(registry, name, loader, HD_LIVE_REDEFINED, file);
    if (base != NULL)
        set_base(live, base);
    hd_registry_put_take(registry, &jni, live);
}

static struct hd_live *find(const struct hd_registry *registry, const char *name,
                            struct loader *loader)
{
    return hd_registry_find(registry, &jni, name, (jobject)loader);
}

static const char *state_of(struct hd_registry *registry)
{
    static char states[4][HD_STATE_SIZE];
    static unsigned next;
    char *state = states[next++ % 4];
    hd_status_digest(registry, state);
    assert_int_equal(strlen(state), HD_STATE_SIZE - 1);
    return state;
}

static void an_entry_belongs_to_one_class_in_one_loader(void **state)
{
    put(*state, "A", &app, NULL, "1");
    put(*state, "A", NULL, NULL, "2");
    assert_memory_equal(find(*state, "A", &app)->file->bytes.data, "1", 1);
    assert_memory_equal(find(*state, "A", NULL)->file->bytes.data, "2", 1);
    assert_null(find(*state, "A", &shop));
    assert_null(find(*state, "B", &app));
    assert_int_equal(hd_registry_count(*state), 2);
}

static void what_is_prepared_is_not_there_until_it_is_put(void **state)
{
    struct hd_live *live = prepare(*state, "A", &app, HD_LIVE_REDEFINED, "1");
    assert_null(find(*state, "A", &app));
    assert_int_equal(hd_registry_count(*state), 0);
    hd_live_free(live, &jni);
}

static void a_patch_on_a_patch_keeps_the_first_base(void **state)
{
    put(*state, "A", &app, "base", "1");
    put(*state, "A", &app, NULL, "2");
    assert_int_equal(hd_registry_count(*state), 1);
    struct hd_live *live = find(*state, "A", &app);
    assert_memory_equal(live->file->bytes.data, "2", 1);
    assert_memory_equal(live->base->bytes.data, "base", 4);
    assert_int_equal(live->standing, HD_BASE_PROVEN);
}

static void a_class_that_a_deployment_defined_stays_one(void **state)
{
    hd_registry_put_take(*state, &jni, prepare(*state, "A", &app, HD_LIVE_DEFINED, "1"));
    put(*state, "A", &app, NULL, "2");
    assert_int_equal(find(*state, "A", &app)->state, HD_LIVE_DEFINED);
}

static void a_patch_for_any_loader_is_no_loaders(void **state)
{
    hd_registry_put_take(*state, &jni, prepare_for_any(*state, "A", "1"));
    assert_null(find(*state, "A", NULL)); /* boot is not "any" */
    assert_null(find(*state, "A", &app));
    assert_memory_equal(hd_registry_find_any(*state, "A")->file->bytes.data, "1", 1);
    hd_registry_put_take(*state, &jni, prepare_for_any(*state, "A", "2"));
    assert_memory_equal(hd_registry_find_any(*state, "A")->file->bytes.data, "2", 1);
    assert_int_equal(hd_registry_count(*state), 1);
}

static void a_loader_that_was_collected_takes_its_entries_along(void **state)
{
    put(*state, "A", &app, NULL, "1");
    put(*state, "A", &shop, NULL, "1");
    put(*state, "A", NULL, NULL, "1");
    put(*state, "B", &shop, NULL, "1");
    shop.collected = true;
    assert_memory_equal(find(*state, "A", NULL)->file->bytes.data, "1", 1);
    hd_registry_sweep(*state, &jni, NULL, NULL);
    assert_int_equal(hd_registry_count(*state), 2);
    assert_non_null(find(*state, "A", &app));
    assert_non_null(find(*state, "A", NULL));
    assert_int_equal(weak_references, 1);
}

static void the_state_does_not_depend_on_the_order_of_deployments(void **state)
{
    struct hd_registry *other = hd_registry_new();
    put(*state, "A", &app, "a", "1");
    put(*state, "B", &app, "b", "1");
    put(other, "B", &app, "b", "1");
    put(other, "A", &app, "a", "1");
    assert_string_equal(state_of(*state), state_of(other));
    hd_registry_free(other, &jni);
}

static void the_state_tells_base_code_and_loader_apart(void **state)
{
    put(*state, "A", &app, "a", "1");
    char before[HD_STATE_SIZE];
    hd_status_digest(*state, before);
    static const struct {
        struct loader *loader;
        const char *base, *file;
    } others[] = {
        { &app, "a", "2" }, { &app, "b", "1" }, { &shop, "a", "1" }, { &app, NULL, "1" }
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct hd_registry *other = hd_registry_new();
        put(other, "A", others[i].loader, others[i].base, others[i].file);
        assert_string_not_equal(before, state_of(other));
        hd_registry_free(other, &jni);
    }
}

/* SHA-256 of nothing begins with these digits. */
#define NOTHING_LIVE "e3b0c44298fc1c14"

static void what_is_not_live_does_not_count(void **state)
{
    assert_string_equal(state_of(*state), NOTHING_LIVE);
    hd_registry_put_take(*state, &jni, prepare(*state, "A", &app, HD_LIVE_PENDING, "1"));
    assert_string_equal(state_of(*state), NOTHING_LIVE);
    put(*state, "B", &app, "b", "1");
    assert_string_not_equal(state_of(*state), NOTHING_LIVE);
    put(*state, "B", &app, NULL, "b");
    assert_string_equal(state_of(*state), NOTHING_LIVE);
}

static void the_document_lists_what_is_live_and_what_waits(void **state)
{
    char *names[] = { (char[]){ "com/example/B" } };
    uint32_t threads[] = { 3 };
    const struct hd_old_frames frames = { .threads = 3,
                                          .complete = false,
                                          .class_names = names,
                                          .class_threads = threads,
                                          .class_count = 1 };
    struct hd_live *live = prepare(*state, "com/example/B", &app, HD_LIVE_REDEFINED, "1");
    live->deployment = 7;
    snprintf(live->who, sizeof live->who, "uid:1000 (alice)");
    hd_registry_put_take(*state, &jni, live);
    hd_registry_put_take(*state, &jni, prepare_for_any(*state, "com/example/A$1", "1"));
    put(*state, "com/example/C", &app, "same", "same");

    struct hd_status *snapshot =
        hd_status_new_take(*state, NULL, &frames, json_pack("{s:i}", "old_frames", 3));
    json_t *document = hd_status_to_json(snapshot, &jvm);
    hd_status_free(snapshot);
    const json_t *rows = json_object_get(document, "classes");
    assert_int_equal(json_integer_value(json_object_get(document, "pid")), 4711);
    assert_true(json_is_false(json_object_get(document, "old_frames_complete")));
    assert_true(json_is_null(json_object_get(document, "busy")));
    assert_int_equal(json_integer_value(json_object_get(document, "old_frames")), 3);
    assert_int_equal(json_array_size(rows), 2);
    const json_t *first = json_array_get(rows, 0), *second = json_array_get(rows, 1);
    assert_string_equal(json_string_value(json_object_get(first, "class")), "com.example.A$1");
    assert_string_equal(json_string_value(json_object_get(first, "live")), "pending");
    assert_string_equal(json_string_value(json_object_get(first, "loader")), "");
    assert_string_equal(json_string_value(json_object_get(second, "class")), "com.example.B");
    assert_string_equal(json_string_value(json_object_get(second, "live")), "redefined");
    assert_string_equal(json_string_value(json_object_get(second, "who")), "uid:1000 (alice)");
    assert_int_equal(json_integer_value(json_object_get(second, "deployment")), 7);
    assert_int_equal(json_integer_value(json_object_get(second, "threads_in_old_code")), 3);
    json_decref(document);
}

static int put_three(void *context, struct hd_error *err)
{
    static const char *const names[] = { "A", "B", "A" };
    struct hd_registry *registry = hd_registry_new();
    int result = registry != NULL ? 0 : hd_error_set_memory(err);
    (void)context;
    for (int i = 0; result == 0 && i < 3; i++) {
        const struct hd_live_wanted wanted = { .internal_name = names[i],
                                               .label = "app",
                                               .loader = (jobject)&app,
                                               .file = { (const uint8_t *)"1", 1 } };
        struct hd_live *live;
        result = hd_registry_prepare(registry, &jni, &wanted, &live, err);
        if (result == 0)
            hd_registry_put_take(registry, &jni, live);
    }
    if (result == 0)
        assert_int_equal(hd_registry_count(registry), 2);
    hd_registry_free(registry, &jni);
    assert_int_equal(weak_references, 0);
    return result;
}

static void memory_that_is_out_leaves_nothing_behind(void **state)
{
    (void)state;
    hd_registry_free(*state, &jni);
    *state = NULL;
    fail_every_allocation(put_three, NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, nothing_is_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_entry_belongs_to_one_class_in_one_loader),
        TEST(what_is_prepared_is_not_there_until_it_is_put),
        TEST(a_patch_on_a_patch_keeps_the_first_base),
        TEST(a_class_that_a_deployment_defined_stays_one),
        TEST(a_patch_for_any_loader_is_no_loaders),
        TEST(a_loader_that_was_collected_takes_its_entries_along),
        TEST(the_state_does_not_depend_on_the_order_of_deployments),
        TEST(the_state_tells_base_code_and_loader_apart),
        TEST(what_is_not_live_does_not_count),
        TEST(the_document_lists_what_is_live_and_what_waits),
        TEST(memory_that_is_out_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
