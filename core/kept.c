/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kept.h"

#include "core/alloc.h"
#include "core/json.h"

#include <stdio.h>
#include <string.h>

enum { VERSION = 1 };

static void close_class(struct hd_kept_class *class)
{
    hd_free(class->name);
    hd_free(class->loader);
    hd_free(class->aside);
}

void hd_kept_close(struct hd_kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        close_class(&kept->classes[i]);
    hd_free(kept->classes);
    hd_free(kept->who);
    hd_buffer_close(&kept->files);
    *kept = (struct hd_kept){ 0 };
}

struct hd_kept_class *hd_kept_add(struct hd_kept *kept, const char *name, const char *loader)
{
    struct hd_kept_class *grown =
        hd_realloc_array(kept->classes, kept->count + 1, sizeof *kept->classes);
    if (grown == NULL)
        return NULL;
    kept->classes = grown;
    struct hd_kept_class class = { .name = hd_strdup(name), .loader = hd_strdup(loader) };
    if (class.name == NULL || class.loader == NULL) {
        close_class(&class);
        return NULL;
    }
    kept->classes[kept->count] = class;
    return &kept->classes[kept->count++];
}

size_t hd_kept_live_count(const struct hd_kept *kept)
{
    size_t count = 0;
    for (size_t i = 0; i < kept->count; i++)
        count += kept->classes[i].aside == NULL;
    return count;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Where bytes stand in the file of files. */
struct place {
    struct hd_bytes bytes;
    size_t offset;
};

/* Of patch and base of each class, in this order. */
struct places {
    struct place *items;
    size_t count;
    struct hd_buffer files;
};

/* With the equal one before it, or at the end. */
static int place(struct places *places, struct hd_bytes bytes, struct hd_error *err)
{
    struct place *added = &places->items[places->count++];
    *added = (struct place){ bytes, places->files.length };
    for (size_t i = 0; i + 1 < places->count; i++) {
        const struct place *other = &places->items[i];
        if (other->bytes.length != bytes.length || bytes.length == 0 ||
            memcmp(other->bytes.data, bytes.data, bytes.length) != 0)
            continue;
        added->offset = other->offset;
        return 0;
    }
    return hd_buffer_append(&places->files, bytes.data, bytes.length, err);
}

static json_t *digest_to_json(const struct hd_digest *digest)
{
    char hex[HD_DIGEST_HEX_SIZE];
    hd_digest_to_hex(digest, hex);
    return json_string(hex);
}

static json_t *place_to_json(const struct place *place)
{
    json_t *json = json_object();
    bool complete = hd_json_put(json, "offset", hd_json_number(place->offset)) &&
                    hd_json_put(json, "length", hd_json_number(place->bytes.length));
    return hd_json_finish(json, complete);
}

static json_t *class_to_json(const struct hd_kept_class *class, const struct place *places)
{
    json_t *json = json_object();
    bool complete = hd_json_put(json, "class", hd_json_text(class->name)) &&
                    hd_json_put(json, "loader", hd_json_text(class->loader)) &&
                    hd_json_put(json, "deployment", hd_json_number(class->deployment)) &&
                    hd_json_put(json, "patch", place_to_json(&places[0]));
    if (complete && !class->defined)
        complete = hd_json_put(json, "fingerprint", digest_to_json(&class->fingerprint)) &&
                   hd_json_put(json, "base", place_to_json(&places[1]));
    if (complete && class->bundle[0] != '\0')
        complete = hd_json_put(json, "bundle", hd_json_text(class->bundle));
    if (complete && class->forced != 0)
        complete = hd_json_put(json, "forced", hd_forced_to_json(class->forced));
    if (complete && class->aside != NULL && !class->aside_for_now)
        complete = hd_json_put(json, "aside", hd_json_text(class->aside));
    return hd_json_finish(json, complete);
}

static json_t *kept_to_json(const struct hd_kept *kept, const struct places *places,
                            const char *files)
{
    json_t *classes = json_array();
    bool complete = classes != NULL;
    for (size_t i = 0; complete && i < kept->count; i++)
        complete = json_array_append_new(
                       classes, class_to_json(&kept->classes[i], &places->items[2 * i])) == 0;
    classes = hd_json_finish(classes, complete);
    json_t *json = json_object();
    complete = hd_json_put(json, "version", json_integer(VERSION)) &&
               hd_json_put(json, "state", hd_json_number(kept->state)) &&
               hd_json_put(json, "who", hd_json_text(kept->who)) &&
               hd_json_put(json, "files", hd_json_text(files)) &&
               hd_json_put(json, "classes", classes);
    return hd_json_finish(json, complete);
}

static int gather_files(const struct hd_kept *kept, struct places *places, struct hd_error *err)
{
    static const struct hd_bytes none = { NULL, 0 };
    places->items = hd_alloc_zeroed(2 * kept->count + 1, sizeof *places->items);
    if (places->items == NULL)
        return hd_error_set_memory(err);
    for (size_t i = 0; i < kept->count; i++) {
        const struct hd_kept_class *class = &kept->classes[i];
        if (place(places, class->file, err) != 0 ||
            place(places, class->defined ? none : class->base, err) != 0)
            return -1;
    }
    return 0;
}

int hd_kept_write(struct hd_store *store, const struct hd_kept *kept, json_t *fields,
                  struct hd_error *err)
{
    char digest[HD_DIGEST_HEX_SIZE] = "";
    struct places places = { NULL, 0, HD_BUFFER_INIT };
    int result = gather_files(kept, &places, err);
    if (result == 0 && places.files.length > 0)
        result = hd_store_put_kept_files(store, hd_buffer_view(&places.files), digest, err);
    json_t *json = result == 0 ? kept_to_json(kept, &places, digest) : NULL;
    if (result == 0 && json == NULL)
        result = hd_error_set_memory(err);
    if (result == 0)
        result = hd_store_set_kept(store, json, fields, err);
    else
        json_decref(fields);
    json_decref(json);
    hd_free(places.items);
    hd_buffer_close(&places.files);
    return result;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int refuse(struct hd_error *err, const char *what)
{
    return hd_error_set(err, HD_E_FORMAT, "kept.json: %s", what);
}

static int read_bytes(const struct hd_kept *kept, const json_t *place, struct hd_bytes *out,
                      struct hd_error *err)
{
    json_int_t offset = json_integer_value(json_object_get(place, "offset"));
    json_int_t length = json_integer_value(json_object_get(place, "length"));
    uint64_t whole = kept->files.length;
    if (offset < 0 || length <= 0 || (uint64_t)offset > whole ||
        (uint64_t)length > whole - (uint64_t)offset)
        return refuse(err, "a class lies outside of the file of classes");
    *out = (struct hd_bytes){ kept->files.data + offset, (size_t)length };
    return 0;
}

static int read_base(const struct hd_kept *kept, const json_t *json, struct hd_kept_class *class,
                     struct hd_error *err)
{
    const json_t *base = json_object_get(json, "base");
    class->defined = base == NULL;
    if (class->defined)
        return 0;
    const char *fingerprint = json_string_value(json_object_get(json, "fingerprint"));
    if (!hd_digest_from_hex(fingerprint, &class->fingerprint))
        return refuse(err, "a fingerprint is no digest");
    return read_bytes(kept, base, &class->base, err);
}

static int read_class(struct hd_kept *kept, const json_t *json, struct hd_error *err)
{
    const char *name = json_string_value(json_object_get(json, "class"));
    const char *loader = json_string_value(json_object_get(json, "loader"));
    const char *aside = json_string_value(json_object_get(json, "aside"));
    if (name == NULL || loader == NULL)
        return refuse(err, "a class has no name, or no loader");
    struct hd_kept_class *class = hd_kept_add(kept, name, loader);
    if (class == NULL)
        return hd_error_set_memory(err);
    class->deployment = (uint64_t)json_integer_value(json_object_get(json, "deployment"));
    class->forced = hd_forced_from_json(json_object_get(json, "forced"));
    const char *bundle = json_string_value(json_object_get(json, "bundle"));
    snprintf(class->bundle, sizeof class->bundle, "%s", bundle != NULL ? bundle : "");
    if (aside != NULL && (class->aside = hd_strdup(aside)) == NULL)
        return hd_error_set_memory(err);
    if (read_base(kept, json, class, err) != 0)
        return -1;
    return read_bytes(kept, json_object_get(json, "patch"), &class->file, err);
}

static int read_all(const struct hd_store *store, const json_t *json, struct hd_kept *kept,
                    struct hd_error *err)
{
    const char *files = json_string_value(json_object_get(json, "files"));
    const char *who = json_string_value(json_object_get(json, "who"));
    if (json_integer_value(json_object_get(json, "version")) != VERSION)
        return hd_error_set(err, HD_E_VERSION, "kept.json is of another version of Hotdrop");
    kept->state = (uint64_t)json_integer_value(json_object_get(json, "state"));
    if (who != NULL && (kept->who = hd_strdup(who)) == NULL)
        return hd_error_set_memory(err);
    if (files != NULL && files[0] != '\0' &&
        hd_store_read_kept_files(store, files, &kept->files, err) != 0)
        return -1;
    size_t index;
    json_t *class;
    json_array_foreach(json_object_get(json, "classes"), index, class)
    {
        if (read_class(kept, class, err) != 0)
            return -1;
    }
    return 0;
}

int hd_kept_read(const struct hd_store *store, struct hd_kept *out, struct hd_error *err)
{
    json_t *json = NULL;
    if (hd_store_kept(store, &json, err) != 0)
        return -1;
    struct hd_kept kept = { 0 };
    int result = json == NULL ? 0 : read_all(store, json, &kept, err);
    json_decref(json);
    if (result != 0)
        hd_kept_close(&kept);
    else
        *out = kept;
    return result;
}
