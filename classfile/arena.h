/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is given back all at once: what belongs to one parsed class.
 *
 * Blocks come from core/alloc.h. Not thread safe; an arena belongs to its class.
 */
#ifndef HD_CLASSFILE_ARENA_H
#define HD_CLASSFILE_ARENA_H

#include "core/error.h"

#include <stddef.h>

struct hd_arena_block;

struct hd_arena {
    struct hd_arena_block *blocks;
    unsigned char *at;
    size_t left;
    size_t block_size;
};

/* Sets the size of the blocks to come; allocates nothing yet. */
void hd_arena_init(struct hd_arena *arena, size_t block_size);
/* Memory of the caller's, aligned for any type, to be used before any block is. It must outlive the
 * arena. */
void hd_arena_lend(struct hd_arena *arena, void *memory, size_t size);

/* count times size zeroed bytes, aligned for any type, valid until hd_arena_close. NULL with *err
 * set when memory is out. */
void *hd_arena_array(struct hd_arena *arena, size_t count, size_t size, struct hd_error *err);
/* The same for a caller who writes every byte that will be read: it holds anything. */
void *hd_arena_raw_array(struct hd_arena *arena, size_t count, size_t size, struct hd_error *err);

void hd_arena_close(struct hd_arena *arena);

#endif
