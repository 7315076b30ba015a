/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JVM that has only just started: its agent is in it, and opens its listeners when its own thread
 * runs, which may be a moment later. Linux. Main thread.
 */
#ifndef HD_CLIENT_NEWCOMER_H
#define HD_CLIENT_NEWCOMER_H

#include "client/jvms.h"

#include <stdbool.h>

/* Waits, two seconds at most, until somebody listens on the default socket of a JVM that has the
 * agent, or such a file, and is younger than ten seconds; the file may be a dead JVM's, of the same
 * pid.
 * False: nobody does, or it is no such JVM. */
bool hd_newcomer_await(const struct hd_jvm_process *jvm);
/* Whether somebody listens there. */
bool hd_socket_answers(const char *path);

#endif
