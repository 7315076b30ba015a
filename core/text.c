/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text.h"

#include "core/alloc.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define REPLACEMENT_CHARACTER 0xFFFDu
#define ELLIPSIS              "\xE2\x80\xA6"
#define SHOWN_TEXT_SIZE       80 /* how much of a bad value an error repeats */

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* How long a sequence with this first byte is; 0 where none begins so (RFC 3629 §3). */
static size_t sequence_length(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first < 0xE0)
        return 2;
    if (first >= 0xE0 && first < 0xF0)
        return 3;
    if (first >= 0xF0 && first < 0xF5)
        return 4;
    return 0;
}

static bool is_surrogate(uint32_t character)
{
    return character >= 0xD800 && character <= 0xDFFF;
}

/* The length of the UTF-8 sequence at data and its character, or 0 when none is there. Surrogates
 * are taken, for the sake of Modified UTF-8. */
static size_t decode(const uint8_t *data, size_t length, uint32_t *character)
{
    static const uint8_t first_byte_mask[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t wanted = sequence_length(data[0]);
    if (wanted == 0 || wanted > length)
        return 0;
    uint32_t value = data[0] & first_byte_mask[wanted];
    for (size_t i = 1; i < wanted; i++) {
        if (!is_continuation(data[i]))
            return 0;
        value = value << 6 | (data[i] & 0x3Fu);
    }
    if (value < smallest[wanted] || value > 0x10FFFF)
        return 0;
    *character = value;
    return wanted;
}

/* As decode, for well-formed UTF-8 only. */
static size_t decode_utf8(const uint8_t *data, size_t length, uint32_t *character)
{
    size_t taken = decode(data, length, character);
    return taken > 0 && is_surrogate(*character) ? 0 : taken;
}

static size_t encode(uint32_t character, char *out)
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (char)(0xC0 | character >> 6);
        out[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (char)(0xE0 | character >> 12);
        out[1] = (char)(0x80 | (character >> 6 & 0x3F));
        out[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | character >> 18);
    out[1] = (char)(0x80 | (character >> 12 & 0x3F));
    out[2] = (char)(0x80 | (character >> 6 & 0x3F));
    out[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

bool hd_text_is_utf8(const void *data, size_t length)
{
    const uint8_t *bytes = data;
    uint32_t character;
    for (size_t at = 0; at < length;) {
        size_t taken = decode_utf8(bytes + at, length - at, &character);
        if (taken == 0)
            return false;
        at += taken;
    }
    return true;
}

bool hd_text_starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

bool hd_text_is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

char *hd_text_trim(char *text)
{
    while (hd_text_is_blank(*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && hd_text_is_blank(text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

void hd_text_cut_comment(char *line)
{
    for (char *at = line; *at != '\0'; at++) {
        if (*at == '#' && (at == line || hd_text_is_blank(at[-1]))) {
            *at = '\0';
            return;
        }
    }
}

size_t hd_text_fit(const char *text, size_t length, size_t most)
{
    if (length <= most)
        return length;
    size_t end = most;
    while (end > 0 && is_continuation((uint8_t)text[end]))
        end--;
    return end;
}

/* What vsnprintf cut off is not there to be looked at: an incomplete sequence at the end goes. */
static void drop_incomplete_end(char *text)
{
    size_t end = strlen(text);
    size_t first = end;
    while (first > 0 && is_continuation((uint8_t)text[first - 1]))
        first--;
    if (first > 0 && sequence_length((uint8_t)text[first - 1]) > end - first + 1)
        text[first - 1] = '\0';
}

void hd_text_format_list(char *out, size_t capacity, const char *format, va_list arguments)
{
    if (capacity == 0)
        return;
    int wanted = vsnprintf(out, capacity, format, arguments);
    if (wanted < 0)
        out[0] = '\0';
    else if ((size_t)wanted >= capacity)
        drop_incomplete_end(out);
}

void hd_text_format(char *out, size_t capacity, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    hd_text_format_list(out, capacity, format, arguments);
    va_end(arguments);
}

/* One character of Modified UTF-8, a surrogate pair counting as one; whatever is none becomes
 * U+FFFD. */
static size_t decode_modified(const uint8_t *data, size_t length, uint32_t *character)
{
    if (length >= 2 && data[0] == 0xC0 && data[1] == 0x80) {
        *character = 0;
        return 2;
    }
    size_t taken = decode(data, length, character);
    if (taken == 0) {
        *character = REPLACEMENT_CHARACTER;
        return 1;
    }
    if (!is_surrogate(*character))
        return taken;

    uint32_t high = *character;
    uint32_t low = 0;
    *character = REPLACEMENT_CHARACTER;
    if (high > 0xDBFF || length == taken)
        return taken;
    size_t low_taken = decode(data + taken, length - taken, &low);
    if (low_taken == 0 || low < 0xDC00 || low > 0xDFFF)
        return taken;
    *character = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    return taken + low_taken;
}

char *hd_text_from_modified_utf8(struct hd_bytes text)
{
    /* Nearly every name is plain: then both encodings agree. */
    if (text.length == 0)
        return hd_strdup("");
    if (memchr(text.data, 0, text.length) == NULL && hd_text_is_utf8(text.data, text.length))
        return hd_strndup((const char *)text.data, text.length);

    /* At worst a stray byte becomes the three of U+FFFD. */
    if (text.length > (SIZE_MAX - 1) / 3)
        return NULL;
    char *out = hd_alloc(text.length * 3 + 1);
    if (out == NULL)
        return NULL;
    size_t used = 0;
    for (size_t at = 0; at < text.length;) {
        uint32_t character = 0;
        at += decode_modified(text.data + at, text.length - at, &character);
        if (character == 0) {
            out[used++] = '\\';
            character = '0';
        }
        used += encode(character, out + used);
    }
    out[used] = '\0';
    return out;
}

char *hd_text_class_name(struct hd_bytes internal_name)
{
    char *name = hd_text_from_modified_utf8(internal_name);
    if (name == NULL)
        return NULL;
    for (char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash, '/'))
        *slash = '.';
    return name;
}

static int bad_value(const char *text, const char *expected, struct hd_error *err)
{
    char shown[SHOWN_TEXT_SIZE];
    hd_text_escape(text, shown, sizeof shown);
    return hd_error_set(err, HD_E_USAGE, "\"%s\" is not %s", shown, expected);
}

/* Digits at the start of text; *rest is what follows. False without a digit or when the number
 * passes 64 bits. */
static bool take_digits(const char *text, uint64_t *value, const char **rest)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            return false;
    }
    *value = number;
    *rest = at;
    return at != text;
}

struct unit {
    const char *suffix;
    uint64_t factor;
};

static bool take_with_unit(const char *text, const struct unit *units, size_t unit_count,
                           uint64_t *out)
{
    uint64_t number;
    const char *suffix;
    if (!take_digits(text, &number, &suffix))
        return false;
    for (size_t i = 0; i < unit_count; i++) {
        if (strcmp(units[i].suffix, suffix) == 0)
            return !__builtin_mul_overflow(number, units[i].factor, out);
    }
    return false;
}

int hd_text_parse_size(const char *text, uint64_t *bytes, struct hd_error *err)
{
    static const struct unit units[] = {
        { "", 1 },
        { "K", UINT64_C(1) << 10 },
        { "M", UINT64_C(1) << 20 },
        { "G", UINT64_C(1) << 30 },
        { "k", UINT64_C(1) << 10 },
        { "m", UINT64_C(1) << 20 },
        { "g", UINT64_C(1) << 30 },
    };
    uint64_t value;
    if (!take_with_unit(text, units, sizeof units / sizeof units[0], &value))
        return bad_value(text, "a size such as 4096, 64K, 256M or 1G", err);
    *bytes = value;
    return 0;
}

int hd_text_parse_time(const char *text, uint64_t *milliseconds, struct hd_error *err)
{
    static const struct unit units[] = {
        { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "min", 60000 }
    };
    uint64_t value;
    if (!take_with_unit(text, units, sizeof units / sizeof units[0], &value))
        return bad_value(text, "a time such as 30ms, 2s or 1m", err);
    *milliseconds = value;
    return 0;
}

int hd_text_parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *out,
                         struct hd_error *err)
{
    uint64_t value;
    const char *rest;
    if (take_digits(text, &value, &rest) && *rest == '\0' && value >= minimum && value <= maximum) {
        *out = value;
        return 0;
    }
    char expected[80];
    snprintf(expected, sizeof expected, "a number from %llu to %llu", (unsigned long long)minimum,
             (unsigned long long)maximum);
    return bad_value(text, expected, err);
}

/* What could break a line, move the cursor or turn the direction of writing around. */
static bool is_unfit_for_a_line(uint32_t character)
{
    return character < 0x20 || (character >= 0x7F && character < 0xA0) || character == 0x2028 ||
           character == 0x2029 || (character >= 0x202A && character <= 0x202E) ||
           (character >= 0x2066 && character <= 0x2069);
}

/* One character, or one stray byte, as it is to be shown. */
static size_t escape_one(const uint8_t *data, size_t length, char piece[4 * 4 + 1],
                         size_t *piece_length)
{
    uint32_t character;
    size_t taken = decode_utf8(data, length, &character);
    if (taken > 0 && !is_unfit_for_a_line(character)) {
        memcpy(piece, data, taken);
        *piece_length = taken;
        return taken;
    }
    taken = taken > 0 ? taken : 1;
    for (size_t i = 0; i < taken; i++)
        snprintf(piece + 4 * i, 5, "\\x%02X", data[i]);
    *piece_length = 4 * taken;
    return taken;
}

void hd_text_escape(const char *text, char *out, size_t capacity)
{
    if (capacity == 0)
        return;
    const uint8_t *data = (const uint8_t *)text;
    size_t length = strlen(text);
    size_t room = capacity - 1;
    size_t used = 0;
    size_t cut_at = 0; /* the last place with room for the ellipsis */
    for (size_t at = 0; at < length;) {
        char piece[4 * 4 + 1];
        size_t piece_length;
        at += escape_one(data + at, length - at, piece, &piece_length);
        if (piece_length > room - used) {
            snprintf(out + cut_at, capacity - cut_at, "%s",
                     room >= strlen(ELLIPSIS) ? ELLIPSIS : "");
            return;
        }
        memcpy(out + used, piece, piece_length);
        used += piece_length;
        if (room - used >= strlen(ELLIPSIS))
            cut_at = used;
    }
    out[used] = '\0';
}

void hd_text_utc(int64_t microseconds_since_epoch, char out[HD_TEXT_TIME_SIZE])
{
    int64_t seconds = microseconds_since_epoch / 1000000;
    int64_t microseconds = microseconds_since_epoch % 1000000;
    if (microseconds < 0) {
        microseconds += 1000000;
        seconds--;
    }
    time_t time = (time_t)seconds;
    struct tm utc = { 0 };
    if (gmtime_r(&time, &utc) == NULL)
        utc.tm_mday = 1;
    char date[HD_TEXT_TIME_SIZE];
    size_t length = strftime(date, sizeof date - 5, "%Y-%m-%dT%H:%M:%S", &utc);
    date[length] = '\0';
    snprintf(out, HD_TEXT_TIME_SIZE, "%.26s.%03uZ", date, (unsigned)(microseconds / 1000));
}

int64_t hd_text_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
