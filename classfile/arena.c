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

void hd_arena_lend(struct hd_arena *arena, void *memory, size_t size)
{
    arena->at = memory;
    arena->left = size;
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

/* A multiple of the alignment that holds them; 0 where there is no such number. */
static size_t room_for(size_t count, size_t size)
{
    const size_t alignment = alignof(max_align_t);
    size_t wanted;
    if (__builtin_mul_overflow(count, size, &wanted) || wanted > SIZE_MAX / 2)
        return 0;
    wanted = (wanted + alignment - 1) / alignment * alignment;
    return wanted > 0 ? wanted : alignment;
}

void *hd_arena_raw_array(struct hd_arena *arena, size_t count, size_t size, struct hd_error *err)
{
    size_t wanted = room_for(count, size);
    if (wanted == 0 || (wanted > arena->left && !add_block(arena, wanted))) {
        hd_error_set_memory(err);
        return NULL;
    }
    void *memory = arena->at;
    arena->at += wanted;
    arena->left -= wanted;
    return memory;
}

void *hd_arena_array(struct hd_arena *arena, size_t count, size_t size, struct hd_error *err)
{
    void *memory = hd_arena_raw_array(arena, count, size, err);
    return memory != NULL ? memset(memory, 0, count * size) : NULL;
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
