/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/deadline.h"

#include "core/alloc.h"
#include "core/json.h"
#include "core/log.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

/* When the rollback of a trial cannot even be asked for, it is tried again that soon. */
enum { AGAIN_MS = 500 };

static const struct hd_origin by_itself = { .way = HD_WAY_AGENT,
                                            .who = "hotdrop agent",
                                            .from = "a trial whose time was over" };

static bool is_open(const struct hd_deadline *deadline)
{
    return deadline->deployment != NULL && deadline->deployment->trial.end == HD_TRIAL_OPEN;
}

static unsigned long long number_of(const struct hd_deadline *deadline)
{
    return (unsigned long long)deadline->deployment->number;
}

/* ---- the time is over ------------------------------------------------------------------------ */

/* NULL when memory is out. */
static struct hd_job *make_rollback(const struct hd_deployment *deployment)
{
    struct hd_job *job = hd_job_new(HD_JOB_ROLLBACK, &by_itself);
    if (job == NULL)
        return NULL;
    job->trial = deployment->number;
    job->message = hd_asprintf("deployment %llu by %s was not confirmed within %.12g s",
                               (unsigned long long)deployment->number, deployment->origin.who,
                               (double)deployment->trial.milliseconds / 1000);
    return job;
}

static void time_is_over(lws_sorted_usec_list_t *timer)
{
    struct hd_deadline *deadline = lws_container_of(timer, struct hd_deadline, timer);
    struct hd_error err = HD_ERROR_INIT;
    if (!is_open(deadline))
        return;
    struct hd_job *job = make_rollback(deadline->deployment);
    if (job != NULL && hd_loop_submit(deadline->loop, job, &err) == 0)
        return;
    hd_job_free(job);
    hd_log(HD_LOG_ERROR, "the rollback of deployment %llu, whose trial is over, cannot begin: %s",
           number_of(deadline), job == NULL ? "out of memory" : err.text);
    hd_loop_timer_set(deadline->loop, timer, time_is_over, AGAIN_MS);
}

/* ---- what the engine says -------------------------------------------------------------------- */

static void begin(struct hd_deadline *deadline, struct hd_deployment *deployment)
{
    uint64_t milliseconds = deployment->trial.milliseconds;
    hd_deployment_release(deadline->deployment);
    deadline->deployment = hd_deployment_share(deployment);
    deadline->ends_at = lws_now_usecs() + (int64_t)milliseconds * LWS_US_PER_MS;
    hd_loop_timer_set(deadline->loop, &deadline->timer, time_is_over, milliseconds);
    hd_log(HD_LOG_INFO,
           "deployment %llu is on trial: it is rolled back unless it is confirmed "
           "within %.12g s",
           number_of(deadline), (double)milliseconds / 1000);
}

static void log_end(const struct hd_deadline *deadline)
{
    const struct hd_trial_record *trial = &deadline->deployment->trial;
    if (trial->end == HD_TRIAL_CONFIRMED)
        hd_log(HD_LOG_INFO, "deployment %llu was confirmed by %s", number_of(deadline), trial->who);
    else if (trial->end == HD_TRIAL_ROLLED_BACK)
        hd_log(HD_LOG_WARN, "deployment %llu was rolled back by %s: deployment %llu",
               number_of(deadline), trial->who, (unsigned long long)trial->rollback);
    else
        hd_log(HD_LOG_ERROR,
               "deployment %llu was not confirmed in time, and rolling it back was refused: it is "
               "still live, and its trial is over; see 'hotdrop show %llu' for what stood in the "
               "way",
               number_of(deadline), (unsigned long long)trial->rollback);
}

static void end(struct hd_deadline *deadline, const struct hd_job *job)
{
    struct hd_trial_record *trial = &deadline->deployment->trial;
    hd_loop_timer_cancel(&deadline->timer);
    trial->end = job->trial_end.how;
    trial->when = hd_text_now();
    trial->rollback = job->deployment != NULL ? job->deployment->number : 0;
    memcpy(trial->who, job->origin.who, sizeof trial->who);
    log_end(deadline);
}

/* Our own rollback came second, or had no memory to run. */
static void hear_own(struct hd_deadline *deadline, uint64_t number)
{
    const struct hd_deployment *deployment = hd_deadline_find(deadline, number);
    if (deployment == NULL)
        return;
    if (deployment->trial.end == HD_TRIAL_OPEN)
        hd_loop_timer_set(deadline->loop, &deadline->timer, time_is_over, AGAIN_MS);
    else
        hd_log(HD_LOG_INFO,
               "the time to confirm deployment %llu was over, but its trial had just been ended "
               "by %s (%s)",
               (unsigned long long)number, deployment->trial.who,
               hd_trial_end_word(deployment->trial.end));
}

/* What could not be rolled back is no longer what matters. */
static bool is_overtaken(const struct hd_deadline *deadline, const struct hd_job *job)
{
    return deadline->deployment != NULL && job->deployment != NULL && job->deployment->applied &&
           deadline->deployment->trial.end == HD_TRIAL_ROLLBACK_REFUSED;
}

bool hd_deadline_hear(struct hd_deadline *deadline, struct hd_job *job)
{
    struct hd_deployment *deployment = job->deployment;
    bool ended = job->trial_end.deployment != 0 && deadline->deployment != NULL &&
                 job->trial_end.deployment == deadline->deployment->number;
    if (ended) {
        end(deadline, job);
        return true;
    }
    if (is_overtaken(deadline, job)) {
        hd_deployment_release(deadline->deployment);
        deadline->deployment = NULL;
    }
    if (deployment != NULL && deployment->trial.end == HD_TRIAL_OPEN)
        begin(deadline, deployment);
    else if (job->kind == HD_JOB_ROLLBACK && job->origin.way == HD_WAY_AGENT)
        hear_own(deadline, job->trial);
    return false;
}

/* ---- telling --------------------------------------------------------------------------------- */

static double seconds_left(const struct hd_deadline *deadline)
{
    int64_t left = is_open(deadline) ? deadline->ends_at - lws_now_usecs() : 0;
    int64_t tenths = left > 0 ? left / 100000 : 0;
    return (double)tenths / 10;
}

json_t *hd_deadline_to_json(const struct hd_deadline *deadline)
{
    const struct hd_deployment *deployment = deadline->deployment;
    bool refused = deployment != NULL && deployment->trial.end == HD_TRIAL_ROLLBACK_REFUSED;
    if (!is_open(deadline) && !refused)
        return json_null();
    json_t *rollback = refused ? json_integer((json_int_t)deployment->trial.rollback) : json_null();
    return json_pack("{s:I, s:o, s:I, s:f, s:s?, s:o}", "deployment",
                     (json_int_t)deployment->number, "who", hd_json_text(deployment->origin.who),
                     "milliseconds", (json_int_t)deployment->trial.milliseconds, "seconds_left",
                     seconds_left(deadline), "ended", hd_trial_end_word(deployment->trial.end),
                     "rollback", rollback);
}

const struct hd_deployment *hd_deadline_find(const struct hd_deadline *deadline, uint64_t number)
{
    const struct hd_deployment *last = deadline->deployment;
    if (last != NULL && (number == 0 || number == last->number))
        return last;
    const struct hd_deployment *found =
        number != 0 ? hd_history_find(hd_loop_history(deadline->loop), number) : NULL;
    return found != NULL && found->trial.end != HD_TRIAL_NONE ? found : NULL;
}

void hd_deadline_close(struct hd_deadline *deadline)
{
    hd_deployment_release(deadline->deployment);
    deadline->deployment = NULL;
}
