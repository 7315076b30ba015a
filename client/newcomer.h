/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JVM that has only just started: its agent is in it, and opens its listeners when its own thread
 * runs, which may be a moment later. Linux. Main thread.
 */
#ifndef HD_CLIENT_NEWCOMER_H
#define HD_CLIENT_NEWCOMER_H

#include "client/jvms.h"

#include <stdbool.h>

/* True when somebody listens on the JVM's default socket. Waits for that, two seconds at most, where
 * the JVM has the agent, no socket, and is younger than ten seconds. */
bool hd_newcomer_await(const struct hd_jvm_process *jvm);
/* Whether somebody listens there. */
bool hd_socket_answers(const char *path);

#endif
