/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes each allocation of an attempt fail in turn, and sees that nothing leaks and that the
 * failure is told.
 */
#ifndef HD_TESTS_EVERY_ALLOCATION_H
#define HD_TESTS_EVERY_ALLOCATION_H

#include "core/alloc.h"
#include "core/error.h"

#define HD_MOST_ALLOCATIONS 100000ul

/* attempt returns 0 when it came to its end whole, and frees whatever it made in any case. Needs
 * cmocka's header before this one. */
static inline void fail_every_allocation(int (*attempt)(void *context, struct hd_error *err),
                                         void *context)
{
    for (unsigned long nth = 1; nth < HD_MOST_ALLOCATIONS; nth++) {
        struct hd_error err = HD_ERROR_INIT;
        long before = hd_alloc_outstanding();
        hd_alloc_fail_at(nth);
        int result = attempt(context, &err);
        hd_alloc_fail_at(0);
        assert_int_equal(hd_alloc_outstanding(), before);
        if (result == 0) {
            assert_true(nth > 1);
            return;
        }
        assert_int_equal(err.code, HD_E_MEMORY);
    }
    fail_msg("still failing after %lu allocations", HD_MOST_ALLOCATIONS);
}

#endif
