/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/thread.h"

#include <sys/prctl.h>

/* new Thread(name), not started: RunAgentThread does that. NULL with a Java exception pending. */
static jthread new_java_thread(JNIEnv *jni, const char *name)
{
    jclass class = (*jni)->FindClass(jni, "java/lang/Thread");
    if (class == NULL)
        return NULL;
    jmethodID constructor = (*jni)->GetMethodID(jni, class, "<init>", "(Ljava/lang/String;)V");
    if (constructor == NULL)
        return NULL;
    jstring text = (*jni)->NewStringUTF(jni, name);
    return text != NULL ? (*jni)->NewObject(jni, class, constructor, text) : NULL;
}

static int run(const struct hd_jvm *jvm, JNIEnv *jni, const char *name, jvmtiStartFunction body, void *context,
               struct hd_error *err)
{
    char cause[256] = "no memory";
    jthread thread = new_java_thread(jni, name);
    if (hd_jvm_take_exception(jni, cause, sizeof cause) || thread == NULL)
        return hd_error_set(err, HD_E_JVM, "thread %s: %s", name, cause);
    jvmtiError error = (*jvm->jvmti)->RunAgentThread(jvm->jvmti, thread, body, context, JVMTI_THREAD_NORM_PRIORITY);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(err, HD_E_JVM, "RunAgentThread for %s: %s", name, hd_jvm_error_name(error));
    return 0;
}

int hd_thread_start(const struct hd_jvm *jvm, JNIEnv *jni, const char *name, jvmtiStartFunction body, void *context,
                    struct hd_error *err)
{
    enum { REFERENCES = 4 };
    if ((*jni)->PushLocalFrame(jni, REFERENCES) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return hd_error_set_memory(err);
    }
    int result = run(jvm, jni, name, body, context, err);
    (*jni)->PopLocalFrame(jni, NULL);
    return result;
}

void hd_thread_name(const char *name)
{
    prctl(PR_SET_NAME, name);
}
