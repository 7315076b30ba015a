/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The road's step that asks the verifier about new classes while they can still be refused: once
 * defined, a class that does not verify stays, broken, for as long as its loader lives. They are
 * put together into a loader for trials first. In a check that loader also stands in for the real
 * one: a changed class may not verify without the new ones, and nothing is defined in a check.
 */
#include "agent/plan.h"

#include "agent/verify.h"
#include "core/alloc.h"

/* A loader for trials, in the place of one of the application's. */
struct trial {
    jobject of;     /* borrowed from a target; NULL: boot */
    jobject loader; /* global reference */
    struct trial *next;
};

struct hd_trials {
    struct hd_plan *plan;
    struct trial *first;
};

void hd_trials_free(struct hd_trials *trials)
{
    if (trials == NULL)
        return;
    JNIEnv *jni = trials->plan->jni;
    for (struct trial *trial = trials->first, *next; trial != NULL; trial = next) {
        next = trial->next;
        (*jni)->DeleteGlobalRef(jni, trial->loader);
        hd_free(trial);
    }
    hd_free(trials);
}

/* NULL: nothing new was put into that loader. */
static const struct trial *find_trial(const struct hd_trials *trials, jobject of)
{
    JNIEnv *jni = trials->plan->jni;
    const struct trial *trial = trials->first;
    while (trial != NULL && !(*jni)->IsSameObject(jni, trial->of, of))
        trial = trial->next;
    return trial;
}

/* *out NULL: there is no loader to be had; nothing is tried, and the JVM will judge later. */
static int begin_trial(struct hd_trials *trials, jobject of, const struct trial **out,
                       struct hd_error *err)
{
    JNIEnv *jni = trials->plan->jni;
    *out = find_trial(trials, of);
    if (*out != NULL)
        return 0;
    struct trial *trial = hd_alloc_zeroed(1, sizeof *trial);
    if (trial == NULL)
        return hd_error_set_memory(err);
    trial->of = of;
    trial->loader = hd_verify_new_loader(jni, of);
    if (trial->loader == NULL) {
        hd_free(trial);
        return 0;
    }
    trial->next = trials->first;
    trials->first = trial;
    *out = trial;
    return 0;
}

/* *class NULL: it could not be put there. */
static int put_one(struct hd_trials *trials, struct hd_target *target, jclass *class,
                   struct hd_error *err)
{
    struct hd_plan *plan = trials->plan;
    const struct hd_bundle_class *from = target->class->from;
    struct hd_error own = HD_ERROR_INIT;
    enum hd_reason reason = HD_REASON_NONE;
    const struct trial *trial;
    if (begin_trial(trials, target->loader, &trial, err) != 0)
        return -1;
    if (trial == NULL)
        return 0;
    hd_road_doing(plan->road, "trying the new class %s", target->class->java_name);
    *class = hd_verify_define(plan->jni, trial->loader, from->name, from->file, &reason, &own);
    if (*class == NULL && reason == HD_REASON_MISSING_MEMBER)
        hd_plan_refuse(plan, target, reason, "it cannot be defined in class loader %s: %s",
                       target->label, own.text);
    return 0;
}

/* classes: as many as list. */
static int put_all(struct hd_trials *trials, struct hd_target *const *list, size_t count,
                   jclass *classes, struct hd_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (hd_road_check_open(trials->plan->road, err) != 0 ||
            put_one(trials, list[i], &classes[i], err) != 0)
            return -1;
    }
    return 0;
}

static void refuse_rejected(struct hd_plan *plan, struct hd_target *target, jclass class)
{
    char words[1024];
    int64_t begun = hd_road_clock();
    bool rejected = class != NULL && hd_verify_rejects(plan->jni, class, words, sizeof words);
    hd_plan_row(plan, target)->micros += (uint64_t)(hd_road_clock() - begun);
    if (rejected)
        hd_plan_refuse(plan, target, HD_REASON_VERIFY_ERROR, "the JVM's verifier rejects it: %s",
                       words);
}

/* All are put there before the first is asked about: any may be verified against any other. */
static int try_all(struct hd_trials *trials, struct hd_target *const *list, size_t count,
                   struct hd_error *err)
{
    struct hd_plan *plan = trials->plan;
    jclass *classes = hd_alloc_zeroed(count, sizeof *classes);
    if (classes == NULL)
        return hd_error_set_memory(err);
    int status = put_all(trials, list, count, classes, err);
    for (size_t i = 0; i < count; i++) {
        if (status == 0)
            refuse_rejected(plan, list[i], classes[i]);
        if (classes[i] != NULL)
            (*plan->jni)->DeleteGlobalRef(plan->jni, classes[i]);
    }
    hd_free(classes);
    return status;
}

int hd_plan_try_newcomers(struct hd_plan *plan, struct hd_error *err)
{
    struct hd_target **list;
    size_t count;
    if (hd_plan_list_newcomers(plan, &list, &count, err) != 0)
        return -1;
    int status = 0;
    plan->trials = count == 0 ? NULL : hd_alloc_zeroed(1, sizeof *plan->trials);
    if (plan->trials != NULL) {
        plan->trials->plan = plan;
        status = try_all(plan->trials, list, count, err);
    } else if (count > 0) {
        status = hd_error_set_memory(err);
    }
    hd_free(list);
    return status;
}

enum hd_second_opinion hd_plan_ask_again(struct hd_plan *plan, const struct hd_target *target,
                                         char *text, size_t capacity)
{
    JNIEnv *jni = plan->jni;
    struct hd_error ignored = HD_ERROR_INIT;
    enum hd_reason reason = HD_REASON_NONE;
    const struct trial *trial =
        plan->trials == NULL ? NULL : find_trial(plan->trials, target->loader);
    if (trial == NULL)
        return HD_OPINION_NONE;
    jclass class = hd_verify_define(jni, trial->loader, target->class->from->name,
                                    hd_plan_class_bytes(target->class), &reason, &ignored);
    if (class == NULL)
        return HD_OPINION_NONE;
    bool rejects = hd_verify_rejects(jni, class, text, capacity);
    (*jni)->DeleteGlobalRef(jni, class);
    return rejects ? HD_OPINION_REJECTS : HD_OPINION_CONTENT;
}
