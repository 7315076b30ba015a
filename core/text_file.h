/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small text files that people write for us: options, lists of signers. Any thread.
 */
#ifndef HD_CORE_TEXT_FILE_H
#define HD_CORE_TEXT_FILE_H

#include "core/buffer.h"

#define HD_TEXT_FILE_MAX_BYTES ((size_t)1 << 20)

/* Appends the file and a NUL byte, which length counts. Never waits: a FIFO without a writer, say,
 * is refused. HD_E_SYSTEM: cannot be opened or read; HD_E_USAGE: no regular file, or no text;
 * HD_E_LIMIT: larger than HD_TEXT_FILE_MAX_BYTES. The texts do not name the file. The caller closes
 * *out either way. */
HD_CHECKED int hd_text_file_read(const char *path, struct hd_buffer *out, struct hd_error *err);

#endif
