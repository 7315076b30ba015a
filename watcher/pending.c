/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher/pending.h"

#include "core/alloc.h"

#define FIRST_CAPACITY 64

static struct hd_pending_file *find(const struct hd_pending *pending, const char *path)
{
    size_t place;
    bool found = hd_map_find(&pending->by_path, hd_map_key(path), &place);
    return found ? &pending->files[place] : NULL;
}

static void renew(struct hd_pending_file *file, enum hd_pending_state state)
{
    if (state == HD_PENDING_SEEN && file->state == HD_PENDING_CLOSED)
        return;
    file->state = state;
}

static int make_room(struct hd_pending *pending, struct hd_error *err)
{
    if (pending->count < pending->capacity)
        return 0;
    size_t capacity = pending->capacity == 0 ? FIRST_CAPACITY : 2 * pending->capacity;
    struct hd_pending_file *files = hd_realloc_array(pending->files, capacity, sizeof *files);
    if (files == NULL)
        return hd_error_set_memory(err);
    pending->files = files;
    pending->capacity = capacity;
    return 0;
}

int hd_pending_add(struct hd_pending *pending, const char *path, enum hd_pending_state state,
                   struct hd_error *err)
{
    struct hd_pending_file *known = find(pending, path);
    if (known != NULL) {
        renew(known, state);
        return 0;
    }
    if (make_room(pending, err) != 0)
        return -1;
    char *copy = hd_strdup(path);
    if (copy == NULL)
        return hd_error_set_memory(err);
    if (hd_map_put(&pending->by_path, hd_map_key(copy), pending->count, err) != 0) {
        hd_free(copy);
        return -1;
    }
    pending->files[pending->count++] = (struct hd_pending_file){ .path = copy, .state = state };
    return 0;
}

void hd_pending_forget(struct hd_pending *pending, const char *path)
{
    struct hd_pending_file *file = find(pending, path);
    if (file != NULL)
        file->state = HD_PENDING_VOID;
}

static int fill_map(struct hd_pending *pending, struct hd_error *err)
{
    for (size_t i = 0; i < pending->count; i++)
        if (hd_map_put(&pending->by_path, hd_map_key(pending->files[i].path), i, err) != 0)
            return -1;
    return 0;
}

int hd_pending_compact(struct hd_pending *pending, struct hd_error *err)
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
    hd_map_close(&pending->by_path);
    int result = fill_map(pending, err);
    if (result != 0 || kept == 0)
        hd_pending_close(pending);
    return result;
}

void hd_pending_close(struct hd_pending *pending)
{
    hd_map_close(&pending->by_path);
    for (size_t i = 0; i < pending->count; i++)
        hd_free(pending->files[i].path);
    hd_free(pending->files);
    *pending = (struct hd_pending){ 0 };
}
