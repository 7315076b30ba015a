/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drop directory on disk: who may write there, whose it is, and how files move through it. Knows
 * no loop, no job, no class file.
 *
 *   DIR/.hotdrop.lock                held (flock) by the one JVM that serves DIR; its pid inside
 *   DIR/.claimed/<UTC>-<number>/     taken from DIR, being deployed
 *   DIR/.claimed/.next/              empty; becomes the next of those
 *   DIR/.done/<UTC>-<deployment>/    deployed, with report.json
 *   DIR/.refused/<UTC>-<deployment>/ not deployed, with report.json
 *
 * Files keep their relative paths in all of them. They are moved (rename(2) within DIR), never
 * copied, opened or deleted. One thread at a time.
 */
#ifndef HD_AGENT_DROP_PLACE_H
#define HD_AGENT_DROP_PLACE_H

#include "core/report.h"
#include "watcher/watcher.h"

struct hd_drop_place {
    char *path;
    int directory;
    int lock;
    int claimed;
    int done;
    int refused;
    unsigned long last_number;
    bool prepared; /* .next is there */
    /* Directories that files were taken from; empty ones are removed by hd_drop_place_sweep. */
    char **left;
    size_t left_count;
    size_t left_capacity;
};

/* Checks owner and mode (the JVM's user or root; nobody else may write), locks, makes the three
 * directories. HD_E_NOT_FOUND, HD_E_DENIED, HD_E_SYSTEM in words that say what to do. On success
 * closed with hd_drop_place_close. */
HD_CHECKED int hd_drop_place_open(const char *path, struct hd_drop_place *out,
                                  struct hd_error *err);
void hd_drop_place_close(struct hd_drop_place *place);

/* Makes the directory for what is taken next, if it is not there: what can take the file system
 * longer than all the rest is then done before a file comes, and after a deployment is live. Where
 * it cannot be made, hd_drop_place_claim will say so. After hd_drop_place_recover. */
void hd_drop_place_prepare(struct hd_drop_place *place);

/* What was taken from DIR together. */
struct hd_claim {
    char name[64]; /* of its directory in .claimed */
    int directory;
    bool whole_directory; /* paths[0] is a directory that was renamed into DIR */
    char **paths;         /* in order of arrival */
    size_t count;
    /* NULL, or why some of the files could not be taken: those stay where they are, and the others
     * should not be deployed without them */
    char *incomplete;
};

/* Takes the batch's files. *out is NULL when none of them is there any more. Fails (nothing taken)
 * for want of space, rights or memory; then the files stay where they are. */
HD_CHECKED int hd_drop_place_claim(struct hd_drop_place *place, const struct hd_watch_batch *batch,
                                   struct hd_claim **out, struct hd_error *err);
void hd_claim_free(struct hd_claim *claim);
/* A claim that waits for its turn holds no descriptor: its directory is closed, and opened
 * again. */
void hd_claim_rest(struct hd_claim *claim);
HD_CHECKED int hd_claim_resume(const struct hd_drop_place *place, struct hd_claim *claim,
                               struct hd_error *err);

/* Writes report.json and moves the claim to .done (a good deployment) or .refused. where (capacity
 * bytes): the new place relative to DIR. Where the report cannot be written the files are moved all
 * the same, and this is -1. */
HD_CHECKED int hd_drop_place_settle(struct hd_drop_place *place, const struct hd_claim *claim,
                                    const struct hd_deployment *deployment, char *where,
                                    size_t capacity, struct hd_error *err);

/* Moves what an earlier JVM left in .claimed to .refused, with a report that says so. *count: how
 * many. */
HD_CHECKED int hd_drop_place_recover(struct hd_drop_place *place, size_t *count,
                                     struct hd_error *err);

/* Removes the directories that claims emptied, if they are still empty. */
void hd_drop_place_sweep(struct hd_drop_place *place);

#endif
