/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secret that clients of ws:// send: one line in a file, made by the agent where it is missing.
 *
 * The file is read again for every connection, so that a changed secret counts at once and no copy
 * of it stays in memory. It may be a symbolic link (that is how containers are given their
 * secrets). Start-up thread and loop thread; no state.
 */
#ifndef HD_AGENT_TOKEN_H
#define HD_AGENT_TOKEN_H

#include "core/message.h"

#include <stddef.h>

/* Where path names nothing, makes it: mode 0600, 32 random bytes in hex. In any case checks that it
 * can be used: a regular file that only its owner (this process's user, or root) can write, holding
 * a line of HD_TOKEN_MIN to HD_TOKEN_MAX printable characters. *readable_by_others is set where
 * group or others may read it. HD_E_DENIED, HD_E_FORMAT, HD_E_SYSTEM. */
HD_CHECKED int hd_token_prepare(const char *path, bool *readable_by_others, struct hd_error *err);

/* Compares the file's secret with what a client presented, in a time that does not depend on where
 * they differ. 0: equal. HD_E_DENIED: they differ; other codes: the file cannot be used. Nothing is
 * made here. The text never holds either secret. */
HD_CHECKED int hd_token_verify(const char *path, const char *presented, size_t length,
                               struct hd_error *err);

#endif
