/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/utf8.h"

#include "classfile/textwords.h"

#include <string.h>

/* Not 0 where one of the bytes is 0 or no ASCII. */
static uint64_t others_in(uint64_t word)
{
    return ((word - HD_IN_EVERY_BYTE(1)) | word) & HD_IN_EVERY_BYTE(0x80);
}

static bool is_plain_ascii(struct hd_bytes text)
{
    const size_t size = sizeof(uint64_t);
    if (text.length < size)
        return others_in(hd_text_short_word(text) | HD_IN_EVERY_BYTE(1) << 8 * text.length) == 0;
    uint64_t others = others_in(hd_text_word(text.data)) |
                      others_in(hd_text_word(text.data + text.length - size));
    for (size_t at = size; at + size < text.length; at += size)
        others |= others_in(hd_text_word(text.data + at));
    return others == 0;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* One character of two or three bytes; returns its length, 0 when it is not valid. */
static size_t decode(const uint8_t *at, size_t left, uint32_t *character)
{
    if ((at[0] & 0xE0) == 0xC0 && left >= 2 && is_continuation(at[1])) {
        *character = (uint32_t)(at[0] & 0x1F) << 6 | (at[1] & 0x3F);
        return *character == 0 || *character >= 0x80 ? 2 : 0;
    }
    if ((at[0] & 0xF0) == 0xE0 && left >= 3 && is_continuation(at[1]) && is_continuation(at[2])) {
        *character =
            (uint32_t)(at[0] & 0x0F) << 12 | (uint32_t)(at[1] & 0x3F) << 6 | (at[2] & 0x3F);
        return *character >= 0x800 ? 3 : 0;
    }
    return 0;
}

/* The length of the character in front; 0 when it is not valid. */
static size_t character_length(const uint8_t *at, size_t left)
{
    uint32_t character;
    if (at[0] != 0 && at[0] < 0x80)
        return 1;
    return decode(at, left, &character);
}

bool hd_utf8_is_valid_modified(struct hd_bytes text)
{
    size_t at = is_plain_ascii(text) ? text.length : 0;
    while (at < text.length) {
        size_t length = character_length(text.data + at, text.length - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

static bool is_high_surrogate(uint32_t character)
{
    return character >= 0xD800 && character <= 0xDBFF;
}

static bool is_low_surrogate(uint32_t character)
{
    return character >= 0xDC00 && character <= 0xDFFF;
}

static size_t encode(uint32_t character, uint8_t out[4])
{
    if (character < 0x800) {
        out[0] = (uint8_t)(0xC0 | character >> 6);
        out[1] = (uint8_t)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (uint8_t)(0xE0 | character >> 12);
        out[1] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (character & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | character >> 18);
    out[1] = (uint8_t)(0x80 | (character >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (character & 0x3F));
    return 4;
}

static bool is_unprintable(uint32_t character)
{
    bool c1_control = character >= 0x80 && character < 0xA0;
    bool line_or_direction = (character >= 0x2028 && character <= 0x202E) ||
                             (character >= 0x2066 && character <= 0x2069);
    return character < 0x20 || character == 0x7F || c1_control || line_or_direction ||
           is_high_surrogate(character) || is_low_surrogate(character) || character == 0xFFFE ||
           character == 0xFFFF;
}

/* Takes the next character off the front of *text and writes it; returns how many bytes were
 * written. */
static size_t next_printable(struct hd_bytes *text, uint8_t out[4])
{
    uint32_t character = text->data[0];
    size_t used = 1;
    if (character >= 0x80) {
        used = decode(text->data, text->length, &character);
        if (used == 0) {
            used = 1;
            character = 0;
        }
    }
    uint32_t low;
    if (is_high_surrogate(character) && text->length >= 6 &&
        decode(text->data + 3, text->length - 3, &low) == 3 && is_low_surrogate(low)) {
        used = 6;
        character = 0x10000 + ((character - 0xD800) << 10) + (low - 0xDC00);
    }
    text->data += used;
    text->length -= used;
    if (is_unprintable(character))
        character = '?';
    if (character >= 0x80)
        return encode(character, out);
    out[0] = (uint8_t)character;
    return 1;
}

int hd_utf8_append_printable(struct hd_buffer *out, struct hd_bytes text, struct hd_error *err)
{
    while (text.length > 0) {
        uint8_t encoded[4];
        size_t length = next_printable(&text, encoded);
        if (hd_buffer_append(out, encoded, length, err) != 0)
            return -1;
    }
    return 0;
}

const char *hd_utf8_printable(char out[HD_PRINTABLE_MAX], struct hd_bytes text)
{
    size_t at = 0;
    while (text.length > 0) {
        uint8_t encoded[4];
        size_t length = next_printable(&text, encoded);
        if (at + length > HD_PRINTABLE_MAX - sizeof "...") {
            memcpy(out + at, "...", sizeof "...");
            return out;
        }
        memcpy(out + at, encoded, length);
        at += length;
    }
    out[at] = '\0';
    return out;
}
