/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one door to the heap.
 *
 * All of Hotdrop allocates here, so that a test can make the N-th allocation fail and see that
 * nothing leaks and nothing is half done. Any thread may call; memory may be freed on another
 * thread than the one that allocated it.
 */
#ifndef HD_CORE_ALLOC_H
#define HD_CORE_ALLOC_H

#include <stddef.h>

/* Each returns NULL when memory is out, and for a product of sizes that overflows. Never aborts. */
void *hd_alloc(size_t size);
void *hd_alloc_zeroed(size_t count, size_t size);
void *hd_realloc_array(void *memory, size_t count, size_t size);
char *hd_strdup(const char *text);
/* Copies length bytes and adds a NUL byte; the copy may hold NUL bytes of its own. */
char *hd_strndup(const char *text, size_t length);
char *hd_asprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Accepts NULL. */
void hd_free(void *memory);

/* For tests: from now on the N-th allocation of the process (1 = the next one) fails, and every
 * later one succeeds. 0 turns it off. Returns how many were still to come of the call before, the
 * one to fail included: 0 where that has failed. Single-threaded tests only. */
unsigned long hd_alloc_fail_at(unsigned long nth);
/* For tests: allocations not yet freed. */
long hd_alloc_outstanding(void);

#endif
