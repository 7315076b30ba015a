/* SPDX-License-Identifier: Apache-2.0 */
/* From registry and states to the hook: what classes are to be, and what those that come get. */
#include "agent/road.h"

#include "core/alloc.h"

#include <string.h>

/* The patches for the hook, as they are gathered. */
struct gathering {
    JNIEnv *jni;
    bool guards_bases; /* the JVM may bring a patch back that was rolled back */
    struct hd_patch **patches;
    size_t count;
    struct hd_error *err;
    bool failed;
};

static bool is_kept(const struct gathering *gathering, const struct hd_live *live)
{
    if (live->superseded || live->state == HD_LIVE_FOREIGN || live->state == HD_LIVE_WRONG_BASE)
        return false;
    /* What a restart holds ready for loaders that come, the state offers them: each whose own file
     * is the base, and not the first whatever it has. */
    if (live->any_loader && live->base != NULL)
        return false;
    return live->state == HD_LIVE_PENDING || gathering->guards_bases ||
           hd_live_differs_from_base(live);
}

/* Of a loader that was collected there is nothing to make a patch for. Held meanwhile, so that it
 * is not collected between the question and the answer. */
static struct hd_patch *make_patch(struct gathering *gathering, struct hd_live *live)
{
    JNIEnv *jni = gathering->jni;
    jobject held = live->loader == NULL ? NULL : (*jni)->NewLocalRef(jni, live->loader);
    if (live->loader != NULL && held == NULL)
        return NULL;
    struct hd_patch *patch = hd_live_patch(live, jni, gathering->err);
    gathering->failed = patch == NULL;
    (*jni)->DeleteLocalRef(jni, held);
    return patch;
}

static void gather(struct hd_live *live, void *context)
{
    struct gathering *gathering = context;
    if (gathering->failed || !is_kept(gathering, live))
        return;
    struct hd_patch *patch = live->patch != NULL ? live->patch : make_patch(gathering, live);
    if (patch != NULL)
        gathering->patches[gathering->count++] = hd_patch_keep(patch);
}

static void supersede(struct hd_live *const *extra, size_t extra_count, bool superseded)
{
    for (size_t i = 0; i < extra_count; i++) {
        if (extra[i]->replaces != NULL)
            extra[i]->replaces->superseded = superseded;
    }
}

/* room: for how many besides registry and offers. */
static int begin(struct gathering *gathering, struct hd_road *road, JNIEnv *jni, bool ahead,
                 size_t room, struct hd_error *err)
{
    const struct hd_offers *offers;
    *gathering = (struct gathering){ .jni = jni,
                                     .guards_bases = road->jvm->retransforming != NULL,
                                     .err = err };
    if (hd_states_offers(road->states, jni, ahead, &offers, err) != 0)
        return -1;
    size_t most = hd_registry_count(road->registry) + offers->count + room;
    gathering->patches = hd_alloc_zeroed(most + 1, sizeof(struct hd_patch *));
    if (gathering->patches == NULL)
        return hd_error_set_memory(err);
    for (size_t i = 0; i < offers->count; i++)
        gathering->patches[gathering->count++] = hd_patch_keep(offers->items[i]);
    return 0;
}

static int hand_over(struct gathering *gathering, struct hd_road *road)
{
    JNIEnv *jni = gathering->jni;
    if (!gathering->failed)
        return hd_hook_publish_take(road->hook, jni, gathering->patches, gathering->count,
                                    gathering->err);
    for (size_t i = 0; i < gathering->count; i++)
        hd_patch_release(gathering->patches[i], jni);
    hd_free(gathering->patches);
    return -1;
}

int hd_road_publish(struct hd_road *road, JNIEnv *jni, bool ahead, struct hd_live *const *extra,
                    size_t extra_count, struct hd_error *err)
{
    struct gathering gathering;
    if (begin(&gathering, road, jni, ahead, extra_count, err) != 0)
        return -1;
    supersede(extra, extra_count, true);
    hd_registry_each(road->registry, gather, &gathering);
    supersede(extra, extra_count, false);
    for (size_t i = 0; i < extra_count; i++)
        gather(extra[i], &gathering);
    return hand_over(&gathering, road);
}

int hd_road_watch(struct hd_road *road, JNIEnv *jni, const char *const *names, size_t count,
                  struct hd_error *err)
{
    struct gathering gathering;
    if (begin(&gathering, road, jni, false, count, err) != 0)
        return -1;
    hd_registry_each(road->registry, gather, &gathering);
    for (size_t i = 0; i < count && !gathering.failed; i++) {
        const struct hd_patch like = { .place = HD_PATCH_WATCH, .class_name = names[i] };
        gathering.failed = hd_patch_new(jni, &like, &gathering.patches[gathering.count], err) != 0;
        gathering.count += !gathering.failed;
    }
    return hand_over(&gathering, road);
}
