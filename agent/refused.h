/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals on their way from the loop, which refuses, to the journal, which is the engine's. One
 * job at a time carries them, so that whoever is refused cannot fill the engine's queue; how many
 * lines there may be is core/refusals.h's to say. Without a store there is only the log. Loop thread
 * only.
 */
#ifndef HD_AGENT_REFUSED_H
#define HD_AGENT_REFUSED_H

#include "agent/loop_lws.h"
#include "core/refusals.h"

struct hd_refused {
    struct hd_loop *loop;
    struct hd_refusals refusals;
    struct hd_job *job; /* under way; the engine's; NULL: none */
    lws_sorted_usec_list_t timer;
};

/* All but loop zero at first. The refusal is borrowed for the call. */
void hd_refused_note(struct hd_refused *refused, const struct hd_refusal *refusal);
/* Any job is finished: the engine has written what one carried, or found nobody who could stand for
 * whoever sent it (job->behalf). */
void hd_refused_hear(struct hd_refused *refused, const struct hd_job *job);

#endif
