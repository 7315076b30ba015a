/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a watched tree, shared by tree.c (events, compiles, jobs) and tree_read.c (class
 * files into the index).
 */
#ifndef HD_AGENT_TREE_STATE_H
#define HD_AGENT_TREE_STATE_H

#include "agent/tree.h"
#include "agent/tree_missing.h"
#include "watcher/watcher.h"

struct hd_tree {
    char *path;
    struct hd_tree_index index;
    struct hd_tree_known known;
    bool truncated; /* not all of it was remembered */
    bool caught_up; /* the batch of what was there at the start is done */
    uint32_t owner; /* of the file read last */
    struct hd_loop *loop;
    struct hd_watcher *watcher;
    struct hd_loop_watch *watch;
    int wait_timer;
    struct hd_loop_watch *wait_watch;
    bool waiting;
    bool lost;    /* memory ran out while files were read: read the tree again */
    bool again;   /* something changed while a job was under way */
    bool held_up; /* a compile was refused because another deployment was on trial */
    struct hd_job *job;
};

/* Reads one file of the tree into the index, if it is a class file that is there and may be read.
 * Fails for want of memory. */
HD_CHECKED int hd_tree_absorb(struct hd_tree *tree, int directory, const char *path,
                              struct hd_error *err);

#endif
