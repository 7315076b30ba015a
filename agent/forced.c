/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/forced.h"

#include "core/alloc.h"
#include "core/map.h"

struct mark {
    struct hd_digest contents; /* the map's key: at a place of its own */
    unsigned bits;
};

struct hd_forced_marks {
    struct mark **items;
    size_t count;
    struct hd_map index;
};

struct hd_forced_marks *hd_forced_marks_new(void)
{
    return hd_alloc_zeroed(1, sizeof(struct hd_forced_marks));
}

void hd_forced_marks_free(struct hd_forced_marks *marks)
{
    if (marks == NULL)
        return;
    for (size_t i = 0; i < marks->count; i++)
        hd_free(marks->items[i]);
    hd_free(marks->items);
    hd_map_close(&marks->index);
    hd_free(marks);
}

static struct hd_bytes key_of(const struct hd_digest *contents)
{
    return (struct hd_bytes){ (const uint8_t *)contents, sizeof *contents };
}

/* *out NULL: there is none. */
static int find(const struct hd_forced_marks *marks, struct hd_blob *contents, struct mark **out,
                struct hd_error *err)
{
    struct hd_digest digest;
    size_t at;
    *out = NULL;
    if (marks == NULL || marks->count == 0)
        return 0;
    if (hd_blob_digest(contents, &digest, err) != 0)
        return -1;
    if (hd_map_find(&marks->index, key_of(&digest), &at))
        *out = marks->items[at];
    return 0;
}

static int add(struct hd_forced_marks *marks, const struct hd_digest *digest, struct hd_error *err)
{
    struct mark **grown = hd_realloc_array(marks->items, marks->count + 1, sizeof(struct mark *));
    if (grown == NULL)
        return hd_error_set_memory(err);
    marks->items = grown;
    struct mark *mark = hd_alloc_zeroed(1, sizeof *mark);
    if (mark == NULL)
        return hd_error_set_memory(err);
    mark->contents = *digest;
    if (hd_map_put(&marks->index, key_of(&mark->contents), marks->count, err) != 0) {
        hd_free(mark);
        return -1;
    }
    marks->items[marks->count++] = mark;
    return 0;
}

int hd_forced_prepare(struct hd_forced_marks *marks, struct hd_blob *contents, struct hd_error *err)
{
    struct hd_digest digest;
    struct mark *mark;
    if (find(marks, contents, &mark, err) != 0)
        return -1;
    if (mark != NULL)
        return 0;
    return hd_blob_digest(contents, &digest, err) == 0 ? add(marks, &digest, err) : -1;
}

void hd_forced_mark(struct hd_forced_marks *marks, struct hd_blob *contents, unsigned bits)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct mark *mark;
    if (bits != 0 && find(marks, contents, &mark, &ignored) == 0 && mark != NULL)
        mark->bits |= bits;
}

int hd_forced_of(const struct hd_forced_marks *marks, struct hd_blob *contents, unsigned *bits,
                 struct hd_error *err)
{
    struct mark *mark;
    if (find(marks, contents, &mark, err) != 0)
        return -1;
    *bits = mark != NULL ? mark->bits : 0;
    return 0;
}
