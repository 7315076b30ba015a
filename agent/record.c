/* SPDX-License-Identifier: Apache-2.0 */
/* The road's last steps: what the registry keeps, what the hook is given, and who still runs old
 * code. */
#include "agent/plan.h"

#include "core/alloc.h"
#include "core/log.h"
#include "core/map.h"

#include <string.h>

static enum hd_live_state state_after(enum hd_action action)
{
    if (action == HD_ACTION_WAIT)
        return HD_LIVE_PENDING;
    return action == HD_ACTION_DEFINE ? HD_LIVE_DEFINED : HD_LIVE_REDEFINED;
}

/* A base found now is better than what was known before: the class was loaded since. The file a
 * loader is going to load is what would have been live, whatever its age. */
static int note_base(struct hd_target *target, struct hd_error *err)
{
    const struct hd_base *base = &target->base;
    if (target->known != NULL || base->file == NULL)
        return 0;
    enum hd_base_standing standing =
        target->action == HD_ACTION_WAIT ? HD_BASE_PROVEN : base->standing;
    return hd_live_set_base(target->entry, (struct hd_bytes){ base->file, base->length }, standing,
                            err);
}

static void sign(const struct hd_deployment *deployment, struct hd_live *entry)
{
    entry->deployment = deployment->number;
    entry->when = deployment->started_at;
    memcpy(entry->who, deployment->origin.who, sizeof entry->who);
}

static int prepare_entry(struct hd_plan *plan, struct hd_target *target, struct hd_error *err)
{
    const struct hd_live_wanted wanted = {
        .internal_name = target->class->from->name,
        .label = target->label,
        .loader = target->loader,
        .any_loader = target->any_loader,
        .state = state_after(target->action),
        .file = hd_plan_class_bytes(target->class),
        .held = target->class->prepared.ordered == NULL ? target->class->prepared.blob : NULL,
    };
    if (hd_registry_prepare(plan->road->registry, plan->jni, &wanted, &target->entry, err) != 0)
        return -1;
    target->entry->pool_slots = target->pool_slots;
    sign(plan->deployment, target->entry);
    if (plan->deployment->forced != 0 &&
        hd_forced_prepare(plan->road->forced, target->entry->file, err) != 0)
        return -1;
    return note_base(target, err);
}

/* Loaders that come get what those that are there get, but for a class that no loader has a file
 * of: a deployment defines it only where it says. */
static int add_to_state(struct hd_plan *plan, const struct hd_target *target, struct hd_error *err)
{
    struct hd_states *states = plan->road->states;
    if (hd_states_add_held(states, plan->jni, target->class->from->name, target->loader,
                           target->any_loader, target->entry->file, err) != 0)
        return -1;
    if (target->action == HD_ACTION_DEFINE || (target->any_loader && target->entry->base == NULL))
        return 0;
    return hd_states_offer_last(states, target->entry->base, plan->job->loader,
                                plan->loader_is_whole, err);
}

static bool makes_entry(const struct hd_target *target)
{
    return target->action != HD_ACTION_NONE && target->action != HD_ACTION_FORGET;
}

static bool makes_state(const struct hd_job *job)
{
    return job->kind == HD_JOB_DEPLOY || job->kind == HD_JOB_RESTART;
}

/* A rollback makes no state; it only needs its number to be kept. */
static int prepare_state(struct hd_plan *plan, struct hd_error *err)
{
    struct hd_states *states = plan->road->states;
    size_t added = 0;
    if (hd_states_begin(states, plan->jni, plan->deployment->number, err) != 0)
        return -1;
    plan->state_begun = true;
    hd_states_sign(states, plan->deployment->origin.who, plan->deployment->started_at);
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        if (!makes_entry(target) || !makes_state(plan->job))
            continue;
        if (add_to_state(plan, target, err) != 0)
            return -1;
        target->in_state = true;
        target->change = added++;
    }
    if (plan->job->kind == HD_JOB_ROLLBACK)
        hd_states_aim(states, plan->jni, plan->deployment->returns_to);
    return 0;
}

int hd_plan_prepare_record(struct hd_plan *plan, struct hd_error *err)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        if (makes_entry(&plan->targets[i]) && prepare_entry(plan, &plan->targets[i], err) != 0)
            return -1;
    }
    return prepare_state(plan, err);
}

/* ---- patches for the hook -------------------------------------------------------------------- */

int hd_plan_watch(struct hd_plan *plan, struct hd_error *err)
{
    if (plan->job->kind == HD_JOB_CHECK)
        return 0;
    plan->watched = true;
    return hd_road_watch(plan->road, plan->jni, plan->names, plan->class_count, err);
}

/* Before anything is redefined: a class that loads meanwhile, or that another agent retransforms,
 * gets what everybody is about to get. */
int hd_plan_publish(struct hd_plan *plan, struct hd_error *err)
{
    struct hd_live **coming = hd_alloc_zeroed(plan->target_count + 1, sizeof *coming);
    size_t count = 0;
    if (coming == NULL)
        return hd_error_set_memory(err);
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        if (makes_entry(target))
            coming[count++] = target->entry;
        if (target->action == HD_ACTION_FORGET)
            target->known->superseded = true;
    }
    plan->published = true;
    int status = hd_road_publish(plan->road, plan->jni, true, coming, count, err);
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        bool waits = target->action == HD_ACTION_WAIT || target->action == HD_ACTION_FORGET;
        target->done |= status == 0 && waits;
        if (target->action == HD_ACTION_FORGET)
            target->known->superseded = false;
    }
    hd_free(coming);
    return status;
}

/* ---- the registry ---------------------------------------------------------------------------- */

/* What was pushed for whichever loader comes first is out of date once the class is known to be
 * somewhere. */
static bool drop_homeless(struct hd_plan *plan, const struct hd_target *target,
                          const struct hd_blob *base)
{
    struct hd_registry *registry = plan->road->registry;
    struct hd_live *live = hd_registry_find_any(registry, target->class->from->name);
    if (live == NULL || target->any_loader || plan->job->kind == HD_JOB_ROLLBACK)
        return false; /* a rollback says itself what it takes back */
    if (live->base != NULL && !hd_blob_same(live->base, base))
        return false; /* it waits for loaders of another base */
    hd_registry_remove(registry, plan->jni, live);
    return true;
}

static void record_state(const struct hd_plan *plan)
{
    const struct hd_deployment *deployment = plan->deployment;
    if (plan->job->kind == HD_JOB_ROLLBACK && hd_deployment_is_good(deployment))
        hd_states_return(plan->road->states, plan->jni, deployment->returns_to);
    else
        hd_states_commit(plan->road->states, plan->jni);
}

void hd_plan_record(struct hd_plan *plan)
{
    struct hd_error err = HD_ERROR_INIT;
    bool stale = plan->watched && !plan->published;
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        if (target->in_state && !target->done)
            hd_states_take_out(plan->road->states, plan->jni, target->change);
        stale |= plan->published && makes_entry(target) && !target->done;
        if (!target->done)
            continue;
        if (target->action == HD_ACTION_FORGET) {
            hd_registry_remove(plan->road->registry, plan->jni, target->known);
            target->known = NULL;
            continue;
        }
        hd_forced_mark(plan->road->forced, target->entry->file, plan->deployment->forced);
        const struct hd_blob *base = target->entry->base; /* the registry's from now on */
        hd_registry_put_take(plan->road->registry, plan->jni, target->entry);
        target->entry = NULL;
        target->known = NULL; /* it was replaced */
        stale |= drop_homeless(plan, target, base);
    }
    if (plan->state_begun)
        record_state(plan);
    if (stale && hd_road_publish(plan->road, plan->jni, false, NULL, 0, &err) != 0)
        hd_log(HD_LOG_ERROR, "the set of patches could not be renewed: %s", err.text);
}

/* ---- old frames ------------------------------------------------------------------------------ */

static int index_old_frames(const struct hd_old_frames *frames, struct hd_map *index,
                            struct hd_error *err)
{
    for (size_t i = 0; i < frames->class_count; i++) {
        if (hd_map_put(index, hd_map_key(frames->class_names[i]), i, err) != 0)
            return -1;
    }
    return 0;
}

static int warn_of_old_frames(struct hd_plan *plan, struct hd_error *err)
{
    struct hd_map index = HD_MAP_INIT;
    size_t found;
    int status = index_old_frames(&plan->road->frames, &index, err);
    for (size_t i = 0; status == 0 && i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        if (target->done && target->action == HD_ACTION_REDEFINE &&
            hd_map_find(&index, hd_map_key(target->class->from->name), &found))
            hd_plan_row(plan, target)->warnings |= HD_WARNING_OLD_FRAMES;
    }
    hd_map_close(&index);
    return status;
}

void hd_plan_count_old_frames(struct hd_plan *plan)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_deployment *deployment = plan->deployment;
    bool redefined = false;
    for (size_t i = 0; i < plan->target_count; i++)
        redefined |= plan->targets[i].done && plan->targets[i].action == HD_ACTION_REDEFINE;
    if (!redefined)
        return;
    hd_road_count_old_frames(plan->road, plan->jni);
    deployment->old_frames = plan->road->frames.threads;
    deployment->old_frames_complete = plan->road->frames.complete;
    if (warn_of_old_frames(plan, &ignored) != 0)
        deployment->old_frames_complete = false;
}
