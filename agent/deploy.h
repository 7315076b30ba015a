/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE ROAD: from a bundle to rows, one function a step, the same for every source and every
 * command.
 *
 * policy → class-file check → resolve → compare with what is live → decide → define → redefine →
 * record → report
 *
 * A check is the same road without define and redefine (a rehearsal stands in for them). Engine
 * thread only.
 */
#ifndef HD_AGENT_DEPLOY_H
#define HD_AGENT_DEPLOY_H

#include "agent/engine.h"

/* what the steps share: jvm, labels, base finder, registry, hook, options; made by the engine */
struct hd_road;

/* Fills job->deployment; it is never NULL afterwards unless memory is out, or the job was the loop's
 * rollback of a trial that is over. */
void hd_deploy_run(struct hd_road *road, JNIEnv *jni, struct hd_job *job);
/* Ends the trial that the job means, if it is open. */
void hd_deploy_confirm(struct hd_road *road, struct hd_job *job);

#endif
