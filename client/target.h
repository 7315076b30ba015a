/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which agent is meant: --pid, --to, a name from the targets file, or the only reachable agent of
 * this user. Main thread.
 *
 * The targets file, ~/.config/hotdrop/targets ($XDG_CONFIG_HOME is honoured), has a target a line:
 * NAME ADDRESS [token=FILE] [ca=FILE] [cert=FILE key=FILE]; a '#' at the start of a line or behind a blank begins a comment.
 */
#ifndef HD_CLIENT_TARGET_H
#define HD_CLIENT_TARGET_H

#include "client/invocation.h"
#include "client/jvms.h"
#include "core/options.h"

struct hd_target {
    struct hd_address address;
    char token_file[512]; /* "" none; so with the others */
    char ca_file[512];    /* wss://: who issues the server's certificate */
    char cert_file[512];  /* … and what we show of ourselves */
    char key_file[512];
    pid_t expected_pid; /* the peer must be this process; 0: any */
    uid_t expected_uid; /* … and this user, when expected_pid is set */
    char title[600];    /* for people: "pid 4711 (Main)", "unix:/run/app.sock" */
};

/* HD_E_USAGE: unclear which is meant; the text lists the JVMs of this user. HD_E_CONNECTION: the
 * JVM named by --pid has no agent. Nothing is connected to, except to find out which of several
 * sockets still answer. */
HD_CHECKED int hd_target_find(const struct hd_invocation *invocation, struct hd_target *out,
                              struct hd_error *err);

/* The target that a JVM's default socket is. */
void hd_target_of_jvm(const struct hd_jvm_process *jvm, struct hd_target *out);

#endif
