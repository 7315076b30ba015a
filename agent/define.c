/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/define.h"

#include "agent/hook.h"
#include "core/alloc.h"
#include "core/map.h"
#include "core/text.h"

#include <string.h>

/* words: Throwable.toString() of what defineClass threw. */
static enum hd_reason reason_of(const char *words)
{
    static const struct {
        const char *throwable;
        enum hd_reason reason;
    } known[] = {
        { "java.lang.UnsupportedClassVersionError", HD_REASON_VERSION_UNSUPPORTED },
        { "java.lang.ClassFormatError", HD_REASON_MALFORMED_CLASS },
        { "java.lang.VerifyError", HD_REASON_VERIFY_ERROR },
        { "java.lang.SecurityException", HD_REASON_DENIED },
        { "java.lang.NoClassDefFoundError", HD_REASON_MISSING_MEMBER }, /* a supertype */
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (hd_text_starts_with(words, known[i].throwable))
            return known[i].reason;
    }
    return HD_REASON_JVM_ERROR;
}

/* Turns the pending exception, or its absence, into reason and words. Always -1. */
static int define_failed(JNIEnv *jni, enum hd_reason *reason, struct hd_error *err)
{
    char words[HD_ERROR_TEXT_MAX];
    if (!hd_jvm_take_exception(jni, words, sizeof words)) {
        *reason = HD_REASON_JVM_ERROR;
        return hd_error_set(err, HD_E_JVM,
                            "no memory, or the class loader gave neither a class nor an exception");
    }
    *reason = reason_of(words);
    /* JVMS §5.3: a loader defines a name once. It was not there when the deployment was resolved.
     */
    if (hd_text_starts_with(words, "java.lang.LinkageError") && strstr(words, "duplicate") != NULL)
        return hd_error_set(err, HD_E_JVM,
                            "the class was loaded while this deployment was under way; "
                            "push again (%s)",
                            words);
    return hd_error_set(err, HD_E_JVM, "%s", words);
}

static jobject protection_domain_of(JNIEnv *jni, jclass neighbour)
{
    if (neighbour == NULL)
        return NULL;
    jclass class_class = (*jni)->GetObjectClass(jni, neighbour);
    jmethodID get = (*jni)->GetMethodID(jni, class_class, "getProtectionDomain",
                                        "()Ljava/security/ProtectionDomain;");
    if (get == NULL)
        return NULL;
    return (*jni)->CallObjectMethod(jni, neighbour, get);
}

static jbyteArray java_bytes(JNIEnv *jni, struct hd_bytes file)
{
    jbyteArray array = (*jni)->NewByteArray(jni, (jsize)file.length);
    if (array != NULL)
        (*jni)->SetByteArrayRegion(jni, array, 0, (jsize)file.length, (const jbyte *)file.data);
    return array;
}

/* "com/example/Foo" as the String "com.example.Foo". */
static jstring java_class_name(JNIEnv *jni, const char *internal_name)
{
    char *name = hd_strdup(internal_name);
    if (name == NULL)
        return NULL;
    for (char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash, '/'))
        *slash = '.';
    jstring string = (*jni)->NewStringUTF(jni, name);
    hd_free(name);
    return string;
}

/* ClassLoader.defineClass is protected and final: JNI reaches it, and no loader has another. */
static jclass define_in(JNIEnv *jni, jobject loader, jclass neighbour, const char *internal_name,
                        struct hd_bytes file)
{
    if (loader == NULL)
        return (*jni)->DefineClass(jni, internal_name, NULL, (const jbyte *)file.data,
                                   (jsize)file.length);
    jclass loader_class = (*jni)->FindClass(jni, "java/lang/ClassLoader");
    if (loader_class == NULL)
        return NULL;
    jmethodID define = (*jni)->GetMethodID(
        jni, loader_class, "defineClass",
        "(Ljava/lang/String;[BIILjava/security/ProtectionDomain;)Ljava/lang/Class;");
    jobject domain = protection_domain_of(jni, neighbour);
    if ((*jni)->ExceptionCheck(jni))
        return NULL;
    jstring name = java_class_name(jni, internal_name);
    jbyteArray bytes = name == NULL ? NULL : java_bytes(jni, file);
    if (bytes == NULL)
        return NULL;
    return (*jni)->CallObjectMethod(jni, loader, define, name, bytes, (jint)0, (jint)file.length,
                                    domain);
}

int hd_define_class(JNIEnv *jni, jobject loader, jclass neighbour, const char *internal_name,
                    struct hd_bytes file, jclass *defined, enum hd_reason *reason,
                    struct hd_error *err)
{
    if (file.length > INT32_MAX) {
        *reason = HD_REASON_TOO_LARGE;
        return hd_error_set(err, HD_E_LIMIT, "the class file is larger than a Java array");
    }
    if ((*jni)->PushLocalFrame(jni, 16) != JNI_OK)
        return define_failed(jni, reason, err);
    hd_hook_let_pass(internal_name);
    jclass local = define_in(jni, loader, neighbour, internal_name, file);
    hd_hook_let_pass(NULL);
    jclass global = NULL;
    if (local != NULL && !(*jni)->ExceptionCheck(jni))
        global = (*jni)->NewGlobalRef(jni, local);
    int status = global != NULL ? 0 : define_failed(jni, reason, err);
    (*jni)->PopLocalFrame(jni, NULL);
    if (status == 0)
        *defined = global;
    return status;
}

/* ---- order ----------------------------------------------------------------------------------- */

enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };

/* Depth first, with a stack of our own: a chain of superclasses is as long as the pusher likes. */
struct sorting {
    const struct hd_class *const *classes;
    struct hd_map index;
    uint8_t *marks;
    size_t *stack;
    size_t *next_parent; /* per class: 0 is its superclass, 1… its interfaces */
    size_t *order;
    size_t ordered;
};

static struct hd_bytes parent_name(const struct hd_class *class_file, size_t parent)
{
    return parent == 0 ? class_file->super_name : class_file->interfaces[parent - 1];
}

/* The next parent within the set that has not been visited; false when there is none left. */
static bool next_new_parent(struct sorting *sorting, size_t of, size_t *parent)
{
    const struct hd_class *class_file = sorting->classes[of];
    while (sorting->next_parent[of] <= class_file->interface_count) {
        struct hd_bytes name = parent_name(class_file, sorting->next_parent[of]++);
        if (name.length > 0 && hd_map_find(&sorting->index, name, parent) &&
            sorting->marks[*parent] == MARK_NEW)
            return true;
    }
    return false;
}

static void visit(struct sorting *sorting, size_t root)
{
    size_t depth = 0;
    sorting->stack[depth++] = root;
    sorting->marks[root] = MARK_OPEN;
    while (depth > 0) {
        size_t top = sorting->stack[depth - 1];
        size_t parent = 0;
        if (next_new_parent(sorting, top, &parent)) {
            sorting->marks[parent] = MARK_OPEN;
            sorting->stack[depth++] = parent;
            continue;
        }
        sorting->marks[top] = MARK_DONE;
        sorting->order[sorting->ordered++] = top;
        depth--;
    }
}

static int index_classes(struct sorting *sorting, size_t count, struct hd_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (hd_map_put(&sorting->index, sorting->classes[i]->name, i, err) != 0)
            return -1;
    }
    return 0;
}

int hd_define_order(const struct hd_class *const *classes, size_t count, size_t *order,
                    struct hd_error *err)
{
    struct sorting sorting = {
        .classes = classes,
        .marks = hd_alloc_zeroed(count, 1),
        .stack = hd_alloc_zeroed(count, sizeof *sorting.stack),
        .next_parent = hd_alloc_zeroed(count, sizeof *sorting.next_parent),
        .order = order,
    };
    int status = -1;
    if (sorting.marks == NULL || sorting.stack == NULL || sorting.next_parent == NULL)
        status = hd_error_set_memory(err);
    else
        status = index_classes(&sorting, count, err);
    for (size_t i = 0; status == 0 && i < count; i++) {
        if (sorting.marks[i] == MARK_NEW)
            visit(&sorting, i);
    }
    hd_map_close(&sorting.index);
    hd_free(sorting.marks);
    hd_free(sorting.stack);
    hd_free(sorting.next_parent);
    return status;
}
