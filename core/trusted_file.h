/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files that decide who may do what: tokens, certificates, keys, lists of who is authorised.
 *
 * They are believed only where nobody but this process's user and root can write them. They may be
 * symbolic links (that is how containers are given their secrets). Nothing here waits: a FIFO, say,
 * is refused and not read. Any thread; no state.
 */
#ifndef HD_CORE_TRUSTED_FILE_H
#define HD_CORE_TRUSTED_FILE_H

#include "core/buffer.h"

#include <stdbool.h>
#include <sys/types.h>

/* Which content a path had: two equal stamps are the same file, not written in between. All zero:
 * there is none. */
struct hd_file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t modified; /* nanoseconds since the epoch */
    int64_t changed;  /* likewise, of the inode: no program can set it */
};

void hd_file_stamp_of(const char *path, struct hd_file_stamp *out);
bool hd_file_stamp_equal(const struct hd_file_stamp *a, const struct hd_file_stamp *b);

/* A regular file that only its owner (this process's user, or root) can write. Returns a descriptor
 * for reading, or -1: HD_E_DENIED, HD_E_SYSTEM; texts begin with the path. *readable_by_others:
 * group or others may read it. */
HD_CHECKED int hd_trusted_file_open(const char *path, bool *readable_by_others,
                                    struct hd_error *err);
/* All of it, at most max_bytes (else HD_E_LIMIT), without a NUL byte inside (HD_E_FORMAT). The
 * caller closes *out, which holds a NUL byte behind its length. */
HD_CHECKED int hd_trusted_file_read(const char *path, size_t max_bytes, struct hd_buffer *out,
                                    bool *readable_by_others, struct hd_error *err);

#endif
