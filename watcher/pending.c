/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher/pending.h"

#include "core/alloc.h"

#include <string.h>

#define FIRST_CAPACITY 64

/* FNV-1a. */
static uint32_t hash(const char *path)
{
    uint32_t value = 2166136261u;
    for (; *path != '\0'; path++)
        value = (value ^ (uint8_t)*path) * 16777619u;
    return value;
}

/* The slot that holds path, or the empty one where it belongs. slots must not be full. */
static size_t slot_of(const struct hd_pending *pending, const char *path)
{
    size_t mask = pending->slot_count - 1;
    size_t slot = hash(path) & mask;
    while (pending->slots[slot] != 0 &&
           strcmp(pending->files[pending->slots[slot] - 1].path, path) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

static void fill_slots(struct hd_pending *pending)
{
    memset(pending->slots, 0, pending->slot_count * sizeof *pending->slots);
    for (size_t i = 0; i < pending->count; i++)
        pending->slots[slot_of(pending, pending->files[i].path)] = (uint32_t)(i + 1);
}

/* Twice as many slots as files, so that a probe is short. */
static int grow(struct hd_pending *pending, struct hd_error *err)
{
    size_t capacity = pending->capacity == 0 ? FIRST_CAPACITY : 2 * pending->capacity;
    if (capacity > UINT32_MAX / 2)
        return hd_error_set(err, HD_E_LIMIT, "more than %zu files at once", pending->count);
    uint32_t *slots = hd_alloc_zeroed(2 * capacity, sizeof *slots);
    if (slots == NULL)
        return hd_error_set_memory(err);
    struct hd_pending_file *files = hd_realloc_array(pending->files, capacity, sizeof *files);
    if (files == NULL) {
        hd_free(slots);
        return hd_error_set_memory(err);
    }
    hd_free(pending->slots);
    pending->files = files;
    pending->capacity = capacity;
    pending->slots = slots;
    pending->slot_count = 2 * capacity;
    fill_slots(pending);
    return 0;
}

static void renew(struct hd_pending_file *file, enum hd_pending_state state)
{
    if (state == HD_PENDING_SEEN && file->state == HD_PENDING_CLOSED)
        return;
    file->state = state;
}

int hd_pending_add(struct hd_pending *pending, const char *path, enum hd_pending_state state,
                   struct hd_error *err)
{
    if (pending->count == pending->capacity && grow(pending, err) != 0)
        return -1;
    size_t slot = slot_of(pending, path);
    if (pending->slots[slot] != 0) {
        renew(&pending->files[pending->slots[slot] - 1], state);
        return 0;
    }
    char *copy = hd_strdup(path);
    if (copy == NULL)
        return hd_error_set_memory(err);
    pending->files[pending->count] = (struct hd_pending_file){ .path = copy, .state = state };
    pending->count++;
    pending->slots[slot] = (uint32_t)pending->count;
    return 0;
}

void hd_pending_forget(struct hd_pending *pending, const char *path)
{
    if (pending->count == 0)
        return;
    uint32_t number = pending->slots[slot_of(pending, path)];
    if (number != 0)
        pending->files[number - 1].state = HD_PENDING_VOID;
}

void hd_pending_compact(struct hd_pending *pending)
{
    size_t kept = 0;
    for (size_t i = 0; i < pending->count; i++) {
        struct hd_pending_file *file = &pending->files[i];
        if (file->path == NULL || file->state == HD_PENDING_VOID)
            hd_free(file->path);
        else
            pending->files[kept++] = *file;
    }
    pending->count = kept;
    if (kept == 0)
        hd_pending_close(pending);
    else
        fill_slots(pending);
}

void hd_pending_close(struct hd_pending *pending)
{
    for (size_t i = 0; i < pending->count; i++)
        hd_free(pending->files[i].path);
    hd_free(pending->files);
    hd_free(pending->slots);
    *pending = (struct hd_pending){ 0 };
}
