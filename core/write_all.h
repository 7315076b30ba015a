/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a descriptor what a signal, or a full pipe, may cut into several writes. Any thread.
 */
#ifndef HD_CORE_WRITE_ALL_H
#define HD_CORE_WRITE_ALL_H

#include "core/buffer.h"

/* All the bytes; -1 with errno, some of them written. The descriptor blocks. */
HD_CHECKED int hd_write_all(int descriptor, struct hd_bytes bytes);

#endif
