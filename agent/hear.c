/* SPDX-License-Identifier: Apache-2.0 */
/* What the hook did or saw: the registry follows. What is to be done about it is in follow_up.c. */
#include "agent/follow_up.h"
#include "agent/keep.h"

#include "core/alloc.h"
#include "core/log.h"

#include <string.h>

/* The loader itself, so that it stays while the registry is told of it: a local reference. False:
 * it was collected. */
static bool hold_loader(JNIEnv *jni, const struct hd_hook_event *event, jobject *loader)
{
    *loader = event->loader == NULL ? NULL : (*jni)->NewLocalRef(jni, event->loader);
    return event->loader == NULL || *loader != NULL;
}

static struct hd_live *find(struct hd_road *road, JNIEnv *jni, const struct hd_hook_event *event)
{
    if (event->loader != NULL && (*jni)->IsSameObject(jni, event->loader, NULL))
        return NULL; /* collected; it would look like boot */
    return hd_registry_find(road->registry, jni, event->patch->class_name, event->loader);
}

/* The patch that waited, and that the event is about; NULL when something else is there by now. */
static struct hd_live *find_waiting(struct hd_road *road, JNIEnv *jni,
                                    const struct hd_hook_event *event)
{
    struct hd_live *live = event->patch->place == HD_PATCH_FIRST
                               ? hd_registry_find_any(road->registry, event->patch->class_name)
                               : find(road, jni, event);
    if (live == NULL || live->state != HD_LIVE_PENDING ||
        live->deployment != event->patch->deployment)
        return NULL;
    return live;
}

/* ---- a class that loaded --------------------------------------------------------------------- */

/* A patch for any loader now belongs to the one that loaded the class. */
static void bind(struct hd_road *road, JNIEnv *jni, struct hd_live *live,
                 struct hd_hook_event *event)
{
    jobject loader;
    const char *label =
        hold_loader(jni, event, &loader) ? hd_labels_of(road->labels, jni, loader) : NULL;
    char *copy = label == NULL ? NULL : hd_strdup(label);
    if (copy != NULL) {
        hd_free(live->label);
        live->label = copy;
    }
    (*jni)->DeleteLocalRef(jni, loader);
    live->any_loader = false;
    live->loader = event->loader;
    event->loader = NULL;
    hd_states_learn_base(road->states, jni, live->deployment, live->internal_name, event->file);
}

/* The loader's own file is what was there before, whatever it was expected to be. */
static void note_own_file(struct hd_live *live, const struct hd_hook_event *event)
{
    hd_blob_release(live->family);
    live->family =
        hd_blob_keep(event->patch->place == HD_PATCH_FIRST ? atomic_load(&event->patch->taken)
                                                           : event->patch->base);
    hd_blob_release(live->base);
    live->base = hd_blob_keep(event->file);
    live->standing = HD_BASE_PROVEN;
}

static void settle(struct hd_road *road, JNIEnv *jni, struct hd_live *live,
                   struct hd_hook_event *event)
{
    live->state = HD_LIVE_REDEFINED;
    note_own_file(live, event);
    if (live->any_loader)
        bind(road, jni, live, event);
    hd_live_forget_patch(live, jni);
}

static struct hd_live *new_entry(struct hd_road *road, JNIEnv *jni,
                                 const struct hd_hook_event *event,
                                 const struct hd_live_wanted *wanted)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_live *live = NULL;
    const char *who;
    if (hd_registry_prepare(road->registry, jni, wanted, &live, &err) != 0) {
        hd_log(HD_LOG_ERROR, "%s in %s is not known to status: %s", wanted->internal_name,
               wanted->label, err.text);
        return NULL;
    }
    live->deployment = event->patch->deployment;
    hd_states_signature(road->states, live->deployment, &who, &live->when);
    memcpy(live->who, who, strnlen(who, sizeof live->who - 1));
    note_own_file(live, event);
    hd_registry_put_take(road->registry, jni, live);
    return live;
}

/* An entry for a loader that nobody knew of. NULL when memory is out, or it is gone already. */
static struct hd_live *add(struct hd_road *road, JNIEnv *jni, const struct hd_hook_event *event,
                           enum hd_live_state state, const struct hd_blob *file)
{
    struct hd_live *live = NULL;
    jobject loader;
    if (!hold_loader(jni, event, &loader))
        return NULL;
    const struct hd_live_wanted wanted = { .internal_name = event->patch->class_name,
                                           .label = hd_labels_of(road->labels, jni, loader),
                                           .loader = loader,
                                           .state = state,
                                           .file = file->bytes };
    if (wanted.label != NULL && find(road, jni, event) == NULL)
        live = new_entry(road, jni, event, &wanted);
    (*jni)->DeleteLocalRef(jni, loader);
    return live;
}

static void hear_applied(struct hd_road *road, JNIEnv *jni, struct hd_hook_event *event,
                         struct hd_follow_up *after)
{
    struct hd_live *live = find_waiting(road, jni, event);
    if (live != NULL)
        settle(road, jni, live, event);
    else
        live = add(road, jni, event, HD_LIVE_REDEFINED, event->patch->file);
    if (live == NULL)
        return;
    after->stale = true;
    if (hd_blob_same(event->file, event->patch->file))
        hd_keep_hear_loaded(road, live->internal_name, live->label, event->file->bytes);
    hd_follow_up_check(after, live);
    hd_log(HD_LOG_INFO, "%s was loaded by %s with the code of deployment %llu", live->internal_name,
           live->label, (unsigned long long)live->deployment);
}

static void hear_wrong_base(struct hd_road *road, JNIEnv *jni, struct hd_hook_event *event,
                            struct hd_follow_up *after)
{
    const char *name = event->patch->class_name;
    uint64_t deployment = event->patch->deployment;
    bool told = hd_registry_has_wrong_base(road->registry, name, deployment);
    struct hd_live *live = find_waiting(road, jni, event);
    if (live != NULL) {
        live->state = HD_LIVE_WRONG_BASE;
        note_own_file(live, event);
        hd_live_set_file_take(live, jni, hd_blob_keep(event->file));
    } else {
        live = add(road, jni, event, HD_LIVE_WRONG_BASE, event->file);
    }
    if (live == NULL)
        return;
    after->stale = true;
    hd_keep_hear_loaded(road, name, live->label, event->file->bytes);
    hd_log(told ? HD_LOG_DEBUG : HD_LOG_WARN,
           "%s was loaded by %s from another file than deployment %llu was made for (wrong-base): "
           "the patch was not applied; push again to redefine it",
           name, live->label, (unsigned long long)deployment);
    if (!told)
        hd_archive_note_class(road->archive, "wrong-base", name, live->label, deployment);
}

/* What loaders that come get of the current state, for this one; NULL: nothing. */
static struct hd_patch *find_offer(struct hd_road *road, JNIEnv *jni,
                                   const struct hd_hook_event *event, jobject loader)
{
    struct hd_error ignored = HD_ERROR_INIT;
    const struct hd_offers *offers;
    struct hd_patch *found = NULL;
    if (hd_states_offers(road->states, jni, false, &offers, &ignored) != 0)
        return NULL;
    for (size_t i = 0; i < offers->count; i++) {
        struct hd_patch *offer = offers->items[i];
        bool later = found == NULL || offer->deployment > found->deployment;
        if (later && strcmp(offer->class_name, event->patch->class_name) == 0 &&
            (offer->loader_text == NULL ||
             hd_labels_match(road->labels, jni, loader, offer->loader_text,
                             offer->loader_is_whole)) &&
            hd_patch_fits_loader(offer, event->file->bytes) == HD_FITS)
            found = offer;
    }
    return found;
}

/* It loaded while its deployment looked for those that were there: if that was for it too, it is as
 * yet what it came as. */
static void hear_seen(struct hd_road *road, JNIEnv *jni, struct hd_hook_event *event,
                      struct hd_follow_up *after)
{
    jobject loader;
    if (!hold_loader(jni, event, &loader))
        return;
    struct hd_patch *offer = find_offer(road, jni, event, loader);
    (*jni)->DeleteLocalRef(jni, loader);
    if (offer == NULL)
        return;
    hd_patch_release(event->patch, jni);
    event->patch = hd_patch_keep(offer);
    struct hd_live *live = add(road, jni, event, HD_LIVE_REDEFINED, event->file);
    if (live == NULL)
        return;
    after->stale = true;
    hd_follow_up_check(after, live);
}

/* ---- a class that somebody changes ----------------------------------------------------------- */

static bool is_ours(const struct hd_live *live)
{
    return live != NULL && (live->state == HD_LIVE_REDEFINED || live->state == HD_LIVE_DEFINED);
}

static void hear(struct hd_road *road, JNIEnv *jni, struct hd_hook_event *event,
                 struct hd_follow_up *after)
{
    struct hd_live *live = NULL;
    switch (event->kind) {
    case HD_HOOK_APPLIED:
        hear_applied(road, jni, event, after);
        break;
    case HD_HOOK_WRONG_BASE:
        hear_wrong_base(road, jni, event, after);
        break;
    case HD_HOOK_SEEN:
        hear_seen(road, jni, event, after);
        break;
    case HD_HOOK_EDITED:
        live = find(road, jni, event);
        if (is_ours(live))
            hd_follow_up_put_back(after, live);
        break;
    case HD_HOOK_FOREIGN:
        live = find(road, jni, event);
        if (is_ours(live))
            hd_follow_up_look_at(after, live, event->file);
        break;
    }
}

void hd_road_hear_hook_take(struct hd_road *road, JNIEnv *jni, struct hd_hook_event *events)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_follow_up after = { .road = road, .jni = jni };
    for (struct hd_hook_event *event = events, *next; event != NULL; event = next) {
        next = event->next;
        hear(road, jni, event, &after);
        hd_hook_event_free(event, jni);
    }
    hd_follow_up_run(&after);
    if (after.stale && hd_road_publish(road, jni, false, NULL, 0, &err) != 0)
        hd_log(HD_LOG_ERROR, "the set of patches could not be renewed: %s", err.text);
    hd_follow_up_close(&after);
}
