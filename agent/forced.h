/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which code was forced in (best effort, all loaders): a mark on the contents, so that it stays
 * wherever and by whichever way they become live again: by rollback, in a loader that comes later.
 * Engine thread only.
 */
#ifndef HD_AGENT_FORCED_H
#define HD_AGENT_FORCED_H

#include "core/blob.h"

struct hd_forced_marks;

/* NULL when memory is out. */
struct hd_forced_marks *hd_forced_marks_new(void);
void hd_forced_marks_free(struct hd_forced_marks *marks);

/* Room for a mark of these contents, as long as nothing is live yet. -1 when memory is out, or their
 * digest cannot be worked out. */
HD_CHECKED int hd_forced_prepare(struct hd_forced_marks *marks, struct hd_blob *contents,
                                 struct hd_error *err);
/* They are live now; bits: HD_FORCED_*. Without room for them nothing happens. */
void hd_forced_mark(struct hd_forced_marks *marks, struct hd_blob *contents, unsigned bits);
/* *bits: HD_FORCED_*, 0 for contents without a mark. marks may be NULL. -1 as above. */
HD_CHECKED int hd_forced_of(const struct hd_forced_marks *marks, struct hd_blob *contents,
                            unsigned *bits, struct hd_error *err);

#endif
