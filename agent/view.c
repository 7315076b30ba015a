/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/view.h"

#include "classfile/arena.h"
#include "core/alloc.h"

#include <string.h>

enum { ARENA_BLOCK = 16384, LOCAL_REFERENCES = 64 };
enum { ACC_SUPER = 0x0020, ACC_BRIDGE = 0x0040, ACC_NATIVE = 0x0100 }; /* JVMS §4.1, §4.6 */
enum {
    OP_LDC = 0x12,
    OP_LDC_W = 0x13,
    OP_DUP = 0x59,
    OP_INVOKESPECIAL = 0xB7,
    OP_NEW = 0xBB,
    OP_ATHROW = 0xBF
};

struct hd_held_view {
    struct hd_arena arena;
    struct hd_vm_view view;
};

/* What every step of a capture needs. */
struct capture {
    jvmtiEnv *jvmti;
    JNIEnv *jni;
    jclass class;
    struct hd_arena *arena;
    struct hd_error *err;
};

static int refused(const struct capture *capture, const char *function, jvmtiError error)
{
    if (error == JVMTI_ERROR_OUT_OF_MEMORY)
        return hd_error_set_memory(capture->err);
    return hd_error_set(capture->err, HD_E_JVM, "%s: %s", function, hd_jvm_error_name(error));
}

static void release(const struct capture *capture, void *memory)
{
    (*capture->jvmti)->Deallocate(capture->jvmti, memory);
}

static const void *copy(const struct capture *capture, const void *data, size_t length)
{
    /* One byte more: a NUL behind text, and no empty block. */
    char *memory = hd_arena_array(capture->arena, length + 1, 1, capture->err);
    if (memory != NULL && length > 0)
        memcpy(memory, data, length);
    return memory;
}

/* Takes JVMTI's memory; NULL with the error set when ours is out. */
static const char *take_text(const struct capture *capture, char *text)
{
    const char *copied = copy(capture, text, strlen(text));
    release(capture, text);
    return copied;
}

/* "Lcom/example/Foo;" → "com/example/Foo". */
static const char *class_name(const struct capture *capture, jclass class)
{
    char *signature = NULL;
    jvmtiError error =
        (*capture->jvmti)->GetClassSignature(capture->jvmti, class, &signature, NULL);
    if (error != JVMTI_ERROR_NONE) {
        refused(capture, "GetClassSignature", error);
        return NULL;
    }
    size_t length = strlen(signature);
    const char *name = length > 2 ? copy(capture, signature + 1, length - 2) : copy(capture, "", 0);
    release(capture, signature);
    return name;
}

static int take_superclass(const struct capture *capture, struct hd_vm_view *view)
{
    jclass super = (*capture->jni)->GetSuperclass(capture->jni, capture->class);
    if (super == NULL)
        return 0;
    view->super_name = class_name(capture, super);
    return view->super_name != NULL ? 0 : -1;
}

static int copy_interfaces(const struct capture *capture, const jclass *interfaces, jint count,
                           struct hd_vm_view *view)
{
    const char **names = hd_arena_array(capture->arena, (size_t)count, sizeof *names, capture->err);
    if (names == NULL)
        return -1;
    for (jint i = 0; i < count; i++) {
        names[i] = class_name(capture, interfaces[i]);
        if (names[i] == NULL)
            return -1;
    }
    view->interfaces = names;
    view->interface_count = (size_t)count;
    return 0;
}

static int take_interfaces(const struct capture *capture, struct hd_vm_view *view)
{
    jclass *interfaces = NULL;
    jint count = 0;
    jvmtiError error =
        (*capture->jvmti)
            ->GetImplementedInterfaces(capture->jvmti, capture->class, &count, &interfaces);
    if (error != JVMTI_ERROR_NONE)
        return refused(capture, "GetImplementedInterfaces", error);
    int result = copy_interfaces(capture, interfaces, count, view);
    release(capture, interfaces);
    return result;
}

static int take_field(const struct capture *capture, jfieldID field, struct hd_vm_member *out)
{
    char *name = NULL, *descriptor = NULL;
    jint access = 0;
    jvmtiEnv *jvmti = capture->jvmti;
    jvmtiError error = (*jvmti)->GetFieldModifiers(jvmti, capture->class, field, &access);
    if (error != JVMTI_ERROR_NONE)
        return refused(capture, "GetFieldModifiers", error);
    error = (*jvmti)->GetFieldName(jvmti, capture->class, field, &name, &descriptor, NULL);
    if (error != JVMTI_ERROR_NONE)
        return refused(capture, "GetFieldName", error);
    out->access = (uint16_t)access;
    out->name = take_text(capture, name);
    out->descriptor = take_text(capture, descriptor);
    return out->name != NULL && out->descriptor != NULL ? 0 : -1;
}

static int copy_fields(const struct capture *capture, const jfieldID *fields, jint count,
                       struct hd_vm_view *view)
{
    struct hd_vm_member *members =
        hd_arena_array(capture->arena, (size_t)count, sizeof *members, capture->err);
    if (members == NULL)
        return -1;
    for (jint i = 0; i < count; i++) {
        if (take_field(capture, fields[i], &members[i]) != 0)
            return -1;
    }
    view->fields = members;
    view->field_count = (size_t)count;
    return 0;
}

static int take_fields(const struct capture *capture, struct hd_vm_view *view)
{
    jfieldID *fields = NULL;
    jint count = 0;
    jvmtiError error =
        (*capture->jvmti)->GetClassFields(capture->jvmti, capture->class, &count, &fields);
    if (error != JVMTI_ERROR_NONE)
        return refused(capture, "GetClassFields", error);
    int result = copy_fields(capture, fields, count, view);
    release(capture, fields);
    return result;
}

static int take_bytecode(const struct capture *capture, jmethodID method, struct hd_vm_member *out)
{
    if ((out->access & (ACC_NATIVE | HD_ACC_ABSTRACT)) != 0)
        return 0;
    unsigned char *code = NULL;
    jint length = 0;
    jvmtiError error = (*capture->jvmti)->GetBytecodes(capture->jvmti, method, &length, &code);
    if (error == JVMTI_ERROR_ABSENT_INFORMATION)
        return 0;
    if (error != JVMTI_ERROR_NONE)
        return refused(capture, "GetBytecodes", error);
    out->bytecode = (struct hd_bytes){ copy(capture, code, (size_t)length), (size_t)length };
    release(capture, code);
    return out->bytecode.data != NULL ? 0 : -1;
}

static int take_method(const struct capture *capture, jmethodID method, struct hd_vm_member *out)
{
    char *name = NULL, *descriptor = NULL;
    jint access = 0;
    jvmtiEnv *jvmti = capture->jvmti;
    jvmtiError error = (*jvmti)->GetMethodModifiers(jvmti, method, &access);
    if (error != JVMTI_ERROR_NONE)
        return refused(capture, "GetMethodModifiers", error);
    error = (*jvmti)->GetMethodName(jvmti, method, &name, &descriptor, NULL);
    if (error != JVMTI_ERROR_NONE)
        return refused(capture, "GetMethodName", error);
    out->access = (uint16_t)access;
    out->name = take_text(capture, name);
    out->descriptor = take_text(capture, descriptor);
    if (out->name == NULL || out->descriptor == NULL)
        return -1;
    return take_bytecode(capture, method, out);
}

/* "throw new SomeError(text)" and nothing else. */
static bool only_throws(struct hd_bytes code)
{
    static const size_t text_at = 4;
    if (code.length < text_at + 2 || code.data[0] != OP_NEW || code.data[3] != OP_DUP)
        return false;
    size_t call_at = 0;
    if (code.data[text_at] == OP_LDC)
        call_at = text_at + 2;
    else if (code.data[text_at] == OP_LDC_W)
        call_at = text_at + 3;
    return call_at != 0 && code.length == call_at + 4 && code.data[call_at] == OP_INVOKESPECIAL &&
           code.data[call_at + 3] == OP_ATHROW;
}

/* JDK 8 lists methods of its own among those of abstract classes and interfaces: for each one
 * inherited that has no code, a bridge that throws AbstractMethodError. A compiler's bridge
 * calls another method and returns. */
static bool is_made_up(const struct hd_vm_member *method)
{
    return method->access == (HD_ACC_PUBLIC | ACC_BRIDGE | HD_ACC_SYNTHETIC) &&
           only_throws(method->bytecode);
}

static int copy_methods(const struct capture *capture, const jmethodID *methods, jint count,
                        struct hd_vm_view *view)
{
    struct hd_vm_member *members =
        hd_arena_array(capture->arena, (size_t)count, sizeof *members, capture->err);
    if (members == NULL)
        return -1;
    size_t kept = 0;
    for (jint i = 0; i < count; i++) {
        struct hd_vm_member method = { 0 };
        if (take_method(capture, methods[i], &method) != 0)
            return -1;
        if (!is_made_up(&method))
            members[kept++] = method;
    }
    view->methods = members;
    view->method_count = kept;
    return 0;
}

static int take_methods(const struct capture *capture, struct hd_vm_view *view)
{
    jmethodID *methods = NULL;
    jint count = 0;
    jvmtiError error =
        (*capture->jvmti)->GetClassMethods(capture->jvmti, capture->class, &count, &methods);
    if (error != JVMTI_ERROR_NONE)
        return refused(capture, "GetClassMethods", error);
    int result = copy_methods(capture, methods, count, view);
    release(capture, methods);
    return result;
}

static int take_pool(const struct capture *capture, struct hd_vm_view *view)
{
    jint count = 0, length = 0;
    unsigned char *pool = NULL;
    jvmtiError error =
        (*capture->jvmti)->GetConstantPool(capture->jvmti, capture->class, &count, &length, &pool);
    if (error == JVMTI_ERROR_ABSENT_INFORMATION)
        return 0;
    if (error != JVMTI_ERROR_NONE)
        return refused(capture, "GetConstantPool", error);
    view->pool_count = (uint16_t)count;
    view->pool_bytes = (struct hd_bytes){ copy(capture, pool, (size_t)length), (size_t)length };
    release(capture, pool);
    return view->pool_bytes.data != NULL ? 0 : -1;
}

static int take_modifiers(const struct capture *capture, struct hd_vm_view *view)
{
    jint access = 0;
    jvmtiError error =
        (*capture->jvmti)->GetClassModifiers(capture->jvmti, capture->class, &access);
    if (error != JVMTI_ERROR_NONE)
        return refused(capture, "GetClassModifiers", error);
    /* HotSpot adds ACC_SUPER of its own accord; it has meant nothing for a long time. */
    view->access = (uint16_t)(access & ~ACC_SUPER);
    return 0;
}

static int take_all(const struct capture *capture, const char *internal_name,
                    struct hd_vm_view *view)
{
    view->name = copy(capture, internal_name, strlen(internal_name));
    if (view->name == NULL)
        return -1;
    if (take_modifiers(capture, view) != 0 || take_superclass(capture, view) != 0 ||
        take_interfaces(capture, view) != 0)
        return -1;
    if (take_fields(capture, view) != 0 || take_methods(capture, view) != 0)
        return -1;
    return take_pool(capture, view);
}

static bool is_prepared(jvmtiEnv *jvmti, jclass class)
{
    jint status = 0;
    return (*jvmti)->GetClassStatus(jvmti, class, &status) == JVMTI_ERROR_NONE &&
           (status & JVMTI_CLASS_STATUS_PREPARED) != 0;
}

/* There is no call that only links. Class.getDeclaredFields0, native in every JDK from 8 to 28,
 * links before it lists; "public only" keeps it from resolving the types of the others. */
static void link(JNIEnv *jni, jclass class)
{
    jclass class_of_classes = (*jni)->GetObjectClass(jni, class);
    jmethodID list = (*jni)->GetMethodID(jni, class_of_classes, "getDeclaredFields0",
                                         "(Z)[Ljava/lang/reflect/Field;");
    if (list != NULL)
        (*jni)->CallObjectMethod(jni, class, list, (jboolean)JNI_TRUE);
    (*jni)->ExceptionClear(jni);
}

static int capture_linked(struct capture *capture, const char *internal_name,
                          struct hd_held_view **out)
{
    struct hd_held_view *held = hd_alloc_zeroed(1, sizeof *held);
    if (held == NULL)
        return hd_error_set_memory(capture->err);
    hd_arena_init(&held->arena, ARENA_BLOCK);
    capture->arena = &held->arena;
    if (take_all(capture, internal_name, &held->view) != 0) {
        hd_held_view_free(held);
        return -1;
    }
    *out = held;
    return 0;
}

int hd_held_view_capture(const struct hd_jvm *jvm, JNIEnv *jni, jclass class,
                         const char *internal_name, struct hd_held_view **out, struct hd_error *err)
{
    if ((*jni)->PushLocalFrame(jni, LOCAL_REFERENCES) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return hd_error_set_memory(err);
    }
    if (!is_prepared(jvm->jvmti, class))
        link(jni, class);

    int result = 0;
    struct hd_held_view *held = NULL;
    struct capture capture = { .jvmti = jvm->jvmti, .jni = jni, .class = class, .err = err };
    if (is_prepared(jvm->jvmti, class))
        result = capture_linked(&capture, internal_name, &held);
    (*jni)->PopLocalFrame(jni, NULL);
    if (result == 0)
        *out = held;
    return result;
}

void hd_held_view_free(struct hd_held_view *held)
{
    if (held == NULL)
        return;
    hd_arena_close(&held->arena);
    hd_free(held);
}

const struct hd_vm_view *hd_held_view_of(const struct hd_held_view *held)
{
    return held != NULL ? &held->view : NULL;
}
