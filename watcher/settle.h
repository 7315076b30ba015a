/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When is a burst of files over?
 *
 * Pure arithmetic over microseconds of one monotonic clock that the caller reads, so that tests
 * need no time to pass. The quiet time starts at what the user asked for and grows by a quarter of
 * the time the burst has lasted so far, because a program that has been busy for long also pauses
 * for longer between two files.
 *
 * For a compiler that is not enough: javac writes a class, then attributes the next one, and on a
 * cold or busy machine the second file comes long after the first. So a learning settle starts more
 * patiently, never waits less than twice the longest pause inside the burst, becomes more patient
 * when files come just after it gave up waiting, and less so by and by when none do.
 */
#ifndef HD_WATCHER_SETTLE_H
#define HD_WATCHER_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

/* The quiet time grows no further than this (or than the time the user asked for, if longer). */
#define HD_SETTLE_MAX_QUIET UINT64_C(1000000)
/* A burst that never pauses is cut after this time, so that a program which writes all the time
 * cannot keep everything else waiting. */
#define HD_SETTLE_MAX_BURST UINT64_C(30000000)
/* A learning settle starts with so many times the time the user asked for. */
#define HD_SETTLE_FIRST_PATIENCE 8
/* What comes within this time of the last file of a burst belonged to it. */
#define HD_SETTLE_LATE UINT64_C(600000)

struct hd_settle {
    uint64_t base; /* microseconds of quiet for a burst of one file */
    uint64_t first;
    uint64_t last;
    bool active; /* a burst is under way */
    bool learns;
    bool had_one;      /* last is the end of an earlier burst, if none is active */
    uint64_t patience; /* learnt; at least base */
    uint64_t longest;  /* pause inside this burst */
};

void hd_settle_init(struct hd_settle *settle, uint64_t milliseconds, bool learns);
/* Something arrived: starts a burst or prolongs the one under way. */
void hd_settle_touch(struct hd_settle *settle, uint64_t now);
/* When the burst will be over if nothing more arrives; UINT64_MAX when none is under way. */
uint64_t hd_settle_deadline(const struct hd_settle *settle);
void hd_settle_end(struct hd_settle *settle);

#endif
