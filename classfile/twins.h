/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quick way to see whether code means the same in two classes: side by side, instruction for
 * instruction, with constants that say the same at whatever index. Nearly every method of a new
 * version is found equal here, and nearly every other one different: the meaning
 * (classfile/meaning.h) is a run of numbers, an instruction's opcode and operands after the other's,
 * and the first that is another settles it. What is left (ldc and ldc_w, branches, nested dynamic
 * constants) the meaning itself decides. Belongs to one comparison.
 */
#ifndef HD_CLASSFILE_TWINS_H
#define HD_CLASSFILE_TWINS_H

#include "classfile/class.h"
#include "classfile/pool.h"
#include "classfile/sameends.h"

struct hd_twins {
    const struct hd_pool *before;
    const struct hd_pool *after;
    uint16_t
        *known; /* by index in before: the index in after that says the same; 0: none found yet */
    bool ignore_bootstraps;   /* a dynamic constant is only its name and type */
    struct hd_same_ends ends; /* of the files; nothing where the caller has not looked */
};

enum hd_twins_answer {
    HD_TWINS_SAME,   /* both mean the same */
    HD_TWINS_DIFFER, /* they do not */
    HD_TWINS_UNSURE  /* that takes a closer look */
};

/* Borrows both pools until closed. */
HD_CHECKED int hd_twins_init(struct hd_twins *twins, const struct hd_pool *before,
                             const struct hd_pool *after, bool ignore_bootstraps,
                             struct hd_error *err);
void hd_twins_close(struct hd_twins *twins);

/* Does this index say the same in both pools? */
bool hd_twins_aligned(struct hd_twins *twins, unsigned index);
/* Do these two constants? */
enum hd_twins_answer hd_twins_compare(struct hd_twins *twins, unsigned before, unsigned after);

/* Both must be code that hd_code_lay_out takes, or else differ. */
enum hd_twins_answer hd_twins_compare_code(struct hd_twins *twins, struct hd_bytes before,
                                           struct hd_bytes after);
/* True only if both mean the same. */
bool hd_twins_same_handlers(struct hd_twins *twins, struct hd_bytes before, struct hd_bytes after);

#endif
