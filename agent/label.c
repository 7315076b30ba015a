/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/label.h"

#include "core/alloc.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES  200 /* of a loader's own name; longer ones are cut */
#define LABEL_MAX_BYTES 512
#define BUCKETS         256 /* a power of two */

/* A loader that has been named. */
struct named {
    jweak loader;
    char *base;  /* "URLClassLoader", "ParallelWebappClassLoader[shop]" */
    char *label; /* base, with "#2" where another live loader has the same base */
    unsigned number;
    jmethodID state_name; /* of Tomcat's loaders; NULL where there is none */
    bool stopped;
    struct named *next;
};

struct hd_labels {
    struct named *buckets[BUCKETS]; /* by System.identityHashCode */
    size_t count;
    size_t sweep_at; /* when so many are named, the dead are looked for */
    jclass system;
    jmethodID identity_hash;
    jmethodID class_name;
};

static bool had_exception(JNIEnv *jni)
{
    if (!(*jni)->ExceptionCheck(jni))
        return false;
    (*jni)->ExceptionClear(jni);
    return true;
}

static int look_up_methods(struct hd_labels *labels, JNIEnv *jni, struct hd_error *err)
{
    jclass system = (*jni)->FindClass(jni, "java/lang/System");
    jclass class_class = (*jni)->FindClass(jni, "java/lang/Class");
    if (system != NULL && class_class != NULL) {
        labels->system = (*jni)->NewGlobalRef(jni, system);
        labels->identity_hash =
            (*jni)->GetStaticMethodID(jni, system, "identityHashCode", "(Ljava/lang/Object;)I");
        labels->class_name =
            (*jni)->GetMethodID(jni, class_class, "getName", "()Ljava/lang/String;");
    }
    (*jni)->DeleteLocalRef(jni, system);
    (*jni)->DeleteLocalRef(jni, class_class);
    bool failed = had_exception(jni);
    if (failed || labels->system == NULL || labels->identity_hash == NULL ||
        labels->class_name == NULL)
        return hd_error_set(err, HD_E_JVM,
                            "JNI: System.identityHashCode or Class.getName is missing");
    return 0;
}

int hd_labels_new(JNIEnv *jni, struct hd_labels **out, struct hd_error *err)
{
    struct hd_labels *labels = hd_alloc_zeroed(1, sizeof *labels);
    if (labels == NULL)
        return hd_error_set_memory(err);
    labels->sweep_at = 64;
    if (look_up_methods(labels, jni, err) != 0) {
        hd_labels_free(labels, jni);
        return -1;
    }
    *out = labels;
    return 0;
}

static void free_named(struct named *named, JNIEnv *jni)
{
    if (named->loader != NULL)
        (*jni)->DeleteWeakGlobalRef(jni, named->loader);
    hd_free(named->base);
    hd_free(named->label);
    hd_free(named);
}

void hd_labels_free(struct hd_labels *labels, JNIEnv *jni)
{
    if (labels == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct named *named = labels->buckets[i], *next; named != NULL; named = next) {
            next = named->next;
            free_named(named, jni);
        }
    }
    if (labels->system != NULL)
        (*jni)->DeleteGlobalRef(jni, labels->system);
    hd_free(labels);
}

static bool is_collected(JNIEnv *jni, const struct named *named)
{
    return (*jni)->IsSameObject(jni, named->loader, NULL);
}

/* Lets go of the loaders that were collected. */
static void sweep(struct hd_labels *labels, JNIEnv *jni)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct named **at = &labels->buckets[i]; *at != NULL;) {
            struct named *named = *at;
            if (!is_collected(jni, named)) {
                at = &named->next;
                continue;
            }
            *at = named->next;
            free_named(named, jni);
            labels->count--;
        }
    }
    labels->sweep_at = labels->count < 32 ? 64 : labels->count * 2;
}

/* A Java string as printable UTF-8, cut to fit; false when there is none, it is empty or cannot be
 * had. */
static bool read_string(JNIEnv *jni, jstring string, char *out, size_t capacity)
{
    if (string == NULL)
        return false;
    const char *chars = (*jni)->GetStringUTFChars(jni, string, NULL);
    if (chars == NULL) {
        (void)had_exception(jni);
        return false;
    }
    struct hd_bytes modified = { (const uint8_t *)chars, strlen(chars) };
    char *utf8 = hd_text_from_modified_utf8(modified);
    (*jni)->ReleaseStringUTFChars(jni, string, chars);
    if (utf8 == NULL)
        return false;
    hd_text_escape(utf8, out, capacity);
    hd_free(utf8);
    return out[0] != '\0';
}

/* What a method of the loader that takes nothing and returns a String says. Application code. */
static bool ask_loader(JNIEnv *jni, jobject loader, jclass loader_class, const char *method,
                       char *out, size_t capacity)
{
    jmethodID id = (*jni)->GetMethodID(jni, loader_class, method, "()Ljava/lang/String;");
    if (had_exception(jni) || id == NULL)
        return false;
    jstring answer = (*jni)->CallObjectMethod(jni, loader, id);
    if (had_exception(jni))
        return false;
    return read_string(jni, answer, out, capacity);
}

static const char *behind_last(const char *text, char separator)
{
    const char *last = strrchr(text, separator);
    return last != NULL ? last + 1 : text;
}

/* As Java says it, except that an anonymous class, which has none, is called "Outer$1". */
static const char *simple_name(const char *class_name)
{
    const char *in_package = behind_last(class_name, '.');
    const char *simple = behind_last(in_package, '$');
    simple += strspn(simple, "0123456789"); /* "Outer$1Local" */
    return *simple != '\0' ? simple : in_package;
}

/* The JVM's own three; NULL for any other. 8 has Launcher, 9 and later ClassLoaders. */
static const char *well_known(const char *class_name)
{
    static const struct {
        const char *class_name, *label;
    } known[] = {
        { "jdk.internal.loader.ClassLoaders$AppClassLoader", "app" },
        { "jdk.internal.loader.ClassLoaders$PlatformClassLoader", "platform" },
        { "sun.misc.Launcher$AppClassLoader", "app" },
        { "sun.misc.Launcher$ExtClassLoader", "platform" },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].class_name, class_name) == 0)
            return known[i].label;
    }
    return NULL;
}

static char *describe_in_frame(const struct hd_labels *labels, JNIEnv *jni, jobject loader)
{
    char class_name[LABEL_MAX_BYTES] = "ClassLoader";
    char own_name[NAME_MAX_BYTES];
    jclass loader_class = (*jni)->GetObjectClass(jni, loader);
    jstring name = (*jni)->CallObjectMethod(jni, loader_class, labels->class_name);
    if (!had_exception(jni))
        (void)read_string(jni, name, class_name, sizeof class_name);
    const char *known = well_known(class_name);
    if (known != NULL)
        return hd_strdup(known);
    /* Tomcat's webapp loaders have a context name; every loader since 9 may have a name, and
     * Jetty's answers with its context. */
    if (ask_loader(jni, loader, loader_class, "getContextName", own_name, sizeof own_name) ||
        ask_loader(jni, loader, loader_class, "getName", own_name, sizeof own_name))
        return hd_asprintf("%s[%s]", simple_name(class_name), own_name);
    return hd_strdup(simple_name(class_name));
}

/* NULL when memory is out. */
static char *describe(const struct hd_labels *labels, JNIEnv *jni, jobject loader)
{
    if ((*jni)->PushLocalFrame(jni, 16) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return NULL;
    }
    char *base = describe_in_frame(labels, jni, loader);
    (*jni)->PopLocalFrame(jni, NULL);
    return base;
}

/* org.apache.catalina.Lifecycle; a stopped loader is never started again. */
static bool says_that_it_is_stopped(JNIEnv *jni, const struct named *named)
{
    char state[32];
    if ((*jni)->PushLocalFrame(jni, 8) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return false;
    }
    jobject loader = (*jni)->NewLocalRef(jni, named->loader);
    jstring answer =
        loader == NULL ? NULL : (*jni)->CallObjectMethod(jni, loader, named->state_name);
    bool known = !had_exception(jni) && read_string(jni, answer, state, sizeof state);
    (*jni)->PopLocalFrame(jni, NULL);
    return known && (strcmp(state, "STOPPED") == 0 || strcmp(state, "DESTROYING") == 0 ||
                     strcmp(state, "DESTROYED") == 0);
}

static bool is_stopped(JNIEnv *jni, struct named *named)
{
    if (!named->stopped && named->state_name != NULL)
        named->stopped = says_that_it_is_stopped(jni, named);
    return named->stopped;
}

static jmethodID find_state_name(JNIEnv *jni, jobject loader)
{
    jclass loader_class = (*jni)->GetObjectClass(jni, loader);
    jmethodID id = (*jni)->GetMethodID(jni, loader_class, "getStateName", "()Ljava/lang/String;");
    (*jni)->DeleteLocalRef(jni, loader_class);
    return had_exception(jni) ? NULL : id;
}

/* A web application that was deployed anew takes over the name of the stopped one. */
static bool holds_its_number(JNIEnv *jni, struct named *named, const char *base)
{
    return strcmp(named->base, base) == 0 && !is_collected(jni, named) && !is_stopped(jni, named);
}

/* The smallest that no live loader of that name has; 0 when memory is out. */
static unsigned free_number(const struct hd_labels *labels, JNIEnv *jni, const char *base)
{
    size_t most = labels->count + 1; /* among so many one is free */
    bool *taken = hd_alloc_zeroed(most + 1, sizeof *taken);
    if (taken == NULL)
        return 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct named *named = labels->buckets[i]; named != NULL; named = named->next) {
            if (named->number <= most && holds_its_number(jni, named, base))
                taken[named->number] = true;
        }
    }
    unsigned number = 1;
    while (taken[number])
        number++;
    hd_free(taken);
    return number;
}

/* NULL when memory is out. */
static char *number_label(const char *base, unsigned number)
{
    if (number == 0)
        return NULL;
    return number == 1 ? hd_strdup(base) : hd_asprintf("%s#%u", base, number);
}

static struct named *new_named(const struct hd_labels *labels, JNIEnv *jni, jobject loader)
{
    struct named *named = hd_alloc_zeroed(1, sizeof *named);
    if (named == NULL)
        return NULL;
    named->base = describe(labels, jni, loader);
    if (named->base != NULL) {
        named->number = free_number(labels, jni, named->base);
        named->label = number_label(named->base, named->number);
        named->loader = (*jni)->NewWeakGlobalRef(jni, loader);
        (void)had_exception(jni);
        named->state_name = find_state_name(jni, loader);
    }
    if (named->label != NULL && named->loader != NULL)
        return named;
    free_named(named, jni);
    return NULL;
}

/* Named now if it was not; NULL when memory is out. */
static struct named *find_named(struct hd_labels *labels, JNIEnv *jni, jobject loader)
{
    jint hash = (*jni)->CallStaticIntMethod(jni, labels->system, labels->identity_hash, loader);
    (void)had_exception(jni);
    struct named **bucket = &labels->buckets[(uint32_t)hash % BUCKETS];
    for (struct named *named = *bucket; named != NULL; named = named->next) {
        if ((*jni)->IsSameObject(jni, named->loader, loader))
            return named;
    }
    if (labels->count >= labels->sweep_at)
        sweep(labels, jni);
    struct named *named = new_named(labels, jni, loader);
    if (named == NULL)
        return NULL;
    named->next = *bucket;
    *bucket = named;
    labels->count++;
    return named;
}

const char *hd_labels_of(struct hd_labels *labels, JNIEnv *jni, jobject loader)
{
    if (loader == NULL)
        return "boot";
    const struct named *named = find_named(labels, jni, loader);
    return named != NULL ? named->label : NULL;
}

bool hd_labels_is_stopped(struct hd_labels *labels, JNIEnv *jni, jobject loader)
{
    struct named *named = loader == NULL ? NULL : find_named(labels, jni, loader);
    return named != NULL && is_stopped(jni, named);
}

bool hd_labels_is_whole(const struct hd_labels *labels, JNIEnv *jni, const char *text)
{
    if (strcmp(text, "boot") == 0)
        return true;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct named *named = labels->buckets[i]; named != NULL; named = named->next) {
            if (strcmp(named->label, text) == 0 && !(*jni)->IsSameObject(jni, named->loader, NULL))
                return true;
        }
    }
    return false;
}

bool hd_labels_match(const struct hd_labels *labels, JNIEnv *jni, jobject loader, const char *text,
                     bool whole)
{
    char *label = loader == NULL ? hd_strdup("boot") : describe(labels, jni, loader);
    if (label == NULL)
        return false;
    bool match = whole ? strcmp(label, text) == 0 : strstr(label, text) != NULL;
    hd_free(label);
    return match;
}
