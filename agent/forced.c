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

static struct mark *find(const struct hd_forced_marks *marks, const struct hd_digest *contents)
{
    size_t at;
    return marks != NULL && hd_map_find(&marks->index, key_of(contents), &at) ? marks->items[at]
                                                                              : NULL;
}

int hd_forced_prepare(struct hd_forced_marks *marks, const struct hd_digest *contents,
                      struct hd_error *err)
{
    if (find(marks, contents) != NULL)
        return 0;
    struct mark **grown = hd_realloc_array(marks->items, marks->count + 1, sizeof(struct mark *));
    if (grown == NULL)
        return hd_error_set_memory(err);
    marks->items = grown;
    struct mark *mark = hd_alloc_zeroed(1, sizeof *mark);
    if (mark == NULL)
        return hd_error_set_memory(err);
    mark->contents = *contents;
    if (hd_map_put(&marks->index, key_of(&mark->contents), marks->count, err) != 0) {
        hd_free(mark);
        return -1;
    }
    marks->items[marks->count++] = mark;
    return 0;
}

void hd_forced_mark(struct hd_forced_marks *marks, const struct hd_digest *contents, unsigned bits)
{
    struct mark *mark = find(marks, contents);
    if (mark != NULL)
        mark->bits |= bits;
}

unsigned hd_forced_of(const struct hd_forced_marks *marks, const struct hd_digest *contents)
{
    const struct mark *mark = find(marks, contents);
    return mark != NULL ? mark->bits : 0;
}
