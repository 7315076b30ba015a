/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets for a class that no loader has defined yet. Where does it belong? To the loaders of the
 * deployment's other classes of its package, else to those that define the package at all, else to
 * those of the deployment's other classes. Each is asked for the class's file: a loader that has
 * one will load the class itself, and the patch waits for that. Where any loader has the file, the
 * class is not new, and loaders without it are left alone; where none has it, it is defined.
 */
#include "agent/plan.h"

#include "core/alloc.h"
#include "core/map.h"

#include <string.h>

/* A loader that may be the class's, and one of its classes. References and label are borrowed as in
 * struct hd_target. */
struct candidate {
    jobject loader;
    jclass neighbour;
    const char *label;
};

struct candidates {
    struct candidate *items;
    size_t count;
};

struct hd_absent {
    struct hd_plan *plan;
    struct candidates everywhere;  /* the loaders of all the deployment's loaded classes */
    struct candidates *by_package; /* the same for one package; room for one a class */
    size_t package_count;
    struct hd_map packages; /* package → index in by_package */
};

static struct hd_bytes package_of(const char *internal_name)
{
    struct hd_bytes name = hd_map_key(internal_name);
    const uint8_t *slash = memrchr(name.data, '/', name.length);
    return (struct hd_bytes){ name.data, slash == NULL ? 0 : (size_t)(slash - name.data) };
}

/* Once per loader; loaders that the job does not mean are left out. */
static int add_candidate(struct hd_plan *plan, struct candidates *candidates, jobject loader,
                         jclass neighbour, struct hd_error *err)
{
    for (size_t i = 0; i < candidates->count; i++) {
        if ((*plan->jni)->IsSameObject(plan->jni, candidates->items[i].loader, loader))
            return 0;
    }
    const char *label = hd_labels_of(plan->road->labels, plan->jni, loader);
    if (label == NULL)
        return hd_error_set_memory(err);
    if (!hd_plan_wants_loader(plan, label))
        return 0;
    struct candidate *grown =
        hd_realloc_array(candidates->items, candidates->count + 1, sizeof *grown);
    if (grown == NULL)
        return hd_error_set_memory(err);
    candidates->items = grown;
    grown[candidates->count++] = (struct candidate){ loader, neighbour, label };
    return 0;
}

static int candidates_of_package(struct hd_absent *absent, struct hd_bytes package,
                                 struct candidates **out, struct hd_error *err)
{
    size_t at;
    if (!hd_map_find(&absent->packages, package, &at)) {
        at = absent->package_count;
        if (hd_map_put(&absent->packages, package, at, err) != 0)
            return -1;
        absent->package_count++;
    }
    *out = &absent->by_package[at];
    return 0;
}

/* One class of the deployment that is loaded says where its neighbours belong. */
static int learn_from(struct hd_absent *absent, const struct hd_resolved_name *name,
                      struct hd_error *err)
{
    struct candidates *of_package;
    if (candidates_of_package(absent, package_of(name->name), &of_package, err) != 0)
        return -1;
    for (size_t i = 0; i < name->class_count; i++) {
        const struct hd_resolved_class *class = &name->classes[i];
        if (add_candidate(absent->plan, of_package, class->loader, class->class, err) != 0 ||
            add_candidate(absent->plan, &absent->everywhere, class->loader, class->class, err) != 0)
            return -1;
    }
    return 0;
}

int hd_absent_new(struct hd_plan *plan, struct hd_absent **out, struct hd_error *err)
{
    struct hd_absent *absent = hd_alloc_zeroed(1, sizeof *absent);
    if (absent == NULL)
        return hd_error_set_memory(err);
    absent->plan = plan;
    absent->by_package = hd_alloc_zeroed(plan->class_count, sizeof *absent->by_package);
    int status = absent->by_package != NULL ? 0 : hd_error_set_memory(err);
    for (size_t i = 0; status == 0 && i < plan->class_count; i++) {
        if (plan->resolution.names[i].class_count > 0)
            status = learn_from(absent, &plan->resolution.names[i], err);
    }
    if (status != 0)
        hd_absent_free(absent);
    else
        *out = absent;
    return status;
}

void hd_absent_free(struct hd_absent *absent)
{
    if (absent == NULL)
        return;
    for (size_t i = 0; absent->by_package != NULL && i < absent->package_count; i++)
        hd_free(absent->by_package[i].items);
    hd_free(absent->by_package);
    hd_free(absent->everywhere.items);
    hd_map_close(&absent->packages);
    hd_free(absent);
}

static int add_package_loaders(struct hd_plan *plan, const struct hd_resolved_name *name,
                               struct candidates *found, struct hd_error *err)
{
    for (size_t i = 0; i < name->package_loader_count; i++) {
        if (add_candidate(plan, found, name->package_loaders[i], name->package_neighbours[i],
                          err) != 0)
            return -1;
    }
    return 0;
}

/* What we hold ready for the class there, or else the file the loader would load it from. */
static int ask_loader(struct hd_plan *plan, struct hd_target *target, struct hd_error *err)
{
    const char *name = target->class->from->name;
    bool found = false;
    bool newer = false;
    target->known = hd_registry_find(plan->road->registry, plan->jni, name, target->loader);
    if (target->known != NULL)
        return 0;
    hd_road_doing(plan->road, "asking class loader %s for the file of %s", target->label,
                  target->class->java_name);
    return hd_base_resource(plan->road->finder, plan->jni, target->loader, name, &target->base.file,
                            &target->base.length, &found, &newer, err);
}

static bool has_a_file(const struct hd_target *target)
{
    return target->known != NULL || target->base.file != NULL;
}

/* Of the targets from first on: if any loader has the class's file, only those that have. */
static void drop_loaders_without_file(struct hd_plan *plan, size_t first)
{
    size_t kept = first;
    for (size_t i = first; i < plan->target_count; i++) {
        if (has_a_file(&plan->targets[i]))
            plan->targets[kept++] = plan->targets[i];
    }
    if (kept > first)
        plan->target_count = kept;
}

static int ask_candidates(struct hd_plan *plan, struct hd_plan_class *class,
                          const struct candidates *candidates, struct hd_error *err)
{
    size_t first = plan->target_count;
    for (size_t i = 0; i < candidates->count; i++) {
        struct hd_target *target = hd_plan_add_target(plan, class, candidates->items[i].label, err);
        if (target == NULL)
            return -1;
        target->loader = candidates->items[i].loader;
        target->neighbour = candidates->items[i].neighbour;
        if (ask_loader(plan, target, err) != 0)
            return -1;
    }
    drop_loaders_without_file(plan, first);
    return 0;
}

/* Nobody to ask: the first loader that loads it gets it, unless the job names loaders. */
static int add_homeless_target(struct hd_plan *plan, struct hd_plan_class *class,
                               struct hd_error *err)
{
    if (plan->job->loader != NULL) {
        class->reason = HD_REASON_AMBIGUOUS_LOADER;
        class->message =
            hd_asprintf("it is loaded nowhere, and no class loader that defines its "
                        "package or a class of this deployment has \"%s\" in its label",
                        plan->job->loader);
    }
    struct hd_target *target = hd_plan_add_target(plan, class, "", err);
    if (target == NULL)
        return -1;
    target->any_loader = true;
    target->known = hd_registry_find_any(plan->road->registry, class->from->name);
    return 0;
}

int hd_absent_add_targets(struct hd_absent *absent, size_t class_index, struct hd_error *err)
{
    struct hd_plan *plan = absent->plan;
    struct hd_plan_class *class = &plan->classes[class_index];
    const struct hd_resolved_name *name = &plan->resolution.names[class_index];
    struct candidates of_package = { NULL, 0 };
    size_t at;
    if (hd_map_find(&absent->packages, package_of(name->name), &at) &&
        absent->by_package[at].count > 0)
        return ask_candidates(plan, class, &absent->by_package[at], err);

    int status = add_package_loaders(plan, name, &of_package, err);
    if (status == 0 && of_package.count > 0)
        status = ask_candidates(plan, class, &of_package, err);
    else if (status == 0 && absent->everywhere.count > 0)
        status = ask_candidates(plan, class, &absent->everywhere, err);
    else if (status == 0)
        status = add_homeless_target(plan, class, err);
    hd_free(of_package.items);
    return status;
}
