/* SPDX-License-Identifier: Apache-2.0 */
/* The least that redefines a class: one JVMTI call, measured. Loaded with System.load by the
 * application that is measured; part of no product. */
#include <jvmti.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static jvmtiEnv *jvmti;

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved)
{
    jvmtiCapabilities wanted = { .can_redefine_classes = 1 };
    (void)reserved;
    if ((*vm)->GetEnv(vm, (void **)&jvmti, JVMTI_VERSION_1_2) != JNI_OK ||
        (*jvmti)->AddCapabilities(jvmti, &wanted) != JVMTI_ERROR_NONE)
        return JNI_ERR;
    return JNI_VERSION_1_8;
}

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void take_class(JNIEnv *jni, jobjectArray classes, jobjectArray files, jsize i,
                       jvmtiClassDefinition *out)
{
    jbyteArray file = (*jni)->GetObjectArrayElement(jni, files, i);
    jsize length = (*jni)->GetArrayLength(jni, file);
    unsigned char *bytes = malloc((size_t)length);
    (*jni)->GetByteArrayRegion(jni, file, 0, length, (jbyte *)bytes);
    out->klass = (*jni)->GetObjectArrayElement(jni, classes, i);
    out->class_byte_count = length;
    out->class_bytes = bytes;
    (*jni)->DeleteLocalRef(jni, file);
}

JNIEXPORT jlong JNICALL Java_bench_Bare_redefine(JNIEnv *jni, jclass self, jobjectArray classes,
                                                 jobjectArray files);

JNIEXPORT jlong JNICALL Java_bench_Bare_redefine(JNIEnv *jni, jclass self, jobjectArray classes,
                                                 jobjectArray files)
{
    (void)self;
    jsize count = (*jni)->GetArrayLength(jni, classes);
    jvmtiClassDefinition *definitions = calloc((size_t)count, sizeof *definitions);
    (*jni)->EnsureLocalCapacity(jni, count + 8);
    for (jsize i = 0; i < count; i++)
        take_class(jni, classes, files, i, &definitions[i]);
    long long begun = nanoseconds();
    jvmtiError result = (*jvmti)->RedefineClasses(jvmti, count, definitions);
    long long ended = nanoseconds();
    for (jsize i = 0; i < count; i++)
        free((void *)(uintptr_t)definitions[i].class_bytes);
    free(definitions);
    return result == JVMTI_ERROR_NONE ? ended - begun : -(jlong)result;
}

JNIEXPORT jint JNICALL Java_bench_Bare_loadedClasses(JNIEnv *jni, jclass self);

JNIEXPORT jint JNICALL Java_bench_Bare_loadedClasses(JNIEnv *jni, jclass self)
{
    jint count = 0;
    jclass *classes = NULL;
    (void)self;
    (*jvmti)->GetLoadedClasses(jvmti, &count, &classes);
    for (jint i = 0; i < count; i++)
        (*jni)->DeleteLocalRef(jni, classes[i]);
    (*jvmti)->Deallocate(jvmti, (unsigned char *)classes);
    return count;
}
