/* SPDX-License-Identifier: Apache-2.0 */
#include "client/load.h"

#include "classfile/class.h"
#include "core/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUICK_BYTES (4 << 20)

static const struct hd_bundle_limits limits = {
    .max_bytes = HD_BUNDLE_MAX_BYTES,
    .max_class_bytes = HD_BUNDLE_MAX_CLASS_BYTES,
    .max_entries = HD_BUNDLE_MAX_ENTRIES,
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_jar(const char *path)
{
    return ends_with(path, ".jar") || ends_with(path, ".war");
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static int refuse_size(struct hd_error *err)
{
    return hd_error_set(err, HD_E_USAGE, "is larger than %llu MiB",
                        (unsigned long long)(HD_BUNDLE_MAX_BYTES >> 20));
}

static int read_descriptor(int file, struct hd_buffer *out, struct hd_error *err)
{
    for (;;) {
        if (hd_buffer_reserve(out, 65536, err) != 0)
            return -1;
        ssize_t got = read(file, out->data + out->length, out->capacity - out->length);
        if (got == 0)
            return 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return hd_error_set(err, HD_E_USAGE, "cannot be read: %s", strerror(errno));
        out->length += (size_t)got;
        if (out->length > HD_BUNDLE_MAX_BYTES)
            return refuse_size(err);
    }
}

int hd_load_file(const char *path, uint8_t **data, size_t *length, struct hd_error *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return hd_error_set(err, HD_E_USAGE, "%s: %s", path, strerror(errno));
    struct stat status;
    struct hd_buffer contents = HD_BUFFER_INIT;
    int result = -1;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
        hd_error_set(err, HD_E_USAGE, "not a file");
    else if ((uint64_t)status.st_size > HD_BUNDLE_MAX_BYTES)
        refuse_size(err);
    else if (hd_buffer_reserve(&contents, (size_t)status.st_size + 1, err) == 0)
        result = read_descriptor(file, &contents, err);
    close(file);
    if (result != 0) {
        hd_buffer_close(&contents);
        return hd_error_prefix(err, "%s", path);
    }
    *data = hd_buffer_steal(&contents, length);
    return 0;
}

static int add_class(struct hd_bundle_builder *builder, const char *path, struct hd_error *err)
{
    uint8_t *data = NULL;
    size_t length = 0;
    if (hd_load_file(path, &data, &length, err) != 0)
        return -1;
    struct hd_bytes name;
    uint16_t major;
    struct hd_error reason = HD_ERROR_INIT;
    if (hd_class_peek(data, length, &name, &major, &reason) != 0) {
        hd_free(data);
        return hd_error_set(
            err, HD_E_USAGE, "%s: %s%s", path,
            begins_with(reason.text, "not a class file") ? "" : "not a class file: ", reason.text);
    }
    int result = 0;
    bool describes_module =
        name.length == strlen("module-info") && memcmp(name.data, "module-info", name.length) == 0;
    char *internal_name = hd_strndup((const char *)name.data, name.length);
    if (internal_name == NULL)
        result = hd_error_set_memory(err);
    else if (!describes_module)
        result = hd_bundle_builder_add(builder, internal_name, (struct hd_bytes){ data, length },
                                       path, err);
    hd_free(internal_name);
    hd_free(data);
    return result;
}

static int open_jar(const char *path, bool packed, struct hd_bundle **out, struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT; /* begins with the name */
    const char *name = base_name(path);
    uint8_t *data = NULL;
    size_t length = 0;
    if (hd_load_file(path, &data, &length, err) != 0)
        return -1;
    int result = packed ? hd_bundle_open_packed_take(data, length, name, &limits, out, &why)
                        : hd_bundle_open_take(data, length, name, &limits, 0, out, &why);
    if (result != 0)
        return hd_error_set(err, why.code, "%.*s%s", (int)(name - path), path, why.text);
    return 0;
}

int hd_load_jar(struct hd_bytes jar, const char *name, struct hd_bundle **out, struct hd_error *err)
{
    uint8_t *copy = (uint8_t *)hd_strndup((const char *)jar.data, jar.length);
    if (copy == NULL)
        return hd_error_set_memory(err);
    return hd_bundle_open_take(copy, jar.length, name, &limits, 0, out, err);
}

static int add_jar(struct hd_bundle_builder *builder, const char *path, struct hd_error *err)
{
    struct hd_bundle *jar = NULL;
    if (open_jar(path, false, &jar, err) != 0)
        return -1;
    int result = 0;
    for (size_t i = 0; i < hd_bundle_class_count(jar) && result == 0; i++) {
        const struct hd_bundle_class *class_entry = hd_bundle_class_at(jar, i);
        result = hd_bundle_builder_add(builder, class_entry->name, class_entry->file, path, err);
    }
    hd_bundle_free(jar);
    return result;
}

static int add_file(struct hd_bundle_builder *builder, const char *path, struct hd_error *err)
{
    return is_jar(path) ? add_jar(builder, path, err) : add_class(builder, path, err);
}

static int add_entry(struct hd_bundle_builder *builder, const FTSENT *entry, struct hd_error *err)
{
    if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
        return hd_error_set(err, HD_E_USAGE, "%s: %s", entry->fts_path, strerror(entry->fts_errno));
    bool is_class = entry->fts_info == FTS_F && ends_with(entry->fts_name, ".class");
    return is_class ? add_class(builder, entry->fts_path, err) : 0;
}

static int add_directory(struct hd_bundle_builder *builder, char *path, struct hd_error *err)
{
    char *roots[] = { path, NULL };
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, NULL);
    if (walk == NULL)
        return hd_error_set(err, HD_E_USAGE, "%s: %s", path, strerror(errno));
    int result = 0;
    FTSENT *entry;
    while (result == 0 && (entry = fts_read(walk)) != NULL)
        result = add_entry(builder, entry, err);
    fts_close(walk);
    return result;
}

static int add_path(struct hd_bundle_builder *builder, char *path, struct hd_error *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return hd_error_set(err, HD_E_USAGE, "%s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return add_directory(builder, path, err);
    if (!is_jar(path) && !ends_with(path, ".class"))
        return hd_error_set(err, HD_E_USAGE,
                            "%s: neither a class file, a jar, a war nor a directory", path);
    return add_file(builder, path, err);
}

static bool is_single_jar(char *const *paths, size_t count, struct stat *status)
{
    return count == 1 && is_jar(paths[0]) && stat(paths[0], status) == 0 &&
           !S_ISDIR(status->st_mode);
}

bool hd_load_is_quick(char *const *paths, size_t count)
{
    struct stat status;
    return is_single_jar(paths, count, &status) && status.st_size <= QUICK_BYTES;
}

int hd_load_to_ship(char *const *paths, size_t count, struct hd_bundle **out, struct hd_error *err)
{
    struct stat status;
    return is_single_jar(paths, count, &status) ? open_jar(paths[0], true, out, err)
                                                : hd_load_paths(paths, count, out, err);
}

int hd_load_paths(char *const *paths, size_t count, struct hd_bundle **out, struct hd_error *err)
{
    struct stat status;
    if (is_single_jar(paths, count, &status))
        return open_jar(paths[0], false, out, err);
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    if (builder == NULL)
        return hd_error_set_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (add_path(builder, paths[i], err) != 0) {
            hd_bundle_builder_free(builder);
            return -1;
        }
    }
    if (hd_bundle_builder_count(builder) == 0) {
        hd_bundle_builder_free(builder);
        return hd_error_set(err, HD_E_USAGE, "there is no class file in %s%s", paths[0],
                            count > 1 ? " and the other paths" : "");
    }
    const char *name = count == 1 ? base_name(paths[0]) : "several paths";
    return hd_bundle_build_take(builder, name, out, err);
}
