/* SPDX-License-Identifier: Apache-2.0 */
/* The road's step from classes to targets: one for each loader that a class concerns. */
#include "agent/plan.h"

#include "core/alloc.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int label_of(const struct hd_plan *plan, jobject loader, const char **label,
                    struct hd_error *err)
{
    *label = hd_labels_of(plan->road->labels, plan->jni, loader);
    return *label != NULL ? 0 : hd_error_set_memory(err);
}

static int add_target_without_loader(struct hd_plan *plan, struct hd_plan_class *class,
                                     struct hd_error *err)
{
    return hd_plan_add_target(plan, class, "", err) != NULL ? 0 : -1;
}

/* The labels of all the loaders that hold a class, for the message that none of them was meant. */
static void append_label(char *text, size_t capacity, const char *label)
{
    size_t at = strlen(text);
    hd_text_format(text + at, capacity - at, "%s%s", at > 0 ? ", " : "", label);
}

static int add_loaded_targets(struct hd_plan *plan, size_t index, struct hd_error *err)
{
    struct hd_plan_class *class = &plan->classes[index];
    const struct hd_resolved_name *name = &plan->resolution.names[index];
    char seen[512] = "";
    bool any = false;
    for (size_t i = 0; i < name->class_count; i++) {
        const struct hd_resolved_class *resolved = &name->classes[i];
        const char *label;
        if (label_of(plan, resolved->loader, &label, err) != 0)
            return -1;
        append_label(seen, sizeof seen, label);
        if (!hd_plan_wants_loader(plan, label))
            continue;
        struct hd_target *target = hd_plan_add_target(plan, class, label, err);
        if (target == NULL)
            return -1;
        target->loaded = resolved->class;
        target->loader = resolved->loader;
        target->modifiable = resolved->modifiable;
        any = true;
    }
    if (any)
        return 0;
    class->reason = HD_REASON_AMBIGUOUS_LOADER;
    class->message =
        hd_asprintf("no class loader that holds it has \"%s\" in its label; there is: %s",
                    plan->job->loader, seen);
    return add_target_without_loader(plan, class, err);
}

/* absent is made when the first class that no loader has turns up. */
static int add_targets_of(struct hd_plan *plan, size_t index, struct hd_absent **absent,
                          struct hd_error *err)
{
    if (plan->classes[index].reason != HD_REASON_NONE)
        return add_target_without_loader(plan, &plan->classes[index], err);
    if (plan->resolution.names[index].class_count > 0)
        return add_loaded_targets(plan, index, err);
    if (*absent == NULL && hd_absent_new(plan, absent, err) != 0)
        return -1;
    return hd_absent_add_targets(*absent, index, err);
}

static int add_targets(struct hd_plan *plan, struct hd_error *err)
{
    struct hd_absent *absent = NULL;
    int status = 0;
    for (size_t i = 0; status == 0 && i < plan->class_count; i++) {
        status = hd_road_check_open(plan->road, err);
        if (status == 0)
            status = add_targets_of(plan, i, &absent, err);
    }
    hd_absent_free(absent);
    return status;
}

/* The classes are one array, sorted by name: their addresses are in the order of their names. */
static int by_class_and_label(const void *a, const void *b)
{
    const struct hd_target *left = a, *right = b;
    if (left->class != right->class)
        return left->class < right->class ? -1 : 1;
    return strcmp(left->label, right->label);
}

int hd_plan_add_rows(struct hd_plan *plan, struct hd_error *err)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        const struct hd_plan_class *class = target->class;
        if (hd_deployment_add_row(plan->deployment, class->java_name, target->label) == NULL)
            return hd_error_set_memory(err);
        hd_plan_row(plan, target)->micros = class->micros;
        if (class->reason != HD_REASON_NONE)
            hd_plan_refuse(plan, target, class->reason, "%s",
                           class->message != NULL ? class->message : "");
    }
    return 0;
}

static int name_loaders_of(const struct hd_plan *plan, const struct hd_resolved_name *name,
                           struct hd_error *err)
{
    const char *label;
    for (size_t i = 0; i < name->class_count; i++) {
        if (label_of(plan, name->classes[i].loader, &label, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < name->package_loader_count; i++) {
        if (label_of(plan, name->package_loaders[i], &label, err) != 0)
            return -1;
    }
    return 0;
}

/* "app" is a part of "ParallelWebappClassLoader[shop]": a whole label means that loader only. All
 * must be named before anybody can tell. */
static int find_out_which_loader_is_meant(struct hd_plan *plan, struct hd_error *err)
{
    if (plan->job->loader == NULL)
        return 0;
    for (size_t i = 0; i < plan->resolution.count; i++) {
        if (name_loaders_of(plan, &plan->resolution.names[i], err) != 0)
            return -1;
    }
    plan->loader_is_whole = hd_labels_is_whole(plan->road->labels, plan->jni, plan->job->loader);
    return 0;
}

static bool is_stopped(void *context, jobject loader)
{
    struct hd_plan *plan = context;
    return hd_labels_is_stopped(plan->road->labels, plan->jni, loader);
}

/* After a redeploy the old web application's classes are still loaded, and none of them runs: left
 * in, they would make every push ambiguous until the garbage collector has been there. */
static int resolve(struct hd_plan *plan, struct hd_error *err)
{
    if (hd_resolve(plan->road->jvm, plan->jni, plan->road->loaded, plan->names, plan->class_count,
                   &plan->resolution, err) != 0)
        return -1;
    hd_resolution_leave_out(&plan->resolution, plan->jni, is_stopped, plan);
    return 0;
}

int hd_plan_find_targets(struct hd_plan *plan, struct hd_error *err)
{
    hd_road_doing(plan->road, "looking for the loaded classes");
    if (hd_plan_watch(plan, err) != 0 || resolve(plan, err) != 0 ||
        find_out_which_loader_is_meant(plan, err) != 0 || add_targets(plan, err) != 0)
        return -1;
    qsort(plan->targets, plan->target_count, sizeof *plan->targets, by_class_and_label);
    return hd_plan_add_rows(plan, err);
}
