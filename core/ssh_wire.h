/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data types of the SSH protocols as they lie in memory (RFC 4251 §5): for keys and signatures.
 *
 * A reader borrows its bytes, and so does what it returns. Any thread.
 */
#ifndef HD_CORE_SSH_WIRE_H
#define HD_CORE_SSH_WIRE_H

#include "core/buffer.h"

#include <stdbool.h>
#include <string.h>

struct hd_ssh_reader {
    struct hd_bytes rest;
};

/* False, and nothing taken, where fewer bytes are left. */
static inline bool hd_ssh_read_bytes(struct hd_ssh_reader *reader, size_t length,
                                     struct hd_bytes *out)
{
    if (length > reader->rest.length)
        return false;
    *out = (struct hd_bytes){ reader->rest.data, length };
    reader->rest.data += length;
    reader->rest.length -= length;
    return true;
}

static inline bool hd_ssh_read_u32(struct hd_ssh_reader *reader, uint32_t *out)
{
    struct hd_bytes raw;
    if (!hd_ssh_read_bytes(reader, 4, &raw))
        return false;
    *out = (uint32_t)raw.data[0] << 24 | (uint32_t)raw.data[1] << 16 | (uint32_t)raw.data[2] << 8 |
           raw.data[3];
    return true;
}

/* A string (or an mpint): its length and its bytes. */
static inline bool hd_ssh_read_string(struct hd_ssh_reader *reader, struct hd_bytes *out)
{
    uint32_t length;
    return hd_ssh_read_u32(reader, &length) && hd_ssh_read_bytes(reader, length, out);
}

static inline bool hd_ssh_is(struct hd_bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

/* Appends bytes as a string. */
HD_CHECKED static inline int hd_ssh_append_string(struct hd_buffer *buffer, struct hd_bytes bytes,
                                                  struct hd_error *err)
{
    const uint8_t length[] = { (uint8_t)(bytes.length >> 24), (uint8_t)(bytes.length >> 16),
                               (uint8_t)(bytes.length >> 8), (uint8_t)bytes.length };
    if (hd_buffer_append(buffer, length, sizeof length, err) != 0)
        return -1;
    return bytes.length > 0 ? hd_buffer_append(buffer, bytes.data, bytes.length, err) : 0;
}

#endif
