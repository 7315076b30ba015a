/* SPDX-License-Identifier: Apache-2.0 */
#include "core/buffer.h"

#include "core/alloc.h"

#include <string.h>

int hd_buffer_reserve(struct hd_buffer *buffer, size_t length, struct hd_error *err)
{
    if (length > SIZE_MAX / 2 - buffer->length)
        return hd_error_set_memory(err);
    size_t needed = buffer->length + length;
    if (needed <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : 256;
    while (capacity < needed)
        capacity *= 2;
    uint8_t *grown = hd_realloc_array(buffer->data, capacity, 1);
    if (grown == NULL)
        return hd_error_set_memory(err);
    buffer->data = grown;
    buffer->capacity = capacity;
    return 0;
}

int hd_buffer_append(struct hd_buffer *buffer, const void *data, size_t length,
                     struct hd_error *err)
{
    if (length == 0)
        return 0;
    if (hd_buffer_reserve(buffer, length, err) != 0)
        return -1;
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    return 0;
}

void hd_buffer_drop(struct hd_buffer *buffer, size_t length)
{
    buffer->length -= length;
    if (buffer->length > 0)
        memmove(buffer->data, buffer->data + length, buffer->length);
}

void hd_buffer_close(struct hd_buffer *buffer)
{
    hd_free(buffer->data);
    *buffer = (struct hd_buffer)HD_BUFFER_INIT;
}

uint8_t *hd_buffer_steal(struct hd_buffer *buffer, size_t *length)
{
    uint8_t *data = buffer->data;
    *length = buffer->length;
    *buffer = (struct hd_buffer)HD_BUFFER_INIT;
    return data;
}
