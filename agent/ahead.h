/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of a large jar's classes, begun while the jar is still being unpacked: the loop unpacks,
 * and an engine that has nothing to do checks what is there already; when all is unpacked the loop
 * helps with the rest. Only what needs no JVM and can be done of any file is done ahead: the
 * structural check, the copy that the registry will keep, and the comparison with what a deployment
 * put there before. Whatever is not there when the deployment begins, or was found wanting, the road
 * does itself, and finds the words for it.
 *
 * Made, told of classes and freed on the loop thread; run on the engine's; taken from by the road.
 */
#ifndef HD_AGENT_AHEAD_H
#define HD_AGENT_AHEAD_H

#include "agent/prepare.h"

/* With fewer classes than this waking the engine would take longer than it saves. */
#define HD_AHEAD_LEAST 32

struct hd_engine;
struct hd_ahead;

/* hd_bundle_open_take, with the engine's help where it is free and the jar is large. *ahead is the
 * caller's, to be freed before the bundle; NULL where there is none, and on failure. engine may be
 * NULL. */
HD_CHECKED int hd_ahead_open_bundle_take(struct hd_engine *engine, uint8_t *jar, size_t length,
                                         const char *name, const struct hd_bundle_limits *limits,
                                         unsigned feature_release, struct hd_bundle **bundle,
                                         struct hd_ahead **ahead, struct hd_error *err);
/* Accepts NULL. Where the engine is at it, waits until it is through with one class. */
void hd_ahead_free(struct hd_ahead *ahead);

/* Moves out what was done of class number index of the bundle; the caller closes it. False: nothing
 * was. */
bool hd_ahead_take(struct hd_ahead *ahead, size_t index, struct hd_prepared *out);

/* For the engine, with its registry, into which the loop looks meanwhile, too. Checks classes as they
 * are unpacked, until all of them are or nobody wants them any more; then it lets go of ahead, which
 * may be freed from then on. */
void hd_ahead_run(struct hd_ahead *ahead, const struct hd_registry *registry,
                  const struct hd_jvm_rules *rules);
/* Lets go of it without having looked at it. */
void hd_ahead_let_go(struct hd_ahead *ahead);

#endif
