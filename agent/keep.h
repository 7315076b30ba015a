/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What survives a restart of the JVM (core/kept.h): making a state permanent, making it live again
 * when a JVM starts, and giving up on a patch whose base is no longer what it was.
 *
 * Keeping is a job of its own and changes nothing that is live. A restart is a deployment: its steps
 * are in agent/plan.h (restart.c). Engine thread, or the thread that starts the agent before the
 * engine's runs.
 */
#ifndef HD_AGENT_KEEP_H
#define HD_AGENT_KEEP_H

#include "agent/road.h"

/* Makes the state the job names (else the current one) what is live after a restart; fills job->kept.
 */
void hd_keep_run(struct hd_road *road, JNIEnv *jni, struct hd_job *job);

/* The job (restart) that makes live again what is kept, once it was judged by whoever must have
 * signed it; NULL where there is nothing to make live, or, logged, where that cannot be told. The
 * caller frees it. (keep_restart.c) */
struct hd_job *hd_keep_restart_job(struct hd_road *road);

/* What a deployment that is to be kept needs, looked at before it goes live. False: its deployment
 * was failed with cannot-keep. */
bool hd_keep_is_possible(const struct hd_road *road, const struct hd_job *job);
/* After it went live. Whether it is kept stands in the deployment. */
void hd_keep_deployed(struct hd_road *road, JNIEnv *jni, struct hd_job *job);

/* 1: both files mean the same; 0: they do not, or one is no class file; -1: no memory. */
int hd_keep_same_meaning(struct hd_bytes a, struct hd_bytes b, struct hd_error *err);

/* A kept patch that is out: the class's own file is the patch by now (retired), or another one than
 * the patch was made for (set aside). */
enum hd_keep_fate { HD_KEEP_STAYS, HD_KEEP_RETIRED, HD_KEEP_ASIDE };
/* Takes classes out, or sets them aside, as fates (one a class) say, and writes what is kept anew.
 * Failures are logged. */
void hd_keep_settle(struct hd_road *road, struct hd_kept *kept, const enum hd_keep_fate *fates);
/* A class of that loader loaded from this file, which is the patch itself or one that the patch was
 * not made for. If the patch was kept for that loader, it is out. */
void hd_keep_hear_loaded(struct hd_road *road, const char *internal_name, const char *label,
                         struct hd_bytes file);

#endif
