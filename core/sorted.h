/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where something stands in an array that is sorted. Pure; any thread.
 */
#ifndef HD_CORE_SORTED_H
#define HD_CORE_SORTED_H

#include <stdbool.h>
#include <stddef.h>

/* Is the item at that index before the key? */
typedef bool hd_is_before(const void *items, size_t at, const void *key);

/* The index of the first item that is not before the key; count where there is none. */
static inline size_t hd_sorted_first(const void *items, size_t count, const void *key,
                                     hd_is_before *is_before)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_before(items, middle, key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
