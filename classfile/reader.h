/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded reader of big-endian numbers (JVMS §4) with a sticky error: every read checks the
 * bound, the first failure stays, what is read after it is 0, and the caller looks once at the end.
 * Belongs to one thread; borrows the bytes.
 */
#ifndef HD_CLASSFILE_READER_H
#define HD_CLASSFILE_READER_H

#include "core/buffer.h"
#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct hd_reader {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    struct hd_error *err;
    bool failed;
};

#define HD_NO_BYTES ((struct hd_bytes){ (const uint8_t *)"", 0 })

static inline struct hd_reader hd_reader_over(struct hd_bytes bytes, struct hd_error *err)
{
    if (bytes.data == NULL)
        bytes = HD_NO_BYTES;
    return (struct hd_reader){ bytes.data, bytes.data, bytes.data + bytes.length, err, false };
}

/* Fails the reader with HD_E_FORMAT and these words; nothing more can be read. Always returns -1.
 */
int hd_reader_fail(struct hd_reader *reader, const char *format, ...) HD_PRINTF(2, 3);
/* Fails the reader without words: the error is set already, or nobody wants one. */
void hd_reader_stop(struct hd_reader *reader);
/* Fails it for a read past the end. */
void hd_reader_fail_short(struct hd_reader *reader, size_t wanted);

static inline size_t hd_reader_left(const struct hd_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static inline size_t hd_reader_offset(const struct hd_reader *reader)
{
    return (size_t)(reader->at - reader->start);
}

static inline bool hd_reader_has(struct hd_reader *reader, size_t length)
{
    bool is_there = hd_reader_left(reader) >= length;
    if (__builtin_expect(is_there && (length > 0 || !reader->failed), 1))
        return true; /* nothing is left of a reader that has failed */
    hd_reader_fail_short(reader, length);
    return false;
}

static inline uint16_t hd_u2_at(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t hd_u4_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint8_t hd_read_u1(struct hd_reader *reader)
{
    return hd_reader_has(reader, 1) ? *reader->at++ : 0;
}

static inline uint16_t hd_read_u2(struct hd_reader *reader)
{
    if (!hd_reader_has(reader, 2))
        return 0;
    uint16_t value = hd_u2_at(reader->at);
    reader->at += 2;
    return value;
}

static inline uint32_t hd_read_u4(struct hd_reader *reader)
{
    if (!hd_reader_has(reader, 4))
        return 0;
    uint32_t value = hd_u4_at(reader->at);
    reader->at += 4;
    return value;
}

static inline struct hd_bytes hd_read_bytes(struct hd_reader *reader, size_t length)
{
    if (!hd_reader_has(reader, length))
        return (struct hd_bytes){ reader->end, 0 };
    struct hd_bytes bytes = { reader->at, length };
    reader->at += length;
    return bytes;
}

static inline bool hd_bytes_are(struct hd_bytes bytes, const char *text)
{
    size_t length = __builtin_strlen(text);
    return bytes.length == length &&
           (length == 0 || __builtin_memcmp(bytes.data, text, length) == 0);
}

#endif
