/* SPDX-License-Identifier: Apache-2.0 */
/* The road's first steps when a JVM starts: what is kept becomes live again, for every class whose
 * base is what it was. Everything after that is the road of every deployment. */
#include "agent/keep.h"
#include "agent/plan.h"

#include "core/alloc.h"
#include "core/map.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

struct hd_restart {
    struct hd_kept *kept;          /* borrowed from the job */
    struct hd_bundle_class *files; /* what the plan's classes are from */
    size_t *firsts;                /* in kept, of each class of the plan: the others follow it */
    enum hd_keep_fate *fates;      /* of each that is kept */
};

/* Those that were set aside last, where nobody looks for them. */
static int by_name(const void *a, const void *b)
{
    const struct hd_kept_class *left = a, *right = b;
    if ((left->aside == NULL) != (right->aside == NULL))
        return left->aside == NULL ? -1 : 1;
    return strcmp(left->name, right->name);
}

void hd_restart_free(struct hd_restart *restart)
{
    if (restart == NULL)
        return;
    hd_free(restart->files);
    hd_free(restart->firsts);
    hd_free(restart->fates);
    hd_free(restart);
}

static struct hd_restart *new_restart(struct hd_kept *kept, struct hd_error *err)
{
    struct hd_restart *restart = hd_alloc_zeroed(1, sizeof *restart);
    if (restart != NULL) {
        restart->kept = kept;
        restart->files = hd_alloc_zeroed(kept->count + 1, sizeof *restart->files);
        restart->firsts = hd_alloc_zeroed(kept->count + 1, sizeof *restart->firsts);
        restart->fates = hd_alloc_zeroed(kept->count + 1, sizeof *restart->fates);
    }
    if (restart != NULL && restart->files != NULL && restart->firsts != NULL &&
        restart->fates != NULL)
        return restart;
    hd_restart_free(restart);
    hd_error_set_memory(err);
    return NULL;
}

static int add_class(struct hd_plan *plan, size_t first, struct hd_error *err)
{
    struct hd_restart *restart = plan->restart;
    const struct hd_kept_class *kept = &restart->kept->classes[first];
    size_t index = plan->class_count;
    struct hd_plan_class *class = &plan->classes[index];
    restart->firsts[index] = first;
    restart->files[index] = (struct hd_bundle_class){ kept->name, kept->name, kept->file };
    class->from = &restart->files[index];
    class->java_name = hd_text_class_name(hd_map_key(kept->name));
    if (class->java_name == NULL)
        return hd_error_set_memory(err);
    plan->names[index] = kept->name;
    plan->class_count++;
    return 0;
}

static int add_classes(struct hd_plan *plan, struct hd_error *err)
{
    const struct hd_kept *kept = plan->restart->kept;
    size_t live = hd_kept_live_count(kept);
    plan->classes = hd_alloc_zeroed(live + 1, sizeof *plan->classes);
    plan->names = hd_alloc_zeroed(live + 1, sizeof *plan->names);
    if (plan->classes == NULL || plan->names == NULL)
        return hd_error_set_memory(err);
    for (size_t i = 0; i < live; i++) {
        bool again = i > 0 && strcmp(kept->classes[i].name, kept->classes[i - 1].name) == 0;
        if (!again && add_class(plan, i, err) != 0)
            return -1;
    }
    return 0;
}

/* What was forced once stays marked. */
static int mark_forced(const struct hd_plan *plan, const struct hd_kept *kept, struct hd_error *err)
{
    for (size_t i = 0; i < kept->count; i++) {
        const struct hd_kept_class *class = &kept->classes[i];
        struct hd_blob *contents;
        if (class->forced == 0)
            continue;
        if (hd_blob_of(class->file, &contents, err) != 0)
            return -1;
        int status = hd_forced_prepare(plan->road->forced, contents, err);
        hd_forced_mark(plan->road->forced, contents, class->forced);
        hd_blob_release(contents);
        if (status != 0)
            return -1;
    }
    return 0;
}

int hd_plan_open_restart(struct hd_plan *plan, struct hd_road *road, JNIEnv *jni,
                         const struct hd_job *job, struct hd_error *err)
{
    *plan = (struct hd_plan){ .road = road, .jni = jni, .job = job, .deployment = job->deployment };
    struct hd_kept *kept = job->restart;
    qsort(kept->classes, kept->count, sizeof *kept->classes, by_name);
    plan->restart = new_restart(kept, err);
    if (plan->restart != NULL && mark_forced(plan, kept, err) == 0 && add_classes(plan, err) == 0)
        return 0;
    hd_plan_close(plan);
    return -1;
}

/* ---- targets --------------------------------------------------------------------------------- */

static const struct hd_kept_class *kept_class(const struct hd_plan *plan,
                                              const struct hd_plan_class *class)
{
    const struct hd_restart *restart = plan->restart;
    return &restart->kept->classes[restart->firsts[class - plan->classes]];
}

/* Was it live in a loader of that label? */
static bool was_in(const struct hd_plan *plan, const struct hd_plan_class *class, const char *label)
{
    const struct hd_kept *kept = plan->restart->kept;
    for (const struct hd_kept_class *at = kept_class(plan, class);
         at < kept->classes + kept->count && at->aside == NULL &&
         strcmp(at->name, class->from->name) == 0;
         at++) {
        if (strcmp(at->loader, label) == 0)
            return true;
    }
    return false;
}

/* ClassLoader.getSystemClassLoader(): the application's own, which is there before it runs. A local
 * reference, or NULL. */
static jobject system_loader(JNIEnv *jni)
{
    jobject loader = NULL;
    jclass class_loader = (*jni)->FindClass(jni, "java/lang/ClassLoader");
    jmethodID get = class_loader == NULL
                        ? NULL
                        : (*jni)->GetStaticMethodID(jni, class_loader, "getSystemClassLoader",
                                                    "()Ljava/lang/ClassLoader;");
    if (get != NULL)
        loader = (*jni)->CallStaticObjectMethod(jni, class_loader, get);
    (*jni)->ExceptionClear(jni);
    (*jni)->DeleteLocalRef(jni, class_loader);
    return loader;
}

static int add_loaded_targets(struct hd_plan *plan, size_t index, struct hd_error *err)
{
    const struct hd_resolved_name *name = &plan->resolution.names[index];
    for (size_t i = 0; i < name->class_count; i++) {
        const struct hd_resolved_class *resolved = &name->classes[i];
        const char *label = hd_labels_of(plan->road->labels, plan->jni, resolved->loader);
        struct hd_target *target =
            label == NULL ? NULL : hd_plan_add_target(plan, &plan->classes[index], label, err);
        if (target == NULL)
            return hd_error_set_memory(err);
        target->loaded = resolved->class;
        target->loader = resolved->loader;
        target->modifiable = resolved->modifiable;
    }
    return 0;
}

/* *added false: that loader has no file of it. */
static int add_application_target(struct hd_plan *plan, struct hd_plan_class *class, jobject loader,
                                  const char *label, bool *added, struct hd_error *err)
{
    struct hd_base base = { .standing = HD_BASE_UNKNOWN };
    bool found = false, newer = false;
    if (hd_base_resource(plan->road->finder, plan->jni, loader, class->from->name, &base.file,
                         &base.length, &found, &newer, err) != 0)
        return -1;
    *added = found || kept_class(plan, class)->defined;
    if (!*added)
        return 0;
    struct hd_target *target = hd_plan_add_target(plan, class, label, err);
    if (target == NULL) {
        hd_free(base.file);
        return -1;
    }
    target->base = base;
    target->own_loader = (*plan->jni)->NewGlobalRef(plan->jni, loader);
    target->loader = target->own_loader;
    return target->loader != NULL ? 0 : hd_error_set_memory(err);
}

/* A loader that is not there yet, a web application's say: the hook looks at the file of whoever
 * comes, and the base says which is meant. */
static int add_coming_target(struct hd_plan *plan, struct hd_plan_class *class,
                             struct hd_error *err)
{
    struct hd_bytes base = kept_class(plan, class)->base;
    struct hd_target *target = hd_plan_add_target(plan, class, "", err);
    if (target == NULL)
        return -1;
    target->any_loader = true;
    if (base.length == 0)
        return 0;
    target->base.file = (uint8_t *)hd_strndup((const char *)base.data, base.length);
    target->base.length = base.length;
    return target->base.file != NULL ? 0 : hd_error_set_memory(err);
}

static int add_targets(struct hd_plan *plan, jobject system, struct hd_error *err)
{
    const char *label = hd_labels_of(plan->road->labels, plan->jni, system);
    if (label == NULL)
        return hd_error_set_memory(err);
    for (size_t i = 0; i < plan->class_count; i++) {
        struct hd_plan_class *class = &plan->classes[i];
        bool added = plan->resolution.names[i].class_count > 0;
        if (added && add_loaded_targets(plan, i, err) != 0)
            return -1;
        if (!added && was_in(plan, class, label) &&
            add_application_target(plan, class, system, label, &added, err) != 0)
            return -1;
        if (!added && add_coming_target(plan, class, err) != 0)
            return -1;
    }
    return 0;
}

int hd_plan_find_restart_targets(struct hd_plan *plan, struct hd_error *err)
{
    if (hd_resolve(plan->road->jvm, plan->jni, plan->road->loaded, plan->names, plan->class_count,
                   &plan->resolution, err) != 0)
        return -1;
    jobject system = system_loader(plan->jni);
    int status = add_targets(plan, system, err);
    (*plan->jni)->DeleteLocalRef(plan->jni, system);
    return status != 0 ? -1 : hd_plan_add_rows(plan, err);
}

/* ---- bases ----------------------------------------------------------------------------------- */

static void retire(struct hd_plan *plan, struct hd_target *target)
{
    struct hd_row *row = hd_plan_row(plan, target);
    target->action = HD_ACTION_NONE;
    row->outcome = HD_OUTCOME_UNCHANGED;
    row->warnings = 0;
    hd_free(row->message);
    row->message = hd_strdup("the class's own file is the patch by now: it is kept no more");
    plan->restart->fates[kept_class(plan, target->class) - plan->restart->kept->classes] =
        HD_KEEP_RETIRED;
}

static void set_aside(struct hd_plan *plan, struct hd_target *target, const char *because)
{
    hd_plan_refuse(plan, target, HD_REASON_WRONG_BASE, "%s", because);
    plan->restart->fates[kept_class(plan, target->class) - plan->restart->kept->classes] =
        HD_KEEP_ASIDE;
}

static int judge_base(struct hd_plan *plan, struct hd_target *target, struct hd_error *err)
{
    const struct hd_kept_class *kept = kept_class(plan, target->class);
    struct hd_bytes found = { target->base.file, target->base.length };
    if (kept->defined || target->any_loader || target->class->reason != HD_REASON_NONE)
        return 0;
    if (found.length == 0) {
        hd_plan_refuse(plan, target, HD_REASON_WRONG_BASE,
                       "no file was found that proves what %s is without the patch",
                       target->class->java_name);
        return 0;
    }
    int fits = hd_keep_same_meaning(found, kept->base, err);
    int is_patch = fits == 0 ? hd_keep_same_meaning(found, kept->file, err) : 0;
    if (fits < 0 || is_patch < 0)
        return -1;
    if (is_patch == 1)
        retire(plan, target);
    else if (fits == 0)
        set_aside(plan, target,
                  "its base has changed: the file in the jar is not the one the kept patch was "
                  "made for; it is set aside");
    return 0;
}

/* A deployment is all or nothing, after a restart too. */
static void set_companions_aside(struct hd_plan *plan)
{
    const struct hd_kept *kept = plan->restart->kept;
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        const struct hd_kept_class *own = kept_class(plan, target->class);
        for (size_t k = 0; k < kept->count && target->action != HD_ACTION_NONE; k++) {
            if (plan->restart->fates[k] == HD_KEEP_ASIDE &&
                kept->classes[k].deployment == own->deployment)
                set_aside(plan, target,
                          "it is set aside with another class of the same deployment, whose base "
                          "has changed");
        }
    }
}

int hd_plan_judge_bases(struct hd_plan *plan, struct hd_error *err)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        if (judge_base(plan, &plan->targets[i], err) != 0)
            return -1;
    }
    set_companions_aside(plan);
    return 0;
}

/* The labels of a class share its fate. */
void hd_plan_settle_kept(struct hd_plan *plan)
{
    struct hd_restart *restart = plan->restart;
    struct hd_kept *kept = restart->kept;
    for (size_t i = 1; i < kept->count; i++) {
        if (kept->classes[i].aside == NULL &&
            strcmp(kept->classes[i].name, kept->classes[i - 1].name) == 0)
            restart->fates[i] = restart->fates[i - 1];
    }
    hd_keep_settle(plan->road, kept, restart->fates);
}
