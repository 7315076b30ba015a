/* SPDX-License-Identifier: Apache-2.0 */
/* What a jar says about itself for us: its manifest, and the signatures of that. */
#include "core/bundle_internal.h"

#include "core/bundle_entry.h"

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

static int read_entry(struct hd_entry_reader *reader, zip_uint64_t index, uint64_t size,
                      const char *name, struct hd_buffer *out, struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT;
    if (hd_buffer_reserve(out, (size_t)size, err) != 0)
        return -1;
    if (hd_entry_read(reader, index, out->data, size, &why) == 0) {
        out->length = (size_t)size;
        return 0;
    }
    if (why.code == HD_E_MEMORY)
        return hd_error_set_memory(err);
    return hd_error_set(err, why.code, "entry %s is damaged: %s", name, why.text);
}

static int read_note(struct hd_entry_reader *reader, const char *name, uint64_t maximum,
                     struct hd_buffer *out, struct hd_error *err)
{
    zip_int64_t index = zip_name_locate(reader->archive, name, ZIP_FL_ENC_RAW);
    zip_stat_t status;
    if (index < 0)
        return 0;
    if (zip_stat_index(reader->archive, (zip_uint64_t)index, 0, &status) != 0)
        return hd_error_set(err, HD_E_FORMAT, "entry %s: its header is damaged", name);
    if (check_entry(&status, maximum, name, err) != 0)
        return -1;
    return read_entry(reader, (zip_uint64_t)index, status.size, name, out, err);
}

int hd_bundle_read_notes(struct hd_entry_reader *reader, struct hd_bundle_notes *out,
                         struct hd_error *err)
{
    struct hd_bundle_notes notes = HD_BUNDLE_NOTES_INIT;
    if (read_note(reader, HD_BUNDLE_MANIFEST, HD_BUNDLE_MAX_MANIFEST_BYTES, &notes.manifest, err) !=
            0 ||
        read_note(reader, HD_BUNDLE_SIGNATURES, HD_BUNDLE_MAX_SIGNATURES_BYTES, &notes.signatures,
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
