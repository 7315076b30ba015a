/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/thread.h"

#include <sys/prctl.h>
#include <time.h>

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

static int run(const struct hd_jvm *jvm, JNIEnv *jni, const char *name, jvmtiStartFunction body,
               void *context, struct hd_error *err)
{
    char cause[256] = "no memory";
    jthread thread = new_java_thread(jni, name);
    if (hd_jvm_take_exception(jni, cause, sizeof cause) || thread == NULL)
        return hd_error_set(err, HD_E_JVM, "thread %s: %s", name, cause);
    jvmtiError error =
        (*jvm->jvmti)
            ->RunAgentThread(jvm->jvmti, thread, body, context, JVMTI_THREAD_NORM_PRIORITY);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(err, HD_E_JVM, "RunAgentThread for %s: %s", name,
                            hd_jvm_error_name(error));
    return 0;
}

int hd_thread_start(const struct hd_jvm *jvm, JNIEnv *jni, const char *name,
                    jvmtiStartFunction body, void *context, struct hd_error *err)
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

void hd_thread_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

void hd_thread_end_init(struct hd_thread_end *end)
{
    hd_thread_condition_init(&end->changed);
    pthread_mutex_init(&end->lock, NULL);
    end->running = false;
}

void hd_thread_end_set(struct hd_thread_end *end, bool running)
{
    pthread_mutex_lock(&end->lock);
    end->running = running;
    pthread_cond_broadcast(&end->changed);
    pthread_mutex_unlock(&end->lock);
}

struct timespec hd_thread_deadline(unsigned timeout_ms)
{
    enum { NANOSECONDS = 1000000000 };
    struct timespec at = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= NANOSECONDS) {
        at.tv_sec++;
        at.tv_nsec -= NANOSECONDS;
    }
    return at;
}

int hd_thread_end_await(struct hd_thread_end *end, unsigned timeout_ms)
{
    struct timespec deadline = hd_thread_deadline(timeout_ms);
    int waited = 0;
    pthread_mutex_lock(&end->lock);
    while (end->running && waited == 0)
        waited = pthread_cond_timedwait(&end->changed, &end->lock, &deadline);
    bool running = end->running;
    pthread_mutex_unlock(&end->lock);
    return running ? -1 : 0;
}

void hd_thread_end_close(struct hd_thread_end *end)
{
    pthread_cond_destroy(&end->changed);
    pthread_mutex_destroy(&end->lock);
}

void hd_thread_name(const char *name)
{
    prctl(PR_SET_NAME, name);
}
