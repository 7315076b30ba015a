/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that were seen and not yet handed out: each path once, in order of first arrival, found
 * by hash so that a burst of tens of thousands stays cheap.
 *
 * Belongs to one watcher, one thread.
 */
#ifndef HD_WATCHER_PENDING_H
#define HD_WATCHER_PENDING_H

#include "core/map.h"

#include <stddef.h>

enum hd_pending_state {
    HD_PENDING_SEEN,   /* it is there; whether its writer is done is not known */
    HD_PENDING_CLOSED, /* its writer closed it or renamed it into place */
    HD_PENDING_VOID    /* handed out another way, or gone */
};

struct hd_pending_file {
    char *path;
    enum hd_pending_state state;
    /* still being written when its batch could wait no longer: holds no other batch up */
    bool overdue;
};

struct hd_pending {
    struct hd_pending_file *files;
    size_t count;
    size_t capacity;
    struct hd_map by_path;
};

/* Adds path (copied), or finds it. A file that is there keeps its place; CLOSED and VOID replace
 * the state it had, SEEN does only for VOID. HD_E_MEMORY leaves all as it was. */
HD_CHECKED int hd_pending_add(struct hd_pending *pending, const char *path,
                              enum hd_pending_state state, struct hd_error *err);
/* Marks path VOID if it is there. */
void hd_pending_forget(struct hd_pending *pending, const char *path);
/* Lets go of the files whose path was moved out (NULL) or whose state is VOID, and keeps the others
 * in order. Nothing may be added or looked for between moving a path out and this. Where memory is
 * out, none is kept, and it is -1. */
HD_CHECKED int hd_pending_compact(struct hd_pending *pending, struct hd_error *err);
void hd_pending_close(struct hd_pending *pending);

#endif
