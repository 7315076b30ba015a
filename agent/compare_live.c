/* SPDX-License-Identifier: Apache-2.0 */
/* The road's step that says, per target, what is live, what the push changes of it, and whether the
 * JVM will take that. */
#include "agent/plan.h"

#include "agent/follow_up.h"
#include "agent/view.h"
#include "classfile/poolgrowth.h"
#include "core/alloc.h"

#include <string.h>

static void set_outcome(struct hd_plan *plan, struct hd_target *target, enum hd_action action,
                        enum hd_outcome outcome)
{
    target->action = action;
    hd_plan_row(plan, target)->outcome = outcome;
}

/* ---- loaded classes -------------------------------------------------------------------------- */

/* A patch that waits did not get there, or the hook's word is still on its way; where the base was
 * another, the loader has its own file. */
static bool says_what_is_live(const struct hd_live *known)
{
    return known->state != HD_LIVE_PENDING && known->state != HD_LIVE_WRONG_BASE;
}

static int find_base(struct hd_plan *plan, struct hd_target *target, struct hd_error *err)
{
    const char *name = target->class->from->name;
    target->known = hd_registry_find(plan->road->registry, plan->jni, name, target->loader);
    if (target->known != NULL && !says_what_is_live(target->known))
        target->known = NULL;
    if (target->known != NULL)
        return 0;
    hd_road_doing(plan->road, "asking class loader %s for the file of %s", target->label,
                  target->class->java_name);
    return hd_base_find(plan->road->finder, plan->jni, target->loaded, target->loader, name,
                        &target->base, err);
}

/* *said false: nothing of the live class is known, and the JVM will have to judge alone. */
static int compare_with_live(struct hd_target *target, struct hd_comparison *comparison, bool *said,
                             struct hd_error *err)
{
    const struct hd_class *live;
    if (hd_target_live_class(target, &live, err) != 0)
        return -1;
    const struct hd_vm_view *view = hd_held_view_of(target->base.held);
    *said = live != NULL || view != NULL;
    if (live != NULL)
        target->live_slots = hd_pool_slots(live);
    if (live != NULL)
        return hd_compare_for_verdict(live, target->class->prepared.file, comparison, err);
    return view != NULL ? hd_compare_view(view, target->class->prepared.file, comparison, err) : 0;
}

static unsigned standing_warnings(const struct hd_target *target)
{
    enum hd_base_standing standing = hd_target_standing(target);
    bool exact = standing == HD_BASE_PROVEN || standing == HD_BASE_EDITED;
    return exact ? 0 : HD_WARNING_NO_WAY_BACK;
}

/* Equal to our own last patch, or to a file that is proven to be what the loader defined. Where it
 * is only likely, redefining is the safe answer. */
static bool is_live_already(const struct hd_target *target, bool changes_anything)
{
    if (changes_anything)
        return false;
    enum hd_base_standing standing = target->base.standing;
    if (target->known != NULL && hd_follow_up_gave_up(target->known))
        return false;
    return target->known != NULL || standing == HD_BASE_PROVEN || standing == HD_BASE_EDITED;
}

/* Compared was with what the other agent gave, which is no state of ours: no rollback leads
 * there. */
static void tell_of_foreign_change(struct hd_row *row, const struct hd_live *known)
{
    if (known == NULL || known->state != HD_LIVE_FOREIGN || row->message != NULL)
        return;
    row->message =
        hd_asprintf("another agent or a debugger had redefined it since deployment %llu; "
                    "that is replaced, and a rollback does not bring it back",
                    (unsigned long long)known->deployment);
}

static void judge(struct hd_plan *plan, struct hd_target *target, const struct hd_verdict *verdict)
{
    struct hd_row *row = hd_plan_row(plan, target);
    if (verdict->reason != HD_REASON_NONE) {
        hd_plan_refuse(plan, target, verdict->reason, "%s",
                       verdict->message != NULL ? verdict->message : "");
        return;
    }
    if (is_live_already(target, verdict->changes_anything))
        return; /* unchanged, as every row begins */
    set_outcome(plan, target, HD_ACTION_REDEFINE, HD_OUTCOME_REDEFINED);
    row->warnings |= verdict->warnings | standing_warnings(target);
    tell_of_foreign_change(row, target->known);
}

static bool was_foreseen(const struct hd_target *target)
{
    return target->known != NULL && target->known->state != HD_LIVE_FOREIGN &&
           hd_blob_same(target->class->prepared.foreseen.live, target->known->file);
}

static int compare_and_judge(struct hd_plan *plan, struct hd_target *target, struct hd_error *err)
{
    const struct hd_foreseen *foreseen = &target->class->prepared.foreseen;
    if (was_foreseen(target)) {
        target->live_slots = foreseen->live_slots;
        judge(plan, target, &foreseen->verdict);
        return 0;
    }
    if (hd_prepared_read(&target->class->prepared, target->class->from, err) != 0)
        return -1;
    struct hd_comparison comparison = { NULL, 0 };
    struct hd_verdict verdict = { .reason = HD_REASON_NONE };
    bool said = false;
    int status = compare_with_live(target, &comparison, &said, err);
    if (status == 0)
        status = hd_verdict_reach(&comparison, &plan->road->jvm->rules, &verdict, err);
    if (status == 0) {
        verdict.changes_anything |= !said;
        judge(plan, target, &verdict);
    }
    hd_verdict_close(&verdict);
    hd_comparison_close(&comparison);
    return status;
}

static int compare_loaded(struct hd_plan *plan, struct hd_target *target, struct hd_error *err)
{
    if (!target->modifiable) {
        hd_plan_refuse(plan, target, HD_REASON_NOT_MODIFIABLE,
                       "the JVM does not allow %s to be redefined", target->class->java_name);
        return 0;
    }
    if (find_base(plan, target, err) != 0)
        return -1;
    const struct hd_live *known = target->known;
    if (known != NULL && !hd_follow_up_gave_up(known) &&
        hd_bytes_equal(target->class->from->file, known->file->bytes))
        return 0; /* unchanged */
    return compare_and_judge(plan, target, err);
}

/* ---- classes that are not loaded ------------------------------------------------------------- */

/* The loader will read this file: is it what is pushed? If not, the patch is for that base. */
static int compare_with_file(struct hd_target *target, bool *same, struct hd_error *err)
{
    const struct hd_class *file;
    struct hd_comparison comparison = { NULL, 0 };
    *same = hd_bytes_equal(target->class->from->file,
                           (struct hd_bytes){ target->base.file, target->base.length });
    if (*same)
        return 0;
    if (hd_target_live_class(target, &file, err) != 0 ||
        hd_prepared_read(&target->class->prepared, target->class->from, err) != 0)
        return -1;
    if (file == NULL)
        return 0;
    int status = hd_compare_classes(file, target->class->prepared.file, &comparison, err);
    *same = status == 0 && comparison.count == 0;
    hd_comparison_close(&comparison);
    return status;
}

static int compare_absent(struct hd_plan *plan, struct hd_target *target, struct hd_error *err)
{
    const struct hd_live *known = target->known;
    bool same = false;
    if (known == NULL && target->base.file == NULL && !target->any_loader) {
        set_outcome(plan, target, HD_ACTION_DEFINE, HD_OUTCOME_DEFINED);
        return 0;
    }
    if (known != NULL)
        same = hd_bytes_equal(target->class->from->file, known->file->bytes);
    else if (target->base.file != NULL && compare_with_file(target, &same, err) != 0)
        return -1;
    if (!same)
        set_outcome(plan, target, HD_ACTION_WAIT, HD_OUTCOME_PENDING);
    return 0;
}

/* ---- all ------------------------------------------------------------------------------------- */

static int compare_one(struct hd_plan *plan, struct hd_target *target, struct hd_error *err)
{
    struct hd_row *row = hd_plan_row(plan, target);
    if (row->outcome == HD_OUTCOME_REFUSED || target->settled)
        return 0;
    int64_t begun = hd_road_clock();
    int status = target->loaded != NULL ? compare_loaded(plan, target, err)
                                        : compare_absent(plan, target, err);
    row->micros += (uint64_t)(hd_road_clock() - begun);
    if (target->action != HD_ACTION_NONE && !plan->road->jvm->verifies)
        row->warnings |= HD_WARNING_NOT_VERIFIED;
    return status;
}

static bool is_alone(const struct hd_plan *plan, const struct hd_target *target)
{
    size_t at = (size_t)(target - plan->targets);
    return (at == 0 || target[-1].class != target->class) &&
           (at + 1 == plan->target_count || target[1].class != target->class);
}

/* What was parsed to compare is needed again only to compare loaders. Given back at once, it is the
 * next class's memory; kept, a thousand classes would take many megabytes. */
static void forget_parsed(struct hd_target *target)
{
    hd_class_free(target->live);
    target->live = NULL;
    hd_class_free(target->base.class_file);
    target->base.class_file = NULL;
    hd_held_view_free(target->base.held);
    target->base.held = NULL;
}

int hd_plan_compare(struct hd_plan *plan, struct hd_error *err)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        if (hd_road_check_open(plan->road, err) != 0 ||
            compare_one(plan, &plan->targets[i], err) != 0)
            return -1;
        if (is_alone(plan, &plan->targets[i]))
            forget_parsed(&plan->targets[i]);
    }
    return 0;
}
