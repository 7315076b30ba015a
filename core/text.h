/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from outside: names of classes, UTF-8, sizes and times as people write them, and quoting for
 * one-line logs. Pure functions; any thread.
 */
#ifndef HD_CORE_TEXT_H
#define HD_CORE_TEXT_H

#include "core/buffer.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool hd_text_is_utf8(const void *data, size_t length);

bool hd_text_starts_with(const char *text, const char *start);
/* Space, tab and CR: what may stand around the words of a line. */
bool hd_text_is_blank(char character);
/* Without blanks at both ends; in place. */
char *hd_text_trim(char *text);
/* Cuts a line of a file for people where its comment begins: at a '#' that is the first character or
 * stands behind a blank. One inside a word belongs to it: file names may have one. In place. */
void hd_text_cut_comment(char *line);

/* How much of text, at most most bytes, may stand alone: not cut inside a character of UTF-8 (which
 * would make it unfit for JSON). */
size_t hd_text_fit(const char *text, size_t length, size_t most);
/* As snprintf and vsnprintf, but never cut inside a character. */
void hd_text_format(char *out, size_t capacity, const char *format, ...) HD_PRINTF(3, 4);
void hd_text_format_list(char *out, size_t capacity, const char *format, va_list arguments)
    HD_PRINTF(3, 0);

/* Modified UTF-8 (JVMS §4.4.7) to UTF-8: C0 80 becomes NUL written as "\0" (two characters),
 * surrogate pairs become one character, lone surrogates U+FFFD. The caller frees the result; NULL
 * when memory is out. */
char *hd_text_from_modified_utf8(struct hd_bytes text);

/* "com/example/Foo$Bar" (Modified UTF-8) to "com.example.Foo$Bar" (UTF-8). The caller frees; NULL
 * when memory is out. */
char *hd_text_class_name(struct hd_bytes internal_name);

/* Parses "256M", "64K", "1G", "1234" (bytes) / "30ms", "2s", "1m", "2min" (to milliseconds).
 * HD_E_USAGE names the text. */
HD_CHECKED int hd_text_parse_size(const char *text, uint64_t *bytes, struct hd_error *err);
HD_CHECKED int hd_text_parse_time(const char *text, uint64_t *milliseconds, struct hd_error *err);
/* A decimal number from minimum to maximum, nothing else around it. */
HD_CHECKED int hd_text_parse_number(const char *text, uint64_t minimum, uint64_t maximum,
                                    uint64_t *out, struct hd_error *err);

/* Copies text to out (capacity bytes with the NUL), control characters and invalid UTF-8 as \xNN,
 * cut with "…" when too long: fit for one log line. */
void hd_text_escape(const char *text, char *out, size_t capacity);

/* Now, as "2026-01-31T12:34:56.789Z" (RFC 3339). */
#define HD_TEXT_TIME_SIZE 32
void hd_text_utc(int64_t microseconds_since_epoch, char out[HD_TEXT_TIME_SIZE]);
int64_t hd_text_now(void);

#endif
