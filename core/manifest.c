/* SPDX-License-Identifier: Apache-2.0 */
#include "core/manifest.h"

#include "core/alloc.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORMAT 1

struct shown {
    char text[120];
};

/* Text from a manifest, fit for a message. */
static struct shown shown(const char *text)
{
    struct shown out;
    hd_text_escape(text, out.text, sizeof out.text);
    return out;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Written again it must be the same: what is read as another time than it says (31 February, hour 24)
 * would be valid longer than its signer meant. */
int hd_manifest_read_time(const char *text, int64_t *out, struct hd_error *err)
{
    struct tm tm = { 0 };
    char again[32] = "";
    char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    time_t seconds = end != NULL ? timegm(&tm) : 0;
    if (end == NULL || strftime(again, sizeof again, "%Y-%m-%dT%H:%M:%SZ", &tm) != 20 ||
        strcmp(again, text) != 0)
        return hd_error_set(err, HD_E_FORMAT, "\"%s\" is no time; 2026-09-21T00:00:00Z is",
                            shown(text).text);
    *out = (int64_t)seconds;
    return 0;
}

static int read_digest(const char *path, const char *key, const json_t *value,
                       struct hd_digest *out, struct hd_error *err)
{
    if (hd_digest_from_hex(json_string_value(value), out))
        return 0;
    return hd_error_set(err, HD_E_FORMAT, "%s of %s is no SHA-256 in 64 lower-case hex digits", key,
                        shown(path).text);
}

/* ---- classes --------------------------------------------------------------------------------- */

static int read_class(const char *path, const json_t *json, struct hd_manifest_class *out,
                      struct hd_error *err)
{
    const json_t *base = json_object_get(json, "base");
    struct hd_manifest_class class = { .path = path, .has_base = base != NULL };
    if (!json_is_object(json) || json_object_size(json) != (base != NULL ? 2u : 1u))
        return hd_error_set(err, HD_E_FORMAT, "%s has more than \"sha256\" and \"base\"",
                            shown(path).text);
    if (read_digest(path, "sha256", json_object_get(json, "sha256"), &class.file, err) != 0)
        return -1;
    if (base != NULL && read_digest(path, "base", base, &class.base, err) != 0)
        return -1;
    *out = class;
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct hd_manifest_class *)a)->path,
                  ((const struct hd_manifest_class *)b)->path);
}

static int read_classes(json_t *json, struct hd_manifest *manifest, struct hd_error *err)
{
    const char *path;
    json_t *value;
    if (!json_is_object(json) || json_object_size(json) == 0)
        return hd_error_set(err, HD_E_FORMAT, "it names no classes");
    manifest->classes = hd_alloc_zeroed(json_object_size(json), sizeof *manifest->classes);
    if (manifest->classes == NULL)
        return hd_error_set_memory(err);
    json_object_foreach(json, path, value)
    {
        if (read_class(path, value, &manifest->classes[manifest->class_count], err) != 0)
            return -1;
        manifest->class_count++;
    }
    qsort(manifest->classes, manifest->class_count, sizeof *manifest->classes, by_path);
    return 0;
}

/* ---- members --------------------------------------------------------------------------------- */

static int read_text(const char *key, const json_t *value, const char **out, struct hd_error *err)
{
    const char *text = json_string_value(value);
    if (text == NULL || *text == '\0')
        return hd_error_set(err, HD_E_FORMAT, "\"%s\" is no text", key);
    *out = text;
    return 0;
}

static int read_time(const char *key, const json_t *value, int64_t *out, struct hd_error *err)
{
    const char *text = NULL;
    if (read_text(key, value, &text, err) != 0)
        return -1;
    if (hd_manifest_read_time(text, out, err) != 0)
        return hd_error_prefix(err, "\"%s\"", key);
    return 0;
}

static int read_sequence(const json_t *value, uint64_t *out, struct hd_error *err)
{
    if (!json_is_integer(value) || json_integer_value(value) <= 0)
        return hd_error_set(err, HD_E_FORMAT, "\"sequence\" is no number from 1 up");
    *out = (uint64_t)json_integer_value(value);
    return 0;
}

static int read_member(const char *key, json_t *value, struct hd_manifest *out,
                       struct hd_error *err)
{
    if (strcmp(key, "hotdrop") == 0)
        return json_is_integer(value) && json_integer_value(value) == FORMAT
                   ? 0
                   : hd_error_set(err, HD_E_VERSION, "its format is not %d", FORMAT);
    if (strcmp(key, "name") == 0)
        return read_text(key, value, &out->name, err);
    if (strcmp(key, "version") == 0)
        return read_text(key, value, &out->version, err);
    if (strcmp(key, "target") == 0)
        return read_text(key, value, &out->target, err);
    if (strcmp(key, "sequence") == 0)
        return read_sequence(value, &out->sequence, err);
    if (strcmp(key, "not-before") == 0)
        return read_time(key, value, &out->not_before, err);
    if (strcmp(key, "expires") == 0)
        return read_time(key, value, &out->expires, err);
    if (strcmp(key, "classes") == 0)
        return read_classes(value, out, err);
    return hd_error_set(err, HD_E_FORMAT, "\"%s\" is not known; a newer Hotdrop may know it",
                        shown(key).text);
}

static int read_members(struct hd_manifest *manifest, struct hd_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(manifest->json, key, value)
    {
        if (read_member(key, value, manifest, err) != 0)
            return -1;
    }
    if (json_object_get(manifest->json, "hotdrop") == NULL || manifest->sequence == 0 ||
        manifest->classes == NULL)
        return hd_error_set(err, HD_E_FORMAT,
                            "\"hotdrop\", \"sequence\" and \"classes\" must be there");
    return 0;
}

int hd_manifest_read(struct hd_bytes text, struct hd_manifest *out, struct hd_error *err)
{
    json_error_t cause;
    struct hd_manifest manifest = { .not_before = INT64_MIN, .expires = INT64_MAX };
    manifest.json =
        json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &cause);
    if (manifest.json == NULL && cause.text[0] == '\0') /* jansson has no words for memory alone */
        return hd_error_set_memory(err);
    int status = 0;
    if (!json_is_object(manifest.json))
        status = hd_error_set(err, HD_E_FORMAT, "it is not a JSON object (%s)",
                              manifest.json == NULL ? shown(cause.text).text : "something else");
    if (status == 0)
        status = read_members(&manifest, err);
    if (status != 0) {
        hd_manifest_close(&manifest);
        return err->code == HD_E_MEMORY ? -1 : hd_error_prefix(err, HD_BUNDLE_MANIFEST);
    }
    *out = manifest;
    return 0;
}

void hd_manifest_close(struct hd_manifest *manifest)
{
    json_decref(manifest->json);
    hd_free(manifest->classes);
    *manifest = (struct hd_manifest){ .json = NULL };
}

/* ---- against the bundle ---------------------------------------------------------------------- */

const struct hd_manifest_class *hd_manifest_find(const struct hd_manifest *manifest,
                                                 const char *path)
{
    const struct hd_manifest_class wanted = { .path = path };
    return bsearch(&wanted, manifest->classes, manifest->class_count, sizeof wanted, by_path);
}

/* Of versions that this JVM does not take, too: else a jar could hide one class behind another. */
static int check_paths(const struct hd_manifest *manifest, const struct hd_bundle *bundle,
                       struct hd_error *err)
{
    struct hd_bytes paths = hd_bundle_class_paths(bundle);
    size_t count = 0;
    for (size_t at = 0; at < paths.length; count++) {
        const char *path = (const char *)paths.data + at;
        if (hd_manifest_find(manifest, path) == NULL)
            return hd_error_set(err, HD_E_FORMAT, "%s is in the bundle and not in its manifest",
                                shown(path).text);
        at += strlen(path) + 1;
    }
    if (count != manifest->class_count)
        return hd_error_set(err, HD_E_FORMAT,
                            "the manifest names %zu classes, and the bundle has %zu",
                            manifest->class_count, count);
    return 0;
}

int hd_manifest_check_bundle(const struct hd_manifest *manifest, const struct hd_bundle *bundle,
                             struct hd_error *err)
{
    if (check_paths(manifest, bundle, err) != 0)
        return -1;
    for (size_t i = 0; i < hd_bundle_class_count(bundle); i++) {
        const struct hd_bundle_class *class = hd_bundle_class_at(bundle, i);
        const struct hd_manifest_class *said = hd_manifest_find(manifest, class->entry);
        struct hd_digest digest;
        if (hd_digest_of(class->file.data, class->file.length, &digest, err) != 0)
            return -1;
        if (said == NULL || !hd_digest_equal(&digest, &said->file))
            return hd_error_set(err, HD_E_FORMAT, "%s is not the class that the manifest names",
                                shown(class->entry).text);
    }
    return 0;
}
