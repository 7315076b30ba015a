/* SPDX-License-Identifier: Apache-2.0 */
/* The road's step that keeps the JVM's constant pools from running over (classfile/poolgrowth.h).
 */
#include "agent/plan.h"

#include "classfile/poolgrowth.h"

#define FIRST_RELEASE_THAT_STARTS_ANEW 25 /* with a warning, and the new file's pool alone */

static int ask_jvm(const struct hd_plan *plan, const struct hd_target *target, unsigned *slots,
                   struct hd_error *err)
{
    jvmtiEnv *jvmti = plan->road->jvm->jvmti;
    jint count = 0, length = 0;
    unsigned char *pool = NULL;
    jvmtiError error = (*jvmti)->GetConstantPool(jvmti, target->loaded, &count, &length, &pool);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(err, HD_E_JVM, "GetConstantPool of %s: %s", target->class->java_name,
                            hd_jvm_error_name(error));
    (*jvmti)->Deallocate(jvmti, pool);
    *slots = (unsigned)count;
    return 0;
}

/* At most how many slots the pool will have: what is known without asking, which is enough for
 * years of pushes. */
static unsigned estimate(const struct hd_target *target)
{
    unsigned held = HD_POOL_MAX_MERGED;
    if (target->known != NULL && target->known->pool_slots > 0)
        held = target->known->pool_slots;
    else if (target->live_slots > 0)
        held = target->live_slots;
    return held + target->class->prepared.pool_slots;
}

static int look_closely(struct hd_plan *plan, struct hd_target *target, struct hd_error *err)
{
    const struct hd_class *live;
    struct hd_prepared *prepared = &target->class->prepared;
    unsigned held = 0, added = prepared->pool_slots;
    if (ask_jvm(plan, target, &held, err) != 0 || hd_target_live_class(target, &live, err) != 0 ||
        hd_prepared_read(prepared, target->class->from, err) != 0)
        return -1;
    if (live != NULL && hd_pool_slots_added(live, prepared->file, &added, err) != 0)
        return -1;
    target->pool_slots = held + added;
    if (target->pool_slots > HD_POOL_MAX_MERGED)
        hd_plan_refuse(plan, target, HD_REASON_JVM_ERROR,
                       "the JVM keeps the constants of every version of a class, %u so far of %s, "
                       "and %u more are too many for it: it would crash; restart it to go on",
                       held, target->class->java_name, added);
    return 0;
}

static int make_sure_of_room(struct hd_plan *plan, struct hd_target *target, struct hd_error *err)
{
    target->pool_slots = estimate(target);
    return target->pool_slots <= HD_POOL_MAX_MERGED ? 0 : look_closely(plan, target, err);
}

int hd_plan_refuse_full_pools(struct hd_plan *plan, struct hd_error *err)
{
    if (plan->road->jvm->rules.feature_release >= FIRST_RELEASE_THAT_STARTS_ANEW)
        return 0;
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        if (target->action == HD_ACTION_REDEFINE && make_sure_of_room(plan, target, err) != 0)
            return -1;
    }
    return 0;
}
