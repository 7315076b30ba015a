/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drop directory: what is put there is deployed.
 *
 * What arrives together is claimed first (renamed into DIR/.claimed, out of everybody's reach),
 * then read, submitted as one job, and moved on to DIR/.done or DIR/.refused with its report.json.
 * One job of a directory is under way at a time, in order of arrival. Loop thread only.
 */
#ifndef HD_AGENT_DROP_H
#define HD_AGENT_DROP_H

#include "agent/loop.h"

struct hd_drop;

/* Checks and locks the directory, moves what an earlier JVM left half done to .refused, and starts
 * watching; what is already there is deployed. Logs what a user should know (a file system that
 * does not report changes). HD_E_NOT_FOUND: there is no such directory; HD_E_DENIED: its owner or
 * mode lets others in, or another JVM holds it; HD_E_SYSTEM. The text says what to do. loop is
 * borrowed for the drop's life. */
HD_CHECKED int hd_drop_open(struct hd_loop *loop, const char *directory, struct hd_drop **out,
                            struct hd_error *err);
/* Lets go of the directory. A job under way goes on without an owner; its files stay in .claimed,
 * and the next start says so. */
void hd_drop_close(struct hd_drop *drop);

#endif
