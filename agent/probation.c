/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/probation.h"

#include <string.h>

static bool is_open(const struct hd_probation *probation)
{
    return probation->deployment != 0;
}

static bool is_of_the_loop(const struct hd_job *job)
{
    return job->kind == HD_JOB_ROLLBACK && job->origin.way == HD_WAY_AGENT;
}

bool hd_probation_is_moot(const struct hd_probation *probation, const struct hd_job *job)
{
    return is_of_the_loop(job) && job->trial != probation->deployment;
}

/* Rounded up: nobody should come back too early. */
static long long seconds_left(const struct hd_probation *probation, int64_t now)
{
    int64_t left = probation->ends_at - now;
    return left > 0 ? (long long)((left + 999999) / 1000000) : 0;
}

bool hd_probation_admits(const struct hd_probation *probation, const struct hd_job *job,
                         int64_t now)
{
    if (job->kind == HD_JOB_DEPLOY && is_open(probation)) {
        hd_deployment_fail(job->deployment, HD_REASON_TRIAL_OPEN,
                           "deployment %llu by %s is on trial, with %lld s left to confirm it",
                           (unsigned long long)probation->deployment, probation->who,
                           seconds_left(probation, now));
        return false;
    }
    if (job->kind == HD_JOB_ROLLBACK && job->trial != 0 && job->trial != probation->deployment) {
        hd_deployment_fail(job->deployment, HD_REASON_NO_TRIAL,
                           "deployment %llu is not on trial any more",
                           (unsigned long long)job->trial);
        return false;
    }
    return true;
}

static void begin(struct hd_probation *probation, struct hd_job *job, int64_t now)
{
    struct hd_deployment *deployment = job->deployment;
    probation->deployment = deployment->number;
    probation->ends_at = now + (int64_t)job->confirm_within * 1000;
    memcpy(probation->who, deployment->origin.who, sizeof probation->who);
    deployment->trial.end = HD_TRIAL_OPEN;
    deployment->trial.milliseconds = job->confirm_within;
}

static void end(struct hd_probation *probation, struct hd_job *job, enum hd_trial_end how)
{
    job->trial_end.deployment = probation->deployment;
    job->trial_end.how = how;
    *probation = (struct hd_probation){ 0 };
}

void hd_probation_follow(struct hd_probation *probation, struct hd_job *job, uint64_t current,
                         int64_t now)
{
    const struct hd_deployment *deployment = job->deployment;
    bool changed = deployment->applied && current == deployment->number;
    if (job->kind == HD_JOB_DEPLOY && job->confirm_within > 0 && changed)
        begin(probation, job, now);
    else if (is_open(probation) && current != probation->deployment)
        end(probation, job, HD_TRIAL_ROLLED_BACK);
    else if (is_open(probation) && is_of_the_loop(job))
        end(probation, job, HD_TRIAL_ROLLBACK_REFUSED);
}

void hd_probation_confirm(struct hd_probation *probation, struct hd_job *job)
{
    bool meant = job->trial == 0 || job->trial == probation->deployment;
    if (is_open(probation) && meant)
        end(probation, job, HD_TRIAL_CONFIRMED);
}
