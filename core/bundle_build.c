/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bundle_internal.h"

#include "core/alloc.h"
#include "core/text.h"

#include <string.h>

#define SHOWN_TEXT_SIZE 160

struct item {
    char *name; /* UTF-8, as it will stand in the jar */
    char *origin;
    uint8_t *file;
    size_t length;
};

/* Sorted by name from the start; the many classes of one tree mostly come in order, so that
 * inserting is appending. */
struct hd_bundle_builder {
    struct item *items;
    size_t count;
    size_t capacity;
};

struct hd_bundle_builder *hd_bundle_builder_new(void)
{
    return hd_alloc_zeroed(1, sizeof(struct hd_bundle_builder));
}

static void close_item(struct item *item)
{
    hd_free(item->name);
    hd_free(item->origin);
    hd_free(item->file);
}

void hd_bundle_builder_free(struct hd_bundle_builder *builder)
{
    if (builder == NULL)
        return;
    for (size_t i = 0; i < builder->count; i++)
        close_item(&builder->items[i]);
    hd_free(builder->items);
    hd_free(builder);
}

size_t hd_bundle_builder_count(const struct hd_bundle_builder *builder)
{
    return builder->count;
}

/* Where name is, or belongs. */
static size_t find_place(const struct hd_bundle_builder *builder, const char *name, bool *is_there)
{
    size_t low = 0;
    size_t high = builder->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(builder->items[middle].name, name);
        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_there = false;
    return low;
}

static int make_room(struct hd_bundle_builder *builder, struct hd_error *err)
{
    if (builder->count < builder->capacity)
        return 0;
    size_t capacity = builder->capacity > 0 ? builder->capacity * 2 : 16;
    struct item *grown = hd_realloc_array(builder->items, capacity, sizeof *grown);
    if (grown == NULL)
        return hd_error_set_memory(err);
    builder->items = grown;
    builder->capacity = capacity;
    return 0;
}

static int check_same(const struct item *present, struct hd_bytes file, const char *origin,
                      struct hd_error *err)
{
    if (present->length == file.length &&
        (file.length == 0 || memcmp(present->file, file.data, file.length) == 0))
        return 0;
    char name[SHOWN_TEXT_SIZE];
    char first[SHOWN_TEXT_SIZE];
    char second[SHOWN_TEXT_SIZE];
    hd_text_escape(present->name, name, sizeof name);
    for (char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash, '/'))
        *slash = '.';
    hd_text_escape(present->origin, first, sizeof first);
    hd_text_escape(origin, second, sizeof second);
    return hd_error_set(err, HD_E_FORMAT,
                        "two different files for the same class %s: %s and %s; leave one out", name,
                        first, second);
}

/* Consumes item, even on failure. */
static int insert_take(struct hd_bundle_builder *builder, size_t place, struct item *item,
                       struct hd_error *err)
{
    if (make_room(builder, err) != 0) {
        close_item(item);
        return -1;
    }
    struct item *target = &builder->items[place];
    memmove(target + 1, target, (builder->count - place) * sizeof *target);
    *target = *item;
    builder->count++;
    return 0;
}

int hd_bundle_builder_add(struct hd_bundle_builder *builder, const char *internal_name,
                          struct hd_bytes file, const char *origin, struct hd_error *err)
{
    struct hd_bytes in_class_file = { (const uint8_t *)internal_name, strlen(internal_name) };
    struct item item = { .name = hd_text_from_modified_utf8(in_class_file), .length = file.length };
    if (item.name == NULL)
        return hd_error_set_memory(err);
    bool is_there;
    size_t place = find_place(builder, item.name, &is_there);
    if (is_there) {
        hd_free(item.name);
        return check_same(&builder->items[place], file, origin, err);
    }
    item.origin = hd_strdup(origin);
    item.file = hd_alloc(file.length);
    if (item.origin == NULL || item.file == NULL) {
        close_item(&item);
        return hd_error_set_memory(err);
    }
    if (file.length > 0)
        memcpy(item.file, file.data, file.length);
    return insert_take(builder, place, &item, err);
}

static struct hd_bundle *bundle_of(const struct hd_bundle_builder *builder, const char *name)
{
    size_t text_bytes = 0;
    size_t file_bytes = 0;
    for (size_t i = 0; i < builder->count; i++) {
        text_bytes += hd_bundle_text_size(0, strlen(builder->items[i].name));
        file_bytes += builder->items[i].length;
    }
    struct hd_bundle *bundle = hd_bundle_new(name, builder->count, text_bytes, file_bytes);
    for (size_t i = 0; i < builder->count && bundle != NULL; i++) {
        const struct item *item = &builder->items[i];
        struct hd_bytes class_name = { (const uint8_t *)item->name, strlen(item->name) };
        memcpy(
            hd_bundle_append_class(bundle, (struct hd_bytes){ NULL, 0 }, class_name, item->length),
            item->file, item->length);
    }
    return bundle;
}

int hd_bundle_build_take(struct hd_bundle_builder *builder, const char *name,
                         struct hd_bundle **out, struct hd_error *err)
{
    if (builder->count == 0) {
        hd_bundle_builder_free(builder);
        return hd_error_set(err, HD_E_FORMAT, "no class in it");
    }
    struct hd_bundle *bundle = bundle_of(builder, name);
    hd_bundle_builder_free(builder);
    if (bundle == NULL)
        return hd_error_set_memory(err);
    *out = bundle;
    return 0;
}
