/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hook.h"

#include "classfile/fingerprint.h"
#include "core/alloc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * Guards what every hook has published, and that a hook is not freed under a class that is being
 * loaded. Readers are the application's threads: they hold it while they look and copy, run no Java
 * and take no other lock meanwhile, so a writer is let in before later readers. The engine holds it
 * only to exchange a pointer.
 */
static pthread_rwlock_t guard = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

/* What this thread is defining itself. */
static _Thread_local const char *let_pass;

/* Never changed once published, but for spent. */
struct snapshot {
    struct hd_patch *patches; /* ordered by class name */
    atomic_bool *spent;       /* beside each: an any_loader patch that has found its loader */
    size_t count;
};

struct hd_hook {
    jvmtiEnv *jvmti;
    void (*report)(struct hd_hook_event *event, void *context);
    void *context;
    struct snapshot *published; /* NULL: no patch */
    atomic_bool shut;
};

/* A class on its way into the JVM. */
struct arrival {
    JNIEnv *jni;
    jobject loader; /* NULL: boot */
    const char *name;
    struct hd_bytes file;
};

static void free_patches(JNIEnv *jni, struct hd_patch *patches, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (patches[i].loader != NULL)
            (*jni)->DeleteWeakGlobalRef(jni, patches[i].loader);
        hd_free(patches[i].class_name);
        hd_free(patches[i].file);
    }
    hd_free(patches);
}

static void free_snapshot(JNIEnv *jni, struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    free_patches(jni, snapshot->patches, snapshot->count);
    hd_free(snapshot->spent);
    hd_free(snapshot);
}

static int by_class_name(const void *a, const void *b)
{
    return strcmp(((const struct hd_patch *)a)->class_name,
                  ((const struct hd_patch *)b)->class_name);
}

static struct snapshot *new_snapshot_take(JNIEnv *jni, struct hd_patch *patches, size_t count,
                                          struct hd_error *err)
{
    struct snapshot *snapshot = hd_alloc_zeroed(1, sizeof *snapshot);
    atomic_bool *spent = hd_alloc_zeroed(count, sizeof *spent);
    if (snapshot == NULL || spent == NULL) {
        free_patches(jni, patches, count);
        hd_free(snapshot);
        hd_free(spent);
        hd_error_set_memory(err);
        return NULL;
    }
    qsort(patches, count, sizeof *patches, by_class_name);
    *snapshot = (struct snapshot){ patches, spent, count };
    return snapshot;
}

/* The first patch of that name; count where there is none. */
static size_t find_first(const struct snapshot *snapshot, const char *name)
{
    size_t low = 0, high = snapshot->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(snapshot->patches[middle].class_name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_named(const struct snapshot *snapshot, size_t i, const char *name)
{
    return i < snapshot->count && strcmp(snapshot->patches[i].class_name, name) == 0;
}

/* The engine may publish anew before it has heard that a patch for any loader has found one. */
static void carry_spent(const struct snapshot *before, struct snapshot *after)
{
    for (size_t i = 0; i < before->count; i++) {
        if (!atomic_load(&before->spent[i]))
            continue;
        const struct hd_patch *old = &before->patches[i];
        for (size_t k = find_first(after, old->class_name); is_named(after, k, old->class_name);
             k++) {
            if (after->patches[k].any_loader && after->patches[k].deployment == old->deployment)
                atomic_store(&after->spent[k], true);
        }
    }
}

static struct snapshot *exchange(struct hd_hook *hook, struct snapshot *snapshot)
{
    pthread_rwlock_wrlock(&guard);
    struct snapshot *before = hook->published;
    if (before != NULL && snapshot != NULL)
        carry_spent(before, snapshot);
    hook->published = snapshot;
    pthread_rwlock_unlock(&guard);
    return before;
}

static int set_event(const struct hd_hook *hook, jvmtiEventMode mode, struct hd_error *err)
{
    jvmtiError error =
        (*hook->jvmti)
            ->SetEventNotificationMode(hook->jvmti, mode, JVMTI_EVENT_CLASS_FILE_LOAD_HOOK, NULL);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(err, HD_E_JVM, "SetEventNotificationMode(ClassFileLoadHook): %s",
                            hd_jvm_error_name(error));
    return 0;
}

static int publish_none(struct hd_hook *hook, JNIEnv *jni, struct hd_error *err)
{
    free_snapshot(jni, exchange(hook, NULL));
    return set_event(hook, JVMTI_DISABLE, err);
}

int hd_hook_publish_take(struct hd_hook *hook, JNIEnv *jni, struct hd_patch *patches, size_t count,
                         struct hd_error *err)
{
    if (count == 0) {
        hd_free(patches);
        return publish_none(hook, jni, err);
    }
    struct snapshot *snapshot = new_snapshot_take(jni, patches, count, err);
    if (snapshot == NULL)
        return -1;
    if (set_event(hook, JVMTI_ENABLE, err) != 0) {
        free_snapshot(jni, snapshot);
        return -1;
    }
    free_snapshot(jni, exchange(hook, snapshot));
    return 0;
}

int hd_hook_new(const struct hd_jvm *jvm,
                void (*report)(struct hd_hook_event *event, void *context), void *context,
                struct hd_hook **out, struct hd_error *err)
{
    struct hd_hook *hook = hd_alloc_zeroed(1, sizeof *hook);
    if (hook == NULL)
        return hd_error_set_memory(err);
    hook->jvmti = jvm->jvmti;
    hook->report = report;
    hook->context = context;
    jvmtiError error = (*hook->jvmti)->SetEnvironmentLocalStorage(hook->jvmti, hook);
    if (error != JVMTI_ERROR_NONE) {
        hd_free(hook);
        return hd_error_set(err, HD_E_JVM, "SetEnvironmentLocalStorage: %s",
                            hd_jvm_error_name(error));
    }
    *out = hook;
    return 0;
}

void hd_hook_let_pass(const char *internal_name)
{
    let_pass = internal_name;
}

void hd_hook_shut(struct hd_hook *hook)
{
    atomic_store(&hook->shut, true);
}

void hd_hook_free(struct hd_hook *hook, JNIEnv *jni)
{
    if (hook == NULL)
        return;
    struct hd_error ignored = HD_ERROR_INIT;
    (void)!set_event(hook, JVMTI_DISABLE, &ignored);
    struct snapshot *last = exchange(hook, NULL);
    /* Whoever is inside by now found the storage filled, and holds the guard. */
    pthread_rwlock_wrlock(&guard);
    (*hook->jvmti)->SetEnvironmentLocalStorage(hook->jvmti, NULL);
    pthread_rwlock_unlock(&guard);
    free_snapshot(jni, last);
    hd_free(hook);
}

static void tell(const struct hd_hook *hook, const struct arrival *arrival,
                 const struct hd_patch *patch, enum hd_hook_event_kind kind)
{
    JNIEnv *jni = arrival->jni;
    struct hd_hook_event *event = hd_alloc_zeroed(1, sizeof *event);
    char *name = hd_strdup(arrival->name);
    jweak loader = arrival->loader != NULL ? (*jni)->NewWeakGlobalRef(jni, arrival->loader) : NULL;
    if (event == NULL || name == NULL || (arrival->loader != NULL && loader == NULL)) {
        if (loader != NULL)
            (*jni)->DeleteWeakGlobalRef(jni, loader);
        hd_free(event);
        hd_free(name);
        return;
    }
    *event = (struct hd_hook_event){ kind, name, patch->deployment, loader };
    hook->report(event, hook->context);
}

/* A reference to a loader that is gone equals NULL, and must not be taken for the boot loader. */
static bool is_for_loader(const struct arrival *arrival, const struct hd_patch *patch)
{
    if (patch->any_loader || (patch->loader == NULL) != (arrival->loader == NULL))
        return false;
    return patch->loader == NULL ||
           (*arrival->jni)->IsSameObject(arrival->jni, patch->loader, arrival->loader);
}

/* The patch for just this loader, else one that waits for the first loader to come; count where
 * there is none. */
static size_t choose_patch(const struct snapshot *snapshot, const struct arrival *arrival)
{
    size_t waiting = snapshot->count;
    for (size_t i = find_first(snapshot, arrival->name); is_named(snapshot, i, arrival->name);
         i++) {
        if (is_for_loader(arrival, &snapshot->patches[i]))
            return i;
        if (snapshot->patches[i].any_loader && !atomic_load(&snapshot->spent[i]))
            waiting = i;
    }
    return waiting;
}

enum fit { FITS, FITS_NOT, FIT_UNKNOWN };

static enum fit fits_base(const struct hd_patch *patch, struct hd_bytes file)
{
    if (!patch->has_base)
        return FITS;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_class *class_file = NULL;
    struct hd_digest digest;
    bool read = hd_class_parse(file.data, file.length, &class_file, &err) == 0 &&
                hd_class_fingerprint(class_file, &digest, &err) == 0;
    hd_class_free(class_file);
    if (read)
        return hd_digest_equal(&digest, &patch->base) ? FITS : FITS_NOT;
    return err.code == HD_E_MEMORY ? FIT_UNKNOWN : FITS_NOT;
}

static bool is_patch_itself(const struct hd_patch *patch, struct hd_bytes file)
{
    return patch->length == file.length && memcmp(patch->file, file.data, file.length) == 0;
}

/* True for the one class that gets the patch. */
static bool claim(const struct snapshot *snapshot, size_t i)
{
    return !snapshot->patches[i].any_loader || !atomic_exchange(&snapshot->spent[i], true);
}

/* The patch in memory that the JVM frees; NULL when it has none. */
static unsigned char *copy_for_jvm(jvmtiEnv *jvmti, const struct hd_patch *patch)
{
    unsigned char *copy = NULL;
    if (patch->length > INT32_MAX ||
        (*jvmti)->Allocate(jvmti, (jlong)patch->length, &copy) != JVMTI_ERROR_NONE)
        return NULL;
    memcpy(copy, patch->file, patch->length);
    return copy;
}

/* Returns the new file, or NULL to leave the class as it comes. */
static unsigned char *apply(const struct hd_hook *hook, const struct arrival *arrival, size_t i)
{
    const struct snapshot *snapshot = hook->published;
    const struct hd_patch *patch = &snapshot->patches[i];
    if (is_patch_itself(patch, arrival->file)) {
        if (claim(snapshot, i))
            tell(hook, arrival, patch, HD_HOOK_APPLIED);
        return NULL;
    }
    enum fit fit = fits_base(patch, arrival->file);
    if (fit == FITS_NOT)
        tell(hook, arrival, patch, HD_HOOK_WRONG_BASE);
    unsigned char *copy = fit == FITS ? copy_for_jvm(hook->jvmti, patch) : NULL;
    if (copy == NULL)
        return NULL;
    if (!claim(snapshot, i)) {
        (*hook->jvmti)->Deallocate(hook->jvmti, copy);
        return NULL;
    }
    tell(hook, arrival, patch, HD_HOOK_APPLIED);
    return copy;
}

static void answer(const struct hd_hook *hook, const struct arrival *arrival, jint *new_length,
                   unsigned char **new_file)
{
    const struct snapshot *snapshot = hook->published;
    if (snapshot == NULL)
        return;
    size_t i = choose_patch(snapshot, arrival);
    if (i == snapshot->count)
        return;
    unsigned char *file = apply(hook, arrival, i);
    if (file == NULL)
        return;
    *new_file = file;
    *new_length = (jint)snapshot->patches[i].length;
}

void JNICALL hd_hook_class_file_load(jvmtiEnv *jvmti, JNIEnv *jni, jclass class_being_redefined,
                                     jobject loader, const char *name, jobject protection_domain,
                                     jint length, const unsigned char *file, jint *new_length,
                                     unsigned char **new_file)
{
    (void)protection_domain;
    /* A class without a name is hidden or generated: nobody can have pushed it. */
    if (class_being_redefined != NULL || name == NULL || jni == NULL || length <= 0)
        return;
    if (let_pass != NULL && strcmp(let_pass, name) == 0)
        return;
    const struct arrival arrival = { jni, loader, name, { file, (size_t)length } };
    void *hook = NULL;
    pthread_rwlock_rdlock(&guard);
    jvmtiError error = (*jvmti)->GetEnvironmentLocalStorage(jvmti, &hook);
    if (error == JVMTI_ERROR_NONE && hook != NULL && !atomic_load(&((struct hd_hook *)hook)->shut))
        answer(hook, &arrival, new_length, new_file);
    pthread_rwlock_unlock(&guard);
}
