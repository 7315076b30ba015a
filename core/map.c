/* SPDX-License-Identifier: Apache-2.0 */
#include "core/map.h"

#include "core/alloc.h"

#include <string.h>

/* FNV-1a, 64 bits. */
static uint64_t hash_of(struct hd_bytes key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key.length; i++)
        hash = (hash ^ key.data[i]) * UINT64_C(0x100000001b3);
    return hash ^ (hash >> 32);
}

/* The slot that holds key, or the free one where it belongs. There is always a free one. */
static struct hd_map_slot *slot_of(struct hd_map_slot *slots, size_t capacity, struct hd_bytes key)
{
    size_t at = (size_t)hash_of(key) & (capacity - 1);
    while (slots[at].key.data != NULL && !hd_bytes_equal(slots[at].key, key))
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static int grow(struct hd_map *map, struct hd_error *err)
{
    size_t capacity = map->capacity > 0 ? map->capacity * 2 : 16;
    struct hd_map_slot *slots = hd_alloc_zeroed(capacity, sizeof *slots);
    if (slots == NULL)
        return hd_error_set_memory(err);
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].key.data != NULL)
            *slot_of(slots, capacity, map->slots[i].key) = map->slots[i];
    }
    hd_free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return 0;
}

int hd_map_put(struct hd_map *map, struct hd_bytes key, size_t value, struct hd_error *err)
{
    if ((map->count + 1) * 4 > map->capacity * 3 && grow(map, err) != 0)
        return -1;
    struct hd_map_slot *slot = slot_of(map->slots, map->capacity, key);
    map->count += slot->key.data == NULL;
    *slot = (struct hd_map_slot){ .key = key, .value = value };
    return 0;
}

bool hd_map_find(const struct hd_map *map, struct hd_bytes key, size_t *value)
{
    if (map->count == 0)
        return false;
    const struct hd_map_slot *slot = slot_of(map->slots, map->capacity, key);
    if (slot->key.data == NULL)
        return false;
    *value = slot->value;
    return true;
}

void hd_map_close(struct hd_map *map)
{
    hd_free(map->slots);
    *map = (struct hd_map)HD_MAP_INIT;
}

struct hd_bytes hd_map_key(const char *text)
{
    return (struct hd_bytes){ (const uint8_t *)text, strlen(text) };
}
