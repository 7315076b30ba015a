/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deployments of this JVM, newest last, in memory with a bound (rows and bytes counted: the
 * oldest go first), and before them those of earlier JVMs of its store. Holds a reference to each.
 * Used by one thread: the loop, which answers history and show from it while the engine is at work.
 */
#ifndef HD_CORE_HISTORY_H
#define HD_CORE_HISTORY_H

#include "core/past.h"
#include "core/report.h"

struct hd_history {
    struct hd_deployment **items;
    size_t count;
    size_t capacity;
    size_t row_total;
    uint64_t bytes;       /* of the deployments, about */
    uint64_t dropped;     /* how many were let go for the bound */
    struct hd_past *past; /* of earlier JVMs; owned; NULL: there is no store */
};

#define HD_HISTORY_MAX_DEPLOYMENTS 1000
#define HD_HISTORY_MAX_ROWS        100000
#define HD_HISTORY_MAX_BYTES       (UINT64_C(64) << 20) /* a class may have a name of 64 KiB */

/* Shares the deployment. */
HD_CHECKED int hd_history_add(struct hd_history *history, struct hd_deployment *deployment,
                              struct hd_error *err);
/* NULL when that number is unknown or was let go. A borrow until the next add. */
const struct hd_deployment *hd_history_find(const struct hd_history *history, uint64_t number);
/* A deployment of this or an earlier JVM in full, as hd_deployment_full_to_json. A new reference;
 * NULL when that number is unknown or was let go, or memory is out. */
json_t *hd_history_show(const struct hd_history *history, uint64_t number);
/* How many there were, as far as is known. */
uint64_t hd_history_total(const struct hd_history *history);
/* … and how many of those are no longer here. */
uint64_t hd_history_dropped(const struct hd_history *history);
/* About how many bytes of memory it takes. */
uint64_t hd_history_size(const struct hd_history *history);
/* An array of summaries, newest first. */
json_t *hd_history_to_json(const struct hd_history *history);
void hd_history_close(struct hd_history *history);

#endif
