/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/redefine.h"

#include "agent/hook.h"
#include "agent/verify.h"
#include "core/alloc.h"

#include <string.h>

/* A class file that no JVM accepts for java.util.RandomAccess, because it is "hotdrop/Rehearsal":
 * an empty interface of version 45.3. It ends a rehearsal; see the header. */
static const unsigned char marker_file[] = {
    0xCA, 0xFE, 0xBA, 0xBE, 0x00, 0x03, 0x00, 0x2D, /* magic, version */
    0x00, 0x05,                                     /* four constants */
    0x01, 0x00, 0x11, 'h',  'o',  't',  'd',  'r',  'o', 'p',
    '/',  'R',  'e',  'h',  'e',  'a',  'r',  's',  'a', 'l', /* #1 Utf8 */
    0x07, 0x00, 0x01,                                         /* #2 Class #1 */
    0x01, 0x00, 0x10, 'j',  'a',  'v',  'a',  '/',  'l', 'a',
    'n',  'g',  '/',  'O',  'b',  'j',  'e',  'c',  't', /* #3 Utf8 */
    0x07, 0x00, 0x03,                                    /* #4 Class #3 */
    0x06, 0x00, 0x00, 0x02, 0x00, 0x04,                  /* interface abstract, this, super */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* interfaces, fields, methods, attributes */
};
#define MARKER_CLASS "java/util/RandomAccess"

static enum hd_reason reason_of(jvmtiError error)
{
    switch ((int)error) {
    case JVMTI_ERROR_INVALID_CLASS_FORMAT:
    case JVMTI_ERROR_CIRCULAR_CLASS_DEFINITION:
        return HD_REASON_MALFORMED_CLASS;
    case JVMTI_ERROR_FAILS_VERIFICATION:
        return HD_REASON_VERIFY_ERROR;
    case JVMTI_ERROR_UNSUPPORTED_REDEFINITION_METHOD_ADDED:
        return HD_REASON_METHOD_ADDED;
    case JVMTI_ERROR_UNSUPPORTED_REDEFINITION_SCHEMA_CHANGED:
        return HD_REASON_FIELD_CHANGED;
    case JVMTI_ERROR_UNSUPPORTED_REDEFINITION_HIERARCHY_CHANGED:
        return HD_REASON_SUPERCLASS_CHANGED;
    case JVMTI_ERROR_UNSUPPORTED_REDEFINITION_METHOD_DELETED:
        return HD_REASON_METHOD_REMOVED;
    case JVMTI_ERROR_UNSUPPORTED_VERSION:
        return HD_REASON_VERSION_UNSUPPORTED;
    case JVMTI_ERROR_NAMES_DONT_MATCH:
        return HD_REASON_NAME_MISMATCH;
    case JVMTI_ERROR_UNSUPPORTED_REDEFINITION_CLASS_MODIFIERS_CHANGED:
        return HD_REASON_CLASS_MODIFIERS_CHANGED;
    case JVMTI_ERROR_UNSUPPORTED_REDEFINITION_METHOD_MODIFIERS_CHANGED:
        return HD_REASON_METHOD_MODIFIERS_CHANGED;
    case 72: /* UNSUPPORTED_REDEFINITION_CLASS_ATTRIBUTE_CHANGED: unknown to the headers of JDK 8 */
        return HD_REASON_NEST_CHANGED;
    case JVMTI_ERROR_UNMODIFIABLE_CLASS:
        return HD_REASON_NOT_MODIFIABLE;
    default:
        return HD_REASON_JVM_ERROR;
    }
}

static char *describe_verify_error(JNIEnv *jni, const struct hd_redefinition *item)
{
    char words[1024];
    if (hd_verify_words(jni, item->loader, item->internal_name, item->file, words, sizeof words))
        return hd_asprintf("the JVM's verifier rejects it: %s", words);
    return hd_strdup("the JVM's verifier rejects it, and does not say why: defined in a loader of "
                     "its own, the class passes or cannot be linked");
}

/* For want of memory the message stays NULL; the reason is what counts. */
static void blame(JNIEnv *jni, struct hd_redefinition *item, jvmtiError error)
{
    item->reason = reason_of(error);
    hd_free(item->message);
    if (error == JVMTI_ERROR_FAILS_VERIFICATION)
        item->message = describe_verify_error(jni, item);
    else
        item->message =
            hd_asprintf("the JVM refuses it: RedefineClasses: %s", hd_jvm_error_name(error));
}

/* marker NULL: for real. */
static jvmtiError call(const struct hd_jvm *jvm, const struct hd_redefinition *items, size_t count,
                       jclass marker, jvmtiClassDefinition *definitions)
{
    jvmtiEnv *jvmti = jvm->jvmti;
    for (size_t i = 0; i < count; i++) {
        definitions[i] = (jvmtiClassDefinition){
            .klass = items[i].class,
            .class_byte_count = (jint)items[i].file.length,
            .class_bytes = items[i].file.data,
        };
    }
    if (marker != NULL) {
        definitions[count++] = (jvmtiClassDefinition){
            .klass = marker,
            .class_byte_count = sizeof marker_file,
            .class_bytes = marker_file,
        };
    }
    hd_hook_own_redefinition(definitions, count);
    jvmtiError error = (*jvmti)->RedefineClasses(jvmti, (jint)count, definitions);
    hd_hook_own_redefinition(NULL, 0);
    return error;
}

/* The JVM stops at the first class it refuses and does not say which, so the list is halved until
 * every culprit stands alone. The depth is the logarithm of count. */
static void rehearse_range(const struct hd_jvm *jvm, JNIEnv *jni, struct hd_redefinition *items,
                           size_t count, jclass marker, jvmtiClassDefinition *definitions)
{
    jvmtiError error = call(jvm, items, count, marker, definitions);
    if (error == JVMTI_ERROR_NAMES_DONT_MATCH)
        return;
    if (count == 1) {
        blame(jni, &items[0], error);
        return;
    }
    rehearse_range(jvm, jni, items, count / 2, marker, definitions);
    rehearse_range(jvm, jni, items + count / 2, count - count / 2, marker, definitions);
}

static jclass find_marker(JNIEnv *jni, struct hd_error *err)
{
    jclass marker = (*jni)->FindClass(jni, MARKER_CLASS);
    if (marker != NULL)
        return marker;
    (*jni)->ExceptionClear(jni);
    hd_error_set(err, HD_E_JVM, "this JVM has no %s to end a rehearsal with", MARKER_CLASS);
    return NULL;
}

/* One more than there are classes: the marker's. NULL with err set. */
static jvmtiClassDefinition *new_definitions(size_t count, struct hd_error *err)
{
    jvmtiClassDefinition *definitions = NULL;
    if (count < INT32_MAX)
        definitions = hd_alloc_zeroed(count + 1, sizeof *definitions);
    if (definitions == NULL)
        hd_error_set_memory(err);
    return definitions;
}

int hd_redefine_rehearse(const struct hd_jvm *jvm, JNIEnv *jni, struct hd_redefinition *items,
                         size_t count, struct hd_error *err)
{
    if (count == 0)
        return 0;
    jclass marker = find_marker(jni, err);
    if (marker == NULL)
        return -1;
    jvmtiClassDefinition *definitions = new_definitions(count, err);
    if (definitions != NULL)
        rehearse_range(jvm, jni, items, count, marker, definitions);
    (*jni)->DeleteLocalRef(jni, marker);
    hd_free(definitions);
    return definitions != NULL ? 0 : -1;
}

int hd_redefine_all(const struct hd_jvm *jvm, JNIEnv *jni, struct hd_redefinition *items,
                    size_t count, struct hd_error *err)
{
    if (count == 0)
        return 0;
    jvmtiClassDefinition *definitions = new_definitions(count, err);
    if (definitions == NULL)
        return -1;
    jvmtiError error = call(jvm, items, count, NULL, definitions);
    hd_free(definitions);
    if (error == JVMTI_ERROR_NONE)
        return 0;
    hd_error_set(err, HD_E_JVM, "RedefineClasses: %s", hd_jvm_error_name(error));
    if (count == 1)
        blame(jni, &items[0], error);
    else if (hd_redefine_rehearse(jvm, jni, items, count, err) != 0)
        hd_error_prefix(err, "which class it was could not be found out");
    return -1;
}
