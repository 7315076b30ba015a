/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deployment that is on trial: live, but rolled back unless somebody confirms it in time.
 *
 * There is at most one, and while it is open it is the current state: nothing else is deployed.
 * Confirmation, rollback by hand and the end of its time are all jobs of the engine, so that one of
 * them is first and decides; the others find the trial over. The loop keeps the clock
 * (agent/deadline.h). Engine thread only; no function here calls the JVM.
 */
#ifndef HD_AGENT_PROBATION_H
#define HD_AGENT_PROBATION_H

#include "agent/engine.h"

/* All zero: nothing is on trial. */
struct hd_probation {
    uint64_t deployment; /* 0: none */
    int64_t ends_at;     /* hd_road_clock */
    char who[sizeof((struct hd_origin *)NULL)->who];
};

/* The loop's rollback of a trial that is over already: there is nothing to do, and no number is
 * spent on it. */
bool hd_probation_is_moot(const struct hd_probation *probation, const struct hd_job *job);
/* True when the job may go its way now (checks and rollbacks may, while a trial is open). Else its
 * deployment is failed: trial-open; or no-trial, for a rollback of a trial that is over. */
bool hd_probation_admits(const struct hd_probation *probation, const struct hd_job *job,
                         int64_t now);
/* A deployment or rollback came to its end, and current is the state now: a trial begins, or ends.
 * The job's deployment and trial_end say so. */
void hd_probation_follow(struct hd_probation *probation, struct hd_job *job, uint64_t current,
                         int64_t now);
/* The job asks to end the trial (job->trial, or whichever is open); its trial_end says whether it
 * did. */
void hd_probation_confirm(struct hd_probation *probation, struct hd_job *job);

#endif
