/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JVMs of this machine, as /proc shows them: who they are, and where their agent would listen.
 * Linux. Main thread.
 */
#ifndef HD_CLIENT_JVMS_H
#define HD_CLIENT_JVMS_H

#include "core/error.h"

#include <stddef.h>
#include <sys/types.h>

struct hd_jvm_process {
    pid_t pid;       /* as we see it */
    pid_t inner_pid; /* as the JVM sees itself: innermost pid namespace */
    uid_t uid;       /* effective */
    gid_t gid;
    unsigned threads;
    bool catches_sigquit; /* false under -Xrs: SIGQUIT would end it */
    bool has_agent;       /* libhotdrop is mapped */
    char socket[108]; /* the default socket through /proc/PID/root, whether it is there or not */
    bool socket_exists;
    char main_class[256]; /* or the jar's name; "" where it cannot be told */
    char jdk[64];         /* "17.0.15"; "" where it cannot be told */
};

/* Whether pid is a process with a libjvm.so in it that we may look at. HD_E_NOT_FOUND: no such
 * process; HD_E_DENIED: not ours to look at; HD_E_USAGE: not a JVM. */
HD_CHECKED int hd_jvms_examine(pid_t pid, struct hd_jvm_process *out, struct hd_error *err);

/* The same for somebody who wants to reach its agent: where its default socket is there, the maps
 * are not read, and has_agent and jdk stay unknown; what is behind the socket, the kernel tells
 * whoever connects. */
HD_CHECKED int hd_jvms_reach(pid_t pid, struct hd_jvm_process *out, struct hd_error *err);

/* All that this user may look at (root: everybody's), ordered by pid. The caller frees *out with
 * hd_free. */
HD_CHECKED int hd_jvms_list(struct hd_jvm_process **out, size_t *count, struct hd_error *err);

/* The /tmp of the JVM as a descriptor (O_PATH), which the caller closes. In a container it is not
 * followed where it is a symbolic link: its target would be looked for out here. HD_E_DENIED,
 * HD_E_SYSTEM. */
HD_CHECKED int hd_jvms_open_tmp(const struct hd_jvm_process *jvm, struct hd_error *err);

#endif
