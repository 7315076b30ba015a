/* SPDX-License-Identifier: Apache-2.0 */
/* The road's step that brings new classes into their loaders, before anything that uses them is
 * redefined. */
#include "agent/plan.h"

#include "agent/define.h"
#include "core/alloc.h"

/* The classes of the bundle that are new in some loader, and where their targets begin. */
struct newcomers {
    const struct hd_class **files;
    size_t *first_targets;
    size_t *order;
    size_t count;
};

static void close_newcomers(struct newcomers *newcomers)
{
    hd_free(newcomers->files);
    hd_free(newcomers->first_targets);
    hd_free(newcomers->order);
}

static bool is_new_somewhere(const struct hd_plan *plan, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (plan->targets[i].action == HD_ACTION_DEFINE)
            return true;
    }
    return false;
}

static int open_newcomers(const struct hd_plan *plan, struct newcomers *newcomers,
                          struct hd_error *err)
{
    *newcomers = (struct newcomers){
        .files = hd_alloc_zeroed(plan->class_count, sizeof(struct hd_class *)),
        .first_targets = hd_alloc_zeroed(plan->class_count, sizeof *newcomers->first_targets),
        .order = hd_alloc_zeroed(plan->class_count, sizeof *newcomers->order),
    };
    if (newcomers->files == NULL || newcomers->first_targets == NULL || newcomers->order == NULL)
        return hd_error_set_memory(err);
    for (size_t first = 0, end; first < plan->target_count; first = end) {
        end = hd_plan_class_end(plan, first);
        if (!is_new_somewhere(plan, first, end))
            continue;
        struct hd_plan_class *class = plan->targets[first].class;
        if (hd_prepared_read(&class->prepared, class->from, err) != 0)
            return -1;
        newcomers->first_targets[newcomers->count] = first;
        newcomers->files[newcomers->count++] = class->prepared.file;
    }
    return hd_define_order(newcomers->files, newcomers->count, newcomers->order, err);
}

static size_t list_targets(struct hd_plan *plan, const struct newcomers *newcomers,
                           struct hd_target **list)
{
    size_t count = 0;
    for (size_t i = 0; i < newcomers->count; i++) {
        size_t first = newcomers->first_targets[newcomers->order[i]];
        size_t end = hd_plan_class_end(plan, first);
        for (size_t t = first; t < end; t++) {
            if (plan->targets[t].action == HD_ACTION_DEFINE)
                list[count++] = &plan->targets[t];
        }
    }
    return count;
}

int hd_plan_list_newcomers(struct hd_plan *plan, struct hd_target ***out, size_t *count,
                           struct hd_error *err)
{
    struct newcomers newcomers;
    struct hd_target **list = hd_alloc_zeroed(plan->target_count, sizeof *list);
    int status = open_newcomers(plan, &newcomers, err);
    if (status == 0 && list == NULL)
        status = hd_error_set_memory(err);
    if (status == 0) {
        *count = list_targets(plan, &newcomers, list);
        *out = list;
    } else {
        hd_free(list);
    }
    close_newcomers(&newcomers);
    return status;
}

static void define_one(struct hd_plan *plan, struct hd_target *target)
{
    struct hd_error own = HD_ERROR_INIT;
    enum hd_reason reason = HD_REASON_NONE;
    jclass defined = NULL;
    int64_t begun = hd_road_clock();
    hd_road_doing(plan->road, "defining %s in class loader %s", target->class->java_name,
                  target->label);
    if (hd_define_class(plan->jni, target->loader, target->neighbour, target->class->from->name,
                        target->class->from->file, &defined, &reason, &own) == 0) {
        (*plan->jni)->DeleteGlobalRef(plan->jni, defined);
        target->done = true;
    } else {
        hd_plan_refuse(plan, target, reason, "it cannot be defined in class loader %s: %s",
                       target->label, own.text);
    }
    hd_plan_row(plan, target)->micros += (uint64_t)(hd_road_clock() - begun);
}

int hd_plan_define(struct hd_plan *plan, struct hd_error *err)
{
    struct hd_target **list;
    size_t count;
    if (hd_plan_list_newcomers(plan, &list, &count, err) != 0)
        return -1;
    int status = 0;
    bool refused = false;
    for (size_t i = 0; status == 0 && i < count; i++) {
        if (refused && !plan->job->best_effort)
            break; /* all or nothing: no further class that could not be taken back */
        status = hd_road_check_open(plan->road, err);
        if (status != 0)
            break;
        define_one(plan, list[i]);
        refused |= !list[i]->done;
    }
    hd_free(list);
    return status;
}
