/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_ulong countdown_to_failure;
static atomic_long outstanding;

static bool fails_now(void)
{
    if (atomic_load_explicit(&countdown_to_failure, memory_order_relaxed) == 0)
        return false;
    return atomic_fetch_sub(&countdown_to_failure, 1) == 1;
}

static void *counted(void *memory)
{
    if (memory != NULL)
        atomic_fetch_add_explicit(&outstanding, 1, memory_order_relaxed);
    return memory;
}

void *hd_alloc(size_t size)
{
    if (fails_now())
        return NULL;
    return counted(malloc(size > 0 ? size : 1));
}

static bool overflows(size_t count, size_t size)
{
    size_t product;
    return __builtin_mul_overflow(count, size, &product);
}

void *hd_alloc_zeroed(size_t count, size_t size)
{
    if (overflows(count, size) || fails_now())
        return NULL;
    return counted(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *hd_realloc_array(void *memory, size_t count, size_t size)
{
    if (memory == NULL)
        return hd_alloc_zeroed(count, size);
    if (overflows(count, size) || fails_now())
        return NULL;
    return realloc(memory, count * size > 0 ? count * size : 1);
}

char *hd_strdup(const char *text)
{
    return hd_strndup(text, strlen(text));
}

char *hd_strndup(const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = hd_alloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *hd_asprintf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return NULL;
    char *text = hd_alloc((size_t)length + 1);
    if (text == NULL)
        return NULL;
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void hd_free(void *memory)
{
    if (memory == NULL)
        return;
    atomic_fetch_sub_explicit(&outstanding, 1, memory_order_relaxed);
    free(memory);
}

unsigned long hd_alloc_fail_at(unsigned long nth)
{
    return atomic_exchange(&countdown_to_failure, nth);
}

long hd_alloc_outstanding(void)
{
    return atomic_load(&outstanding);
}
