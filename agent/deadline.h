/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of a trial, and what is told of it: when its time is over, the loop asks the engine for
 * the rollback by itself. Whether that comes first is the engine's to say (agent/probation.h).
 *
 * How a trial ended is written into its deployment here, so that history and show tell it. Loop
 * thread only.
 */
#ifndef HD_AGENT_DEADLINE_H
#define HD_AGENT_DEADLINE_H

#include "agent/loop_lws.h"

struct hd_deadline {
    struct hd_loop *loop;
    struct hd_deployment *deployment; /* the last that was on trial; a reference; NULL: none was */
    int64_t ends_at;                  /* lws_now_usecs */
    lws_sorted_usec_list_t timer;
};

/* A job is finished: a trial may have begun or ended with it. True when one ended. */
bool hd_deadline_hear(struct hd_deadline *deadline, struct hd_job *job);
/* For status: {"deployment","who","milliseconds","seconds_left"} of the open trial, the same with
 * "ended" and "rollback" of one that could not be rolled back and is live since, else null. */
json_t *hd_deadline_to_json(const struct hd_deadline *deadline);
/* The trial of that number (0: the last), if there was one; NULL: not that is known. A borrow. */
const struct hd_deployment *hd_deadline_find(const struct hd_deadline *deadline, uint64_t number);
void hd_deadline_close(struct hd_deadline *deadline);

#endif
