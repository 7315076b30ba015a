/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/frames.h"

#include "core/alloc.h"

#include <stdint.h>
#include <string.h>

enum { MAX_DEPTH = 1024, LOCAL_REFERENCES = 32, CACHE_SIZE = 1024, FIRST_VIRTUAL_THREADS = 19 };

/* Stacks of a pool's threads are much alike: remember the last answers. */
struct answer {
    jmethodID method;
    bool obsolete;
};

struct census {
    jvmtiEnv *jvmti;
    JNIEnv *jni;
    struct hd_old_frames found;
    uint32_t *last_thread; /* beside each class: the last thread (from 1) counted for it */
    struct answer cache[CACHE_SIZE];
    struct hd_error *err;
};

static bool is_obsolete(struct census *census, jmethodID method)
{
    struct answer *answer = &census->cache[((uintptr_t)method >> 3) % CACHE_SIZE];
    if (answer->method != method) {
        jboolean obsolete = JNI_FALSE;
        /* A method whose class was unloaded since is nobody's code any more. */
        if ((*census->jvmti)->IsMethodObsolete(census->jvmti, method, &obsolete) !=
            JVMTI_ERROR_NONE)
            obsolete = JNI_FALSE;
        *answer = (struct answer){ method, obsolete };
    }
    return answer->obsolete;
}

/* "Lcom/example/Foo;" of the method's class in JVMTI's memory; NULL where the JVM does not tell. */
static char *class_signature(const struct census *census, jmethodID method)
{
    jclass class = NULL;
    char *signature = NULL;
    if ((*census->jvmti)->GetMethodDeclaringClass(census->jvmti, method, &class) !=
        JVMTI_ERROR_NONE)
        return NULL;
    if ((*census->jvmti)->GetClassSignature(census->jvmti, class, &signature, NULL) !=
        JVMTI_ERROR_NONE)
        signature = NULL;
    (*census->jni)->DeleteLocalRef(census->jni, class);
    return signature;
}

static int add_class(struct census *census, const char *name, size_t length)
{
    struct hd_old_frames *found = &census->found;
    size_t count = found->class_count + 1;
    char **names = hd_realloc_array(found->class_names, count, sizeof *names);
    if (names == NULL)
        return hd_error_set_memory(census->err);
    found->class_names = names;
    uint32_t *threads = hd_realloc_array(found->class_threads, count, sizeof *threads);
    if (threads == NULL)
        return hd_error_set_memory(census->err);
    found->class_threads = threads;
    uint32_t *last = hd_realloc_array(census->last_thread, count, sizeof *last);
    if (last == NULL)
        return hd_error_set_memory(census->err);
    census->last_thread = last;

    names[count - 1] = hd_strndup(name, length);
    if (names[count - 1] == NULL)
        return hd_error_set_memory(census->err);
    threads[count - 1] = 0;
    last[count - 1] = 0;
    found->class_count = count;
    return 0;
}

static bool is_name(const char *text, const char *name, size_t length)
{
    return strncmp(text, name, length) == 0 && text[length] == '\0';
}

/* Counts the thread for the class, once. */
static int count_class(struct census *census, const char *name, size_t length, uint32_t thread)
{
    struct hd_old_frames *found = &census->found;
    size_t i = 0;
    while (i < found->class_count && !is_name(found->class_names[i], name, length))
        i++;
    if (i == found->class_count && add_class(census, name, length) != 0)
        return -1;
    if (census->last_thread[i] != thread) {
        census->last_thread[i] = thread;
        found->class_threads[i]++;
    }
    return 0;
}

static int count_frame(struct census *census, jmethodID method, uint32_t thread)
{
    char *signature = class_signature(census, method);
    if (signature == NULL)
        return 0;
    size_t length = strlen(signature);
    int result = length > 2 ? count_class(census, signature + 1, length - 2, thread) : 0;
    (*census->jvmti)->Deallocate(census->jvmti, (unsigned char *)signature);
    return result;
}

static int count_stack(struct census *census, const jvmtiStackInfo *stack, uint32_t thread)
{
    bool old = false;
    for (jint i = 0; i < stack->frame_count; i++) {
        jmethodID method = stack->frame_buffer[i].method;
        if (!is_obsolete(census, method))
            continue;
        old = true;
        if (count_frame(census, method, thread) != 0)
            return -1;
    }
    if (old)
        census->found.threads++;
    /* Only the newest frames of a stack this deep were shown. */
    if (stack->frame_count >= MAX_DEPTH)
        census->found.complete = false;
    return 0;
}

static int count_stacks(struct census *census)
{
    jvmtiStackInfo *stacks = NULL;
    jint count = 0;
    jvmtiError error =
        (*census->jvmti)->GetAllStackTraces(census->jvmti, MAX_DEPTH, &stacks, &count);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(census->err, HD_E_JVM, "GetAllStackTraces: %s",
                            hd_jvm_error_name(error));
    int result = 0;
    for (jint i = 0; i < count && result == 0; i++)
        result = count_stack(census, &stacks[i], (uint32_t)i + 1);
    /* One block holds the frames too. */
    (*census->jvmti)->Deallocate(census->jvmti, (unsigned char *)stacks);
    return result;
}

/* java.lang.VirtualThread, not initialized by the look: Class.forName(name, false, boot loader).
 * NULL where it cannot be told. */
static jclass virtual_thread_class(JNIEnv *jni)
{
    jclass class = (*jni)->FindClass(jni, "java/lang/Class");
    jmethodID for_name = (*jni)->GetStaticMethodID(
        jni, class, "forName", "(Ljava/lang/String;ZLjava/lang/ClassLoader;)Ljava/lang/Class;");
    jstring name = (*jni)->NewStringUTF(jni, "java.lang.VirtualThread");
    jclass found = NULL;
    if (for_name != NULL && name != NULL)
        found =
            (*jni)->CallStaticObjectMethod(jni, class, for_name, name, (jboolean)JNI_FALSE, NULL);
    if ((*jni)->ExceptionCheck(jni)) {
        (*jni)->ExceptionClear(jni);
        return NULL;
    }
    return found;
}

/* The class is initialized by the first virtual thread (JEP 444), and by nothing else. */
static bool may_have_virtual_threads(const struct hd_jvm *jvm, JNIEnv *jni)
{
    if (jvm->rules.feature_release < FIRST_VIRTUAL_THREADS)
        return false;
    jclass class = virtual_thread_class(jni);
    jint status = 0;
    if (class == NULL ||
        (*jvm->jvmti)->GetClassStatus(jvm->jvmti, class, &status) != JVMTI_ERROR_NONE)
        return true;
    return (status & JVMTI_CLASS_STATUS_INITIALIZED) != 0;
}

static int take_census(const struct hd_jvm *jvm, struct census *census)
{
    JNIEnv *jni = census->jni;
    if ((*jni)->PushLocalFrame(jni, LOCAL_REFERENCES) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return hd_error_set_memory(census->err);
    }
    census->found.complete = !may_have_virtual_threads(jvm, jni);
    int result = count_stacks(census);
    (*jni)->PopLocalFrame(jni, NULL);
    return result;
}

int hd_frames_find(const struct hd_jvm *jvm, JNIEnv *jni, struct hd_old_frames *out,
                   struct hd_error *err)
{
    struct census *census = hd_alloc_zeroed(1, sizeof *census);
    if (census == NULL)
        return hd_error_set_memory(err);
    census->jvmti = jvm->jvmti;
    census->jni = jni;
    census->err = err;
    int result = take_census(jvm, census);
    if (result == 0)
        *out = census->found;
    else
        hd_old_frames_close(&census->found);
    hd_free(census->last_thread);
    hd_free(census);
    return result;
}

void hd_old_frames_close(struct hd_old_frames *frames)
{
    for (size_t i = 0; i < frames->class_count; i++)
        hd_free(frames->class_names[i]);
    hd_free(frames->class_names);
    hd_free(frames->class_threads);
    *frames = (struct hd_old_frames){ .complete = true };
}
