/* SPDX-License-Identifier: Apache-2.0 */
/* The road's step into the JVM: every class that is to be redefined, in one call, or in a rehearsal
 * of it. */
#include "agent/plan.h"

#include "core/alloc.h"

#include <string.h>

/* The redefinitions, and the target behind each. */
struct batch {
    struct hd_redefinition *items;
    struct hd_target **targets;
    size_t count;
};

static void close_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        hd_free(batch->items[i].message);
    hd_free(batch->items);
    hd_free(batch->targets);
    *batch = (struct batch){ NULL, NULL, 0 };
}

/* Those targets that are still to be redefined. */
static int open_batch(struct hd_plan *plan, struct batch *batch, struct hd_error *err)
{
    *batch = (struct batch){
        .items = hd_alloc_zeroed(plan->target_count, sizeof *batch->items),
        .targets = hd_alloc_zeroed(plan->target_count, sizeof(struct hd_target *)),
    };
    if (batch->items == NULL || batch->targets == NULL) {
        close_batch(batch);
        return hd_error_set_memory(err);
    }
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        if (target->action != HD_ACTION_REDEFINE)
            continue;
        batch->targets[batch->count] = target;
        batch->items[batch->count++] = (struct hd_redefinition){
            .class = target->loaded,
            .loader = target->loader,
            .internal_name = target->class->from->name,
            .file = hd_plan_class_bytes(target->class),
        };
    }
    return 0;
}

/* Did the JVM object to the shape of the class? Its code is another matter. */
static bool is_about_shape(enum hd_reason reason)
{
    return reason >= HD_REASON_METHOD_ADDED && reason <= HD_REASON_ENUM_CONSTANT_ADDED;
}

/* The comparison with the class's own file found nothing that the JVM refuses. Where the JVM holds
 * more than that file, the difference is another agent's doing. */
static void refuse_one(struct hd_plan *plan, struct hd_target *target, enum hd_reason reason,
                       const char *words)
{
    if (is_about_shape(reason) && hd_target_standing(target) == HD_BASE_EDITED)
        hd_plan_refuse(
            plan, target, HD_REASON_FOREIGN_EDIT,
            "another agent edits %s as it loads, and the JVM sees a change of shape that "
            "this push does not make: %s",
            target->class->java_name, words);
    else
        hd_plan_refuse(plan, target, reason, "%s", words);
}

static size_t refuse_blamed(struct hd_plan *plan, const struct batch *batch)
{
    size_t refused = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct hd_redefinition *item = &batch->items[i];
        if (item->reason == HD_REASON_NONE)
            continue;
        refuse_one(plan, batch->targets[i], item->reason,
                   item->message != NULL ? item->message : "the JVM refuses it");
        refused++;
    }
    return refused;
}

static void share_time(const struct hd_plan *plan, const struct batch *batch, int64_t begun)
{
    uint64_t share = (uint64_t)(hd_road_clock() - begun) / batch->count;
    for (size_t i = 0; i < batch->count; i++)
        hd_plan_row(plan, batch->targets[i])->micros += share;
}

/* ---- check ----------------------------------------------------------------------------------- */

/* Rehearsed without the deployment's new classes, a class may fail to verify for want of them
 * alone. */
static void hear_second_opinion(struct hd_plan *plan, struct batch *batch)
{
    char words[1024];
    for (size_t i = 0; i < batch->count; i++) {
        struct hd_redefinition *item = &batch->items[i];
        if (item->reason != HD_REASON_VERIFY_ERROR)
            continue;
        enum hd_second_opinion opinion =
            hd_plan_ask_again(plan, batch->targets[i], words, sizeof words);
        if (opinion == HD_OPINION_NONE)
            continue;
        hd_free(item->message);
        item->message = opinion == HD_OPINION_CONTENT
                            ? NULL
                            : hd_asprintf("the JVM's verifier rejects it: %s", words);
        if (opinion == HD_OPINION_CONTENT)
            item->reason = HD_REASON_NONE;
    }
}

int hd_plan_rehearse(struct hd_plan *plan, struct hd_error *err)
{
    struct batch batch;
    if (open_batch(plan, &batch, err) != 0)
        return -1;
    hd_road_doing(plan->road, "asking the JVM whether it would redefine %zu classes", batch.count);
    int64_t begun = hd_road_clock();
    int status = hd_redefine_rehearse(plan->road->jvm, plan->jni, batch.items, batch.count, err);
    if (status == 0 && batch.count > 0) {
        share_time(plan, &batch, begun);
        hear_second_opinion(plan, &batch);
        (void)refuse_blamed(plan, &batch);
        hd_plan_decide(plan);
    }
    close_batch(&batch);
    return status;
}

/* ---- for real -------------------------------------------------------------------------------- */

static void mark_done(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->targets[i]->done = true;
}

/* The JVM refused the call. Those it blames are refused; where it blames nobody, all are. */
static void refuse_batch(struct hd_plan *plan, const struct batch *batch,
                         const struct hd_error *why)
{
    if (refuse_blamed(plan, batch) > 0)
        return;
    for (size_t i = 0; i < batch->count; i++)
        refuse_one(plan, batch->targets[i], HD_REASON_JVM_ERROR, why->text);
}

/* *again: the call was refused, somebody is out of the batch, and the rest may still go. */
static int redefine_once(struct hd_plan *plan, bool *again, struct hd_error *err)
{
    struct batch batch;
    struct hd_error refusal = HD_ERROR_INIT;
    *again = false;
    if (open_batch(plan, &batch, err) != 0)
        return -1;
    hd_road_doing(plan->road, "redefining %zu classes", batch.count);
    int64_t begun = hd_road_clock();
    int status = hd_redefine_all(plan->road->jvm, plan->jni, batch.items, batch.count, &refusal);
    if (batch.count > 0)
        share_time(plan, &batch, begun);
    if (status == 0) {
        mark_done(&batch);
    } else {
        refuse_batch(plan, &batch, &refusal);
        *again = plan->job->best_effort;
    }
    close_batch(&batch);
    return 0;
}

int hd_plan_redefine(struct hd_plan *plan, struct hd_error *err)
{
    bool again = true;
    while (again) { /* ends: every refusal takes at least one class out of the batch */
        if (hd_road_check_open(plan->road, err) != 0 || redefine_once(plan, &again, err) != 0)
            return -1;
    }
    return 0;
}
