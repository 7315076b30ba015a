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

/* In the place of an entry of that name, if there is one. contents is borrowed until the archive is
 * closed. */
static bool put_entry(zip_t *archive, const char *name, struct hd_bytes contents)
{
    zip_source_t *source = zip_source_buffer(archive, contents.data, contents.length, 0);
    zip_int64_t added =
        source != NULL ? zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8 | ZIP_FL_OVERWRITE)
                       : -1;
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

static bool put_classes(zip_t *archive, const struct hd_bundle *bundle)
{
    bool complete = true;
    for (size_t i = 0; i < bundle->class_count && complete; i++)
        complete = put_entry(archive, bundle->classes[i].entry, bundle->classes[i].file);
    return complete;
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
        if (close_archive(archive, put_classes(archive, bundle), err) == 0)
            result = copy_out(source, jar, length, err);
    }
    zip_source_free(source);
    zip_error_fini(&cause);
    return result;
}

/* ---- sealing --------------------------------------------------------------------------------- */

static bool remove_entry(zip_t *archive, const char *name)
{
    zip_int64_t index = zip_name_locate(archive, name, ZIP_FL_ENC_RAW);
    return index < 0 || zip_delete(archive, (zip_uint64_t)index) == 0;
}

static bool put_notes(zip_t *archive, struct hd_bytes manifest, struct hd_bytes signatures)
{
    if (!put_entry(archive, HD_BUNDLE_MANIFEST, manifest))
        return false;
    return signatures.length > 0 ? put_entry(archive, HD_BUNDLE_SIGNATURES, signatures)
                                 : remove_entry(archive, HD_BUNDLE_SIGNATURES);
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
    zip_t *archive = source != NULL ? zip_open_from_source(source, 0, &cause) : NULL;
    int result = -1;
    if (archive == NULL) {
        set_zip_error(&cause, err);
    } else {
        zip_source_keep(source); /* closing the archive gives its own reference back */
        if (close_archive(archive, put_notes(archive, manifest, signatures), err) == 0)
            result = copy_out(source, jar, length, err);
    }
    zip_source_free(source);
    zip_error_fini(&cause);
    return result;
}
