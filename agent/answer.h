/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent says: the JSON of hotdrop.v1 (docs/protocol.md), made from what loop and engine
 * know. Loop thread only.
 *
 * Each returns a new reference, NULL when memory is out.
 */
#ifndef HD_AGENT_ANSWER_H
#define HD_AGENT_ANSWER_H

#include "agent/loop.h"
#include "core/authorized.h"

json_t *hd_answer_hello(const struct hd_loop *loop, enum hd_role role);
json_t *hd_answer_received(uint64_t id);
/* All of a push was here that many seconds ago, and there is no report yet. ahead: jobs before it,
 * the running one included. */
json_t *hd_answer_waiting(const struct hd_loop *loop, uint64_t id, uint64_t ahead, int64_t seconds);
json_t *hd_answer_report(const struct hd_deployment *deployment, uint64_t id);
/* From the engine's last document (none yet: nothing was deployed). busy: the engine has no time
 * for a fresh one, and the answer says what it does. blocking: with the stacks that hold old code
 * (shared; NULL: they are not known now). */
json_t *hd_answer_status(const struct hd_loop *loop, bool busy, bool blocking, json_t *stacks,
                         uint64_t id);
/* What became of the job: the trial was confirmed, now or earlier, or why not. */
json_t *hd_answer_confirm(const struct hd_loop *loop, const struct hd_job *job, uint64_t id);
/* A keep: what is kept now, or why not. */
json_t *hd_answer_keep(const struct hd_job *job, uint64_t id);
json_t *hd_answer_history(const struct hd_loop *loop, uint64_t id);
/* NULL also where there is no such deployment. */
json_t *hd_answer_show(const struct hd_loop *loop, uint64_t deployment, uint64_t id);

#endif
