/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A cut through a UTF-8 sequence would make the text unfit for JSON: drop the incomplete tail. */
static void cut_on_character_boundary(char *text, size_t capacity, int wanted)
{
    if (wanted < 0) {
        text[0] = '\0';
        return;
    }
    if ((size_t)wanted < capacity)
        return;
    size_t end = strlen(text);
    while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80)
        end--;
    if (end > 0 && (unsigned char)text[end - 1] >= 0xC0)
        end--;
    text[end] = '\0';
}

static void write_text(struct hd_error *err, const char *format, va_list arguments)
{
    int wanted = vsnprintf(err->text, sizeof err->text, format, arguments);
    cut_on_character_boundary(err->text, sizeof err->text, wanted);
}

int hd_error_set(struct hd_error *err, enum hd_error_code code, const char *format, ...)
{
    if (err == NULL || hd_error_is_set(err))
        return -1;
    err->code = code;
    va_list arguments;
    va_start(arguments, format);
    write_text(err, format, arguments);
    va_end(arguments);
    return -1;
}

int hd_error_set_errno(struct hd_error *err, int errno_value, const char *format, ...)
{
    if (err == NULL || hd_error_is_set(err))
        return -1;
    err->code = HD_E_SYSTEM;
    va_list arguments;
    va_start(arguments, format);
    write_text(err, format, arguments);
    va_end(arguments);

    char words[128];
    const char *reason = strerror_r(errno_value, words, sizeof words);
    size_t used = strlen(err->text);
    int wanted = snprintf(err->text + used, sizeof err->text - used, ": %s", reason);
    cut_on_character_boundary(err->text + used, sizeof err->text - used, wanted);
    return -1;
}

int hd_error_set_memory(struct hd_error *err)
{
    return hd_error_set(err, HD_E_MEMORY, "out of memory");
}

int hd_error_prefix(struct hd_error *err, const char *format, ...)
{
    if (err == NULL || !hd_error_is_set(err))
        return -1;
    char cause[HD_ERROR_TEXT_MAX];
    memcpy(cause, err->text, sizeof cause);
    va_list arguments;
    va_start(arguments, format);
    write_text(err, format, arguments);
    va_end(arguments);

    size_t used = strlen(err->text);
    int wanted = snprintf(err->text + used, sizeof err->text - used, ": %s", cause);
    cut_on_character_boundary(err->text + used, sizeof err->text - used, wanted);
    return -1;
}

void hd_error_clear(struct hd_error *err)
{
    err->code = HD_OK;
    err->text[0] = '\0';
}
