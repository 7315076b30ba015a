/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modified UTF-8 (JVMS §4.4.7): is it valid, and what does it say to people. Pure; any thread.
 */
#ifndef HD_CLASSFILE_UTF8_H
#define HD_CLASSFILE_UTF8_H

#include "core/buffer.h"

bool hd_utf8_is_valid_modified(struct hd_bytes text);

/* Appends the text as UTF-8 that is safe to print: surrogate pairs become one character; control
 * characters, lone surrogates and broken sequences become '?'. */
HD_CHECKED int hd_utf8_append_printable(struct hd_buffer *out, struct hd_bytes text,
                                        struct hd_error *err);

/* The same into a fixed array for messages: what does not fit is cut with "...". Returns out. */
#define HD_PRINTABLE_MAX 160
const char *hd_utf8_printable(char out[HD_PRINTABLE_MAX], struct hd_bytes text);

#endif
