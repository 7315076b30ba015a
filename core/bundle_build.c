/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bundle_internal.h"

#include "core/alloc.h"
#include "core/text.h"

#include <string.h>
#include <zip.h>

#define SHOWN_TEXT_SIZE 160
/* 1980-01-01 00:00, the first day that a zip knows: no clock and no time zone in the jar. */
#define FIRST_DOS_TIME  0
#define FIRST_DOS_DATE  ((0 << 9) | (1 << 5) | 1)
#define PLAIN_FILE_MODE ((zip_uint32_t)0100644 << 16)

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

static int set_zip_error(zip_error_t *cause, struct hd_error *err)
{
    if (zip_error_code_zip(cause) == ZIP_ER_MEMORY)
        return hd_error_set_memory(err);
    return hd_error_set(err, HD_E_SYSTEM, "the jar could not be written: %s",
                        zip_error_strerror(cause));
}

static bool put_class(zip_t *archive, const struct hd_bundle_class *class)
{
    zip_source_t *source = zip_source_buffer(archive, class->file.data, class->file.length, 0);
    zip_int64_t added =
        source != NULL ? zip_file_add(archive, class->entry, source, ZIP_FL_ENC_UTF_8) : -1;
    if (added < 0) {
        zip_source_free(source);
        return false;
    }
    zip_uint64_t index = (zip_uint64_t)added;
    return zip_set_file_compression(archive, index, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_dostime(archive, index, FIRST_DOS_TIME, FIRST_DOS_DATE, 0) == 0 &&
           zip_file_set_external_attributes(archive, index, 0, ZIP_OPSYS_UNIX, PLAIN_FILE_MODE) ==
               0;
}

static int put_classes(zip_t *archive, const struct hd_bundle *bundle, struct hd_error *err)
{
    bool complete = true;
    for (size_t i = 0; i < bundle->class_count && complete; i++)
        complete = put_class(archive, &bundle->classes[i]);
    if (complete && zip_close(archive) == 0)
        return 0;
    set_zip_error(zip_get_error(archive), err);
    zip_discard(archive);
    return -1;
}

static int copy_out(zip_source_t *source, uint8_t **jar, size_t *length, struct hd_error *err)
{
    zip_stat_t status;
    if (zip_source_stat(source, &status) != 0 || (status.valid & ZIP_STAT_SIZE) == 0 ||
        zip_source_open(source) != 0)
        return set_zip_error(zip_source_error(source), err);
    uint8_t *copy = hd_alloc((size_t)status.size);
    zip_int64_t got = copy != NULL ? zip_source_read(source, copy, status.size) : 0;
    zip_source_close(source);
    if (copy == NULL)
        return hd_error_set_memory(err);
    if (got < 0 || (zip_uint64_t)got != status.size) {
        hd_free(copy);
        return set_zip_error(zip_source_error(source), err);
    }
    *jar = copy;
    *length = (size_t)status.size;
    return 0;
}

int hd_bundle_write_jar(const struct hd_bundle *bundle, uint8_t **jar, size_t *length,
                        struct hd_error *err)
{
    zip_error_t cause;
    zip_error_init(&cause);
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &cause);
    zip_t *archive =
        source != NULL ? zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &cause) : NULL;
    int result = -1;
    if (archive == NULL) {
        set_zip_error(&cause, err);
    } else {
        zip_source_keep(source); /* closing the archive gives its own reference back */
        if (put_classes(archive, bundle, err) == 0)
            result = copy_out(source, jar, length, err);
    }
    zip_source_free(source);
    zip_error_fini(&cause);
    return result;
}
