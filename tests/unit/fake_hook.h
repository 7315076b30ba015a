/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JVM that shows classes to the hook: two JVMTI environments, references, and what the hook told.
 * Belongs to the test programs of the hook; needs cmocka's header before this one.
 */
#ifndef HD_TESTS_FAKE_HOOK_H
#define HD_TESTS_FAKE_HOOK_H

#include "agent/hook.h"
#include "tests/unit/every_allocation.h"

#include <stdatomic.h>
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

/* The environments: one sees loads and redefinitions, the other retransformations. */
static struct environment {
    const struct jvmtiInterface_1_ *functions; /* first: a jvmtiEnv points here */
    bool event_on;
    void *storage;
    jvmtiEventClassFileLoadHook callback;
} first, second;

static struct {
    jvmtiError event_error;
    atomic_int weak_references; /* made, not deleted */
    bool out_of_memory;         /* Allocate fails */
    atomic_int handed_over;     /* blocks from Allocate, not deallocated */
    struct hd_hook_event *events[8];
    int event_count;
} vm;

static inline jvmtiError JNICALL set_event_notification_mode(jvmtiEnv *jvmti, jvmtiEventMode mode,
                                                             jvmtiEvent event, jthread thread, ...)
{
    assert_int_equal(event, JVMTI_EVENT_CLASS_FILE_LOAD_HOOK);
    assert_null(thread);
    if (vm.event_error != JVMTI_ERROR_NONE)
        return vm.event_error;
    ((struct environment *)jvmti)->event_on = mode == JVMTI_ENABLE;
    return JVMTI_ERROR_NONE;
}

static inline jvmtiError JNICALL set_event_callbacks(jvmtiEnv *jvmti,
                                                     const jvmtiEventCallbacks *callbacks,
                                                     jint size)
{
    assert_true((size_t)size <= sizeof *callbacks);
    ((struct environment *)jvmti)->callback = callbacks->ClassFileLoadHook;
    return JVMTI_ERROR_NONE;
}

static inline jvmtiError JNICALL set_storage(jvmtiEnv *jvmti, const void *data)
{
    memcpy(&((struct environment *)jvmti)->storage, &data, sizeof data);
    return JVMTI_ERROR_NONE;
}

static inline jvmtiError JNICALL get_storage(jvmtiEnv *jvmti, void **data)
{
    *data = ((struct environment *)jvmti)->storage;
    return JVMTI_ERROR_NONE;
}

static inline jvmtiError JNICALL allocate(jvmtiEnv *jvmti, jlong size, unsigned char **memory)
{
    (void)jvmti;
    if (vm.out_of_memory)
        return JVMTI_ERROR_OUT_OF_MEMORY;
    vm.handed_over++;
    *memory = malloc((size_t)size);
    return JVMTI_ERROR_NONE;
}

static inline jvmtiError JNICALL deallocate(jvmtiEnv *jvmti, unsigned char *memory)
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

static inline jboolean JNICALL is_same_object(JNIEnv *jni, jobject a, jobject b)
{
    (void)jni;
    return behind(a) == behind(b);
}

static inline jweak JNICALL new_weak(JNIEnv *jni, jobject object)
{
    (void)jni;
    struct reference *weak = malloc(sizeof *weak);
    weak->object = behind(object);
    vm.weak_references++;
    return (jweak)weak;
}

static inline void JNICALL delete_weak(JNIEnv *jni, jweak weak)
{
    (void)jni;
    assert_non_null(weak);
    vm.weak_references--;
    free(weak);
}

static const struct jvmtiInterface_1_ jvmti_functions = {
    .SetEventCallbacks = set_event_callbacks,
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
static jvmtiEnv *const jvmti = (jvmtiEnv *)&first;
static jvmtiEnv *const retransforming = (jvmtiEnv *)&second;
static JNIEnv jni = &jni_functions;
/* With a second environment, and without. */
static const struct hd_jvm generous = { .jvmti = (jvmtiEnv *)&first,
                                        .retransforming = (jvmtiEnv *)&second };
static const struct hd_jvm exact = { .jvmti = (jvmtiEnv *)&first,
                                     .retransforming = (jvmtiEnv *)&second,
                                     .rules = { .feature_release = 21 } };
static const struct hd_jvm sparing = { .jvmti = (jvmtiEnv *)&first };

static const struct object shop_loader = { "shop" }, other_loader = { "other" };
static struct reference shop = { &shop_loader }, other = { &other_loader };

static inline void keep_event(struct hd_hook_event *event, void *context)
{
    assert_ptr_equal(context, &vm);
    assert_true(vm.event_count < 8);
    vm.events[vm.event_count++] = event;
}

static inline struct hd_hook *new_hook(const struct hd_jvm *jvm)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_hook *hook = NULL;
    assert_int_equal(hd_hook_new(jvm, NULL, keep_event, &vm, &hook, &err), 0);
    return hook;
}

static inline void forget_all(void)
{
    memset(&vm, 0, sizeof vm);
    first = second = (struct environment){ .functions = &jvmti_functions };
}

static inline int setup(void **state)
{
    forget_all();
    *state = new_hook(&generous);
    return 0;
}

static inline int setup_exact(void **state)
{
    forget_all();
    *state = new_hook(&exact);
    return 0;
}

static inline int setup_sparing(void **state)
{
    forget_all();
    *state = new_hook(&sparing);
    return 0;
}

static inline int nothing_is_left(void **state)
{
    hd_hook_free(*state, &jni);
    for (int i = 0; i < vm.event_count; i++)
        hd_hook_event_free(vm.events[i], &jni);
    assert_false(first.event_on || second.event_on);
    assert_null(first.storage);
    assert_null(second.storage);
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

static inline void add(struct class_bytes *out, const void *data, size_t length)
{
    memcpy(out->data + out->length, data, length);
    out->length += length;
}

#define ADD(out, bytes) add((out), (bytes), sizeof(bytes) - 1)

static inline struct class_bytes class_file(uint8_t access, bool unused_constant)
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

static inline struct hd_blob *blob_of(const void *data, size_t length)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_blob *blob = NULL;
    assert_int_equal(hd_blob_of((struct hd_bytes){ data, length }, &blob, &err), 0);
    return blob;
}

/* A patch whose file is the text; base NULL: none. */
static inline struct hd_patch *patch(enum hd_patch_place place, const char *class_name,
                                     struct reference *loader, const struct class_bytes *base,
                                     const char *text, uint64_t deployment)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_patch *made = NULL;
    const struct hd_patch like = { .place = place,
                                   .class_name = class_name,
                                   .loader = (jobject)loader,
                                   .base = base != NULL ? blob_of(base->data, base->length) : NULL,
                                   .file = blob_of(text, strlen(text)),
                                   .deployment = deployment };
    assert_int_equal(hd_patch_new(&jni, &like, &made, &err), 0);
    hd_blob_release(like.base);
    hd_blob_release(like.file);
    return made;
}

static inline struct hd_patch *waiting(const char *class_name, struct reference *loader,
                                       const char *text, uint64_t deployment)
{
    return patch(HD_PATCH_WAITS, class_name, loader, NULL, text, deployment);
}

static inline struct hd_patch *patch_for_any(const char *class_name, const char *text,
                                             uint64_t deployment)
{
    return patch(HD_PATCH_FIRST, class_name, NULL, NULL, text, deployment);
}

static inline int try_to_publish(struct hd_hook *hook, struct hd_patch *const *patches,
                                 size_t count, struct hd_error *err)
{
    struct hd_patch **list = hd_alloc_zeroed(count, sizeof *list);
    assert_non_null(list);
    for (size_t i = 0; i < count; i++)
        list[i] = patches[i];
    return hd_hook_publish_take(hook, &jni, list, count, err);
}

static inline void publish(struct hd_hook *hook, struct hd_patch *const *patches, size_t count)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(try_to_publish(hook, patches, count, &err), 0);
}
#define PUBLISH(hook, ...)                                                                         \
    publish((hook), (struct hd_patch *const[]){ __VA_ARGS__ },                                     \
            sizeof((struct hd_patch *const[]){ __VA_ARGS__ }) / sizeof(struct hd_patch *))

/* What a hook makes of a class: the patch's text in a static buffer, or NULL. */
static inline const char *show(jvmtiEnv *to, bool loads, const char *name, jobject loader,
                               const void *file, size_t length)
{
    static char text[256];
    jint new_length = -1;
    unsigned char *new_file = NULL;
    jclass class = loads ? NULL : (jclass)&shop;
    if (to == jvmti)
        hd_hook_class_file_load(to, &jni, class, loader, name, NULL, (jint)length, file,
                                &new_length, &new_file);
    else
        second.callback(to, &jni, class, loader, name, NULL, (jint)length, file, &new_length,
                        &new_file);
    if (new_file == NULL) {
        assert_true(new_length <= 0);
        return NULL;
    }
    snprintf(text, sizeof text, "%.*s", (int)new_length, (const char *)new_file);
    deallocate(to, new_file);
    return text;
}

static inline const char *load_bytes(const char *name, jobject loader, const void *file,
                                     size_t length)
{
    return show(jvmti, true, name, loader, file, length);
}

/* As HotSpot asks: only those that can retransform. */
static inline const char *retransform(const char *name, jobject loader, const void *file,
                                      size_t length)
{
    return show(retransforming, false, name, loader, file, length);
}

static inline void redefine(const char *name, jobject loader, const char *text)
{
    assert_null(show(jvmti, false, name, loader, text, strlen(text)));
    if (second.callback != NULL)
        assert_null(show(retransforming, false, name, loader, text, strlen(text)));
}

static inline const char *load(const char *name, jobject loader)
{
    return load_bytes(name, loader, "as it comes", 11);
}

static inline void expect_event(int i, enum hd_hook_event_kind kind, const char *class_name,
                                uint64_t deployment, const struct object *loader)
{
    assert_true(vm.event_count > i);
    assert_int_equal(vm.events[i]->kind, kind);
    assert_string_equal(vm.events[i]->patch->class_name, class_name);
    assert_int_equal(vm.events[i]->patch->deployment, deployment);
    assert_ptr_equal(behind(vm.events[i]->loader), loader);
}

static inline void expect_file(int i, const char *text)
{
    assert_int_equal(vm.events[i]->file->bytes.length, strlen(text));
    assert_memory_equal(vm.events[i]->file->bytes.data, text, strlen(text));
}

#define HOOK_TEST(function) cmocka_unit_test_setup_teardown(function, setup, nothing_is_left)

#endif
