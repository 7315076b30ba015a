/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the steps of the road share. Made and owned by the engine; engine thread only, except
 * closing.
 */
#ifndef HD_AGENT_ROAD_H
#define HD_AGENT_ROAD_H

#include "agent/archive.h"
#include "agent/base.h"
#include "agent/deploy.h"
#include "agent/forced.h"
#include "agent/frames.h"
#include "agent/gate.h"
#include "agent/hook.h"
#include "agent/label.h"
#include "agent/loaded.h"
#include "agent/probation.h"
#include "agent/registry.h"
#include "agent/states.h"

#include <stdatomic.h>

struct hd_road {
    const struct hd_jvm *jvm;
    const struct hd_options *options;
    struct hd_labels *labels;
    struct hd_loaded *loaded;
    struct hd_base_finder *finder;
    struct hd_registry *registry;
    struct hd_states *states;
    struct hd_hook *hook;
    struct hd_probation probation;
    struct hd_gate gate;
    struct hd_forced_marks *forced;
    struct hd_archive *archive;  /* NULL: there is no store */
    uint64_t earlier_number;     /* the last one of the JVMs before this one; 0: there was none */
    struct hd_old_frames frames; /* as they were last counted */
    uint64_t last_number;        /* of a deployment of this JVM, or of its store */
    atomic_bool closing;         /* set by any thread: the JVM shuts down, and no step may begin */
    void (*doing)(void *context,
                  const char *text); /* told before application code is called; may be NULL */
    void *doing_context;
};

/* Tells what is under way, so that clients can say what an application's class loader holds up. */
void hd_road_doing(const struct hd_road *road, const char *format, ...) HD_PRINTF(2, 3);
/* Microseconds of a clock that does not jump. */
int64_t hd_road_clock(void);
/* HD_E_JVM once the JVM shuts down. */
HD_CHECKED int hd_road_check_open(const struct hd_road *road, struct hd_error *err);

/* Hands the hook every patch of the registry, and what loaders that come get in the current state.
 * ahead: in the one that is being made, with extra (not yet in the registry) in place of the
 * entries they replace. */
HD_CHECKED int hd_road_publish(struct hd_road *road, JNIEnv *jni, bool ahead,
                               struct hd_live *const *extra, size_t extra_count,
                               struct hd_error *err);
/* From now until the next hd_road_publish the hook tells of classes of these names (internal) that
 * load as they come: a deployment of them is looking for those that are there. */
HD_CHECKED int hd_road_watch(struct hd_road *road, JNIEnv *jni, const char *const *names,
                             size_t count, struct hd_error *err);
/* What the class is in that state: *content is a borrow until the next commit, NULL where it is the
 * original. False where its loader was collected, and it with it. */
HD_CHECKED bool hd_road_content_in(const struct hd_road *road, JNIEnv *jni, uint64_t state,
                                   const struct hd_live *live, struct hd_blob **content);
/* Forgets what was live in loaders that were collected, or whose application was stopped. */
void hd_road_sweep(struct hd_road *road, JNIEnv *jni);
/* Fills frames anew. With nothing live it asks no JVM: no thread is stopped for nothing. */
void hd_road_count_old_frames(struct hd_road *road, JNIEnv *jni);
struct hd_status;
/* What is live now; the caller's. NULL when memory is out. */
struct hd_status *hd_road_status(struct hd_road *road);
/* The stacks that hold old code, as status shows them (blocking.h); NULL where they cannot be
 * listed. With nothing live no thread is stopped for nothing. */
json_t *hd_road_list_blocking(struct hd_road *road, JNIEnv *jni);
/* What the hook did or saw, in its order: the registry follows, and what another agent's
 * retransformation lost is put back. Consumes the events. (hear.c) */
void hd_road_hear_hook_take(struct hd_road *road, JNIEnv *jni, struct hd_hook_event *events);

#endif
