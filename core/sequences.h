/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which signed bundles have been live already: by name, the highest sequence number. Read from the
 * journal of the store at start, so that neither a restart, nor kill -9, nor a clock that jumps
 * lets an older bundle in again. Engine thread; filled on the thread that opens the store.
 */
#ifndef HD_CORE_SEQUENCES_H
#define HD_CORE_SEQUENCES_H

#include "core/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The event of the journal line that `hotdrop journal init` writes: only a store that has it may
 * take signed bundles, so that a store that was deleted does not forget in silence. */
#define HD_SEQUENCES_INIT_EVENT "initialised"

struct hd_sequences;

/* NULL when memory is out. */
struct hd_sequences *hd_sequences_new(void);
void hd_sequences_free(struct hd_sequences *sequences);

/* A deployment begins, and ends; sealed is its struct hd_deployment's, and may be NULL. Fail only
 * for want of memory. */
HD_CHECKED int hd_sequences_begin(struct hd_sequences *sequences, uint64_t deployment,
                                  const json_t *sealed, struct hd_error *err);
HD_CHECKED int hd_sequences_end(struct hd_sequences *sequences, uint64_t deployment,
                                const json_t *sealed, bool applied, struct hd_error *err);
/* One line of the journal. Fails only for want of memory. */
HD_CHECKED int hd_sequences_hear(struct hd_sequences *sequences, const json_t *entry,
                                 struct hd_error *err);
bool hd_sequences_are_initialised(const struct hd_sequences *sequences);

/* May a bundle of this name (NULL: it has none) with this sequence still come? HD_E_DENIED: one of
 * that name with a later or the same one has been live. The same one may come again where the JVM
 * ended in the middle of it. */
HD_CHECKED int hd_sequences_check(const struct hd_sequences *sequences, const char *name,
                                  uint64_t sequence, struct hd_error *err);

#endif
