/* SPDX-License-Identifier: Apache-2.0 */
/* The road's step that brings new classes into their loaders, before anything that uses them is redefined. */
#include "agent/plan.h"

#include "agent/define.h"
#include "core/alloc.h"

/* The classes of the bundle that are new in some loader. */
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
    int status = 0;
    if (newcomers->files == NULL || newcomers->first_targets == NULL || newcomers->order == NULL)
        status = hd_error_set_memory(err);
    for (size_t first = 0, end; status == 0 && first < plan->target_count; first = end) {
        end = hd_plan_class_end(plan, first);
        if (!is_new_somewhere(plan, first, end))
            continue;
        newcomers->first_targets[newcomers->count] = first;
        newcomers->files[newcomers->count++] = plan->targets[first].class->file;
    }
    if (status == 0)
        status = hd_define_order(newcomers->files, newcomers->count, newcomers->order, err);
    if (status != 0)
        close_newcomers(newcomers);
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

/* In every loader where it is new. False when one refused it and the deployment is all or nothing. */
static bool define_class_everywhere(struct hd_plan *plan, size_t first)
{
    size_t end = hd_plan_class_end(plan, first);
    for (size_t i = first; i < end; i++) {
        struct hd_target *target = &plan->targets[i];
        if (target->action != HD_ACTION_DEFINE)
            continue;
        define_one(plan, target);
        if (!target->done && !plan->job->best_effort)
            return false;
    }
    return true;
}

int hd_plan_define(struct hd_plan *plan, struct hd_error *err)
{
    struct newcomers newcomers;
    if (open_newcomers(plan, &newcomers, err) != 0)
        return -1;
    int status = 0;
    bool go_on = true;
    for (size_t i = 0; status == 0 && go_on && i < newcomers.count; i++) {
        status = hd_road_check_open(plan->road, err);
        if (status == 0)
            go_on = define_class_everywhere(plan, newcomers.first_targets[newcomers.order[i]]);
    }
    close_newcomers(&newcomers);
    return status;
}
