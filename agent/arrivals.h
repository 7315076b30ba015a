/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the application's threads leave for the index of loaded classes (loaded.h): a weak reference
 * to each class that has loaded, in a list that takes no lock and waits for nobody. So many wait at
 * most; when more come, or memory is out, nothing more is noted, and the list is not whole.
 *
 * It is the process's, not an index's, which could be freed under those threads. The callback runs
 * on any thread, hd_arrivals_shut may; all else is for the engine thread.
 */
#ifndef HD_AGENT_ARRIVALS_H
#define HD_AGENT_ARRIVALS_H

#include "agent/jvm.h"

#include <stddef.h>

enum { HD_ARRIVALS_MOST = 4096 };

struct hd_arrival {
    jweak class;
    struct hd_arrival *next;
};

/* JVMTI's ClassLoad event. Clears the exception that it may cause. */
void JNICALL hd_arrivals_class_load(jvmtiEnv *jvmti, JNIEnv *jni, jthread thread, jclass class);

/* Forgets those that wait; from now on every class is noted. */
void hd_arrivals_begin(JNIEnv *jni);
/* Nothing is noted until the next begin, and those that wait are forgotten. */
void hd_arrivals_end(JNIEnv *jni);
/* True while none was let go of since hd_arrivals_begin. */
bool hd_arrivals_are_whole(void);
/* Those that wait, the first one first; the caller frees each. */
struct hd_arrival *hd_arrivals_take(void);
void hd_arrival_free(struct hd_arrival *arrival, JNIEnv *jni);
/* Bytes. */
size_t hd_arrivals_size(void);

/* For the VMDeath callback: nothing is noted from now on, until hd_arrivals_open. Does not wait. */
void hd_arrivals_shut(void);
void hd_arrivals_open(void);

#endif
