/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where two files are byte for byte the same: from their beginning, and towards their end. A new
 * version of a class is mostly that, and what stands in such a place in both needs no second look.
 * Borrows both. Pure; any thread.
 */
#ifndef HD_CLASSFILE_SAMEENDS_H
#define HD_CLASSFILE_SAMEENDS_H

#include "core/buffer.h"

struct hd_same_ends {
    struct hd_bytes before;
    struct hd_bytes after;
    size_t head; /* so many bytes from the beginning, */
    size_t tail; /* and so many at the end */
};

struct hd_same_ends hd_same_ends_find(struct hd_bytes before, struct hd_bytes after);

static inline bool hd_same_ends_are_all(const struct hd_same_ends *ends)
{
    return ends->before.length == ends->after.length && ends->head == ends->before.length;
}

/* True where both texts stand in the same place of what is the same; they may be from anywhere. */
static inline bool hd_same_ends_cover(const struct hd_same_ends *ends, struct hd_bytes before,
                                      struct hd_bytes after)
{
    size_t from = (uintptr_t)before.data - (uintptr_t)ends->before.data;
    size_t other_from = (uintptr_t)after.data - (uintptr_t)ends->after.data;
    if (before.length != after.length || from >= ends->before.length ||
        other_from >= ends->after.length)
        return false;
    if (from == other_from && from <= ends->head && before.length <= ends->head - from)
        return true;
    size_t to_end = ends->before.length - from;
    return to_end == ends->after.length - other_from && to_end <= ends->tail;
}

static inline bool hd_same_ends_equal(const struct hd_same_ends *ends, struct hd_bytes before,
                                      struct hd_bytes after)
{
    return hd_same_ends_cover(ends, before, after) || hd_bytes_equal(before, after);
}

#endif
