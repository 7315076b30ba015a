/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/remembered.h"

#include "core/alloc.h"

#include <search.h>
#include <string.h>

struct kept {
    const char *name; /* text, except in a key to search with */
    struct hd_buffer file;
    char text[];
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct kept *)a)->name, ((const struct kept *)b)->name);
}

static void free_kept(void *memory)
{
    struct kept *kept = memory;
    hd_buffer_close(&kept->file);
    hd_free(kept);
}

static struct kept *new_kept(const char *internal_name, struct hd_bytes file, struct hd_error *err)
{
    size_t size = strlen(internal_name) + 1;
    struct kept *kept = hd_alloc_zeroed(1, sizeof *kept + size);
    if (kept == NULL) {
        hd_error_set_memory(err);
        return NULL;
    }
    memcpy(kept->text, internal_name, size);
    kept->name = kept->text;
    if (hd_buffer_append(&kept->file, file.data, file.length, err) != 0) {
        free_kept(kept);
        return NULL;
    }
    return kept;
}

int hd_remembered_put(struct hd_remembered *remembered, const char *internal_name,
                      struct hd_bytes file, struct hd_error *err)
{
    struct kept *kept = new_kept(internal_name, file, err);
    if (kept == NULL)
        return -1;
    struct kept **place = tsearch(kept, &remembered->tree, by_name);
    if (place == NULL) {
        free_kept(kept);
        return hd_error_set_memory(err);
    }
    if (*place != kept)
        free_kept(*place);
    *place = kept;
    return 0;
}

struct hd_bytes hd_remembered_get(const struct hd_remembered *remembered, const char *internal_name)
{
    struct kept key = { .name = internal_name };
    struct kept *const *place = tfind(&key, &remembered->tree, by_name);
    return place != NULL ? hd_buffer_view(&(*place)->file) : (struct hd_bytes){ NULL, 0 };
}

void hd_remembered_close(struct hd_remembered *remembered)
{
    tdestroy(remembered->tree, free_kept);
    remembered->tree = NULL;
}
