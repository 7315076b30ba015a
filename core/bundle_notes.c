/* SPDX-License-Identifier: Apache-2.0 */
/* What a jar says about itself for us: its manifest, and the signatures of that. */
#include "core/bundle_internal.h"

#include <zip.h>

static int check_entry(const zip_stat_t *status, uint64_t maximum, const char *name,
                       struct hd_error *err)
{
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if ((status->valid & needed) != needed || status->encryption_method != ZIP_EM_NONE ||
        (status->comp_method != ZIP_CM_STORE && status->comp_method != ZIP_CM_DEFLATE))
        return hd_error_set(err, HD_E_FORMAT, "entry %s cannot be read", name);
    if (status->size > maximum)
        return hd_error_set(err, HD_E_LIMIT, "entry %s: %llu bytes; the limit is %llu", name,
                            (unsigned long long)status->size, (unsigned long long)maximum);
    if (status->size == 0)
        return hd_error_set(err, HD_E_FORMAT, "entry %s is empty", name);
    return 0;
}

/* The end is read too: only there does libzip compare the CRC. */
static int read_entry(zip_t *archive, zip_uint64_t index, uint64_t size, const char *name,
                      struct hd_buffer *out, struct hd_error *err)
{
    uint8_t beyond;
    if (hd_buffer_reserve(out, (size_t)size, err) != 0)
        return -1;
    zip_file_t *file = zip_fopen_index(archive, index, 0);
    while (file != NULL && out->length < size) {
        zip_int64_t got = zip_fread(file, out->data + out->length, size - out->length);
        if (got <= 0)
            break;
        out->length += (size_t)got;
    }
    bool whole = file != NULL && out->length == size && zip_fread(file, &beyond, 1) == 0;
    if (file != NULL)
        zip_fclose(file);
    return whole ? 0 : hd_error_set(err, HD_E_FORMAT, "entry %s is damaged", name);
}

static int read_note(zip_t *archive, const char *name, uint64_t maximum, struct hd_buffer *out,
                     struct hd_error *err)
{
    zip_int64_t index = zip_name_locate(archive, name, ZIP_FL_ENC_RAW);
    zip_stat_t status;
    if (index < 0)
        return 0;
    if (zip_stat_index(archive, (zip_uint64_t)index, 0, &status) != 0)
        return hd_error_set(err, HD_E_FORMAT, "entry %s: its header is damaged", name);
    if (check_entry(&status, maximum, name, err) != 0)
        return -1;
    return read_entry(archive, (zip_uint64_t)index, status.size, name, out, err);
}

int hd_bundle_read_notes(struct zip *archive, struct hd_bundle_notes *out, struct hd_error *err)
{
    struct hd_bundle_notes notes = HD_BUNDLE_NOTES_INIT;
    if (read_note(archive, HD_BUNDLE_MANIFEST, HD_BUNDLE_MAX_MANIFEST_BYTES, &notes.manifest,
                  err) != 0 ||
        read_note(archive, HD_BUNDLE_SIGNATURES, HD_BUNDLE_MAX_SIGNATURES_BYTES, &notes.signatures,
                  err) != 0) {
        hd_bundle_notes_close(&notes);
        return -1;
    }
    *out = notes;
    return 0;
}

void hd_bundle_notes_close(struct hd_bundle_notes *notes)
{
    hd_buffer_close(&notes->manifest);
    hd_buffer_close(&notes->signatures);
    hd_buffer_close(&notes->paths);
}
