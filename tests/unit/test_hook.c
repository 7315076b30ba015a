/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/hook.h"
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

/* The environments: the one that sees loads and redefinitions, and the one for retransformations. */
static struct environment {
    const struct jvmtiInterface_1_ *functions; /* first: a jvmtiEnv points here */
    bool event_on;
    void *storage;
    jvmtiEventClassFileLoadHook callback;
} first, second;

static struct {
    jvmtiError event_error;
    int weak_references; /* made, not deleted */
    bool out_of_memory;  /* Allocate fails */
    int handed_over;     /* blocks from Allocate, not deallocated */
    struct hd_hook_event *events[8];
    int event_count;
} vm;

static jvmtiError JNICALL set_event_notification_mode(jvmtiEnv *jvmti, jvmtiEventMode mode,
                                                      jvmtiEvent event, jthread thread, ...)
{
    assert_int_equal(event, JVMTI_EVENT_CLASS_FILE_LOAD_HOOK);
    assert_null(thread);
    if (vm.event_error != JVMTI_ERROR_NONE)
        return vm.event_error;
    ((struct environment *)jvmti)->event_on = mode == JVMTI_ENABLE;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL set_event_callbacks(jvmtiEnv *jvmti, const jvmtiEventCallbacks *callbacks, jint size)
{
    assert_true((size_t)size <= sizeof *callbacks);
    ((struct environment *)jvmti)->callback = callbacks->ClassFileLoadHook;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL set_storage(jvmtiEnv *jvmti, const void *data)
{
    memcpy(&((struct environment *)jvmti)->storage, &data, sizeof data);
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_storage(jvmtiEnv *jvmti, void **data)
{
    *data = ((struct environment *)jvmti)->storage;
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
/* Before JDK 20, and since. */
static const struct hd_jvm forgetful = { .jvmti = (jvmtiEnv *)&first, .retransforming = (jvmtiEnv *)&second };
static const struct hd_jvm faithful = { .jvmti = (jvmtiEnv *)&first };

static const struct object shop_loader = { "shop" }, other_loader = { "other" };
static struct reference shop = { &shop_loader }, other = { &other_loader };

static void keep_event(struct hd_hook_event *event, void *context)
{
    assert_ptr_equal(context, &vm);
    assert_true(vm.event_count < 8);
    vm.events[vm.event_count++] = event;
}

static struct hd_hook *new_hook(const struct hd_jvm *jvm)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_hook *hook = NULL;
    assert_int_equal(hd_hook_new(jvm, NULL, keep_event, &vm, &hook, &err), 0);
    return hook;
}

static void forget_all(void)
{
    memset(&vm, 0, sizeof vm);
    first = second = (struct environment){ .functions = &jvmti_functions };
}

static int setup(void **state)
{
    forget_all();
    *state = new_hook(&forgetful);
    return 0;
}

static int setup_faithful(void **state)
{
    forget_all();
    *state = new_hook(&faithful);
    return 0;
}

static int nothing_is_left(void **state)
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

static struct hd_blob *blob_of(const void *data, size_t length)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_blob *blob = NULL;
    assert_int_equal(hd_blob_of((struct hd_bytes){ data, length }, &blob, &err), 0);
    return blob;
}

/* A patch whose file is the text; base NULL: none. */
static struct hd_patch *patch(enum hd_patch_place place, const char *class_name, struct reference *loader,
                              const struct class_bytes *base, const char *text, uint64_t deployment)
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

static struct hd_patch *waiting(const char *class_name, struct reference *loader, const char *text, uint64_t deployment)
{
    return patch(HD_PATCH_WAITS, class_name, loader, NULL, text, deployment);
}

static struct hd_patch *patch_for_any(const char *class_name, const char *text, uint64_t deployment)
{
    return patch(HD_PATCH_FIRST, class_name, NULL, NULL, text, deployment);
}

static int try_to_publish(struct hd_hook *hook, struct hd_patch *const *patches, size_t count, struct hd_error *err)
{
    struct hd_patch **list = hd_alloc_zeroed(count, sizeof *list);
    assert_non_null(list);
    memcpy(list, patches, count * sizeof *list);
    return hd_hook_publish_take(hook, &jni, list, count, err);
}

static void publish(struct hd_hook *hook, struct hd_patch *const *patches, size_t count)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(try_to_publish(hook, patches, count, &err), 0);
}
#define PUBLISH(hook, ...)                                                                         \
    publish((hook), (struct hd_patch *const[]){ __VA_ARGS__ },                                     \
            sizeof((struct hd_patch *const[]){ __VA_ARGS__ }) / sizeof(struct hd_patch *))

/* What a hook makes of a class: the patch's text in a static buffer, or NULL. */
static const char *show(jvmtiEnv *to, bool loads, const char *name, jobject loader, const void *file, size_t length)
{
    static char text[256];
    jint new_length = -1;
    unsigned char *new_file = NULL;
    jclass class = loads ? NULL : (jclass)&shop;
    if (to == jvmti)
        hd_hook_class_file_load(to, &jni, class, loader, name, NULL, (jint)length, file, &new_length, &new_file);
    else
        second.callback(to, &jni, class, loader, name, NULL, (jint)length, file, &new_length, &new_file);
    if (new_file == NULL) {
        assert_true(new_length <= 0);
        return NULL;
    }
    snprintf(text, sizeof text, "%.*s", (int)new_length, (const char *)new_file);
    deallocate(to, new_file);
    return text;
}

static const char *load_bytes(const char *name, jobject loader, const void *file, size_t length)
{
    return show(jvmti, true, name, loader, file, length);
}

/* As HotSpot asks: only those that can retransform. */
static const char *retransform(const char *name, jobject loader, const void *file, size_t length)
{
    return show(retransforming, false, name, loader, file, length);
}

static void redefine(const char *name, jobject loader, const char *text)
{
    assert_null(show(jvmti, false, name, loader, text, strlen(text)));
    if (second.callback != NULL)
        assert_null(show(retransforming, false, name, loader, text, strlen(text)));
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
    assert_string_equal(vm.events[i]->patch->class_name, class_name);
    assert_int_equal(vm.events[i]->patch->deployment, deployment);
    assert_ptr_equal(behind(vm.events[i]->loader), loader);
}

static void expect_file(int i, const char *text)
{
    assert_int_equal(vm.events[i]->file->bytes.length, strlen(text));
    assert_memory_equal(vm.events[i]->file->bytes.data, text, strlen(text));
}

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

/* ---- loaders that come ----------------------------------------------------------------------- */

static void a_new_loader_gets_the_patch_that_was_made_for_its_file(void **state)
{
    struct class_bytes base = class_file(1, false), reordered = class_file(1, true);
    PUBLISH(*state, patch(HD_PATCH_NEWCOMERS, "Foo", NULL, &base, "new", 7),
            patch(HD_PATCH_LOADED, "Foo", &shop, &base, "new", 7));
    assert_string_equal(load_bytes("Foo", (jobject)&other, reordered.data, reordered.length), "new");
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

/* ---- classes that are changed ---------------------------------------------------------------- */

static void classes_without_a_name_pass(void **state)
{
    PUBLISH(*state, waiting("a/A", NULL, "new", 1));
    assert_null(load(NULL, NULL));
}

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

/* Rolled back: a JVM that remembers the patch must not bring it back, and nothing else is done. */
static void a_class_that_is_its_base_again_stays_that(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_patch *made = NULL;
    struct hd_patch like = { .place = HD_PATCH_LOADED, .class_name = "Foo", .loader = (jobject)&shop };
    like.base = like.file = blob_of("base", 4);
    like.earlier[0] = blob_of("patch", 5);
    assert_int_equal(hd_patch_new(&jni, &like, &made, &err), 0);
    hd_blob_release(like.base);
    hd_blob_release(like.earlier[0]);
    PUBLISH(*state, made);
    assert_false(first.event_on);
    assert_true(second.event_on);
    assert_string_equal(retransform("Foo", (jobject)&shop, "patch", 5), "base");
    assert_null(retransform("Foo", (jobject)&shop, "base", 4));
    redefine("Foo", (jobject)&shop, "theirs");
    assert_int_equal(vm.event_count, 0);
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
    hd_hook_own_redefinition(true);
    redefine("Foo", (jobject)&shop, "newer");
    hd_hook_own_redefinition(false);
    assert_int_equal(vm.event_count, 0);
}

/* An agent between our two environments redefines another class while it is asked. */
static void redefinitions_within_redefinitions_are_told_from_retransformations(void **state)
{
    struct class_bytes base = class_file(1, false);
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, "new", 7),
            patch(HD_PATCH_LOADED, "Bar", &shop, &base, "new", 7));
    hd_hook_own_redefinition(true);
    assert_null(show(jvmti, false, "Foo", (jobject)&shop, base.data, base.length));
    redefine("Bar", (jobject)&shop, "theirs");
    assert_null(show(retransforming, false, "Foo", (jobject)&shop, base.data, base.length));
    hd_hook_own_redefinition(false);
    assert_string_equal(retransform("Foo", (jobject)&shop, base.data, base.length), "new");
}

static void a_jvm_that_keeps_redefinitions_needs_no_second_environment(void **state)
{
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, NULL, "new", 7));
    assert_true(first.event_on);
    assert_false(second.event_on);
    assert_null(second.callback);
    redefine("Foo", (jobject)&shop, "theirs");
    expect_event(0, HD_HOOK_FOREIGN, "Foo", 7, &shop_loader);
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
    const struct hd_patch like = { .place = HD_PATCH_WAITS, .class_name = "a/A", .loader = (jobject)&shop };
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

/* Whatever cannot be had, the class gets its patch or comes as it is, and an event tells of it or is
 * lost; nothing leaks. */
static void a_class_is_shown_while_any_allocation_fails(void **state)
{
    struct class_bytes base = class_file(1, false), reordered = class_file(1, true), edited = class_file(0, false);
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

#define HOOK_TEST(function) cmocka_unit_test_setup_teardown(function, setup, nothing_is_left)

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
        HOOK_TEST(a_file_that_is_not_the_base_is_left_alone_and_told),
        HOOK_TEST(a_file_that_is_the_patch_already_counts_as_applied),
        HOOK_TEST(a_new_loader_gets_the_patch_that_was_made_for_its_file),
        HOOK_TEST(a_new_loader_with_another_file_is_left_alone_and_told),
        HOOK_TEST(of_two_bases_the_one_that_is_the_loaders_own_file_decides),
        HOOK_TEST(where_the_base_is_not_known_no_new_loader_gets_the_patch),
        HOOK_TEST(a_patch_for_chosen_loaders_is_not_for_others),
        HOOK_TEST(classes_without_a_name_pass),
        HOOK_TEST(what_another_agent_retransforms_from_the_base_is_the_patch_again),
        HOOK_TEST(what_an_agent_before_us_edited_passes_and_is_told),
        HOOK_TEST(an_earlier_patch_that_is_shown_again_is_answered_with_the_latest),
        HOOK_TEST(a_class_that_is_its_base_again_stays_that),
        HOOK_TEST(a_foreign_redefinition_passes_and_is_told),
        HOOK_TEST(our_own_redefinitions_are_no_news),
        HOOK_TEST(redefinitions_within_redefinitions_are_told_from_retransformations),
        cmocka_unit_test_setup_teardown(
            a_jvm_that_keeps_redefinitions_needs_no_second_environment, setup_faithful,
            nothing_is_left),
        HOOK_TEST(a_hook_that_is_shut_does_nothing),
        HOOK_TEST(where_the_jvm_has_no_memory_the_class_comes_as_it_is),
        HOOK_TEST(an_event_that_cannot_be_switched_on_keeps_the_former_patches),
        HOOK_TEST(memory_that_is_out_is_told_and_nothing_leaks),
        HOOK_TEST(a_class_is_shown_while_any_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
