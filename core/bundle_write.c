/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles into jars, with libzip: that of a built bundle, and one that carries our manifest. */
#include "core/bundle_internal.h"

#include "core/alloc.h"

#include <string.h>
#include <zip.h>

/* 1980-01-01 00:00, the first day that a zip knows: no clock and no time zone in the jar. */
#define FIRST_DOS_TIME  0
#define FIRST_DOS_DATE  ((0 << 9) | (1 << 5) | 1)
#define PLAIN_FILE_MODE ((zip_uint32_t)0100644 << 16)

static int set_zip_error(zip_error_t *cause, struct hd_error *err)
{
    if (zip_error_code_zip(cause) == ZIP_ER_MEMORY)
        return hd_error_set_memory(err);
    return hd_error_set(err, HD_E_SYSTEM, "the jar could not be written: %s",
                        zip_error_strerror(cause));
}

/* contents is borrowed until the archive is closed. */
static bool put_entry(zip_t *archive, const char *name, struct hd_bytes contents)
{
    zip_source_t *source = zip_source_buffer(archive, contents.data, contents.length, 0);
    zip_int64_t added = source != NULL ? zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8) : -1;
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

/* Closes the archive; what was put into it is written only now. */
static int close_archive(zip_t *archive, bool complete, struct hd_error *err)
{
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

/* A jar of what fill puts in; context is fill's. */
static int write_jar(bool (*fill)(zip_t *archive, const void *context), const void *context,
                     uint8_t **jar, size_t *length, struct hd_error *err)
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
        if (close_archive(archive, fill(archive, context), err) == 0)
            result = copy_out(source, jar, length, err);
    }
    zip_source_free(source);
    zip_error_fini(&cause);
    return result;
}

static bool put_classes(zip_t *archive, const void *context)
{
    const struct hd_bundle *bundle = context;
    bool complete = true;
    for (size_t i = 0; i < bundle->class_count && complete; i++)
        complete = put_entry(archive, bundle->classes[i].entry, bundle->classes[i].file);
    return complete;
}

int hd_bundle_write_jar(const struct hd_bundle *bundle, uint8_t **jar, size_t *length,
                        struct hd_error *err)
{
    return write_jar(put_classes, bundle, jar, length, err);
}

/* ---- sealing --------------------------------------------------------------------------------- */

/* A jar, and what it is to carry. */
struct sealing {
    zip_t *from;
    struct hd_bytes manifest;
    struct hd_bytes signatures;
};

/* As it is compressed there, with its time. */
static bool copy_entry(zip_t *archive, zip_t *from, zip_uint64_t index, const char *name)
{
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    zip_source_t *source = zip_source_zip(archive, from, index, ZIP_FL_COMPRESSED, 0, -1);
    zip_int64_t added = source != NULL ? zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (added < 0) {
        zip_source_free(source);
        return false;
    }
    return zip_file_get_external_attributes(from, index, 0, &system, &attributes) == 0 &&
           zip_file_set_external_attributes(archive, (zip_uint64_t)added, 0, system, attributes) ==
               0;
}

static bool is_ours(const char *name)
{
    return strcmp(name, HD_BUNDLE_MANIFEST) == 0 || strcmp(name, HD_BUNDLE_SIGNATURES) == 0;
}

/* Entry by entry into a new archive: libzip 1.7 frees a buffer that is not its own when it changes
 * an archive in it. Manifest and signatures come last, so that META-INF/MANIFEST.MF stays first
 * where it was. */
static bool put_sealed(zip_t *archive, const void *context)
{
    const struct sealing *sealing = context;
    zip_int64_t count = zip_get_num_entries(sealing->from, 0);
    bool complete = true;
    for (zip_int64_t i = 0; complete && i < count; i++) {
        const char *name = zip_get_name(sealing->from, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (name == NULL || !is_ours(name))
            complete = name != NULL && copy_entry(archive, sealing->from, (zip_uint64_t)i, name);
    }
    complete = complete && put_entry(archive, HD_BUNDLE_MANIFEST, sealing->manifest);
    return complete && (sealing->signatures.length == 0 ||
                        put_entry(archive, HD_BUNDLE_SIGNATURES, sealing->signatures));
}

int hd_bundle_seal(struct hd_bundle *bundle, struct hd_bytes manifest, struct hd_bytes signatures,
                   uint8_t **jar, size_t *length, struct hd_error *err)
{
    struct hd_bytes before;
    if (hd_bundle_jar(bundle, &before, err) != 0)
        return -1;
    zip_error_t cause;
    zip_error_init(&cause);
    zip_source_t *source = zip_source_buffer_create(before.data, before.length, 0, &cause);
    struct sealing sealing = { NULL, manifest, signatures };
    if (source != NULL)
        sealing.from = zip_open_from_source(source, ZIP_RDONLY, &cause);
    int result = -1;
    if (sealing.from == NULL) {
        zip_source_free(source);
        set_zip_error(&cause, err);
    } else {
        result = write_jar(put_sealed, &sealing, jar, length, err);
        zip_discard(sealing.from);
    }
    zip_error_fini(&cause);
    return result;
}
