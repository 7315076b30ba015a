/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HotSpot's attach protocol, version 1, spoken directly: a trigger file and SIGQUIT make the JVM
 * open /tmp/.java_pid<PID>; a request of five NUL-terminated strings gets a status line and text
 * back. Works across mount and pid namespaces and chroots. Main thread.
 */
#ifndef HD_CLIENT_HOTSPOT_H
#define HD_CLIENT_HOTSPOT_H

#include "client/jvms.h"

/* HotSpot's own limit for one argument. */
#define HD_HOTSPOT_ARGUMENT_MAX 1024

/* Runs Agent_OnAttach of library (an absolute path as the JVM sees it) with options, through the
 * JVM's /tmp (hd_jvms_open_tmp; stays the caller's); waits up to
 * 10 s for the JVM to listen and 60 s for its answer. HD_E_DENIED: another user's JVM;
 * HD_E_USAGE: a JVM that SIGQUIT would end (-Xrs); HD_E_JVM: the JVM's or the loader's own
 * words. */
HD_CHECKED int hd_hotspot_load_agent(const struct hd_jvm_process *jvm, int tmp, const char *library,
                                     const char *options, struct hd_error *err);

#endif
