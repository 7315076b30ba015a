/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacks the entries of a jar: libzip finds the compressed bytes, libdeflate inflates all of an
 * entry at once. libzip could do both, but zlib, which it does it with, takes half as long again.
 *
 * A reader borrows the archive, and one thread uses it. For bundle_read.c and bundle_notes.c.
 */
#ifndef HD_CORE_BUNDLE_ENTRY_H
#define HD_CORE_BUNDLE_ENTRY_H

#include "core/buffer.h"
#include "core/error.h"

struct libdeflate_decompressor;
struct zip;

struct hd_entry_reader {
    struct zip *archive;
    uint64_t jar_length;
    struct libdeflate_decompressor *inflater;
    struct hd_buffer compressed; /* of the entry at hand; the next one uses its memory again */
};

/* HD_E_MEMORY. */
HD_CHECKED int hd_entry_reader_open(struct hd_entry_reader *reader, struct zip *archive,
                                    uint64_t jar_length, struct hd_error *err);
/* A zeroed reader too. The archive stays open. */
void hd_entry_reader_close(struct hd_entry_reader *reader);

/* Writes exactly size bytes to out. HD_E_FORMAT, saying why without naming the entry: it is damaged,
 * is not of that size, or is neither stored nor deflated; out then holds anything. HD_E_MEMORY. */
HD_CHECKED int hd_entry_read(struct hd_entry_reader *reader, uint64_t index, uint8_t *out,
                             uint64_t size, struct hd_error *err);

#endif
