/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/hook.h"
#include "classfile/fingerprint.h"
#include "tests/unit/every_allocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A reference of the fake JVM: an object behind it, or none when it was collected. */
struct object {
    const char *name;
};
struct reference {
    const struct object *object;
};

static struct {
    bool event_on;
    jvmtiError event_error;
    void *storage;
    int weak_references; /* made, not deleted */
    bool out_of_memory;  /* Allocate fails */
    int handed_over;     /* blocks from Allocate, not deallocated */
    struct hd_hook_event *events[8];
    int event_count;
} vm;

static jvmtiError JNICALL set_event_notification_mode(jvmtiEnv *jvmti, jvmtiEventMode mode,
                                                      jvmtiEvent event, jthread thread, ...)
{
    (void)jvmti;
    assert_int_equal(event, JVMTI_EVENT_CLASS_FILE_LOAD_HOOK);
    assert_null(thread);
    if (vm.event_error != JVMTI_ERROR_NONE)
        return vm.event_error;
    vm.event_on = mode == JVMTI_ENABLE;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL set_storage(jvmtiEnv *jvmti, const void *data)
{
    (void)jvmti;
    memcpy(&vm.storage, &data, sizeof data);
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_storage(jvmtiEnv *jvmti, void **data)
{
    (void)jvmti;
    *data = vm.storage;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL allocate(jvmtiEnv *jvmti, jlong size, unsigned char **memory)
{
    (void)jvmti;
    if (vm.out_of_memory)
        return JVMTI_ERROR_OUT_OF_MEMORY;
    vm.handed_over++;
    *memory = malloc((size_t)size);
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL deallocate(jvmtiEnv *jvmti, unsigned char *memory)
{
    (void)jvmti;
    vm.handed_over--;
    free(memory);
    return JVMTI_ERROR_NONE;
}

static const struct object *behind(jobject reference)
{
    return reference != NULL ? ((const struct reference *)reference)->object : NULL;
}

static jboolean JNICALL is_same_object(JNIEnv *jni, jobject a, jobject b)
{
    (void)jni;
    return behind(a) == behind(b);
}

static jweak JNICALL new_weak(JNIEnv *jni, jobject object)
{
    (void)jni;
    struct reference *weak = malloc(sizeof *weak);
    weak->object = behind(object);
    vm.weak_references++;
    return (jweak)weak;
}

static void JNICALL delete_weak(JNIEnv *jni, jweak weak)
{
    (void)jni;
    assert_non_null(weak);
    vm.weak_references--;
    free(weak);
}

static const struct jvmtiInterface_1_ jvmti_functions = {
    .SetEventNotificationMode = set_event_notification_mode,
    .SetEnvironmentLocalStorage = set_storage,
    .GetEnvironmentLocalStorage = get_storage,
    .Allocate = allocate,
    .Deallocate = deallocate,
};
static const struct JNINativeInterface_ jni_functions = {
    .IsSameObject = is_same_object,
    .NewWeakGlobalRef = new_weak,
    .DeleteWeakGlobalRef = delete_weak,
};
static jvmtiEnv jvmti = &jvmti_functions;
static JNIEnv jni = &jni_functions;
static const struct hd_jvm jvm = { .jvmti = &jvmti };

static const struct object shop_loader = { "shop" }, other_loader = { "other" };
static struct reference shop = { &shop_loader }, other = { &other_loader };

static void keep_event(struct hd_hook_event *event, void *context)
{
    assert_ptr_equal(context, &vm);
    assert_true(vm.event_count < 8);
    vm.events[vm.event_count++] = event;
}

static struct hd_hook *new_hook(void)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_hook *hook = NULL;
    assert_int_equal(hd_hook_new(&jvm, keep_event, &vm, &hook, &err), 0);
    return hook;
}

static void free_event(struct hd_hook_event *event)
{
    if (event->loader != NULL)
        delete_weak(&jni, event->loader);
    hd_free(event->class_name);
    hd_free(event);
}

static int setup(void **state)
{
    memset(&vm, 0, sizeof vm);
    *state = new_hook();
    return 0;
}

static int nothing_is_left(void **state)
{
    hd_hook_free(*state, &jni);
    for (int i = 0; i < vm.event_count; i++)
        free_event(vm.events[i]);
    assert_false(vm.event_on);
    assert_null(vm.storage);
    assert_int_equal(vm.weak_references, 0);
    assert_int_equal(hd_alloc_outstanding(), 0);
    return 0;
}

/* The smallest class file: Foo extends Object, with a class-file version and, before or after
 * its own constants, one more. */
struct class_bytes {
    uint8_t data[128];
    size_t length;
};

static void add(struct class_bytes *out, const void *data, size_t length)
{
    memcpy(out->data + out->length, data, length);
    out->length += length;
}

#define ADD(out, bytes) add((out), (bytes), sizeof(bytes) - 1)

static struct class_bytes class_file(uint8_t access, bool unused_constant)
{
    struct class_bytes out = { .length = 0 };
    ADD(&out, "\xCA\xFE\xBA\xBE\0\0\0\x34\0");
    out.data[out.length++] = unused_constant ? 6 : 5;
    ADD(&out, "\x01\0\x03"
              "Foo"
              "\x07\0\x01"
              "\x01\0\x10"
              "java/lang/Object"
              "\x07\0\x03");
    if (unused_constant)
        ADD(&out, "\x01\0\x01x");
    out.data[out.length++] = 0;
    out.data[out.length++] = (uint8_t)(0x20 | access);
    ADD(&out, "\0\x02\0\x04\0\0\0\0\0\0\0\0");
    return out;
}

static struct hd_digest fingerprint(const struct class_bytes *file)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_class *parsed = NULL;
    struct hd_digest digest;
    assert_int_equal(hd_class_parse(file->data, file->length, &parsed, &err), 0);
    assert_int_equal(hd_class_fingerprint(parsed, &digest, &err), 0);
    hd_class_free(parsed);
    return digest;
}

/* A patch whose file is the text; loader as given, no base. */
static struct hd_patch patch(const char *class_name, jobject loader, const char *text,
                             uint64_t deployment)
{
    return (struct hd_patch){
        .class_name = hd_strdup(class_name),
        .loader = loader != NULL ? new_weak(&jni, loader) : NULL,
        .file = (uint8_t *)hd_strdup(text),
        .length = strlen(text),
        .deployment = deployment,
    };
}

static struct hd_patch patch_for_any(const char *class_name, const char *text, uint64_t deployment)
{
    struct hd_patch made = patch(class_name, NULL, text, deployment);
    made.any_loader = true;
    return made;
}

static void publish(struct hd_hook *hook, const struct hd_patch *patches, size_t count)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_patch *list = hd_alloc_zeroed(count, sizeof *list);
    memcpy(list, patches, count * sizeof *list);
    assert_int_equal(hd_hook_publish_take(hook, &jni, list, count, &err), 0);
}

/* What becomes of a class that is loaded: the patch's text in a static buffer, or NULL. */
static const char *load_bytes(const char *name, jobject loader, const void *file, size_t length)
{
    static char text[256];
    jint new_length = -1;
    unsigned char *new_file = NULL;
    hd_hook_class_file_load(&jvmti, &jni, NULL, loader, name, NULL, (jint)length, file, &new_length,
                            &new_file);
    if (new_file == NULL) {
        assert_int_equal(new_length, -1);
        return NULL;
    }
    snprintf(text, sizeof text, "%.*s", (int)new_length, (const char *)new_file);
    deallocate(&jvmti, new_file);
    return text;
}

static const char *load(const char *name, jobject loader)
{
    return load_bytes(name, loader, "as it comes", 11);
}

static void expect_event(int i, enum hd_hook_event_kind kind, const char *class_name,
                         uint64_t deployment, const struct object *loader)
{
    assert_true(vm.event_count > i);
    assert_int_equal(vm.events[i]->kind, kind);
    assert_string_equal(vm.events[i]->class_name, class_name);
    assert_int_equal(vm.events[i]->deployment, deployment);
    assert_ptr_equal(behind(vm.events[i]->loader), loader);
}

static void the_event_is_on_only_while_there_are_patches(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_false(vm.event_on);
    publish(*state, (struct hd_patch[]){ patch("a/A", (jobject)&shop, "new", 1) }, 1);
    assert_true(vm.event_on);
    assert_int_equal(hd_hook_publish_take(*state, &jni, NULL, 0, &err), 0);
    assert_false(vm.event_on);
    assert_int_equal(vm.weak_references, 0);
}

static void a_class_gets_the_patch_of_its_loader_and_only_that(void **state)
{
    publish(*state,
            (struct hd_patch[]){ patch("b/B", (jobject)&other, "for other", 1),
                                 patch("a/A", NULL, "for boot", 2),
                                 patch("b/B", (jobject)&shop, "for shop", 3) },
            3);
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
}

static void a_loader_that_is_gone_is_not_the_boot_loader(void **state)
{
    struct reference dying = { &other_loader };
    struct hd_patch made = patch("a/A", (jobject)&dying, "new", 1);
    ((struct reference *)made.loader)->object = NULL;
    publish(*state, &made, 1);
    assert_null(load("a/A", NULL));
}

static void a_patch_for_any_loader_goes_to_the_first_only(void **state)
{
    publish(*state, (struct hd_patch[]){ patch_for_any("a/A", "new", 4) }, 1);
    assert_string_equal(load("a/A", (jobject)&shop), "new");
    assert_null(load("a/A", (jobject)&other));
    assert_int_equal(vm.event_count, 1);
    expect_event(0, HD_HOOK_APPLIED, "a/A", 4, &shop_loader);
}

static void a_patch_for_any_loader_stays_spent_when_it_is_published_again(void **state)
{
    publish(*state, (struct hd_patch[]){ patch_for_any("a/A", "new", 4) }, 1);
    assert_string_equal(load("a/A", (jobject)&shop), "new");
    publish(*state,
            (struct hd_patch[]){ patch_for_any("a/A", "new", 4), patch("b/B", NULL, "b", 5) }, 2);
    assert_null(load("a/A", (jobject)&other));
    publish(*state, (struct hd_patch[]){ patch_for_any("a/A", "newer", 6) }, 1);
    assert_string_equal(load("a/A", (jobject)&other), "newer");
}

static void the_patch_for_just_this_loader_goes_first(void **state)
{
    publish(*state,
            (struct hd_patch[]){ patch_for_any("a/A", "for any", 1),
                                 patch("a/A", (jobject)&shop, "for shop", 2) },
            2);
    assert_string_equal(load("a/A", (jobject)&shop), "for shop");
    assert_string_equal(load("a/A", (jobject)&other), "for any");
}

static void a_file_that_means_what_the_base_meant_gets_the_patch(void **state)
{
    struct class_bytes base = class_file(1, false), reordered = class_file(1, true);
    struct hd_patch made = patch("Foo", (jobject)&shop, "new", 7);
    made.has_base = true;
    made.base = fingerprint(&base);
    publish(*state, &made, 1);
    assert_string_equal(load_bytes("Foo", (jobject)&shop, base.data, base.length), "new");
    assert_string_equal(load_bytes("Foo", (jobject)&shop, reordered.data, reordered.length), "new");
}

static void a_file_that_is_not_the_base_is_left_alone_and_told(void **state)
{
    struct class_bytes base = class_file(1, false), another = class_file(0, false);
    struct hd_patch made = patch("Foo", (jobject)&shop, "new", 7);
    made.has_base = true;
    made.base = fingerprint(&base);
    publish(*state, &made, 1);
    assert_null(load_bytes("Foo", (jobject)&shop, another.data, another.length));
    expect_event(0, HD_HOOK_WRONG_BASE, "Foo", 7, &shop_loader);
    assert_null(load("Foo", (jobject)&shop));
    expect_event(1, HD_HOOK_WRONG_BASE, "Foo", 7, &shop_loader);
}

static void a_file_that_is_not_the_base_does_not_spend_a_patch_for_any_loader(void **state)
{
    struct class_bytes base = class_file(1, false), another = class_file(0, false);
    struct hd_patch made = patch_for_any("Foo", "new", 7);
    made.has_base = true;
    made.base = fingerprint(&base);
    publish(*state, &made, 1);
    assert_null(load_bytes("Foo", (jobject)&other, another.data, another.length));
    assert_string_equal(load_bytes("Foo", (jobject)&shop, base.data, base.length), "new");
}

/* The application was redeployed with the change in it. */
static void a_file_that_is_the_patch_already_counts_as_applied(void **state)
{
    struct class_bytes base = class_file(1, false);
    struct hd_patch made = patch("Foo", (jobject)&shop, "new", 7);
    made.has_base = true;
    made.base = fingerprint(&base);
    publish(*state, &made, 1);
    assert_null(load_bytes("Foo", (jobject)&shop, "new", 3));
    expect_event(0, HD_HOOK_APPLIED, "Foo", 7, &shop_loader);
}

static void redefinitions_and_classes_without_a_name_pass(void **state)
{
    publish(*state, (struct hd_patch[]){ patch("a/A", NULL, "new", 1) }, 1);
    jint new_length = 0;
    unsigned char *new_file = NULL;
    const unsigned char file[] = "x";
    hd_hook_class_file_load(&jvmti, &jni, (jclass)&shop, NULL, "a/A", NULL, 1, file, &new_length,
                            &new_file);
    assert_null(new_file);
    assert_null(load(NULL, NULL));
}

static void a_hook_that_is_shut_does_nothing(void **state)
{
    publish(*state, (struct hd_patch[]){ patch("a/A", NULL, "new", 1) }, 1);
    hd_hook_shut(*state);
    assert_null(load("a/A", NULL));
    assert_int_equal(vm.event_count, 0);
}

static void where_the_jvm_has_no_memory_the_class_comes_as_it_is(void **state)
{
    publish(*state, (struct hd_patch[]){ patch_for_any("a/A", "new", 1) }, 1);
    vm.out_of_memory = true;
    assert_null(load("a/A", (jobject)&shop));
    assert_int_equal(vm.event_count, 0);
    vm.out_of_memory = false;
    assert_string_equal(load("a/A", (jobject)&other), "new");
}

static void an_event_that_cannot_be_switched_on_keeps_the_former_patches(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    publish(*state, (struct hd_patch[]){ patch("a/A", NULL, "old", 1) }, 1);
    struct hd_patch *list = hd_alloc_zeroed(1, sizeof *list);
    *list = patch("a/A", NULL, "new", 2);
    vm.event_error = JVMTI_ERROR_WRONG_PHASE;
    assert_int_equal(hd_hook_publish_take(*state, &jni, list, 1, &err), -1);
    assert_int_equal(err.code, HD_E_JVM);
    vm.event_error = JVMTI_ERROR_NONE;
    assert_string_equal(load("a/A", NULL), "old");
}

static int publish_once(void *hook, struct hd_error *err)
{
    struct hd_patch *list = hd_alloc_zeroed(2, sizeof *list);
    if (list == NULL)
        return hd_error_set_memory(err);
    list[0].class_name = hd_strdup("a/A");
    list[1].class_name = hd_strdup("b/B");
    list[1].loader = new_weak(&jni, (jobject)&shop);
    if (list[0].class_name == NULL || list[1].class_name == NULL) {
        hd_free(list[0].class_name);
        hd_free(list[1].class_name);
        delete_weak(&jni, list[1].loader);
        hd_free(list);
        return hd_error_set_memory(err);
    }
    int result = hd_hook_publish_take(hook, &jni, list, 2, err);
    if (result == 0)
        result = hd_hook_publish_take(hook, &jni, NULL, 0, err);
    assert_int_equal(vm.weak_references, 0);
    return result;
}

static void memory_that_is_out_is_told_and_nothing_leaks(void **state)
{
    fail_every_allocation(publish_once, *state);
}

#define HOOK_TEST(function) cmocka_unit_test_setup_teardown(function, setup, nothing_is_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOOK_TEST(the_event_is_on_only_while_there_are_patches),
        HOOK_TEST(a_class_gets_the_patch_of_its_loader_and_only_that),
        HOOK_TEST(a_loader_that_is_gone_is_not_the_boot_loader),
        HOOK_TEST(a_patch_for_any_loader_goes_to_the_first_only),
        HOOK_TEST(a_patch_for_any_loader_stays_spent_when_it_is_published_again),
        HOOK_TEST(the_patch_for_just_this_loader_goes_first),
        HOOK_TEST(a_file_that_means_what_the_base_meant_gets_the_patch),
        HOOK_TEST(a_file_that_is_not_the_base_is_left_alone_and_told),
        HOOK_TEST(a_file_that_is_not_the_base_does_not_spend_a_patch_for_any_loader),
        HOOK_TEST(a_file_that_is_the_patch_already_counts_as_applied),
        HOOK_TEST(redefinitions_and_classes_without_a_name_pass),
        HOOK_TEST(a_hook_that_is_shut_does_nothing),
        HOOK_TEST(where_the_jvm_has_no_memory_the_class_comes_as_it_is),
        HOOK_TEST(an_event_that_cannot_be_switched_on_keeps_the_former_patches),
        HOOK_TEST(memory_that_is_out_is_told_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
