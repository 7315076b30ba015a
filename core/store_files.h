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
/* As hd_store_files_replace, unless a file of that name (its digest) and length is there. */
HD_CHECKED int hd_store_files_put(int directory, const char *name, struct hd_bytes contents,
                                  struct hd_error *err);
/* HD_E_NOT_FOUND, HD_E_SYSTEM. The caller closes *out either way. */
HD_CHECKED int hd_store_files_read(int directory, const char *name, struct hd_buffer *out,
                                   struct hd_error *err);
/* Where files of bundles and length more bytes together pass maximum: removes the one that was
 * modified longest ago and that the file called references in directory does not name. 1: removed,
 * its name is in removed; 0: there was nothing to remove; -1. */
HD_CHECKED int hd_store_files_shrink(int directory, int bundles, const char *references,
                                     uint64_t maximum, uint64_t length,
                                     char removed[HD_STORE_NAME_SIZE], struct hd_error *err);

#endif
