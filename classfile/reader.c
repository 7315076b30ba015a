/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/reader.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>

void hd_reader_stop(struct hd_reader *reader)
{
    reader->failed = true;
    reader->at = reader->end;
}

int hd_reader_fail(struct hd_reader *reader, const char *format, ...)
{
    if (reader->failed)
        return -1;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    hd_text_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    hd_reader_stop(reader);
    return hd_error_set(reader->err, HD_E_FORMAT, "%s", text);
}

void hd_reader_fail_short(struct hd_reader *reader, size_t wanted)
{
    if (reader->failed)
        return;
    hd_error_set(reader->err, HD_E_FORMAT,
                 "ends too early: %zu bytes wanted at byte %zu, %zu are there", wanted,
                 hd_reader_offset(reader), hd_reader_left(reader));
    hd_reader_stop(reader);
}
