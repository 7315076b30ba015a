/* SPDX-License-Identifier: Apache-2.0 */
/* The road's first steps, which ask no JVM: policy, and the class-file check. */
#include "agent/plan.h"

#include "classfile/dynamics.h"
#include "core/alloc.h"
#include "core/policy.h"
#include "core/text.h"

#include <string.h>

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

static enum hd_reason reason_of(enum hd_error_code code)
{
    switch (code) {
    case HD_E_VERSION:
        return HD_REASON_VERSION_UNSUPPORTED;
    case HD_E_LIMIT:
        return HD_REASON_JVM_ERROR; /* sound, and yet nothing that HotSpot survives */
    default:
        return HD_REASON_MALFORMED_CLASS;
    }
}

/* What the engine has checked while the bundle was unpacked is not checked again. */
static int parse(const struct hd_plan *plan, struct hd_plan_class *class, struct hd_error *err)
{
    const struct hd_job *job = plan->job;
    struct hd_bytes file = class->from->file;
    if (job->ahead != NULL &&
        hd_ahead_take(job->ahead, (size_t)(class->from - hd_bundle_class_at(job->bundle, 0)),
                      &class->prepared))
        return 0;
    return hd_class_parse(file.data, file.length, &class->prepared.file, err);
}

static int check_file(const struct hd_plan *plan, struct hd_plan_class *class, struct hd_error *err)
{
    struct hd_error own = HD_ERROR_INIT;
    if (parse(plan, class, &own) == 0 &&
        hd_dynamics_put_in_order(class->prepared.file, &class->ordered, &own) == 0)
        return 0;
    if (own.code == HD_E_MEMORY)
        return hd_error_set_memory(err);
    refuse(class, reason_of(own.code), hd_strdup(own.text));
    return 0;
}

static void check_version(const struct hd_plan *plan, struct hd_plan_class *class)
{
    char *message = NULL;
    enum hd_reason reason =
        hd_verdict_version(class->prepared.file, &plan->road->jvm->rules, &message);
    if (reason != HD_REASON_NONE)
        refuse(class, reason, message);
}

static void check_name(struct hd_plan_class *class)
{
    struct hd_bytes name = class->prepared.file->name;
    const char *expected = class->from->name;
    if (name.length == strlen(expected) && memcmp(name.data, expected, name.length) == 0)
        return;
    char *found = hd_text_class_name(name);
    refuse(class, HD_REASON_NAME_MISMATCH,
           hd_asprintf("the file %s holds the class %s", class->from->entry,
                       found != NULL ? found : "of another name"));
    hd_free(found);
}

static int admit(const struct hd_plan *plan, struct hd_plan_class *class, struct hd_error *err)
{
    ask_policy(plan, class);
    if (class->reason == HD_REASON_NONE && check_file(plan, class, err) != 0)
        return -1;
    if (class->reason == HD_REASON_NONE)
        check_version(plan, class);
    if (class->reason == HD_REASON_NONE)
        check_name(class);
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
