/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a store: written whole and on disk, or not at all. One thread at a time; used by
 * core/store.c only.
 */
#ifndef HD_CORE_STORE_FILES_H
#define HD_CORE_STORE_FILES_H

#include "core/buffer.h"
#include "core/digest.h"

#define HD_STORE_NAME_SIZE (HD_DIGEST_HEX_SIZE + 8)

/* Writes beside, syncs, renames over name, syncs the directory. */
HD_CHECKED int hd_store_files_replace(int directory, const char *name, struct hd_bytes contents,
                                      struct hd_error *err);
/* As hd_store_files_replace, unless a file of that name (its digest) and length is there: that counts as
 * used just now. */
HD_CHECKED int hd_store_files_put(int directory, const char *name, struct hd_bytes contents,
                                  struct hd_error *err);
/* HD_E_NOT_FOUND, HD_E_SYSTEM. The caller closes *out either way. */
HD_CHECKED int hd_store_files_read(int directory, const char *name, struct hd_buffer *out,
                                   struct hd_error *err);
/* What is in a directory. */
struct hd_store_files_size {
    uint64_t bytes;
    uint64_t count;
};

/* Where the files of bundles and one more of length bytes pass maximum: removes the one that was
 * used longest ago and that the file called references in directory does not name. 1: removed, its
 * name is in removed; 0: there was nothing to remove; -1. size: before that. */
HD_CHECKED int hd_store_files_shrink(int directory, int bundles, const char *references,
                                     const struct hd_store_files_size *maximum, uint64_t length,
                                     struct hd_store_files_size *size,
                                     char removed[HD_STORE_NAME_SIZE], struct hd_error *err);

#endif
