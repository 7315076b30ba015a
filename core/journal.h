/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal: JSON lines in a file, each carrying the SHA-256 of the line before, so that any change
 * that did not rewrite all later lines is found, and where.
 *
 * A line is {"n":1,"prev":"<hex>","at":"<UTC>","event":"…", …}; prev of the first line is 64 zeros,
 * of every other the digest of the bytes of the line before it, without its newline. The digest of
 * the last line, the head, anchors all: whoever keeps it elsewhere can prove what was.
 *
 * The engine's thread, or the client's main thread.
 */
#ifndef HD_CORE_JOURNAL_H
#define HD_CORE_JOURNAL_H

#include "core/buffer.h"
#include "core/digest.h"

#include <jansson.h>

#define HD_JOURNAL_FILE     "journal"
#define HD_JOURNAL_MAX_LINE (UINT64_C(64) << 20)

struct hd_journal;

/* What a reading found. */
struct hd_journal_state {
    uint64_t lines;                /* whole and in the chain */
    char head[HD_DIGEST_HEX_SIZE]; /* 64 zeros for an empty journal */
    bool torn; /* bytes without a newline at the end: a write that a crash cut off */
};

/* Reads the journal below directory from its beginning, checks the chain, and calls visit (may be
 * NULL) for each line; visit borrows entry and fails the reading by returning -1. HD_E_FORMAT names
 * the first line that is not what it was, and how; HD_E_NOT_FOUND: there is no journal. */
HD_CHECKED int hd_journal_read(int directory,
                               int (*visit)(const json_t *entry, void *context,
                                            struct hd_error *err),
                               void *context, struct hd_journal_state *out, struct hd_error *err);

/* A reading of lines some of which need not be understood: to see that a line is in the chain takes
 * a fraction of the time that its parsing does. All zero: none is parsed. */
struct hd_journal_reader {
    /* As in hd_journal_read. */
    int (*visit)(const json_t *entry, void *context, struct hd_error *err);
    /* Is the line, of which so many bytes follow, for visit? NULL: each is. */
    bool (*wants)(struct hd_bytes line, uint64_t following, void *context);
    void *context;
};

/* Opens it for appending after such a reading (create: makes an empty one where there is none). A
 * torn end is cut off: it was never acknowledged. */
HD_CHECKED int hd_journal_open(int directory, bool create, const struct hd_journal_reader *reader,
                               struct hd_journal **out, struct hd_error *err);
void hd_journal_close(struct hd_journal *journal);

/* Adds a line, on disk (fdatasync) when this returns 0. HD_E_LIMIT: longer than
 * HD_JOURNAL_MAX_LINE. Takes entry (an object with "event", without n, prev and at) even on
 * failure. After a failure the file is as before; where even that cannot be had, every later append
 * fails until it can. */
HD_CHECKED int hd_journal_append_take(struct hd_journal *journal, json_t *entry,
                                      struct hd_error *err);
/* Digest of the last line; a borrow until the next append. */
const char *hd_journal_head(const struct hd_journal *journal);

#endif
