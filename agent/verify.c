/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/verify.h"

#include "agent/define.h"

#include <ctype.h>
#include <stdio.h>
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

/* Reflection links a class before it answers (JVMS §5.4), without initialising it. Leaves what that throws pending. */
static void link_class(JNIEnv *jni, jclass class)
{
    jclass class_class = (*jni)->GetObjectClass(jni, class);
    jmethodID list = (*jni)->GetMethodID(jni, class_class, "getDeclaredMethods",
                                         "()[Ljava/lang/reflect/Method;");
    if (list != NULL)
        (void)(*jni)->CallObjectMethod(jni, class, list);
}

/* The verifier's text goes on for lines, with frames and a dump of the bytecode. What is wrong, where and why come first: they stay, on one line. */
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

static bool is_verify_error(const char *words)
{
    return strncmp(words, VERIFY_ERROR, strlen(VERIFY_ERROR)) == 0;
}

static bool ask_in_frame(JNIEnv *jni, jobject parent, const char *internal_name,
                         struct hd_bytes file, char *words, size_t capacity)
{
    struct hd_error err = HD_ERROR_INIT;
    enum hd_reason reason = HD_REASON_NONE;
    jclass defined = NULL;
    jobject loader = new_child_loader(jni, parent);
    if (loader == NULL || (*jni)->ExceptionCheck(jni)) {
        (*jni)->ExceptionClear(jni);
        return false;
    }
    if (hd_define_class(jni, loader, NULL, internal_name, file, &defined, &reason, &err) != 0)
        return false;
    link_class(jni, defined);
    (*jni)->DeleteGlobalRef(jni, defined);
    return hd_jvm_take_exception(jni, words, capacity) && is_verify_error(words);
}

bool hd_verify_words(JNIEnv *jni, jobject loader, const char *internal_name, struct hd_bytes file,
                     char *text, size_t capacity)
{
    char words[4096];
    if ((*jni)->PushLocalFrame(jni, 16) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return false;
    }
    bool said = ask_in_frame(jni, loader, internal_name, file, words, sizeof words);
    (*jni)->PopLocalFrame(jni, NULL);
    if (said)
        keep_essence(words + strlen(VERIFY_ERROR), text, capacity);
    return said;
}
