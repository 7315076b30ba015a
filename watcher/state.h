/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a watcher, shared by the files of this folder only.
 *
 *   root.c      the watched directory itself: is it there, is it gone, waiting for it
 *   walk.c      listing a directory and all below it, setting a watch on each before it is listed
 *   events.c    what the kernel reports, turned into pending files and lone items
 *   complete.c  is a file that a walk found still being written?
 *   tree.c      hd_watcher_new … hd_watcher_dispatch: when a batch is due, and what is in it
 */
#ifndef HD_WATCHER_STATE_H
#define HD_WATCHER_STATE_H

#include "watcher/directories.h"
#include "watcher/pending.h"
#include "watcher/settle.h"
#include "watcher/watcher.h"

#include <sys/types.h>

struct hd_lone_item {
    struct hd_watch_item item;
    int64_t seen_at;
};

struct hd_watcher {
    char *root_path;
    struct hd_watcher_options options;
    int epoll;
    int inotify;
    int timer;
    /* O_PATH, opened when needed, or -1: while it is open, the kernel does not report the
     * directory's own removal */
    int directory;
    int root_watch;     /* -1: the directory is not there */
    int ancestor_watch; /* while waiting for it: the nearest directory above that exists, or -1 */
    dev_t device;
    ino_t inode;
    struct hd_directories directories;
    unsigned walk; /* the number of the last full walk */
    struct hd_pending pending;
    struct hd_lone_item *lone; /* complete by themselves, waiting to be handed out one by one */
    size_t lone_count;
    size_t lone_capacity;
    struct hd_settle settle;
    int64_t first_event; /* of the burst under way, microseconds since the epoch */
    bool held;           /* the batch is due but for files that are still being written */
    bool lost;           /* events were lost: walk before the next batch */
    bool rescanned;      /* a walk put files into the next batch that may not have changed */
    bool at_once;        /* the next batch does not wait */
    /* the user's inotify watches ran out: some directories are seen only by walks */
    bool unwatched;
    bool tell_unwatched;
    /* something was deleted in it: look whether it is still there when the burst is over */
    bool root_in_doubt;
    /* it was deleted, moved or unmounted, or something appeared where it is waited for: look now */
    bool root_changed;
    uint64_t armed_for; /* what the timer is set to; UINT64_MAX for off */
};

/* tree.c */
/* Something arrived: the burst under way lasts on, or one begins. */
void hd_watcher_touch(struct hd_watcher *watcher);
/* path is complete by itself; a path that waits already is not added again. */
HD_CHECKED int hd_watcher_add_lone(struct hd_watcher *watcher, enum hd_watch_kind kind,
                                   const char *path, struct hd_error *err);

/* root.c */
/* Sets the root's watch and walks the tree; its files become pending if collect. 0 also when the
 * directory is absent and options.await_directory is set: then it is waited for. */
HD_CHECKED int hd_root_enter(struct hd_watcher *watcher, bool collect, struct hd_error *err);
/* After an event on the root itself, or on the directory above that is being waited in: enters or
 * leaves it. HD_E_NOT_FOUND when it is gone for good. */
HD_CHECKED int hd_root_check(struct hd_watcher *watcher, struct hd_error *err);
/* The descriptor for hd_watcher_directory; opens it where needed. -1 with errno. */
int hd_root_directory(struct hd_watcher *watcher);
void hd_root_release_directory(struct hd_watcher *watcher);

/* walk.c */
/* Watches directory path ("" the root) and all below it, and with collect makes their files
 * pending. A directory that vanishes meanwhile is skipped; one that cannot be watched for want of
 * watches is walked all the same (unwatched is set). */
HD_CHECKED int hd_walk(struct hd_watcher *watcher, const char *path, bool collect,
                       struct hd_error *err);
/* The same for the whole tree; lets go of watches whose directories it did not meet. */
HD_CHECKED int hd_walk_all(struct hd_watcher *watcher, bool collect, struct hd_error *err);

/* events.c */
/* Reads what the kernel has, without blocking and at most a bounded amount at a time. */
HD_CHECKED int hd_events_read(struct hd_watcher *watcher, struct hd_error *err);

/* complete.c */
enum hd_completeness { HD_COMPLETE, HD_STILL_WRITTEN, HD_VANISHED };
/* directory: the root's descriptor. */
enum hd_completeness hd_completeness_of(int directory, const struct hd_pending_file *file);

#endif
