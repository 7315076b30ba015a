/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From names to numbers: a hash table whose keys are borrowed bytes and whose values are indexes
 * into somebody's array, so that a deployment of a thousand classes against twenty thousand loaded
 * ones stays linear.
 *
 * Nothing is ever taken out; who deletes from the array fills a new map. One thread at a time.
 */
#ifndef HD_CORE_MAP_H
#define HD_CORE_MAP_H

#include "core/buffer.h"

struct hd_map_slot {
    struct hd_bytes key; /* data NULL: the slot is free */
    size_t value;
};

struct hd_map {
    struct hd_map_slot *slots;
    size_t capacity; /* 0, or a power of two */
    size_t count;
};

#define HD_MAP_INIT                                                                                \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Binds key to value; a key that is there already gets the new value. The key's bytes are borrowed
 * until the map is closed. On failure (memory) the map is as before. */
HD_CHECKED int hd_map_put(struct hd_map *map, struct hd_bytes key, size_t value,
                          struct hd_error *err);
/* False when the key is not there; *value is untouched then. */
bool hd_map_find(const struct hd_map *map, struct hd_bytes key, size_t *value);
/* Frees the table and leaves an empty map. */
void hd_map_close(struct hd_map *map);

/* A borrow of a string without its NUL. */
struct hd_bytes hd_map_key(const char *text);

#endif
