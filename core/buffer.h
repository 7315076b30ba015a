/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes, owned by one thread at a time.
 *
 * struct hd_bytes is a borrowed view (valid as long as its source); struct hd_buffer owns its
 * memory.
 */
#ifndef HD_CORE_BUFFER_H
#define HD_CORE_BUFFER_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct hd_bytes {
    const uint8_t *data;
    size_t length;
};

static inline bool hd_bytes_equal(struct hd_bytes a, struct hd_bytes b)
{
    return a.length == b.length &&
           (a.length == 0 || a.data == b.data || __builtin_memcmp(a.data, b.data, a.length) == 0);
}

struct hd_buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
};

#define HD_BUFFER_INIT                                                                             \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* On failure (memory) the buffer keeps what it held. */
HD_CHECKED int hd_buffer_append(struct hd_buffer *buffer, const void *data, size_t length,
                                struct hd_error *err);
/* Makes room for length more bytes without changing the contents. */
HD_CHECKED int hd_buffer_reserve(struct hd_buffer *buffer, size_t length, struct hd_error *err);
/* Takes length bytes, of those that are there, from the front. */
void hd_buffer_drop(struct hd_buffer *buffer, size_t length);
/* Frees the memory and leaves an empty buffer. */
void hd_buffer_close(struct hd_buffer *buffer);
/* Moves the memory out (the caller frees it with hd_free) and leaves an empty buffer; NULL when it
 * was empty. */
uint8_t *hd_buffer_steal(struct hd_buffer *buffer, size_t *length);

static inline struct hd_bytes hd_buffer_view(const struct hd_buffer *buffer)
{
    return (struct hd_bytes){ buffer->data, buffer->length };
}

#endif
