/* SPDX-License-Identifier: Apache-2.0 */
/* The road's first steps, which ask no JVM: policy, and the class-file check. */
#include "agent/plan.h"

#include "core/alloc.h"
#include "core/policy.h"

/* For want of memory the message stays NULL. */
static void refuse(struct hd_plan_class *class, enum hd_reason reason, char *message)
{
    class->reason = reason;
    class->message = message;
}

static void ask_policy(const struct hd_plan *plan, struct hd_plan_class *class)
{
    const char *rule = NULL;
    if (!hd_policy_allows(plan->road->options, class->java_name, &rule))
        refuse(class, HD_REASON_DENIED,
               hd_asprintf("the agent's options do not let %s be swapped (%s)", class->java_name,
                           rule != NULL ? rule : "no allow= pattern fits"));
}

/* What the engine has done while the bundle was unpacked is not done again. */
static int prepare(const struct hd_plan *plan, struct hd_plan_class *class, struct hd_error *err)
{
    const struct hd_job *job = plan->job;
    if (job->ahead != NULL &&
        hd_ahead_take(job->ahead, (size_t)(class->from - hd_bundle_class_at(job->bundle, 0)),
                      &class->prepared))
        return 0;
    return hd_prepare(class->from, &plan->road->jvm->rules, &class->prepared, err);
}

static int admit(const struct hd_plan *plan, struct hd_plan_class *class, struct hd_error *err)
{
    ask_policy(plan, class);
    if (class->reason != HD_REASON_NONE)
        return 0;
    if (prepare(plan, class, err) != 0)
        return -1;
    refuse(class, class->prepared.reason, class->prepared.message);
    class->prepared.message = NULL;
    return 0;
}

int hd_plan_admit(struct hd_plan *plan, struct hd_error *err)
{
    for (size_t i = 0; i < plan->class_count; i++) {
        int64_t begun = hd_road_clock();
        if (admit(plan, &plan->classes[i], err) != 0)
            return -1;
        plan->classes[i].micros += (uint64_t)(hd_road_clock() - begun);
    }
    return 0;
}
