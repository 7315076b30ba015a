/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was refused, on the way to the journal. Whoever is refused can come again at once, so what
 * reaches the disk is bounded: HD_REFUSALS_BURST lines at first and then one every
 * HD_REFUSALS_SECONDS, whatever happens. The same refusal of the same peer is one line that counts,
 * and where there are too many different ones to remember, the others are only counted.
 *
 * Pure, without allocation but for the lines it hands out; one thread at a time.
 */
#ifndef HD_CORE_REFUSALS_H
#define HD_CORE_REFUSALS_H

#include "core/authorized.h"
#include "core/report.h"

enum { HD_REFUSALS_BURST = 60, HD_REFUSALS_SECONDS = 360, HD_REFUSALS_KINDS = 16 };

/* One refusal; all borrowed for the call. */
struct hd_refusal {
    const struct hd_origin *origin; /* who it was, as far as that is known, and where from */
    const char *peer; /* the same for all connections of one peer: "uid:1000", "10.1.2.3" */
    const char *what; /* "push", "keep", "connect" */
    const char *why;  /* for people */
    enum hd_role role;
    enum hd_role needed;
};

struct hd_refusal_line {
    struct hd_origin origin;
    char peer[64];
    char what[32];
    char why[200];
    enum hd_role role;
    enum hd_role needed;
    int64_t when;   /* the first: microseconds since the epoch */
    uint64_t count; /* 0: the line is free */
};

struct hd_refusals {
    struct hd_refusal_line lines[HD_REFUSALS_KINDS];
    struct hd_refusal_line others; /* the rest: only when and count mean something */
    unsigned spent;                /* lines of the burst that are not free again */
    int64_t freed_at; /* when one was last: microseconds of a clock that does not jump */
};

/* Remembers it, or counts it; when: microseconds since the epoch. */
void hd_refusals_add(struct hd_refusals *refusals, const struct hd_refusal *refusal, int64_t when);
bool hd_refusals_any(const struct hd_refusals *refusals);
/* The journal lines, oldest first, that may be written at this time (microseconds of a clock that
 * does not jump), as an array of objects without "event"; they are forgotten here. NULL: none may,
 * or memory is out. */
json_t *hd_refusals_take(struct hd_refusals *refusals, int64_t now);
/* Microseconds until a line may be written; 0: now. */
int64_t hd_refusals_wait(const struct hd_refusals *refusals, int64_t now);

#endif
