/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which inotify watch stands for which directory. Belongs to one watcher, one thread.
 *
 * Kept sorted by watch descriptor: the kernel hands them out in ascending order, so adding is
 * appending and finding is a binary search.
 */
#ifndef HD_WATCHER_DIRECTORIES_H
#define HD_WATCHER_DIRECTORIES_H

#include "core/error.h"

#include <stddef.h>

struct hd_watched_directory {
    int watch;
    unsigned walk; /* number of the walk that saw it last */
    char *path;    /* relative to the watched root, "" for the root itself */
};

struct hd_directories {
    struct hd_watched_directory *items;
    size_t count;
    size_t capacity;
};

/* NULL when the watch is not ours (any more). */
const struct hd_watched_directory *hd_directories_find(const struct hd_directories *directories,
                                                       int watch);
/* Adds the watch with a copy of path; where the watch is known (the same directory by another name)
 * the path is replaced. */
HD_CHECKED int hd_directories_put(struct hd_directories *directories, int watch, const char *path,
                                  unsigned walk, struct hd_error *err);
void hd_directories_remove(struct hd_directories *directories, int watch);
/* Takes the watches of path and all below it off the inotify instance and out of the table. */
void hd_directories_remove_below(struct hd_directories *directories, int inotify, const char *path);
/* The same for all that walk did not see. */
void hd_directories_remove_unseen(struct hd_directories *directories, int inotify, unsigned walk);
/* Frees the table; with inotify >= 0 the watches are taken off, too. */
void hd_directories_close(struct hd_directories *directories, int inotify);

#endif
