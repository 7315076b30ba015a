/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/deploy.h"

#include "agent/keep.h"
#include "agent/plan.h"
#include "agent/status.h"
#include "core/alloc.h"
#include "core/json.h"
#include "core/log.h"
#include "core/text.h"

#include <string.h>

/* A copy, or NULL for NULL; memory out leaves it NULL: the words of a deployment are not worth
 * refusing it. */
static char *copy(const char *text)
{
    return text == NULL ? NULL : hd_strdup(text);
}

/* The digest of a large bundle takes a while. Where the journal does not ask for it before anything
 * goes live, it is found out afterwards. */
static void digest_bundle(struct hd_deployment *deployment, struct hd_bundle *bundle)
{
    struct hd_digest digest;
    struct hd_error ignored = HD_ERROR_INIT;
    if (bundle == NULL || deployment->bundle_digest[0] != '\0')
        return;
    if (hd_bundle_digest(bundle, &digest, &ignored) == 0)
        hd_digest_to_hex(&digest, deployment->bundle_digest);
}

/* A job with a bundle that could not be read comes with its deployment made and failed. False:
 * memory is out. */
static bool begin(struct hd_road *road, struct hd_job *job)
{
    static const enum hd_deployment_kind kinds[] = {
        [HD_JOB_DEPLOY] = HD_DEPLOYMENT_PUSH,
        [HD_JOB_CHECK] = HD_DEPLOYMENT_CHECK,
        [HD_JOB_ROLLBACK] = HD_DEPLOYMENT_ROLLBACK,
        [HD_JOB_RESTART] = HD_DEPLOYMENT_RESTART,
    };
    bool check = job->kind == HD_JOB_CHECK;
    if (job->deployment == NULL)
        job->deployment = hd_deployment_new(kinds[job->kind], &job->origin);
    struct hd_deployment *deployment = job->deployment;
    if (deployment == NULL)
        return false;
    deployment->started_at = hd_text_now();
    deployment->number = check ? 0 : ++road->last_number;
    deployment->best_effort = job->best_effort;
    if (job->kind == HD_JOB_DEPLOY)
        deployment->forced = (job->best_effort ? (unsigned)HD_FORCED_BEST_EFFORT : 0) |
                             (job->all_loaders ? (unsigned)HD_FORCED_ALL_LOADERS : 0) |
                             (job->emergency != NULL ? (unsigned)HD_FORCED_EMERGENCY : 0);
    if (deployment->message == NULL)
        deployment->message = copy(job->message);
    deployment->emergency = copy(job->emergency);
    if (job->bundle != NULL)
        deployment->bundle_name = copy(hd_bundle_name(job->bundle));
    return true;
}

/* As many as a message has room for: the rows tell of each. */
static void name_those_defined(const struct hd_plan *plan, struct hd_buffer *names)
{
    enum { NAMES_MAX = 16 * 1024 };
    struct hd_error ignored = HD_ERROR_INIT;
    bool full = false;
    for (size_t i = 0; i < plan->target_count && !full; i++) {
        const struct hd_target *target = &plan->targets[i];
        const char *name = target->class->java_name;
        if (!target->done || target->action != HD_ACTION_DEFINE)
            continue;
        if (names->length > 0 && hd_buffer_append(names, ", ", 2, &ignored) != 0)
            return;
        if (strlen(name) > NAMES_MAX || names->length > NAMES_MAX) {
            name = "...";
            full = true;
        }
        if (hd_buffer_append(names, name, strlen(name), &ignored) != 0)
            return;
    }
}

static enum hd_reason first_reason(const struct hd_deployment *deployment)
{
    for (size_t i = 0; i < deployment->row_count; i++) {
        if (deployment->rows[i].outcome == HD_OUTCOME_REFUSED)
            return deployment->rows[i].reason;
    }
    return HD_REASON_JVM_ERROR;
}

/* The JVM said no when everything else had said yes. What was not done is withheld, pending patches
 * are taken back, and new classes stay: no JVM takes a defined class back. */
static int take_back(struct hd_plan *plan, struct hd_error *err)
{
    struct hd_buffer names = HD_BUFFER_INIT;
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        bool waits = target->action == HD_ACTION_WAIT || target->action == HD_ACTION_FORGET;
        if (waits)
            target->done = false;
    }
    hd_plan_withhold(plan);
    name_those_defined(plan, &names);
    if (names.length > 0)
        hd_deployment_fail(plan->deployment, first_reason(plan->deployment),
                           "the JVM refused a class when the new ones had been defined already, "
                           "and those stay: %.*s",
                           (int)names.length, (const char *)names.data);
    hd_buffer_close(&names);
    return plan->published ? hd_road_publish(plan->road, plan->jni, false, NULL, 0, err) : 0;
}

static bool must_stop(const struct hd_plan *plan)
{
    return !plan->job->best_effort && hd_deployment_count(plan->deployment, HD_OUTCOME_REFUSED) > 0;
}

static bool changes_something(const struct hd_plan *plan)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        if (plan->targets[i].action != HD_ACTION_NONE)
            return true;
    }
    return false;
}

static void refuse_for_store(struct hd_deployment *deployment, const struct hd_error *why)
{
    hd_deployment_fail(deployment, HD_REASON_STORE_UNAVAILABLE, "%s", why->text);
}

/* The agent's own rollback of a trial was promised, and written down, when the trial began; so was
 * what is live after a restart, when it was kept. A store that fails since then must not break
 * these promises. */
static bool is_promised(const struct hd_job *job)
{
    return job->kind == HD_JOB_RESTART ||
           (job->kind == HD_JOB_ROLLBACK && job->origin.way == HD_WAY_AGENT);
}

/* On disk before it goes live. False: it cannot be, so nothing goes live. */
static bool take_down(struct hd_plan *plan)
{
    struct hd_error why = HD_ERROR_INIT;
    if (!changes_something(plan))
        return true;
    if (plan->road->archive != NULL)
        digest_bundle(plan->deployment, plan->job->bundle);
    if (hd_archive_begin(plan->road->archive, plan->deployment, plan->job->bundle, &why) == 0)
        return true;
    if (is_promised(plan->job)) {
        hd_log(HD_LOG_ERROR,
               "deployment %llu, which was promised before, is not in the journal: %s",
               (unsigned long long)plan->deployment->number, why.text);
        return true;
    }
    refuse_for_store(plan->deployment, &why);
    hd_plan_withhold(plan);
    return false;
}

static int apply(struct hd_plan *plan, struct hd_error *err)
{
    if (!take_down(plan))
        return 0;
    /* The supertypes of a class that is kept are patched before it is defined, and they load. */
    bool publish_first = plan->job->kind == HD_JOB_RESTART;
    if (hd_plan_prepare_record(plan, err) != 0 ||
        (publish_first && hd_plan_publish(plan, err) != 0) || hd_plan_define(plan, err) != 0)
        return -1;
    if (must_stop(plan))
        return take_back(plan, err);
    if ((!publish_first && hd_plan_publish(plan, err) != 0) || hd_plan_redefine(plan, err) != 0)
        return -1;
    return must_stop(plan) ? take_back(plan, err) : 0;
}

static int open_plan(struct hd_plan *plan, struct hd_road *road, JNIEnv *jni,
                     const struct hd_job *job, struct hd_error *err)
{
    if (job->kind == HD_JOB_ROLLBACK)
        return hd_plan_open_way_back(plan, road, jni, job, err);
    if (job->kind == HD_JOB_RESTART)
        return hd_plan_open_restart(plan, road, jni, job, err);
    return hd_plan_open(plan, road, jni, job, err);
}

static int find_targets(struct hd_plan *plan, struct hd_error *err)
{
    if (plan->job->kind == HD_JOB_ROLLBACK)
        return hd_plan_find_way_back_targets(plan, err);
    if (plan->job->kind == HD_JOB_RESTART)
        return hd_plan_find_restart_targets(plan, err);
    return hd_plan_find_targets(plan, err);
}

/* A restart asks of each class whether it is still the one that the patch was made for. */
static int refuse_doubtful(struct hd_plan *plan, struct hd_error *err)
{
    if (plan->job->kind == HD_JOB_RESTART)
        return hd_plan_judge_bases(plan, err);
    if (hd_plan_refuse_ambiguous(plan, err) != 0 || hd_plan_refuse_other_bases(plan, err) != 0)
        return -1;
    hd_plan_refuse_without_way_back(plan);
    return 0;
}

static int follow(struct hd_plan *plan, struct hd_error *err)
{
    if (hd_plan_admit(plan, err) != 0 || find_targets(plan, err) != 0 ||
        hd_plan_compare(plan, err) != 0 || refuse_doubtful(plan, err) != 0 ||
        hd_plan_refuse_full_pools(plan, err) != 0 || hd_plan_try_newcomers(plan, err) != 0)
        return -1;
    hd_plan_decide(plan);
    return plan->job->kind == HD_JOB_CHECK ? hd_plan_rehearse(plan, err) : apply(plan, err);
}

/* Something that is no class's fault ended the road early: no row may claim what was not done. */
static void withdraw(struct hd_plan *plan, const struct hd_error *why)
{
    struct hd_error own = HD_ERROR_INIT;
    hd_deployment_fail(plan->deployment, HD_REASON_JVM_ERROR, "%s", why->text);
    if (take_back(plan, &own) != 0)
        hd_log(HD_LOG_ERROR, "pending patches could not be taken back: %s", own.text);
    for (size_t i = 0; i < plan->deployment->row_count; i++) {
        struct hd_row *row = &plan->deployment->rows[i];
        if (row->outcome == HD_OUTCOME_UNCHANGED)
            row->outcome = HD_OUTCOME_WITHHELD;
    }
}

/* It was promised when the trial began, whoever asks for it. */
static bool undoes_trial(const struct hd_job *job)
{
    return job->origin.way == HD_WAY_AGENT || job->trial != 0;
}

static void walk(struct hd_road *road, JNIEnv *jni, struct hd_job *job)
{
    struct hd_plan plan;
    struct hd_error err = HD_ERROR_INIT;
    bool rollback = job->kind == HD_JOB_ROLLBACK;
    if (open_plan(&plan, road, jni, job, &err) != 0) {
        bool no_state = err.code == HD_E_NOT_FOUND;
        hd_deployment_fail(job->deployment, no_state ? HD_REASON_NO_WAY_BACK : HD_REASON_JVM_ERROR,
                           "%s", err.text);
        return;
    }
    if (rollback && !hd_plan_may_return(&plan, undoes_trial(job))) {
        hd_plan_close(&plan);
        return;
    }
    if (follow(&plan, &err) != 0)
        withdraw(&plan, &err);
    else if (rollback)
        hd_plan_call_it_rolled_back(&plan);
    hd_plan_record(&plan);
    if (job->kind == HD_JOB_RESTART)
        hd_plan_settle_kept(&plan);
    hd_plan_count_old_frames(&plan);
    hd_plan_close(&plan);
}

static bool did_something(const struct hd_deployment *deployment)
{
    return hd_deployment_count(deployment, HD_OUTCOME_REDEFINED) > 0 ||
           hd_deployment_count(deployment, HD_OUTCOME_DEFINED) > 0 ||
           hd_deployment_count(deployment, HD_OUTCOME_PENDING) > 0;
}

/* A rollback changes what is live, and not what is kept. */
static void tell_of_restart(const struct hd_road *road, struct hd_deployment *deployment)
{
    const json_t *kept = hd_archive_kept(road->archive);
    deployment->restart_differs = kept != NULL;
    deployment->kept_state = (uint64_t)json_integer_value(json_object_get(kept, "state"));
}

static void finish(struct hd_road *road, JNIEnv *jni, struct hd_job *job, int64_t begun)
{
    struct hd_deployment *deployment = job->deployment;
    bool good = hd_deployment_is_good(deployment);
    bool partly =
        job->best_effort && deployment->error_reason == HD_REASON_NONE && did_something(deployment);
    deployment->applied = job->kind != HD_JOB_CHECK && (good || partly);
    digest_bundle(deployment, job->bundle);
    hd_road_sweep(road, jni);
    hd_status_digest(road->registry, deployment->state);
    if (job->kind == HD_JOB_ROLLBACK && deployment->applied)
        tell_of_restart(road, deployment);
    deployment->micros = (uint64_t)(hd_road_clock() - begun);
}

/* What is live and could not be written to the journal is marked, row by row. */
static void end(struct hd_road *road, struct hd_job *job)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_deployment *deployment = job->deployment;
    if (job->kind == HD_JOB_CHECK || hd_archive_end(road->archive, deployment, &err) == 0)
        return;
    for (size_t i = 0; i < deployment->row_count; i++) {
        struct hd_row *row = &deployment->rows[i];
        bool live = row->outcome != HD_OUTCOME_UNCHANGED && row->outcome != HD_OUTCOME_REFUSED &&
                    row->outcome != HD_OUTCOME_WITHHELD;
        if (live)
            row->warnings |= HD_WARNING_NOT_JOURNALLED;
    }
}

/* With a store that is known to fail, no class loader is asked for nothing. */
static bool may_begin(const struct hd_road *road, const struct hd_job *job)
{
    struct hd_error why = HD_ERROR_INIT;
    if (job->kind == HD_JOB_CHECK || is_promised(job) || hd_archive_check(road->archive, &why) == 0)
        return true;
    refuse_for_store(job->deployment, &why);
    return false;
}

/* Is the state live that the pusher looked at? */
static bool is_expected(const struct hd_road *road, const struct hd_job *job)
{
    char state[HD_STATE_SIZE];
    if (job->expect == NULL)
        return true;
    hd_status_digest(road->registry, state);
    if (strcmp(state, job->expect) == 0)
        return true;
    hd_deployment_fail(job->deployment, HD_REASON_WRONG_BASE,
                       "the live state is %s, not %.64s as was expected", state, job->expect);
    return false;
}

/* What was dropped is in the directory, so it is answered and numbered there as anything that could
 * not be read. Somebody who may not push gets no number: they could fill the history. */
static bool may_come(struct hd_road *road, struct hd_job *job)
{
    if (hd_gate_vouches(&road->gate, road->options, road->archive, job))
        return true;
    if (job->origin.way != HD_WAY_DROP || job->deployment == NULL)
        return false;
    if (job->bundle != NULL)
        job->deployment->bundle_name = copy(hd_bundle_name(job->bundle));
    digest_bundle(job->deployment, job->bundle);
    hd_ahead_free(job->ahead);
    job->ahead = NULL;
    hd_bundle_free(job->bundle);
    job->bundle = NULL;
    return true;
}

/* Back to a deployment that never was: whoever asked mistyped, and nothing could be done. That is
 * answered, and takes no number. */
static bool is_to_what_was(struct hd_road *road, struct hd_job *job)
{
    if (job->kind != HD_JOB_ROLLBACK || !job->to_given || job->to <= road->last_number)
        return true;
    job->deployment = hd_deployment_new(HD_DEPLOYMENT_ROLLBACK, &job->origin);
    if (job->deployment == NULL)
        return false;
    job->deployment->started_at = hd_text_now();
    hd_status_digest(road->registry, job->deployment->state);
    hd_deployment_fail(job->deployment, HD_REASON_NO_WAY_BACK,
                       "there was no deployment %llu; the last one has the number %llu",
                       (unsigned long long)job->to, (unsigned long long)road->last_number);
    return false;
}

void hd_deploy_run(struct hd_road *road, JNIEnv *jni, struct hd_job *job)
{
    int64_t begun = hd_road_clock();
    if (hd_probation_is_moot(&road->probation, job) || !may_come(road, job) ||
        !is_to_what_was(road, job) || !begin(road, job))
        return;
    bool has_content =
        job->bundle != NULL || job->kind == HD_JOB_ROLLBACK || job->kind == HD_JOB_RESTART;
    if (has_content && hd_probation_admits(&road->probation, job, begun) &&
        is_expected(road, job) && may_begin(road, job) &&
        hd_gate_admits(&road->gate, road->options, road->archive, job) &&
        hd_keep_is_possible(road, job))
        walk(road, jni, job);
    finish(road, jni, job, begun);
    hd_probation_follow(&road->probation, job, hd_states_current(road->states), hd_road_clock());
    end(road, job);
    if (job->deployment->applied && did_something(job->deployment)) /* else the store lacks it */
        hd_gate_remember(&road->gate, job);
    hd_keep_deployed(road, jni, job);
}

/* It decides at once; the journal is told, but cannot hold it up. */
void hd_deploy_confirm(struct hd_road *road, struct hd_job *job)
{
    hd_probation_confirm(&road->probation, job);
    if (job->trial_end.deployment == 0)
        return;
    hd_archive_note_take(road->archive, "confirm",
                         json_pack("{s:I, s:o}", "deployment",
                                   (json_int_t)job->trial_end.deployment, "who",
                                   hd_json_text(job->origin.who)));
}
