/* SPDX-License-Identifier: Apache-2.0 */
/* The road's step that decides for the deployment as a whole. */
#include "agent/plan.h"

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
