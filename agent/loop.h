/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: one thread, "hotdrop-loop", around libwebsockets' event loop. It owns sources (drop
 * directories, watched trees), listeners, connections and history, and sleeps in the kernel when
 * nothing happens.
 *
 * Everything here except hd_loop_wake is for the loop thread (or before it starts).
 */
#ifndef HD_AGENT_LOOP_H
#define HD_AGENT_LOOP_H

#include "agent/engine.h"
#include "core/history.h"
#include "core/options.h"

struct hd_loop;

typedef void (*hd_loop_callback)(void *context);

HD_CHECKED int hd_loop_new(const struct hd_jvm *jvm, struct hd_engine *engine,
                           const struct hd_options *options, struct hd_loop **out,
                           struct hd_error *err);
/* Opens listeners and sources (each failure: one log line, the others go on). must_listen: fails
 * where addresses were asked for and none is open. Before the engine's and this thread start. */
HD_CHECKED int hd_loop_open(struct hd_loop *loop, bool must_listen, struct hd_error *err);
/* Starts the thread. */
HD_CHECKED int hd_loop_start(struct hd_loop *loop, JNIEnv *jni, struct hd_error *err);
/* The one call that is safe from any thread (lws_cancel_service). */
void hd_loop_wake(struct hd_loop *loop);
HD_CHECKED int hd_loop_stop(struct hd_loop *loop, unsigned timeout_ms);
/* Only if its thread never ran. Accepts NULL. */
void hd_loop_free(struct hd_loop *loop);

/* Calls readable whenever descriptor is readable. The descriptor stays the caller's; *out is ended
 * with hd_loop_unwatch before it is closed. */
struct hd_loop_watch;
HD_CHECKED int hd_loop_watch(struct hd_loop *loop, int descriptor, hd_loop_callback readable,
                             void *context, struct hd_loop_watch **out, struct hd_error *err);
void hd_loop_unwatch(struct hd_loop_watch *watch);

/* Submits to the engine; when the job is finished, job->finished(job, job->owner) is called on the
 * loop thread, the deployment enters history, and the job is freed. On failure the job is still the
 * caller's. */
HD_CHECKED int hd_loop_submit(struct hd_loop *loop, struct hd_job *job, struct hd_error *err);

/* For sessions. */
const struct hd_history *hd_loop_history(const struct hd_loop *loop);
const json_t *hd_loop_status(const struct hd_loop *loop); /* the last status document */
/* What is on trial. */
struct hd_deadline;
const struct hd_deadline *hd_loop_deadline(const struct hd_loop *loop);
const struct hd_jvm *hd_loop_jvm(const struct hd_loop *loop);
const struct hd_options *hd_loop_options(const struct hd_loop *loop);

#endif
