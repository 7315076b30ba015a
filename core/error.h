/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as values.
 *
 * Every function that can fail returns 0 or -1 and fills a caller-owned struct hd_error. The first
 * error wins: setting an error that is already set changes nothing, so that a cleanup path cannot
 * hide the cause. May be used on any thread; a struct hd_error belongs to one thread at a time.
 */
#ifndef HD_CORE_ERROR_H
#define HD_CORE_ERROR_H

#include <stdbool.h>

#define HD_CHECKED __attribute__((warn_unused_result))
#define HD_PRINTF(format_index, first_argument)                                                    \
    __attribute__((format(printf, format_index, first_argument)))

/* Longer texts are cut at the end, on a UTF-8 character boundary. */
#define HD_ERROR_TEXT_MAX 1024

enum hd_error_code {
    HD_OK = 0,
    HD_E_MEMORY,     /* an allocation failed */
    HD_E_SYSTEM,     /* a system call failed; the text carries strerror */
    HD_E_FORMAT,     /* bytes from outside are not what they claim to be */
    HD_E_LIMIT,      /* well formed, but more than a stated bound allows */
    HD_E_USAGE,      /* the caller of the program asked for something that is not there */
    HD_E_NOT_FOUND,  /* the named thing does not exist */
    HD_E_DENIED,     /* it exists, and may not be used by who asked */
    HD_E_JVM,        /* JVMTI or JNI said no; the text names the function and its error */
    HD_E_CONNECTION, /* the peer is not there, or went away */
    HD_E_VERSION     /* understood, but for a newer JVM or protocol than this one */
};

struct hd_error {
    enum hd_error_code code;
    char text[HD_ERROR_TEXT_MAX];
};

#define HD_ERROR_INIT                                                                              \
    {                                                                                              \
        HD_OK, ""                                                                                  \
    }

/* Sets *err unless it is set already or err is NULL. Always returns -1, so that callers can return
 * it. */
int hd_error_set(struct hd_error *err, enum hd_error_code code, const char *format, ...)
    HD_PRINTF(3, 4);

/* As hd_error_set with HD_E_SYSTEM; appends ": " and the words for errno_value. Returns -1. */
int hd_error_set_errno(struct hd_error *err, int errno_value, const char *format, ...)
    HD_PRINTF(3, 4);

/* As hd_error_set with HD_E_MEMORY and a fixed text. Always returns -1. */
int hd_error_set_memory(struct hd_error *err);

/* Puts "CONTEXT: " in front of the text of an error that is set; does nothing otherwise. Always
 * returns -1. */
int hd_error_prefix(struct hd_error *err, const char *format, ...) HD_PRINTF(2, 3);

/* Back to HD_OK and "". */
void hd_error_clear(struct hd_error *err);

static inline bool hd_error_is_set(const struct hd_error *err)
{
    return err->code != HD_OK;
}

#endif
