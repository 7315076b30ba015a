/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stacks that hold old code: each thread with a frame of an obsolete method (JVMTI
 * IsMethodObsolete), named, and which of its frames those are. Virtual threads are not listed by
 * the JVM. Engine thread only.
 */
#ifndef HD_AGENT_BLOCKING_H
#define HD_AGENT_BLOCKING_H

#include "agent/jvm.h"

#include <jansson.h>

/* The bounds: a thread beyond them is only counted. Of a deep stack the newest frames are shown,
 * and then, as far as there is room, only those that are old. */
#define HD_BLOCKING_MAX_THREADS 100
#define HD_BLOCKING_MAX_FRAMES  64

/* {"threads":[{"thread","depth","frames":[{"at","class","method","old"}]}],"more":N}; "at" counts
 * from 0, the newest frame, "depth" is how many frames there are. Stops the threads for the length
 * of one GetAllStackTraces. *out is a new reference. */
HD_CHECKED int hd_blocking_list(const struct hd_jvm *jvm, JNIEnv *jni, json_t **out,
                                struct hd_error *err);

#endif
