/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From claimed files to a bundle, or to the words why they make none. Loop thread.
 */
#ifndef HD_AGENT_DROP_BUNDLE_H
#define HD_AGENT_DROP_BUNDLE_H

#include "agent/ahead.h"
#include "agent/drop_place.h"
#include "core/bundle.h"

/* One jar by itself: the only thing in a drop directory that can be signed. */
bool hd_drop_is_lone_archive(const struct hd_claim *claim);

struct hd_drop_reading {
    struct hd_bundle *bundle; /* or NULL, */
    struct hd_ahead *ahead;   /* with the bundle: may be NULL */
    /* then this: every file a row, and the error that concerns them all */
    struct hd_deployment *refused;
    /* origin.who: the owner of the first file */
    struct hd_origin origin;
};

/* A lone jar is the bundle itself; class files (named by what is inside them, wherever they lie)
 * and the classes of jars that came in one directory are put together. Links, pipes, devices, files
 * of other users, what is no class file and what is too large refuse the whole claim. -1 only for
 * want of memory. engine, which may be NULL, helps with a large jar (agent/ahead.h). owners: whose files may be deployed; NULL: this process's user's and root's. On
 * success the caller owns bundle, ahead and refused. */
HD_CHECKED int hd_drop_bundle_read(const struct hd_claim *claim, const char *from,
                                   const struct hd_owner_rule *owners, uint64_t max_bytes,
                                   unsigned feature_release, struct hd_engine *engine,
                                   struct hd_drop_reading *out, struct hd_error *err);

#endif
