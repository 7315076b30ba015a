/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much a redefinition makes the JVM's constant pool of a class grow.
 *
 * HotSpot merges every new version's constants into the pool that is there and drops none. Its
 * indices have 16 bits: one constant too many and JDK 17 dies; newer ones start anew. Pure; any
 * thread.
 */
#ifndef HD_CLASSFILE_POOLGROWTH_H
#define HD_CLASSFILE_POOLGROWTH_H

#include "classfile/class.h"

/* What a merged pool can hold; a little less than its indices reach, since HotSpot does not find
 * every constant that it has already. */
#define HD_POOL_MAX_MERGED 65000

/* Slots of the pool, all its constants included. */
unsigned hd_pool_slots(const struct hd_class *class_file);
/* At most how many slots after's constants need beside those of before, which the JVM holds. */
HD_CHECKED int hd_pool_slots_added(const struct hd_class *before, const struct hd_class *after,
                                   unsigned *out, struct hd_error *err);

#endif
