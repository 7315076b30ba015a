/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4), by OpenSSL. Any thread; a struct hd_digester belongs to one.
 */
#ifndef HD_CORE_DIGEST_H
#define HD_CORE_DIGEST_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

#define HD_DIGEST_SIZE     32
#define HD_DIGEST_HEX_SIZE (2 * HD_DIGEST_SIZE + 1)

struct hd_digest {
    uint8_t bytes[HD_DIGEST_SIZE];
};

struct hd_digester;

/* NULL when memory is out. */
struct hd_digester *hd_digester_new(void);
void hd_digester_add(struct hd_digester *digester, const void *data, size_t length);
/* Finishes and makes the digester ready for the next digest. -1 when the library failed in this or
 * an earlier step. */
HD_CHECKED int hd_digester_finish(struct hd_digester *digester, struct hd_digest *out,
                                  struct hd_error *err);
void hd_digester_free(struct hd_digester *digester);

HD_CHECKED int hd_digest_of(const void *data, size_t length, struct hd_digest *out,
                            struct hd_error *err);
/* Lower-case hex with a NUL byte. */
void hd_digest_to_hex(const struct hd_digest *digest, char out[HD_DIGEST_HEX_SIZE]);
/* The other way round; false, and *out untouched, for anything but 64 lower-case digits. hex may be
 * NULL. */
bool hd_digest_from_hex(const char *hex, struct hd_digest *out);
bool hd_digest_equal(const struct hd_digest *a, const struct hd_digest *b);

#endif
