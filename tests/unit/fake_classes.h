/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JVM that has nothing but classes: they load, are reported, and unload as a test says. Include
 * after cmocka.h.
 */
#ifndef HD_TESTS_FAKE_CLASSES_H
#define HD_TESTS_FAKE_CLASSES_H

#include "agent/jvm.h"
#include "agent/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every object of the fake JVM is a struct object, and a reference of any kind is its address. */
struct object {
    char signature[48];    /* of a class */
    struct object *loader; /* of a class; NULL: boot */
    bool frozen;           /* a class that may not be modified */
    bool unloaded;
};

enum { MOST_CLASSES = 8192, LOADERS = 6, NAMES = 20 };

static struct object loader_class = { .signature = "Ljava/net/URLClassLoader;" },
                     trial_loader_class = { .signature = "L" HD_VERIFY_LOADER ";" };
static struct object loaders[LOADERS], trial_loader;

static struct {
    struct object classes[MOST_CLASSES];
    size_t count;
    struct object *loads_during_walk; /* NULL: none */
    jvmtiEventClassLoad report;       /* NULL: no callback is set */
    bool event;                       /* it is on */
    jvmtiError event_error;           /* what switching it on answers */
    jvmtiError loader_error;          /* what asking for a class's loader answers */
    bool has_trial_loader;
    bool weak_fails;
    int environments;
    int weaks;  /* weak references held */
    int blocks; /* of JVMTI's memory */
    int frames;
    int globals;
    int walks;
    int asked;     /* for a class's loader */
    jint capacity; /* of local references, as asked for last */
} vm;

static jvmtiEnv jvmti, events;
static JNIEnv jni;

static struct object *alive(jobject reference)
{
    struct object *object = (struct object *)reference;
    return object != NULL && !object->unloaded ? object : NULL;
}

static void report(struct object *class)
{
    if (vm.event && vm.report != NULL)
        vm.report(&events, &jni, NULL, (jclass) class);
}

static struct object *load(const char *signature, struct object *loader)
{
    assert_true(vm.count < MOST_CLASSES);
    struct object *class = &vm.classes[vm.count++];
    *class = (struct object){ .loader = loader };
    snprintf(class->signature, sizeof class->signature, "%s", signature);
    report(class);
    return class;
}

static jvmtiError JNICALL get_loaded_classes(jvmtiEnv *environment, jint *count, jclass **classes)
{
    (void)environment;
    vm.walks++;
    vm.blocks++;
    *count = 0;
    *classes = malloc((vm.count + 2) * sizeof(jclass));
    if (vm.loads_during_walk != NULL)
        report(vm.loads_during_walk);
    for (size_t i = 0; i < vm.count; i++) {
        if (!vm.classes[i].unloaded)
            (*classes)[(*count)++] = (jclass)&vm.classes[i];
    }
    if (vm.loads_during_walk == NULL)
        return JVMTI_ERROR_NONE;
    (*classes)[(*count)++] = (jclass)vm.loads_during_walk;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_class_signature(jvmtiEnv *environment, jclass class, char **signature,
                                              char **generic)
{
    (void)environment;
    assert_null(generic);
    vm.blocks++;
    *signature = strdup(alive(class)->signature);
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_class_loader(jvmtiEnv *environment, jclass class, jobject *loader)
{
    (void)environment;
    vm.asked++;
    if (vm.loader_error != JVMTI_ERROR_NONE)
        return vm.loader_error;
    *loader = (jobject)alive(class)->loader;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL is_modifiable_class(jvmtiEnv *environment, jclass class,
                                              jboolean *modifiable)
{
    (void)environment;
    *modifiable = !alive(class)->frozen;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL deallocate(jvmtiEnv *environment, unsigned char *memory)
{
    (void)environment;
    vm.blocks -= memory != NULL;
    free(memory);
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL set_event_callbacks(jvmtiEnv *environment,
                                              const jvmtiEventCallbacks *callbacks, jint size)
{
    assert_ptr_equal(environment, &events);
    assert_int_equal(size, sizeof *callbacks);
    vm.report = callbacks->ClassLoad;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL set_event_notification_mode(jvmtiEnv *environment, jvmtiEventMode mode,
                                                      jvmtiEvent event, jthread thread, ...)
{
    assert_ptr_equal(environment, &events);
    assert_int_equal(event, JVMTI_EVENT_CLASS_LOAD);
    assert_null(thread);
    if (vm.event_error == JVMTI_ERROR_NONE)
        vm.event = mode == JVMTI_ENABLE;
    return vm.event_error;
}

static jvmtiError JNICALL dispose_environment(jvmtiEnv *environment)
{
    assert_ptr_equal(environment, &events);
    vm.environments--;
    vm.event = false;
    return JVMTI_ERROR_NONE;
}

static jint JNICALL get_env(JavaVM *machine, void **environment, jint version)
{
    (void)machine;
    assert_int_equal(version, JVMTI_VERSION_1_2);
    vm.environments++;
    *environment = &events;
    return JNI_OK;
}

static jobject JNICALL new_global_ref(JNIEnv *environment, jobject object)
{
    (void)environment;
    vm.globals++;
    return object;
}

static void JNICALL delete_global_ref(JNIEnv *environment, jobject object)
{
    (void)environment;
    assert_non_null(object);
    vm.globals--;
}

static jweak JNICALL new_weak_global_ref(JNIEnv *environment, jobject object)
{
    (void)environment;
    if (vm.weak_fails)
        return NULL;
    vm.weaks++;
    return object;
}

static void JNICALL delete_weak_global_ref(JNIEnv *environment, jweak object)
{
    (void)environment;
    assert_non_null(object);
    vm.weaks--;
}

static jobject JNICALL new_local_ref(JNIEnv *environment, jobject object)
{
    (void)environment;
    return (jobject)alive(object);
}

static void JNICALL delete_local_ref(JNIEnv *environment, jobject object)
{
    (void)environment;
    (void)object;
}

static jboolean JNICALL is_same_object(JNIEnv *environment, jobject a, jobject b)
{
    (void)environment;
    return alive(a) == alive(b);
}

static jclass JNICALL get_object_class(JNIEnv *environment, jobject object)
{
    (void)environment;
    return (jclass)(alive(object) == &trial_loader ? &trial_loader_class : &loader_class);
}

static jclass JNICALL find_class(JNIEnv *environment, const char *name)
{
    (void)environment;
    assert_string_equal(name, HD_VERIFY_LOADER);
    return (jclass)(vm.has_trial_loader ? &trial_loader_class : NULL);
}

static void JNICALL exception_clear(JNIEnv *environment)
{
    (void)environment;
}

static jint JNICALL push_local_frame(JNIEnv *environment, jint capacity)
{
    (void)environment;
    (void)capacity;
    vm.frames++;
    return JNI_OK;
}

static jobject JNICALL pop_local_frame(JNIEnv *environment, jobject result)
{
    (void)environment;
    vm.frames--;
    return result;
}

static jint JNICALL ensure_local_capacity(JNIEnv *environment, jint capacity)
{
    (void)environment;
    vm.capacity = capacity;
    return JNI_OK;
}

static const struct jvmtiInterface_1_ jvmti_functions = {
    .GetLoadedClasses = get_loaded_classes,
    .GetClassSignature = get_class_signature,
    .GetClassLoader = get_class_loader,
    .IsModifiableClass = is_modifiable_class,
    .Deallocate = deallocate,
    .SetEventCallbacks = set_event_callbacks,
    .SetEventNotificationMode = set_event_notification_mode,
    .DisposeEnvironment = dispose_environment,
};
static const struct JNINativeInterface_ jni_functions = {
    .NewGlobalRef = new_global_ref,
    .DeleteGlobalRef = delete_global_ref,
    .NewWeakGlobalRef = new_weak_global_ref,
    .DeleteWeakGlobalRef = delete_weak_global_ref,
    .NewLocalRef = new_local_ref,
    .DeleteLocalRef = delete_local_ref,
    .IsSameObject = is_same_object,
    .GetObjectClass = get_object_class,
    .FindClass = find_class,
    .ExceptionClear = exception_clear,
    .PushLocalFrame = push_local_frame,
    .PopLocalFrame = pop_local_frame,
    .EnsureLocalCapacity = ensure_local_capacity,
};
static const struct JNIInvokeInterface_ vm_functions = { .GetEnv = get_env };
static jvmtiEnv jvmti = &jvmti_functions, events = &jvmti_functions;
static JNIEnv jni = &jni_functions;
static JavaVM machine = &vm_functions;
static const struct hd_jvm jvm = { .vm = &machine, .jvmti = &jvmti };

#endif
