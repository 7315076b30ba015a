/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One compile: every class file of a watched tree that is not what is live, and whether all they
 * need is there. Loop thread.
 */
#ifndef HD_AGENT_TREE_COMPILE_H
#define HD_AGENT_TREE_COMPILE_H

#include "agent/tree_missing.h"
#include "core/bundle.h"
#include "core/report.h"

struct hd_tree_candidate {
    struct hd_tree_file *file; /* borrowed from the index */
    /* HD_REASON_NONE: complete; else missing-member or malformed-class, so far */
    enum hd_reason reason;
    char *words;         /* why */
    char *missing_class; /* internal form; NULL where it is not a whole class */
};

struct hd_tree_compile {
    struct hd_tree_candidate *candidates;
    size_t count;
    size_t incomplete;
};

/* directory: the tree's. Fails for want of memory. On success closed with hd_tree_compile_close,
 * before the index changes. */
HD_CHECKED int hd_tree_compile_gather(const struct hd_tree_index *index,
                                      const struct hd_tree_known *known, int directory,
                                      struct hd_tree_compile *out, struct hd_error *err);
void hd_tree_compile_close(struct hd_tree_compile *compile);

/* The bundle of all candidates, or (then *bundle stays NULL) a refused deployment: what is
 * incomplete refused, the others withheld; or too large. */
HD_CHECKED int hd_tree_compile_pack(const struct hd_tree_compile *compile,
                                    const struct hd_origin *origin, uint64_t max_bytes,
                                    struct hd_bundle **bundle, struct hd_deployment **refused,
                                    struct hd_error *err);

#endif
