/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/jvm.h"

#include "agent/vmflags.h"
#include "core/alloc.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Class file versions began to be feature release + 44 with JDK 1.1 (JVMS §4.1). */
enum { MAJOR_OF_RELEASE_ZERO = 44, OLDEST_FEATURE_RELEASE = 8 };

/* All of these can be had at start and on attach, and cost nothing until they are used. Never
 * one of the "early" ones: they take class data sharing away. And not can_retransform_classes,
 * which the second environment has: HotSpot asks the hooks of environments without it first, so
 * this one sees the loader's own file before most other agents edit it, and what it answers is what
 * a later retransformation starts from. */
static int add_capabilities(struct hd_jvm *jvm, struct hd_error *err)
{
    jvmtiCapabilities potential = { 0 };
    jvmtiError error = (*jvm->jvmti)->GetPotentialCapabilities(jvm->jvmti, &potential);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(err, HD_E_JVM, "GetPotentialCapabilities: %s",
                            hd_jvm_error_name(error));

    jvmtiCapabilities wanted = { 0 };
    wanted.can_redefine_classes = 1;
    wanted.can_get_bytecodes = 1;
    wanted.can_get_constant_pool = 1;
    wanted.can_redefine_any_class = potential.can_redefine_any_class;
    if (!potential.can_redefine_classes || !potential.can_get_bytecodes ||
        !potential.can_get_constant_pool)
        return hd_error_set(err, HD_E_JVM,
                            "this JVM does not let an agent redefine classes and read their code");

    error = (*jvm->jvmti)->AddCapabilities(jvm->jvmti, &wanted);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(err, HD_E_JVM, "AddCapabilities: %s", hd_jvm_error_name(error));
    return 0;
}

static int64_t microseconds(clockid_t clock)
{
    struct timespec now = { 0 };
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Field 22 of /proc/self/stat, in clock ticks since boot; -1 where it cannot be read. The second
 * field is the program's name and may hold blanks and parentheses, so count from the last ')'
 * (proc(5)). */
static int64_t start_in_ticks(void)
{
    char line[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL)
        return -1;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';

    const char *rest = strrchr(line, ')');
    for (int field = 2; rest != NULL && field < 22; field++)
        rest = strchr(rest + 1, ' ');
    return rest != NULL ? strtoll(rest + 1, NULL, 10) : -1;
}

/* Microseconds since the epoch; 0 where the system does not tell, so that nothing counts as
 * older than the JVM. */
static int64_t process_start(void)
{
    int64_t ticks = start_in_ticks();
    long per_second = sysconf(_SC_CLK_TCK);
    if (ticks <= 0 || per_second <= 0)
        return 0;
    int64_t since_boot = microseconds(CLOCK_BOOTTIME);
    int64_t started = ticks * 1000000 / per_second;
    if (started > since_boot)
        return 0;
    return microseconds(CLOCK_REALTIME) - (since_boot - started);
}

/* Before the first class of the application is loaded "now" is exact; the process itself may be
 * older, a script that unpacked the application and then became the JVM. */
static int64_t jvm_start(jvmtiEnv *jvmti)
{
    jvmtiPhase phase;
    if ((*jvmti)->GetPhase(jvmti, &phase) == JVMTI_ERROR_NONE && phase == JVMTI_PHASE_ONLOAD)
        return microseconds(CLOCK_REALTIME);
    return process_start();
}

/* Since JDK 9 JVMTI's major version is the feature release; JDK 8 says 1.2. */
static unsigned release_of_jvmti(const struct hd_jvm *jvm)
{
    jint version = 0;
    if ((*jvm->jvmti)->GetVersionNumber(jvm->jvmti, &version) != JVMTI_ERROR_NONE)
        return OLDEST_FEATURE_RELEASE;
    unsigned major = ((unsigned)version & JVMTI_VERSION_MASK_MAJOR) >> JVMTI_VERSION_SHIFT_MAJOR;
    return major > OLDEST_FEATURE_RELEASE ? major : OLDEST_FEATURE_RELEASE;
}

/* NULL where the JVM does not give it: then an agent that retransforms can bring old code back, as
 * it could without us. */
static jvmtiEnv *open_retransforming(const struct hd_jvm *jvm)
{
    void *environment = NULL;
    if ((*jvm->vm)->GetEnv(jvm->vm, &environment, JVMTI_VERSION_1_2) != JNI_OK ||
        environment == NULL)
        return NULL;
    jvmtiEnv *jvmti = environment;
    const jvmtiCapabilities wanted = { .can_retransform_classes = 1 };
    if ((*jvmti)->AddCapabilities(jvmti, &wanted) == JVMTI_ERROR_NONE)
        return jvmti;
    (*jvmti)->DisposeEnvironment(jvmti);
    return NULL;
}

int hd_jvm_open(JavaVM *vm, struct hd_jvm *out, struct hd_error *err)
{
    struct hd_jvm jvm = { .vm = vm, .verifies = true, .user = geteuid(), .pid = getpid() };
    void *environment = NULL;
    jint result = (*vm)->GetEnv(vm, &environment, JVMTI_VERSION_1_2);
    if (result != JNI_OK || environment == NULL)
        return hd_error_set(err, HD_E_JVM,
                            "this JVM offers no JVMTI 1.2 environment (GetEnv answered %d)",
                            (int)result);
    jvm.jvmti = environment;
    if (add_capabilities(&jvm, err) != 0) {
        (*jvm.jvmti)->DisposeEnvironment(jvm.jvmti);
        return -1;
    }
    jvm.retransforming = open_retransforming(&jvm);
    jvm.started_at = jvm_start(jvm.jvmti);
    *out = jvm;
    return 0;
}

void hd_jvm_close(struct hd_jvm *jvm)
{
    if (jvm->jvmti != NULL)
        (*jvm->jvmti)->DisposeEnvironment(jvm->jvmti);
    if (jvm->retransforming != NULL)
        (*jvm->retransforming)->DisposeEnvironment(jvm->retransforming);
    *jvm = (struct hd_jvm){ 0 };
}

/* False where the JVM has no such property. */
static bool system_property(const struct hd_jvm *jvm, const char *name, char *text, size_t capacity)
{
    char *value = NULL;
    if ((*jvm->jvmti)->GetSystemProperty(jvm->jvmti, name, &value) != JVMTI_ERROR_NONE ||
        value == NULL)
        return false;
    snprintf(text, capacity, "%s", value);
    (*jvm->jvmti)->Deallocate(jvm->jvmti, (unsigned char *)value);
    return true;
}

/* "1.8" → 8, "17" → 17. */
static unsigned parse_release(const char *text)
{
    if (strncmp(text, "1.", 2) == 0)
        text += 2;
    unsigned long release = strtoul(text, NULL, 10);
    return release >= OLDEST_FEATURE_RELEASE && release < 1000 ? (unsigned)release : 0;
}

static unsigned feature_release(const struct hd_jvm *jvm)
{
    /* The VM's own property: java.specification.version is set in Java, where JVMTI does not see
     * it. */
    char text[32];
    unsigned release = 0;
    if (system_property(jvm, "java.vm.specification.version", text, sizeof text))
        release = parse_release(text);
    return release != 0 ? release : release_of_jvmti(jvm);
}

void hd_jvm_examine(struct hd_jvm *jvm, JNIEnv *jni)
{
    (void)jni;
    if (!system_property(jvm, "java.vm.version", jvm->version, sizeof jvm->version))
        snprintf(jvm->version, sizeof jvm->version, "unknown");
    unsigned release = feature_release(jvm);
    jvm->rules.feature_release = release;
    jvm->rules.max_major = (uint16_t)(release + MAJOR_OF_RELEASE_ZERO);
    /* JDK-8192936: from 13 on only with the flag. */
    jvm->rules.adds_private_methods =
        release <= 12 ||
        hd_vmflags_boolean("AllowRedefinitionToAddDeleteMethods") == HD_VMFLAG_TRUE;
    jvm->verifies = hd_vmflags_boolean("BytecodeVerificationRemote") != HD_VMFLAG_FALSE;
}

/* What RedefineClasses, RetransformClasses and the calls that look at a class and its threads
 * may answer (JVMTI specification, "Error Reference"). */
static const struct {
    jvmtiError error;
    const char *name;
} error_names[] = {
    { JVMTI_ERROR_NONE, "NONE (0)" },
    { JVMTI_ERROR_INVALID_THREAD, "INVALID_THREAD (10)" },
    { JVMTI_ERROR_THREAD_NOT_ALIVE, "THREAD_NOT_ALIVE (15)" },
    { JVMTI_ERROR_INVALID_OBJECT, "INVALID_OBJECT (20)" },
    { JVMTI_ERROR_INVALID_CLASS, "INVALID_CLASS (21)" },
    { JVMTI_ERROR_CLASS_NOT_PREPARED, "CLASS_NOT_PREPARED (22)" },
    { JVMTI_ERROR_INVALID_METHODID, "INVALID_METHODID (23)" },
    { JVMTI_ERROR_INVALID_CLASS_FORMAT, "INVALID_CLASS_FORMAT (60)" },
    { JVMTI_ERROR_CIRCULAR_CLASS_DEFINITION, "CIRCULAR_CLASS_DEFINITION (61)" },
    { JVMTI_ERROR_FAILS_VERIFICATION, "FAILS_VERIFICATION (62)" },
    { JVMTI_ERROR_UNSUPPORTED_REDEFINITION_METHOD_ADDED,
      "UNSUPPORTED_REDEFINITION_METHOD_ADDED (63)" },
    { JVMTI_ERROR_UNSUPPORTED_REDEFINITION_SCHEMA_CHANGED,
      "UNSUPPORTED_REDEFINITION_SCHEMA_CHANGED (64)" },
    { JVMTI_ERROR_INVALID_TYPESTATE, "INVALID_TYPESTATE (65)" },
    { JVMTI_ERROR_UNSUPPORTED_REDEFINITION_HIERARCHY_CHANGED,
      "UNSUPPORTED_REDEFINITION_HIERARCHY_CHANGED (66)" },
    { JVMTI_ERROR_UNSUPPORTED_REDEFINITION_METHOD_DELETED,
      "UNSUPPORTED_REDEFINITION_METHOD_DELETED (67)" },
    { JVMTI_ERROR_UNSUPPORTED_VERSION, "UNSUPPORTED_VERSION (68)" },
    { JVMTI_ERROR_NAMES_DONT_MATCH, "NAMES_DONT_MATCH (69)" },
    { JVMTI_ERROR_UNSUPPORTED_REDEFINITION_CLASS_MODIFIERS_CHANGED,
      "UNSUPPORTED_REDEFINITION_CLASS_MODIFIERS_CHANGED (70)" },
    { JVMTI_ERROR_UNSUPPORTED_REDEFINITION_METHOD_MODIFIERS_CHANGED,
      "UNSUPPORTED_REDEFINITION_METHOD_MODIFIERS_CHANGED (71)" },
    /* Not in the headers before JDK 11. */
    { (jvmtiError)72, "UNSUPPORTED_REDEFINITION_CLASS_ATTRIBUTE_CHANGED (72)" },
    { JVMTI_ERROR_UNMODIFIABLE_CLASS, "UNMODIFIABLE_CLASS (79)" },
    { JVMTI_ERROR_NOT_AVAILABLE, "NOT_AVAILABLE (98)" },
    { JVMTI_ERROR_MUST_POSSESS_CAPABILITY, "MUST_POSSESS_CAPABILITY (99)" },
    { JVMTI_ERROR_NULL_POINTER, "NULL_POINTER (100)" },
    { JVMTI_ERROR_ABSENT_INFORMATION, "ABSENT_INFORMATION (101)" },
    { JVMTI_ERROR_ILLEGAL_ARGUMENT, "ILLEGAL_ARGUMENT (103)" },
    { JVMTI_ERROR_NATIVE_METHOD, "NATIVE_METHOD (104)" },
    { JVMTI_ERROR_OUT_OF_MEMORY, "OUT_OF_MEMORY (110)" },
    { JVMTI_ERROR_ACCESS_DENIED, "ACCESS_DENIED (111)" },
    { JVMTI_ERROR_WRONG_PHASE, "WRONG_PHASE (112)" },
    { JVMTI_ERROR_INTERNAL, "INTERNAL (113)" },
    { JVMTI_ERROR_UNATTACHED_THREAD, "UNATTACHED_THREAD (115)" },
    { JVMTI_ERROR_INVALID_ENVIRONMENT, "INVALID_ENVIRONMENT (116)" },
};

const char *hd_jvm_error_name(jvmtiError error)
{
    for (size_t i = 0; i < sizeof error_names / sizeof error_names[0]; i++) {
        if (error_names[i].error == error)
            return error_names[i].name;
    }
    static _Thread_local char text[32];
    snprintf(text, sizeof text, "JVMTI error %d", (int)error);
    return text;
}

/* The object's toString() in UTF-8, or NULL. Leaves no exception pending. */
static char *object_to_string(JNIEnv *jni, jobject object)
{
    jclass class = (*jni)->GetObjectClass(jni, object);
    jmethodID to_string = (*jni)->GetMethodID(jni, class, "toString", "()Ljava/lang/String;");
    jstring string = to_string != NULL ? (*jni)->CallObjectMethod(jni, object, to_string) : NULL;
    char *text = NULL;
    if (string != NULL && !(*jni)->ExceptionCheck(jni)) {
        const char *modified = (*jni)->GetStringUTFChars(jni, string, NULL);
        if (modified != NULL) {
            text = hd_text_from_modified_utf8(
                (struct hd_bytes){ (const uint8_t *)modified, strlen(modified) });
            (*jni)->ReleaseStringUTFChars(jni, string, modified);
        }
    }
    (*jni)->ExceptionClear(jni);
    return text;
}

bool hd_jvm_take_exception(JNIEnv *jni, char *text, size_t capacity)
{
    jthrowable exception = (*jni)->ExceptionOccurred(jni);
    if (exception == NULL)
        return false;
    (*jni)->ExceptionClear(jni);
    if (capacity == 0)
        return true;
    char *words = NULL;
    if ((*jni)->PushLocalFrame(jni, 8) == JNI_OK) {
        words = object_to_string(jni, exception);
        (*jni)->PopLocalFrame(jni, NULL);
    }
    (*jni)->ExceptionClear(jni);
    hd_text_format(text, capacity, "%s",
                   words != NULL ? words : "a Java exception that does not say what it is");
    hd_free(words);
    (*jni)->DeleteLocalRef(jni, exception);
    return true;
}
