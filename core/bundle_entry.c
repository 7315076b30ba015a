/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bundle_entry.h"

#include <errno.h>
#include <libdeflate.h>
#include <zip.h>

int hd_entry_reader_open(struct hd_entry_reader *reader, struct zip *archive, uint64_t jar_length,
                         struct hd_error *err)
{
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    if (inflater == NULL)
        return hd_error_set_memory(err);
    *reader = (struct hd_entry_reader){ .archive = archive,
                                        .jar_length = jar_length,
                                        .inflater = inflater,
                                        .compressed = HD_BUFFER_INIT };
    return 0;
}

void hd_entry_reader_close(struct hd_entry_reader *reader)
{
    if (reader->inflater != NULL)
        libdeflate_free_decompressor(reader->inflater);
    hd_buffer_close(&reader->compressed);
    *reader = (struct hd_entry_reader){ 0 };
}

static bool is_stored(const zip_stat_t *status)
{
    return status->comp_method == ZIP_CM_STORE;
}

static int examine(const struct hd_entry_reader *reader, uint64_t index, uint64_t size,
                   zip_stat_t *status, struct hd_error *err)
{
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD |
                                ZIP_STAT_CRC | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(reader->archive, index, 0, status) != 0 ||
        (status->valid & needed) != needed)
        return hd_error_set(err, HD_E_FORMAT, "its header is damaged");
    if (status->encryption_method != ZIP_EM_NONE ||
        (!is_stored(status) && status->comp_method != ZIP_CM_DEFLATE))
        return hd_error_set(err, HD_E_FORMAT, "it is neither stored nor deflated");
    if (status->size != size || (is_stored(status) && status->comp_size != size))
        return hd_error_set(err, HD_E_FORMAT, "it does not have the size that it claims");
    if (status->comp_size > reader->jar_length)
        return hd_error_set(err, HD_E_FORMAT, "it claims to be longer than the jar");
    return 0;
}

/* libzip looks up where the bytes begin, behind the entry's own header. */
static int copy_out(const struct hd_entry_reader *reader, uint64_t index, uint8_t *out,
                    uint64_t length, struct hd_error *err)
{
    errno = 0;
    zip_file_t *file = zip_fopen_index(reader->archive, index, ZIP_FL_COMPRESSED);
    zip_int64_t got = file != NULL ? zip_fread(file, out, length) : -1;
    bool whole = got >= 0 && (zip_uint64_t)got == length;
    if (!whole && errno == ENOMEM)
        hd_error_set_memory(err);
    else if (!whole && got >= 0)
        hd_error_set(err, HD_E_FORMAT, "the jar ends in the middle of it");
    else if (!whole)
        hd_error_set(err, HD_E_FORMAT, "%s",
                     file != NULL ? zip_file_strerror(file) : zip_strerror(reader->archive));
    if (file != NULL)
        zip_fclose(file);
    return whole ? 0 : -1;
}

static int inflate_whole(struct hd_entry_reader *reader, uint64_t index, uint64_t compressed,
                         uint8_t *out, uint64_t size, struct hd_error *err)
{
    if (hd_buffer_reserve(&reader->compressed, (size_t)compressed, err) != 0 ||
        copy_out(reader, index, reader->compressed.data, compressed, err) != 0)
        return -1;
    /* With NULL for the length of what came out it has to be size exactly. */
    switch (libdeflate_deflate_decompress(reader->inflater, reader->compressed.data,
                                          (size_t)compressed, out, (size_t)size, NULL)) {
    case LIBDEFLATE_SUCCESS:
        return 0;
    case LIBDEFLATE_SHORT_OUTPUT:
    case LIBDEFLATE_INSUFFICIENT_SPACE:
        return hd_error_set(err, HD_E_FORMAT, "it does not unpack to the size that it claims");
    default:
        return hd_error_set(err, HD_E_FORMAT, "its compressed bytes make no sense");
    }
}

int hd_entry_read(struct hd_entry_reader *reader, uint64_t index, uint8_t *out, uint64_t size,
                  struct hd_error *err)
{
    zip_stat_t status;
    if (examine(reader, index, size, &status, err) != 0)
        return -1;
    int result = is_stored(&status)
                     ? copy_out(reader, index, out, size, err)
                     : inflate_whole(reader, index, status.comp_size, out, size, err);
    if (result != 0)
        return -1;
    if (libdeflate_crc32(0, out, (size_t)size) != status.crc)
        return hd_error_set(err, HD_E_FORMAT, "its CRC is that of other bytes");
    return 0;
}
