/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has only the numbering of the compiler's own methods changed (lambda$x$0, access$000)? Another
 * javac, or the same with other options, gives them other numbers. Gathers what the comparison of
 * methods comes across and judges at the end. Belongs to one comparison.
 */
#ifndef HD_CLASSFILE_RENUMBERED_H
#define HD_CLASSFILE_RENUMBERED_H

#include "classfile/comparer.h"

/* More synthetic methods than this in one class are not looked at: each is compared with each. */
#define HD_RENUMBERED_MAX 64

struct hd_renumbered_list {
    const struct hd_member *methods[HD_RENUMBERED_MAX];
    size_t count;
};

struct hd_renumbered {
    struct hd_renumbered_list removed;
    struct hd_renumbered_list added;
    struct hd_renumbered_list changed[HD_SIDES]; /* same name, other body */
    size_t changed_difference[HD_RENUMBERED_MAX];
    bool is_something_else; /* a method of the programmer's came or went, or there are too many */
};

/* Nothing gathered yet. */
void hd_renumbered_init(struct hd_renumbered *renumbered);

void hd_renumbered_note_removed(struct hd_renumbered *renumbered, const struct hd_member *method);
void hd_renumbered_note_added(struct hd_renumbered *renumbered, const struct hd_member *method);
/* difference: where METHOD_BODY stands in comparer->found. */
void hd_renumbered_note_changed(struct hd_renumbered *renumbered,
                                const struct hd_member *const methods[HD_SIDES], size_t difference);

/* Adds HD_DIFFERENCE_SYNTHETIC_RENUMBERED for names that came and went, or turns body differences
 * into it where the same bodies are there under each other's names. */
void hd_renumbered_judge(struct hd_renumbered *renumbered, struct hd_comparer *comparer);

/* In compare_methods.c: do the two methods' code and handlers mean the same? */
bool hd_comparer_same_body(struct hd_comparer *comparer,
                           const struct hd_member *const methods[HD_SIDES]);

#endif
