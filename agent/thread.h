/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own threads: daemon threads the JVM knows (JVMTI RunAgentThread), so that they may use JNI and do not keep it
 * alive. They are detached: nobody can join one, so who ends it needs a handshake of its own.
 */
#ifndef HD_AGENT_THREAD_H
#define HD_AGENT_THREAD_H

#include "agent/jvm.h"

#define HD_THREAD_NAME_MAX 15 /* bytes the kernel keeps, for ps and top (prctl(2)) */

/* Runs body on a new thread with this name, as Java and the kernel show it. Live phase only. body gets context as its argument and a
 * JNI environment of its own; it should begin with hd_thread_name. HD_E_JVM. */
HD_CHECKED int hd_thread_start(const struct hd_jvm *jvm, JNIEnv *jni, const char *name, jvmtiStartFunction body, void *context,
                               struct hd_error *err);

/* Names the calling thread for the kernel: the JVM does it only for threads that Java starts. */
void hd_thread_name(const char *name);

#endif
