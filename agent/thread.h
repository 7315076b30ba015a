/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own threads: daemon threads the JVM knows (JVMTI RunAgentThread), so that they may
 * use JNI and do not keep it alive. They are detached: nobody can join one, so who ends it needs a
 * handshake of its own.
 */
#ifndef HD_AGENT_THREAD_H
#define HD_AGENT_THREAD_H

#include "agent/jvm.h"

#include <pthread.h>
#include <time.h>

#define HD_THREAD_NAME_MAX 15 /* bytes the kernel keeps, for ps and top (prctl(2)) */

/* Runs body on a new thread with this name, as Java and the kernel show it. Live phase only. body
 * gets context as its argument and a JNI environment of its own; it should begin with
 * hd_thread_name. HD_E_JVM. */
HD_CHECKED int hd_thread_start(const struct hd_jvm *jvm, JNIEnv *jni, const char *name,
                               jvmtiStartFunction body, void *context, struct hd_error *err);

/* A condition for timed waits on the clock that does not jump, and a moment of that clock. */
void hd_thread_condition_init(pthread_cond_t *condition);
struct timespec hd_thread_deadline(unsigned timeout_ms);

/* In place of a join: whether a thread still runs, and a bounded wait until it does not. */
struct hd_thread_end {
    pthread_mutex_t lock; /* guards running; nothing is called with it held */
    pthread_cond_t changed;
    bool running;
};

void hd_thread_end_init(struct hd_thread_end *end);
/* Before the thread is started, and after it could not be. */
void hd_thread_end_set(struct hd_thread_end *end, bool running);
/* 0: it does not run (any more). -1: it did not end within timeout_ms. */
HD_CHECKED int hd_thread_end_await(struct hd_thread_end *end, unsigned timeout_ms);
void hd_thread_end_close(struct hd_thread_end *end);

/* Names the calling thread for the kernel: the JVM does it only for threads that Java starts. */
void hd_thread_name(const char *name);

#endif
