/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tree_index.h"

#include "core/alloc.h"

#include <string.h>

static void free_file(struct hd_tree_file *file)
{
    if (file == NULL)
        return;
    hd_free(file->path);
    hd_free(file->name);
    hd_buffer_close(&file->fresh);
    hd_free(file);
}

static struct hd_tree_file *new_file(const char *path, const char *name)
{
    struct hd_tree_file *file = hd_alloc_zeroed(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->path = hd_strdup(path);
    file->name = hd_strdup(name);
    if (file->path == NULL || file->name == NULL) {
        free_file(file);
        return NULL;
    }
    return file;
}

static struct hd_bytes package_of(struct hd_bytes name)
{
    size_t length = name.length;
    while (length > 0 && name.data[length - 1] != '/')
        length--;
    return (struct hd_bytes){ name.data, length > 0 ? length - 1 : 0 };
}

static int make_room(struct hd_tree_index *index, struct hd_error *err)
{
    if (index->count < index->capacity)
        return 0;
    size_t capacity = index->capacity == 0 ? 64 : 2 * index->capacity;
    struct hd_tree_file **files =
        hd_realloc_array(index->files, capacity, sizeof(struct hd_tree_file *));
    if (files == NULL)
        return hd_error_set_memory(err);
    index->files = files;
    index->capacity = capacity;
    return 0;
}

static int bind(struct hd_tree_index *index, const struct hd_tree_file *file, struct hd_error *err)
{
    struct hd_bytes name = hd_map_key(file->name);
    if (hd_map_put(&index->by_path, hd_map_key(file->path), index->count - 1, err) != 0 ||
        hd_map_put(&index->by_name, name, index->count - 1, err) != 0)
        return -1;
    return hd_map_put(&index->packages, package_of(name), 0, err);
}

static struct hd_tree_file *add(struct hd_tree_index *index, const char *path, const char *name,
                                struct hd_error *err)
{
    if (make_room(index, err) != 0)
        return NULL;
    struct hd_tree_file *file = new_file(path, name);
    if (file == NULL) {
        (void)hd_error_set_memory(err);
        return NULL;
    }
    index->files[index->count++] = file;
    /* What is only half bound stays in the table: the maps borrow its names. */
    return bind(index, file, err) == 0 ? file : NULL;
}

struct hd_tree_file *hd_tree_index_put(struct hd_tree_index *index, const char *path,
                                       const char *name, struct hd_error *err)
{
    struct hd_tree_file *known = hd_tree_index_at_path(index, path);
    if (known != NULL && strcmp(known->name, name) == 0)
        return known;
    struct hd_tree_file *file = add(index, path, name, err);
    if (file != NULL && known != NULL)
        hd_tree_file_forget_fresh(known);
    return file;
}

struct hd_tree_file *hd_tree_index_find(const struct hd_tree_index *index, struct hd_bytes name)
{
    size_t place;
    return hd_map_find(&index->by_name, name, &place) ? index->files[place] : NULL;
}

struct hd_tree_file *hd_tree_index_at_path(const struct hd_tree_index *index, const char *path)
{
    size_t place;
    return hd_map_find(&index->by_path, hd_map_key(path), &place) ? index->files[place] : NULL;
}

bool hd_tree_index_has_package_of(const struct hd_tree_index *index, struct hd_bytes name)
{
    size_t ignored;
    return hd_map_find(&index->packages, package_of(name), &ignored);
}

void hd_tree_index_close(struct hd_tree_index *index)
{
    hd_map_close(&index->by_path);
    hd_map_close(&index->by_name);
    hd_map_close(&index->packages);
    for (size_t i = 0; i < index->count; i++)
        free_file(index->files[i]);
    hd_free(index->files);
    *index = (struct hd_tree_index){ 0 };
}

static void set_live(struct hd_tree_file *file, const struct hd_digest *digest)
{
    file->live = *digest;
    file->is_live_known = true;
}

static bool is_live(const struct hd_tree_file *file, const struct hd_digest *digest)
{
    return file->is_live_known && hd_digest_equal(&file->live, digest);
}

int hd_tree_file_read(struct hd_tree_file *file, struct hd_bytes contents, struct hd_error *err)
{
    struct hd_digest digest;
    if (hd_digest_of(contents.data, contents.length, &digest, err) != 0)
        return -1;
    /* While a job is under way, what is live now may not be so for long. */
    if (!file->is_under_way && is_live(file, &digest)) {
        hd_tree_file_forget_fresh(file);
        return 0;
    }
    if (file->is_fresh && hd_digest_equal(&file->fresh_digest, &digest))
        return 0;
    struct hd_buffer copy = HD_BUFFER_INIT;
    if (hd_buffer_append(&copy, contents.data, contents.length, err) != 0)
        return -1;
    hd_buffer_close(&file->fresh);
    file->fresh = copy;
    file->fresh_digest = digest;
    file->is_fresh = true;
    return 0;
}

void hd_tree_file_accept(struct hd_tree_file *file)
{
    if (!file->is_fresh)
        return;
    set_live(file, &file->fresh_digest);
    hd_tree_file_forget_fresh(file);
}

void hd_tree_file_submit(struct hd_tree_file *file)
{
    file->is_under_way = true;
    file->under_way = file->fresh_digest;
}

void hd_tree_file_finish(struct hd_tree_file *file, bool became_live)
{
    file->is_under_way = false;
    if (became_live)
        set_live(file, &file->under_way);
    if (file->is_fresh && is_live(file, &file->fresh_digest))
        hd_tree_file_forget_fresh(file);
}

void hd_tree_file_forget_fresh(struct hd_tree_file *file)
{
    hd_buffer_close(&file->fresh);
    file->is_fresh = false;
}
