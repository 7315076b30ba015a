/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bundle_internal.h"

#include "core/alloc.h"

#include <string.h>

#define CLASS_SUFFIX ".class"

struct hd_bundle *hd_bundle_new(const char *name, size_t class_count, size_t text_bytes,
                                size_t file_bytes)
{
    struct hd_bundle *bundle = hd_alloc_zeroed(1, sizeof *bundle);
    if (bundle == NULL)
        return NULL;
    bundle->name = hd_strdup(name);
    bundle->classes = hd_alloc_zeroed(class_count, sizeof *bundle->classes);
    bundle->texts = hd_alloc(text_bytes);
    bundle->files = hd_alloc(file_bytes);
    if (bundle->name == NULL || bundle->classes == NULL || bundle->texts == NULL ||
        bundle->files == NULL) {
        hd_bundle_free(bundle);
        return NULL;
    }
    return bundle;
}

size_t hd_bundle_text_size(size_t prefix_length, size_t name_length)
{
    return prefix_length + name_length + sizeof CLASS_SUFFIX + name_length + sizeof "";
}

static void append_text(struct hd_bundle *bundle, const void *text, size_t length)
{
    memcpy(bundle->texts + bundle->texts_used, text, length);
    bundle->texts_used += length;
}

uint8_t *hd_bundle_append_class(struct hd_bundle *bundle, struct hd_bytes prefix,
                                struct hd_bytes name, size_t file_length)
{
    struct hd_bundle_class *added = &bundle->classes[bundle->class_count++];
    added->entry = bundle->texts + bundle->texts_used;
    if (prefix.length > 0)
        append_text(bundle, prefix.data, prefix.length);
    append_text(bundle, name.data, name.length);
    append_text(bundle, CLASS_SUFFIX, sizeof CLASS_SUFFIX);

    added->name = bundle->texts + bundle->texts_used;
    append_text(bundle, name.data, name.length);
    append_text(bundle, "", sizeof "");

    uint8_t *file = bundle->files + bundle->files_used;
    added->file = (struct hd_bytes){ file, file_length };
    bundle->files_used += file_length;
    return file;
}

int hd_bundle_open_take(uint8_t *jar, size_t length, const char *name,
                        const struct hd_bundle_limits *limits, unsigned feature_release,
                        struct hd_bundle **out, struct hd_error *err)
{
    return hd_bundle_open_watched_take(jar, length, name, limits, feature_release, NULL, out, err);
}

int hd_bundle_open_watched_take(uint8_t *jar, size_t length, const char *name,
                                const struct hd_bundle_limits *limits, unsigned feature_release,
                                const struct hd_bundle_watcher *watcher, struct hd_bundle **out,
                                struct hd_error *err)
{
    const struct hd_bundle_manner manner = { limits, feature_release, watcher, false };
    return hd_bundle_read_take(jar, length, name, &manner, out, err);
}

int hd_bundle_open_packed_take(uint8_t *jar, size_t length, const char *name,
                               const struct hd_bundle_limits *limits, struct hd_bundle **out,
                               struct hd_error *err)
{
    const struct hd_bundle_manner manner = { limits, 0, NULL, true };
    return hd_bundle_read_take(jar, length, name, &manner, out, err);
}

void hd_bundle_free(struct hd_bundle *bundle)
{
    if (bundle == NULL)
        return;
    hd_free(bundle->name);
    hd_free(bundle->jar);
    hd_free(bundle->classes);
    hd_free(bundle->texts);
    hd_free(bundle->files);
    hd_bundle_notes_close(&bundle->notes);
    hd_free(bundle);
}

const char *hd_bundle_name(const struct hd_bundle *bundle)
{
    return bundle->name;
}

size_t hd_bundle_class_count(const struct hd_bundle *bundle)
{
    return bundle->class_count;
}

const struct hd_bundle_class *hd_bundle_class_at(const struct hd_bundle *bundle, size_t index)
{
    return &bundle->classes[index];
}

struct hd_bytes hd_bundle_manifest(const struct hd_bundle *bundle)
{
    return hd_buffer_view(&bundle->notes.manifest);
}

struct hd_bytes hd_bundle_signatures(const struct hd_bundle *bundle)
{
    return hd_buffer_view(&bundle->notes.signatures);
}

struct hd_bytes hd_bundle_class_paths(const struct hd_bundle *bundle)
{
    return hd_buffer_view(&bundle->notes.paths);
}

int hd_bundle_jar(struct hd_bundle *bundle, struct hd_bytes *out, struct hd_error *err)
{
    if (bundle->jar == NULL &&
        hd_bundle_write_jar(bundle, &bundle->jar, &bundle->jar_length, err) != 0)
        return -1;
    *out = (struct hd_bytes){ bundle->jar, bundle->jar_length };
    return 0;
}

int hd_bundle_digest(struct hd_bundle *bundle, struct hd_digest *out, struct hd_error *err)
{
    struct hd_bytes jar;
    if (hd_bundle_jar(bundle, &jar, err) != 0)
        return -1;
    return hd_digest_of(jar.data, jar.length, out, err);
}
