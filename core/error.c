/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include "core/text.h"

#include <stdarg.h>
#include <string.h>

static void write_text(struct hd_error *err, const char *format, va_list arguments)
{
    hd_text_format_list(err->text, sizeof err->text, format, arguments);
}

/* Behind what is there. */
static void add_text(struct hd_error *err, const char *text)
{
    size_t used = strlen(err->text);
    hd_text_format(err->text + used, sizeof err->text - used, ": %s", text);
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
    add_text(err, reason);
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

    add_text(err, cause);
    return -1;
}

void hd_error_clear(struct hd_error *err)
{
    err->code = HD_OK;
    err->text[0] = '\0';
}
