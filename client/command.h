/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of `hotdrop`, a table row each in main.c. A command gets its options read; it prints
 * its answer and returns the exit status (client/exit.h).
 */
#ifndef HD_CLIENT_COMMAND_H
#define HD_CLIENT_COMMAND_H

#include "client/exit.h"
#include "client/invocation.h"

int hd_command_push(const struct hd_invocation *invocation);
int hd_command_check(const struct hd_invocation *invocation);
int hd_command_watch(const struct hd_invocation *invocation);
int hd_command_attach(const struct hd_invocation *invocation);
int hd_command_ps(const struct hd_invocation *invocation);
int hd_command_status(const struct hd_invocation *invocation);
int hd_command_history(const struct hd_invocation *invocation);
int hd_command_diff(const struct hd_invocation *invocation);
int hd_command_keep(const struct hd_invocation *invocation);
int hd_command_journal(const struct hd_invocation *invocation);
int hd_command_confirm(const struct hd_invocation *invocation);
int hd_command_rollback(const struct hd_invocation *invocation);
int hd_command_sign(const struct hd_invocation *invocation);
int hd_command_verify(const struct hd_invocation *invocation);
int hd_command_show(const struct hd_invocation *invocation);

#endif
