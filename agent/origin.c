/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/origin.h"

#include "agent/place.h"
#include "core/alloc.h"

#include <string.h>

enum { KNOWN = 8, LOCAL_REFERENCES = 16 };

/* All weak: nothing here keeps a loader alive. */
struct origin {
    jweak loader; /* NULL: the place is free */
    jweak domain;
    char *directory; /* ends in "/" */
};

struct hd_origins {
    const struct hd_jvm *jvm;
    bool looked_up;
    jmethodID domain_of;
    jmethodID module_of; /* NULL: there are no modules */
    jmethodID is_named;
    jmethodID source_of;
    jmethodID location_of;
    jmethodID protocol_of;
    jmethodID path_of;
    struct origin known[KNOWN];
    size_t next; /* the place that the next one gets */
};

struct hd_origins *hd_origins_new(const struct hd_jvm *jvm)
{
    struct hd_origins *origins = hd_alloc_zeroed(1, sizeof *origins);
    if (origins != NULL)
        origins->jvm = jvm;
    return origins;
}

static void forget(struct origin *origin, JNIEnv *jni)
{
    if (origin->loader != NULL)
        (*jni)->DeleteWeakGlobalRef(jni, origin->loader);
    if (origin->domain != NULL)
        (*jni)->DeleteWeakGlobalRef(jni, origin->domain);
    hd_free(origin->directory);
    *origin = (struct origin){ NULL, NULL, NULL };
}

void hd_origins_free(struct hd_origins *origins, JNIEnv *jni)
{
    if (origins == NULL)
        return;
    for (size_t i = 0; i < KNOWN; i++)
        forget(&origins->known[i], jni);
    hd_free(origins);
}

/* ---- asking Java ----------------------------------------------------------------------------- */

static bool calm(JNIEnv *jni)
{
    if (!(*jni)->ExceptionCheck(jni))
        return true;
    (*jni)->ExceptionClear(jni);
    return false;
}

static jmethodID method_of(JNIEnv *jni, const char *class_name, const char *name,
                           const char *descriptor)
{
    jclass class = (*jni)->FindClass(jni, class_name);
    jmethodID method = class != NULL ? (*jni)->GetMethodID(jni, class, name, descriptor) : NULL;
    return calm(jni) ? method : NULL;
}

static void look_up(struct hd_origins *origins, JNIEnv *jni)
{
    if (origins->looked_up)
        return;
    origins->looked_up = true;
    origins->domain_of = method_of(jni, "java/lang/Class", "getProtectionDomain",
                                   "()Ljava/security/ProtectionDomain;");
    origins->module_of = method_of(jni, "java/lang/Class", "getModule", "()Ljava/lang/Module;");
    origins->is_named = method_of(jni, "java/lang/Module", "isNamed", "()Z");
    origins->source_of = method_of(jni, "java/security/ProtectionDomain", "getCodeSource",
                                   "()Ljava/security/CodeSource;");
    origins->location_of =
        method_of(jni, "java/security/CodeSource", "getLocation", "()Ljava/net/URL;");
    origins->protocol_of = method_of(jni, "java/net/URL", "getProtocol", "()Ljava/lang/String;");
    origins->path_of = method_of(jni, "java/net/URL", "getPath", "()Ljava/lang/String;");
}

static jobject call(JNIEnv *jni, jobject object, jmethodID method)
{
    jobject result =
        object != NULL && method != NULL ? (*jni)->CallObjectMethod(jni, object, method) : NULL;
    return calm(jni) ? result : NULL;
}

static bool is_in_named_module(const struct hd_origins *origins, JNIEnv *jni, jclass class)
{
    if (origins->module_of == NULL || origins->is_named == NULL)
        return false;
    jobject module = call(jni, class, origins->module_of);
    bool named = module == NULL || (*jni)->CallBooleanMethod(jni, module, origins->is_named);
    return !calm(jni) || named;
}

/* ---- which loaders --------------------------------------------------------------------------- */

static bool is_known_signature(const char *signature)
{
    static const char *const known[] = { "Ljava/net/URLClassLoader;",
                                         "Ljdk/internal/loader/ClassLoaders$AppClassLoader;",
                                         "Lsun/misc/Launcher$AppClassLoader;" };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(signature, known[i]) == 0)
            return true;
    }
    return false;
}

/* One of the JDK's own: its class is the boot loader's. */
static bool is_plain(const struct hd_origins *origins, JNIEnv *jni, jobject loader)
{
    jvmtiEnv *jvmti = origins->jvm->jvmti;
    jclass class = (*jni)->GetObjectClass(jni, loader);
    jobject definer = loader;
    char *signature = NULL;
    if ((*jvmti)->GetClassLoader(jvmti, class, &definer) != JVMTI_ERROR_NONE || definer != NULL ||
        (*jvmti)->GetClassSignature(jvmti, class, &signature, NULL) != JVMTI_ERROR_NONE)
        return false;
    bool plain = is_known_signature(signature);
    (*jvmti)->Deallocate(jvmti, (unsigned char *)signature);
    return plain;
}

/* ---- finding --------------------------------------------------------------------------------- */

/* NULL: it is not known. */
static const char *directory_of(struct hd_origins *origins, JNIEnv *jni, jclass class,
                                jobject loader)
{
    jobject domain = NULL;
    for (size_t i = 0; i < KNOWN; i++) {
        const struct origin *origin = &origins->known[i];
        if (origin->loader == NULL || !(*jni)->IsSameObject(jni, origin->loader, loader))
            continue;
        if (domain == NULL)
            domain = call(jni, class, origins->domain_of);
        if (domain == NULL)
            return NULL;
        if ((*jni)->IsSameObject(jni, origin->domain, domain))
            return is_in_named_module(origins, jni, class) ? NULL : origin->directory;
    }
    return NULL;
}

int hd_origins_find(struct hd_origins *origins, JNIEnv *jni, jclass class, jobject loader,
                    const char *internal_name, char **path, struct hd_error *err)
{
    *path = NULL;
    if (loader == NULL || (*jni)->PushLocalFrame(jni, LOCAL_REFERENCES) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return 0;
    }
    const char *directory = directory_of(origins, jni, class, loader);
    (*jni)->PopLocalFrame(jni, NULL);
    if (directory == NULL)
        return 0;
    *path = hd_asprintf("%s%s.class", directory, internal_name);
    return *path != NULL ? 0 : hd_error_set_memory(err);
}

/* ---- learning -------------------------------------------------------------------------------- */

/* "/app/classes/" of "/app/classes/com/example/Foo.class"; NULL where the path ends otherwise, or
 * memory is out. */
static char *cut_name(const char *path, const char *internal_name)
{
    static const char suffix[] = ".class";
    size_t name_length = strlen(internal_name);
    size_t tail = name_length + strlen(suffix);
    size_t length = strlen(path);
    if (length <= tail)
        return NULL;
    const char *name = path + length - tail;
    bool fits = name[-1] == '/' && strncmp(name, internal_name, name_length) == 0 &&
                strcmp(name + name_length, suffix) == 0;
    return fits ? hd_strndup(path, length - tail) : NULL;
}

static bool says(JNIEnv *jni, jstring string, const char *text, bool decode)
{
    struct hd_error ignored = HD_ERROR_INIT;
    char *plain = NULL;
    const char *chars = string != NULL ? (*jni)->GetStringUTFChars(jni, string, NULL) : NULL;
    if (chars == NULL) {
        (*jni)->ExceptionClear(jni);
        return false;
    }
    bool same = decode ? hd_place_decode(chars, strlen(chars), &plain, &ignored) == 0 &&
                             strcmp(plain, text) == 0
                       : strcmp(chars, text) == 0;
    hd_free(plain);
    (*jni)->ReleaseStringUTFChars(jni, string, chars);
    return same;
}

/* Is the code source that directory? */
static bool is_source(const struct hd_origins *origins, JNIEnv *jni, jobject domain,
                      const char *directory)
{
    jobject source = call(jni, domain, origins->source_of);
    jobject location = call(jni, source, origins->location_of);
    jstring protocol = call(jni, location, origins->protocol_of);
    jstring path = call(jni, location, origins->path_of);
    return says(jni, protocol, "file", false) && says(jni, path, directory, true);
}

static void remember_take(struct hd_origins *origins, JNIEnv *jni, jobject loader, jobject domain,
                          char *directory)
{
    struct origin *origin = &origins->known[origins->next];
    origins->next = (origins->next + 1) % KNOWN;
    forget(origin, jni);
    *origin = (struct origin){ (*jni)->NewWeakGlobalRef(jni, loader),
                               (*jni)->NewWeakGlobalRef(jni, domain), directory };
    if (origin->loader != NULL && origin->domain != NULL)
        return;
    (*jni)->ExceptionClear(jni);
    forget(origin, jni);
}

static void learn(struct hd_origins *origins, JNIEnv *jni, jclass class, jobject loader,
                  char *directory_taken)
{
    look_up(origins, jni);
    jobject domain = call(jni, class, origins->domain_of);
    if (domain != NULL && is_plain(origins, jni, loader) &&
        !is_in_named_module(origins, jni, class) &&
        is_source(origins, jni, domain, directory_taken))
        remember_take(origins, jni, loader, domain, directory_taken);
    else
        hd_free(directory_taken);
}

void hd_origins_learn(struct hd_origins *origins, JNIEnv *jni, jclass class, jobject loader,
                      const char *internal_name, const char *path)
{
    char *directory = cut_name(path, internal_name);
    if (directory == NULL)
        return;
    if ((*jni)->PushLocalFrame(jni, LOCAL_REFERENCES) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        hd_free(directory);
        return;
    }
    learn(origins, jni, class, loader, directory);
    (*jni)->PopLocalFrame(jni, NULL);
}
