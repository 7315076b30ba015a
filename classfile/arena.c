/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/arena.h"

#include "core/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

struct hd_arena_block {
    struct hd_arena_block *next;
    alignas(max_align_t) unsigned char memory[];
};

void hd_arena_init(struct hd_arena *arena, size_t block_size)
{
    *arena = (struct hd_arena){ NULL, NULL, 0, block_size };
}

static bool add_block(struct hd_arena *arena, size_t wanted)
{
    size_t size = wanted > arena->block_size ? wanted : arena->block_size;
    struct hd_arena_block *block = hd_alloc(sizeof *block + size);
    if (block == NULL)
        return false;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->at = block->memory;
    arena->left = size;
    return true;
}

void *hd_arena_array(struct hd_arena *arena, size_t count, size_t size, struct hd_error *err)
{
    const size_t alignment = alignof(max_align_t);
    if (size != 0 && count > (SIZE_MAX / 2) / size) {
        hd_error_set_memory(err);
        return NULL;
    }
    size_t wanted = (count * size + alignment - 1) / alignment * alignment;
    if (wanted == 0)
        wanted = alignment;
    if (wanted > arena->left && !add_block(arena, wanted)) {
        hd_error_set_memory(err);
        return NULL;
    }
    void *memory = arena->at;
    arena->at += wanted;
    arena->left -= wanted;
    return memset(memory, 0, wanted);
}

void hd_arena_close(struct hd_arena *arena)
{
    while (arena->blocks != NULL) {
        struct hd_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        hd_free(block);
    }
    hd_arena_init(arena, arena->block_size);
}
