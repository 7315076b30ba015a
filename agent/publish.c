/* SPDX-License-Identifier: Apache-2.0 */
/* Between registry and hook: pending patches go out, and the word that one was applied comes back.
 */
#include "agent/road.h"

#include "core/alloc.h"
#include "core/log.h"

#include <string.h>

/* The patches for the hook, as they are gathered. */
struct gathering {
    JNIEnv *jni;
    struct hd_patch *patches;
    size_t count;
    size_t capacity;
    struct hd_error *err;
    bool failed;
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

static int copy_patch(JNIEnv *jni, const struct hd_live *live, struct hd_patch *patch,
                      struct hd_error *err)
{
    *patch = (struct hd_patch){
        .class_name = hd_strdup(live->internal_name),
        .any_loader = live->any_loader,
        .has_base = live->has_fingerprint,
        .base = live->fingerprint,
        .file = (uint8_t *)hd_strndup((const char *)live->file, live->length),
        .length = live->length,
        .deployment = live->deployment,
    };
    if (live->loader != NULL)
        patch->loader = (*jni)->NewWeakGlobalRef(jni, live->loader);
    if (patch->class_name == NULL || patch->file == NULL)
        return hd_error_set_memory(err);
    return 0;
}

static void gather(struct hd_live *live, void *context)
{
    struct gathering *gathering = context;
    if (gathering->failed || live->state != HD_LIVE_PENDING || live->superseded)
        return;
    if (gathering->count == gathering->capacity) {
        size_t capacity = gathering->capacity > 0 ? gathering->capacity * 2 : 16;
        struct hd_patch *grown = hd_realloc_array(gathering->patches, capacity, sizeof *grown);
        if (grown == NULL) {
            gathering->failed = true;
            hd_error_set_memory(gathering->err);
            return;
        }
        gathering->patches = grown;
        gathering->capacity = capacity;
    }
    struct hd_patch *patch = &gathering->patches[gathering->count++];
    gathering->failed = copy_patch(gathering->jni, live, patch, gathering->err) != 0;
}

static void supersede(struct hd_live *const *extra, size_t extra_count, bool superseded)
{
    for (size_t i = 0; i < extra_count; i++) {
        if (extra[i]->replaces != NULL)
            extra[i]->replaces->superseded = superseded;
    }
}

int hd_road_publish(struct hd_road *road, JNIEnv *jni, struct hd_live *const *extra,
                    size_t extra_count, struct hd_error *err)
{
    struct gathering gathering = { .jni = jni, .err = err };
    supersede(extra, extra_count, true);
    hd_registry_each(road->registry, gather, &gathering);
    supersede(extra, extra_count, false);
    for (size_t i = 0; i < extra_count; i++)
        gather(extra[i], &gathering);
    if (gathering.failed) {
        free_patches(jni, gathering.patches, gathering.count);
        return -1;
    }
    return hd_hook_publish_take(road->hook, jni, gathering.patches, gathering.count, err);
}

/* ---- what the hook says ---------------------------------------------------------------------- */

/* A patch for any loader now belongs to the one that loaded the class. */
static void settle(struct hd_live *live, struct hd_road *road, JNIEnv *jni,
                   struct hd_hook_event *event)
{
    live->state = HD_LIVE_REDEFINED;
    if (!live->any_loader)
        return;
    jobject loader = event->loader == NULL ? NULL : (*jni)->NewLocalRef(jni, event->loader);
    const char *label = hd_labels_of(road->labels, jni, loader);
    char *copy = label == NULL ? NULL : hd_strdup(label);
    if (copy != NULL) {
        hd_free(live->label);
        live->label = copy;
    }
    live->any_loader = false;
    live->loader = event->loader;
    event->loader = NULL;
    (*jni)->DeleteLocalRef(jni, loader);
}

static struct hd_live *find_pending(struct hd_road *road, JNIEnv *jni,
                                    const struct hd_hook_event *event)
{
    struct hd_live *live = hd_registry_find(road->registry, jni, event->class_name, event->loader);
    if (live == NULL)
        live = hd_registry_find_any(road->registry, event->class_name);
    if (live == NULL || live->state != HD_LIVE_PENDING || live->deployment != event->deployment)
        return NULL;
    return live;
}

static void hear(struct hd_road *road, JNIEnv *jni, struct hd_hook_event *event)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_live *live = find_pending(road, jni, event);
    if (live == NULL)
        return;
    if (event->kind == HD_HOOK_APPLIED) {
        settle(live, road, jni, event);
        hd_log(HD_LOG_INFO, "%s was loaded by %s with the code of deployment %llu",
               event->class_name, live->label, (unsigned long long)live->deployment);
    } else {
        hd_log(
            HD_LOG_WARN,
            "%s was loaded by %s from another file than deployment %llu was made for (wrong-base): "
            "the patch was not applied; push again to redefine it",
            event->class_name, live->label, (unsigned long long)live->deployment);
        hd_registry_remove(road->registry, jni, live);
    }
    if (hd_road_publish(road, jni, NULL, 0, &err) != 0)
        hd_log(HD_LOG_ERROR, "the set of pending patches could not be renewed: %s", err.text);
}

void hd_road_hear_hook_take(struct hd_road *road, JNIEnv *jni, struct hd_hook_event *event)
{
    hear(road, jni, event);
    if (event->loader != NULL)
        (*jni)->DeleteWeakGlobalRef(jni, event->loader);
    hd_free(event->class_name);
    hd_free(event);
}
