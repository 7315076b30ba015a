/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every file below a directory, without recursion and without following links. Any thread.
 */
#ifndef HD_WATCHER_LIST_H
#define HD_WATCHER_LIST_H

#include "core/error.h"

struct hd_listing {
    /* A directory is about to be listed; may be NULL. */
    int (*enter)(void *context, const char *path, struct hd_error *err);
    /* Something that is not a directory. type: DT_REG, DT_LNK, … of dirent.h, or DT_UNKNOWN. */
    int (*file)(void *context, const char *path, const char *name, unsigned char type,
                struct hd_error *err);
    void *context;
};

/* Lists top ("" for directory itself) and all below it, leaving out names that hd_name_is_ignored
 * knows; paths are relative to directory. A directory that vanishes meanwhile or may not be read is
 * skipped. Ends with -1 when a callback returns that, for want of memory, or of descriptors. */
HD_CHECKED int hd_list_files(int directory, const char *top, const struct hd_listing *listing,
                             struct hd_error *err);

#endif
