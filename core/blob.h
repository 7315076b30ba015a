/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that never change, held once: whoever asks for the same contents gets the same blob, with
 * one more reference. Class files stand in the registry, in the states and in the hook at the same
 * time, and a thousand loaders may share one.
 *
 * One table for the process, under a lock that is held for moments. Any thread.
 */
#ifndef HD_CORE_BLOB_H
#define HD_CORE_BLOB_H

#include "core/buffer.h"
#include "core/digest.h"

struct hd_blob {
    struct hd_bytes bytes;
};

/* The blob of these contents, which are copied where it is new. The caller owns one reference.
 * HD_E_MEMORY. */
HD_CHECKED int hd_blob_of(struct hd_bytes bytes, struct hd_blob **out, struct hd_error *err);
/* SHA-256 of its bytes, worked out when it is first asked for. -1 when memory is out or the library
 * failed. */
HD_CHECKED int hd_blob_digest(struct hd_blob *blob, struct hd_digest *out, struct hd_error *err);
/* One more reference to the same; NULL for NULL. Cannot fail. */
struct hd_blob *hd_blob_keep(struct hd_blob *blob);
/* Gives one reference back; with the last the bytes go. Accepts NULL. */
void hd_blob_release(struct hd_blob *blob);

/* True when both are there and have the same contents. */
static inline bool hd_blob_same(const struct hd_blob *a, const struct hd_blob *b)
{
    return a != NULL && a == b;
}

/* All that is held at the moment, in bytes. */
uint64_t hd_blobs_size(void);

#endif
