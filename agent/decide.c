/* SPDX-License-Identifier: Apache-2.0 */
/* The road's step that decides for the deployment as a whole. */
#include "agent/plan.h"

#include <string.h>

/* The patch of a class that no loader has yet is made for whatever file comes; a class that is new is
 * no loss. */
static bool has_no_way_back(const struct hd_plan *plan, const struct hd_target *target)
{
    unsigned warnings = hd_plan_row(plan, target)->warnings;
    return (target->action == HD_ACTION_REDEFINE && (warnings & HD_WARNING_NO_WAY_BACK) != 0) ||
           (target->action == HD_ACTION_WAIT && target->any_loader);
}

void hd_plan_refuse_without_way_back(struct hd_plan *plan)
{
    bool trial = plan->job->confirm_within > 0, keep = plan->job->keep;
    if (plan->job->kind == HD_JOB_ROLLBACK ||
        !(trial || keep || plan->road->options->way_back_required))
        return;
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        if (has_no_way_back(plan, target))
            hd_plan_refuse(plan, target, HD_REASON_NO_WAY_BACK,
                           "no file was found that proves what %s was before, so %s could not be "
                           "rolled back exactly",
                           target->class->java_name,
                           trial  ? "a push on trial"
                           : keep ? "a push that is kept"
                                  : "this push (way-back=required)");
        else if (keep && target->action == HD_ACTION_DEFINE && strcmp(target->label, "app") != 0)
            hd_plan_refuse(plan, target, HD_REASON_CANNOT_KEEP,
                           "%s is new in %s, a class loader that does not exist yet when a JVM "
                           "starts",
                           target->class->java_name, target->label);
    }
}

void hd_plan_withhold(struct hd_plan *plan)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        if (target->action == HD_ACTION_NONE || target->done)
            continue;
        target->action = HD_ACTION_NONE;
        hd_plan_row(plan, target)->outcome = HD_OUTCOME_WITHHELD;
        hd_plan_row(plan, target)->warnings = 0;
    }
}

void hd_plan_decide(struct hd_plan *plan)
{
    if (plan->job->best_effort || hd_deployment_count(plan->deployment, HD_OUTCOME_REFUSED) == 0)
        return;
    hd_plan_withhold(plan);
}
