/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/verify.h"

#include "agent/define.h"
#include "core/text.h"

#include <ctype.h>
#include <string.h>

#define VERIFY_ERROR "java.lang.VerifyError: "

static jobject new_child_loader(JNIEnv *jni, jobject parent)
{
    jclass class = (*jni)->FindClass(jni, HD_VERIFY_LOADER);
    if (class == NULL)
        return NULL;
    jmethodID create = (*jni)->GetMethodID(jni, class, "<init>", "(Ljava/lang/ClassLoader;)V");
    return create == NULL ? NULL : (*jni)->NewObject(jni, class, create, parent);
}

/* Reflection links a class before it answers (JVMS §5.4), without initialising it. Leaves what that
 * throws pending. */
static void link_class(JNIEnv *jni, jclass class)
{
    jclass class_class = (*jni)->GetObjectClass(jni, class);
    jmethodID list = (*jni)->GetMethodID(jni, class_class, "getDeclaredMethods",
                                         "()[Ljava/lang/reflect/Method;");
    if (list != NULL)
        (void)(*jni)->CallObjectMethod(jni, class, list);
}

/* The verifier's text goes on for lines, with frames and a dump of the bytecode. What is wrong,
 * where and why come first: they stay, on one line. */
static void keep_essence(const char *words, char *text, size_t capacity)
{
    const char *end = strstr(words, "Current Frame:");
    size_t length = end != NULL ? (size_t)(end - words) : strlen(words);
    size_t at = 0;
    for (size_t i = 0; i < length && at + 2 < capacity; i++) {
        if (!isspace((unsigned char)words[i]))
            text[at++] = words[i];
        else if (at > 0 && text[at - 1] != ' ')
            text[at++] = ' ';
    }
    while (at > 0 && text[at - 1] == ' ')
        at--;
    text[at] = '\0';
}

/* The end of a local frame that lets one reference out, as a global one. */
static jobject leave_with_global(JNIEnv *jni, jobject local)
{
    (*jni)->ExceptionClear(jni);
    jobject global = local == NULL ? NULL : (*jni)->NewGlobalRef(jni, local);
    (*jni)->PopLocalFrame(jni, NULL);
    return global;
}

static bool enter(JNIEnv *jni)
{
    if ((*jni)->PushLocalFrame(jni, 16) == JNI_OK)
        return true;
    (*jni)->ExceptionClear(jni);
    return false;
}

jobject hd_verify_new_loader(JNIEnv *jni, jobject parent)
{
    return enter(jni) ? leave_with_global(jni, new_child_loader(jni, parent)) : NULL;
}

jclass hd_verify_define(JNIEnv *jni, jobject loader, const char *internal_name,
                        struct hd_bytes file, enum hd_reason *reason, struct hd_error *err)
{
    jclass defined = NULL;
    if (hd_define_class(jni, loader, NULL, internal_name, file, &defined, reason, err) != 0)
        return NULL;
    return defined;
}

bool hd_verify_rejects(JNIEnv *jni, jclass class, char *text, size_t capacity)
{
    char words[4096];
    if (!enter(jni))
        return false;
    link_class(jni, class);
    bool threw = hd_jvm_take_exception(jni, words, sizeof words);
    (*jni)->PopLocalFrame(jni, NULL);
    if (!threw || !hd_text_starts_with(words, VERIFY_ERROR) ||
        hd_text_starts_with(words, VERIFY_ERROR "Bad access to protected"))
        return false;
    keep_essence(words + strlen(VERIFY_ERROR), text, capacity);
    return true;
}

bool hd_verify_words(JNIEnv *jni, jobject loader, const char *internal_name, struct hd_bytes file,
                     char *text, size_t capacity)
{
    struct hd_error ignored = HD_ERROR_INIT;
    enum hd_reason reason = HD_REASON_NONE;
    bool rejects = false;
    jobject trial = hd_verify_new_loader(jni, loader);
    if (trial == NULL)
        return false;
    jclass class = hd_verify_define(jni, trial, internal_name, file, &reason, &ignored);
    if (class != NULL) {
        rejects = hd_verify_rejects(jni, class, text, capacity);
        (*jni)->DeleteGlobalRef(jni, class);
    }
    (*jni)->DeleteGlobalRef(jni, trial);
    return rejects;
}
