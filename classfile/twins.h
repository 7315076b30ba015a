/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quick way to see that code means the same in two classes: side by side, instruction for
 * instruction, with constants that say the same at whatever index. Nearly every method of a new
 * version is found equal here. What is not may still mean the same (ldc and ldc_w, nested dynamic
 * constants): classfile/meaning.h decides then. Belongs to one comparison.
 */
#ifndef HD_CLASSFILE_TWINS_H
#define HD_CLASSFILE_TWINS_H

#include "classfile/class.h"
#include "classfile/pool.h"

struct hd_twins {
    const struct hd_pool *before;
    const struct hd_pool *after;
    uint16_t
        *known; /* by index in before: the index in after that says the same; 0: none found yet */
    bool ignore_bootstraps; /* a dynamic constant is only its name and type */
};

/* Borrows both pools until closed. */
HD_CHECKED int hd_twins_init(struct hd_twins *twins, const struct hd_pool *before,
                             const struct hd_pool *after, bool ignore_bootstraps,
                             struct hd_error *err);
void hd_twins_close(struct hd_twins *twins);

/* Does this index say the same in both pools? */
bool hd_twins_aligned(struct hd_twins *twins, unsigned index);

/* True only if both mean the same. Both must be code that hd_code_lay_out takes. */
bool hd_twins_same_code(struct hd_twins *twins, struct hd_bytes before, struct hd_bytes after);
bool hd_twins_same_handlers(struct hd_twins *twins, struct hd_bytes before, struct hd_bytes after);

#endif
