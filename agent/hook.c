/* SPDX-License-Identifier: Apache-2.0 */
/* The hook's life, what is published in it, and who is inside. What becomes of a class is decided
 * in hook_class.c. */
#include "agent/hook_internal.h"

#include "core/alloc.h"
#include "core/sorted.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/*
 * Guards what every hook has published. Readers are the application's threads: they hold it while
 * they look, run no Java and take no other lock meanwhile, so a writer is let in before later
 * readers. The engine holds it only to exchange a pointer.
 */
static pthread_rwlock_t guard = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

/* Threads that work on with what they took, and may run Java: a hook is not freed under them. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t left;
    size_t count;
} inside = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

/* From here on a retransformed class has its MethodParameters (JVMS §4.7.24) still. */
enum { FIRST_RELEASE_THAT_REBUILDS_PARAMETER_NAMES = 21 };

/* Never changed once published. */
struct hd_snapshot {
    struct hd_patch **patches; /* ordered by class name, the latest deployment first */
    size_t count;
};

/* ---- what is published ----------------------------------------------------------------------- */

static void release_patches(JNIEnv *jni, struct hd_patch **patches, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hd_patch_release(patches[i], jni);
    hd_free(patches);
}

static void free_snapshot(JNIEnv *jni, struct hd_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    release_patches(jni, snapshot->patches, snapshot->count);
    hd_free(snapshot);
}

static int by_name_and_age(const void *a, const void *b)
{
    const struct hd_patch *left = *(struct hd_patch *const *)a;
    const struct hd_patch *right = *(struct hd_patch *const *)b;
    int order = strcmp(left->class_name, right->class_name);
    if (order != 0 || left->deployment == right->deployment)
        return order;
    return left->deployment > right->deployment ? -1 : 1;
}

static struct hd_snapshot *new_snapshot_take(JNIEnv *jni, struct hd_patch **patches, size_t count,
                                             struct hd_error *err)
{
    struct hd_snapshot *snapshot = hd_alloc_zeroed(1, sizeof *snapshot);
    if (snapshot == NULL) {
        release_patches(jni, patches, count);
        hd_error_set_memory(err);
        return NULL;
    }
    qsort(patches, count, sizeof(struct hd_patch *), by_name_and_age);
    *snapshot = (struct hd_snapshot){ patches, count };
    return snapshot;
}

static bool is_before(const void *patches, size_t at, const void *name)
{
    return strcmp(((struct hd_patch *const *)patches)[at]->class_name, name) < 0;
}

static struct hd_snapshot *exchange(struct hd_hook *hook, struct hd_snapshot *snapshot)
{
    pthread_rwlock_wrlock(&guard);
    struct hd_snapshot *before = hook->published;
    hook->published = snapshot;
    pthread_rwlock_unlock(&guard);
    return before;
}

static int set_event(jvmtiEnv *jvmti, bool on, struct hd_error *err)
{
    if (jvmti == NULL)
        return 0;
    jvmtiError error = (*jvmti)->SetEventNotificationMode(jvmti, on ? JVMTI_ENABLE : JVMTI_DISABLE,
                                                          JVMTI_EVENT_CLASS_FILE_LOAD_HOOK, NULL);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(err, HD_E_JVM, "SetEventNotificationMode(ClassFileLoadHook): %s",
                            hd_jvm_error_name(error));
    return 0;
}

/* Both: what only the second environment is asked about is a retransformation. */
static int set_events(const struct hd_hook *hook, bool on, struct hd_error *err)
{
    if (set_event(hook->jvmti, on, err) != 0)
        return -1;
    return set_event(hook->retransforming, on, err);
}

static int publish_none(struct hd_hook *hook, JNIEnv *jni, struct hd_error *err)
{
    free_snapshot(jni, exchange(hook, NULL));
    return set_events(hook, false, err);
}

int hd_hook_publish_take(struct hd_hook *hook, JNIEnv *jni, struct hd_patch **patches, size_t count,
                         struct hd_error *err)
{
    if (count == 0) {
        hd_free(patches);
        return publish_none(hook, jni, err);
    }
    struct hd_snapshot *snapshot = new_snapshot_take(jni, patches, count, err);
    if (snapshot == NULL)
        return -1;
    if (set_events(hook, true, err) != 0) {
        free_snapshot(jni, snapshot);
        return -1;
    }
    free_snapshot(jni, exchange(hook, snapshot));
    return 0;
}

/* ---- inside ---------------------------------------------------------------------------------- */

static void count_in(void)
{
    pthread_mutex_lock(&inside.lock);
    inside.count++;
    pthread_mutex_unlock(&inside.lock);
}

static void count_out(void)
{
    pthread_mutex_lock(&inside.lock);
    inside.count--;
    pthread_cond_broadcast(&inside.left);
    pthread_mutex_unlock(&inside.lock);
}

static void wait_until_all_left(void)
{
    pthread_mutex_lock(&inside.lock);
    while (inside.count > 0)
        pthread_cond_wait(&inside.left, &inside.lock);
    pthread_mutex_unlock(&inside.lock);
}

static void take_patches(const struct hd_snapshot *snapshot, JNIEnv *jni, const char *name,
                         jobject loader, struct hd_visit *visit)
{
    for (size_t i = hd_sorted_first(snapshot->patches, snapshot->count, name, is_before);
         i < snapshot->count && strcmp(snapshot->patches[i]->class_name, name) == 0; i++) {
        struct hd_patch *patch = snapshot->patches[i];
        bool offer = patch->place != HD_PATCH_LOADED && patch->place != HD_PATCH_WAITS;
        if (offer && visit->offer_count < HD_VISIT_OFFERS)
            visit->offers[visit->offer_count++] = hd_patch_keep(patch);
        if (visit->own == NULL && hd_patch_is_of_loader(patch, jni, loader))
            visit->own = hd_patch_keep(patch);
    }
}

bool hd_hook_enter(jvmtiEnv *jvmti, JNIEnv *jni, const char *name, jobject loader,
                   struct hd_visit *visit)
{
    void *found = NULL;
    visit->own = NULL;
    visit->offer_count = 0;
    pthread_rwlock_rdlock(&guard);
    if ((*jvmti)->GetEnvironmentLocalStorage(jvmti, &found) == JVMTI_ERROR_NONE && found != NULL) {
        visit->hook = found;
        if (visit->hook->published != NULL && !atomic_load(&visit->hook->shut))
            take_patches(visit->hook->published, jni, name, loader, visit);
    }
    bool enters = visit->own != NULL || visit->offer_count > 0;
    if (enters)
        count_in();
    pthread_rwlock_unlock(&guard);
    return enters;
}

void hd_hook_leave(struct hd_visit *visit, JNIEnv *jni)
{
    for (size_t i = 0; i < visit->offer_count; i++)
        hd_patch_release(visit->offers[i], jni);
    hd_patch_release(visit->own, jni);
    count_out();
}

/* ---- life ------------------------------------------------------------------------------------ */

static int store_in(jvmtiEnv *jvmti, struct hd_hook *hook, struct hd_error *err)
{
    jvmtiError error = (*jvmti)->SetEnvironmentLocalStorage(jvmti, hook);
    if (error == JVMTI_ERROR_NONE)
        return 0;
    return hd_error_set(err, HD_E_JVM, "SetEnvironmentLocalStorage: %s", hd_jvm_error_name(error));
}

static int listen_to_retransformations(struct hd_hook *hook, struct hd_error *err)
{
    jvmtiEnv *jvmti = hook->retransforming;
    if (jvmti == NULL)
        return 0;
    jvmtiEventCallbacks callbacks = { .ClassFileLoadHook = hd_hook_class_file_retransform };
    jvmtiError error = (*jvmti)->SetEventCallbacks(jvmti, &callbacks, sizeof callbacks);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(err, HD_E_JVM, "SetEventCallbacks: %s", hd_jvm_error_name(error));
    return store_in(jvmti, hook, err);
}

int hd_hook_new(const struct hd_jvm *jvm, const struct hd_labels *labels,
                void (*report)(struct hd_hook_event *event, void *context), void *context,
                struct hd_hook **out, struct hd_error *err)
{
    struct hd_hook *hook = hd_alloc_zeroed(1, sizeof *hook);
    if (hook == NULL)
        return hd_error_set_memory(err);
    hook->jvmti = jvm->jvmti;
    hook->retransforming = jvm->retransforming;
    hook->rebuilds_well = jvm->rules.feature_release >= FIRST_RELEASE_THAT_REBUILDS_PARAMETER_NAMES;
    hook->labels = labels;
    hook->report = report;
    hook->context = context;
    if (listen_to_retransformations(hook, err) != 0 || store_in(hook->jvmti, hook, err) != 0) {
        hd_free(hook);
        return -1;
    }
    *out = hook;
    return 0;
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
    (void)!set_events(hook, false, &ignored);
    struct hd_snapshot *last = exchange(hook, NULL);
    /* Whoever is inside by now found the storage filled, and holds the guard or is counted. */
    pthread_rwlock_wrlock(&guard);
    (void)!store_in(hook->jvmti, NULL, &ignored);
    if (hook->retransforming != NULL)
        (void)!store_in(hook->retransforming, NULL, &ignored);
    pthread_rwlock_unlock(&guard);
    wait_until_all_left();
    free_snapshot(jni, last);
    hd_free(hook);
}

void hd_hook_event_free(struct hd_hook_event *event, JNIEnv *jni)
{
    if (event == NULL)
        return;
    if (event->loader != NULL)
        (*jni)->DeleteWeakGlobalRef(jni, event->loader);
    hd_patch_release(event->patch, jni);
    hd_blob_release(event->file);
    hd_free(event);
}
