/* SPDX-License-Identifier: Apache-2.0 */
/* A signed bundle may say which class each of its own replaces: onto another it does not go. */
#include "agent/plan.h"

#include "classfile/fingerprint.h"

/* 1: it is that base; 0: another; -1. */
static int is_base(struct hd_target *target, const struct hd_digest *base, struct hd_error *err)
{
    const struct hd_class *live = NULL;
    struct hd_digest digest;
    if (hd_target_live_class(target, &live, err) != 0)
        return -1;
    if (live == NULL)
        return 0;
    if (hd_class_fingerprint(live, &digest, err) != 0)
        return -1;
    return hd_digest_equal(&digest, base);
}

static const struct hd_manifest_class *signed_class(const struct hd_plan *plan,
                                                    const struct hd_target *target)
{
    const struct hd_manifest *manifest = &plan->job->manifest;
    return manifest->json != NULL ? hd_manifest_find(manifest, target->class->from->entry) : NULL;
}

int hd_plan_refuse_other_bases(struct hd_plan *plan, struct hd_error *err)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        const struct hd_manifest_class *said = signed_class(plan, target);
        if (said == NULL || !said->has_base || target->action == HD_ACTION_NONE)
            continue;
        int same = is_base(target, &said->base, err);
        if (same < 0)
            return -1;
        if (same == 0)
            hd_plan_refuse(plan, target, HD_REASON_WRONG_BASE,
                           "it was signed to replace another %s than the one that is there",
                           target->class->java_name);
    }
    return 0;
}
