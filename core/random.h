/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes of the kernel, fit for secrets. Any thread. Not getrandom(3), which glibc has since 2.25: the packages run
 * from 2.17 on.
 */
#ifndef HD_CORE_RANDOM_H
#define HD_CORE_RANDOM_H

#include "core/error.h"

#include <stddef.h>

/* At most 256 bytes, which getrandom(2) never gives in part. -1: out is undefined. */
HD_CHECKED int hd_random_fill(void *out, size_t size, struct hd_error *err);

#endif
