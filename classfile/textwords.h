/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text looked at eight bytes at a time. The byte at the lowest address is the word's lowest; what
 * is marked of a byte is its highest bit. Pure; any thread.
 */
#ifndef HD_CLASSFILE_TEXTWORDS_H
#define HD_CLASSFILE_TEXTWORDS_H

#include "core/buffer.h"

#include <endian.h>
#include <string.h>

#define HD_IN_EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

static inline uint64_t hd_text_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* A text of fewer than eight bytes; 0 for those behind its end. */
static inline uint64_t hd_text_short_word(struct hd_bytes text)
{
    uint32_t front = 0;
    uint32_t back = 0;
    if (text.length < sizeof front) {
        for (size_t i = text.length; i-- > 0;)
            front = front << 8 | text.data[i];
        return front;
    }
    memcpy(&front, text.data, sizeof front);
    memcpy(&back, text.data + text.length - sizeof back, sizeof back);
    return le32toh(front) | (uint64_t)le32toh(back) << 8 * (text.length - sizeof back);
}

/* The bytes from `from` on, which is a multiple of eight and inside the text; 0 for those behind
 * its end. */
static inline uint64_t hd_text_word_at(struct hd_bytes text, size_t from)
{
    size_t left = text.length - from;
    if (left >= sizeof(uint64_t))
        return hd_text_word(text.data + from);
    if (from == 0)
        return hd_text_short_word(text);
    return hd_text_word(text.data + text.length - sizeof(uint64_t)) >>
           8 * (sizeof(uint64_t) - left);
}

/* Marks the bytes that are 0. */
static inline uint64_t hd_text_mark_zeros(uint64_t word)
{
    const uint64_t low_bits = HD_IN_EVERY_BYTE(0x7F);
    return ~(((word & low_bits) + low_bits) | word | low_bits);
}

/* Marks the bytes that have this value. */
static inline uint64_t hd_text_mark(uint64_t word, uint8_t value)
{
    return hd_text_mark_zeros(word ^ HD_IN_EVERY_BYTE(value));
}

/* Which byte the first mark is on; there must be one. */
static inline size_t hd_text_first_mark(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks) / 8;
}

#endif
