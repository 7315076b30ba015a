/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one logger: a line to a descriptor, "2026-01-31T12:34:56.789Z hotdrop[PID] LEVEL text", with
 * a single write(2).
 *
 * Any thread. Never blocks: where the descriptor would block (a full pipe behind stderr), the line
 * is lost and counted, and the count is told with the next line that gets through. Text from
 * outside is escaped, so a line stays a line.
 */
#ifndef HD_CORE_LOG_H
#define HD_CORE_LOG_H

#include "core/error.h"

enum hd_log_level { HD_LOG_ERROR, HD_LOG_WARN, HD_LOG_INFO, HD_LOG_DEBUG };

/* To stderr at level info until hd_log_open. path NULL: stderr (not owned). A file is opened for
 * append, created 0600, O_CLOEXEC. On failure the log stays what it was. */
HD_CHECKED int hd_log_open(const char *path, enum hd_log_level level, struct hd_error *err);
/* Back to stderr at level info, with no lost lines left to tell. */
void hd_log_close(void);
bool hd_log_enabled(enum hd_log_level level);
/* From now on every line that is logged is also handed to listener (one at most; NULL: none any
 * more), unescaped and without its head. It is called with the log locked, so it may not log. */
void hd_log_listen(void (*listener)(enum hd_log_level level, const char *text, void *context),
                   void *context);
void hd_log(enum hd_log_level level, const char *format, ...) HD_PRINTF(2, 3);

#endif
