/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When is a burst of files over?
 *
 * Pure arithmetic over microseconds of one monotonic clock that the caller reads, so that tests
 * need no time to pass. The quiet time starts at what the user asked for and grows by a quarter of
 * the time the burst has lasted so far, because a compiler that has been busy for long also pauses
 * for longer between two files.
 */
#ifndef HD_WATCHER_SETTLE_H
#define HD_WATCHER_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

/* The quiet time grows no further than this (or than the time the user asked for, where that is
 * longer). */
#define HD_SETTLE_MAX_QUIET UINT64_C(1000000)
/* A burst that never pauses is cut after this time, so that a program which writes all the time
 * cannot keep everything else waiting. */
#define HD_SETTLE_MAX_BURST UINT64_C(30000000)

struct hd_settle {
    uint64_t base; /* microseconds of quiet for a burst of one file */
    uint64_t first;
    uint64_t last;
    bool active; /* a burst is under way */
};

void hd_settle_init(struct hd_settle *settle, uint64_t milliseconds);
/* Something arrived: starts a burst or prolongs the one under way. */
void hd_settle_touch(struct hd_settle *settle, uint64_t now);
/* When the burst will be over if nothing more arrives; UINT64_MAX when none is under way. */
uint64_t hd_settle_deadline(const struct hd_settle *settle);
void hd_settle_end(struct hd_settle *settle);

#endif
