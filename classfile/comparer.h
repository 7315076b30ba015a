/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A comparison under way: what the files compare*.c share. Belongs to one thread.
 *
 * Errors are sticky: once memory has run out nothing more is added, and the caller looks once at
 * the end.
 */
#ifndef HD_CLASSFILE_COMPARER_H
#define HD_CLASSFILE_COMPARER_H

#include "classfile/attributes.h"
#include "classfile/code.h"
#include "classfile/compare.h"
#include "classfile/twins.h"
#include "classfile/words.h"

enum { HD_BEFORE, HD_AFTER, HD_SIDES };

struct hd_comparer {
    const struct hd_class *sides[HD_SIDES];
    bool for_verdict;    /* what has no consequence is told once */
    bool before_is_view; /* only what JVMTI shows is there to compare */
    struct hd_twins twins;
    struct hd_lexicon lexicon;
    struct hd_meaning meanings[HD_SIDES];
    struct hd_code_scratch scratch;
    struct hd_comparison found;
    size_t capacity;
    bool body_changed;    /* of a method that is not the compiler's own */
    bool record_changed;  /* components other than their annotations */
    bool other_attribute; /* something without consequence differs */
    struct hd_error *err;
    bool failed;
};

/* Takes the words, whatever happens. Any of them may be NULL. */
void hd_comparer_add(struct hd_comparer *comparer, enum hd_difference_kind kind, uint16_t access,
                     struct hd_words *member, struct hd_words *before, struct hd_words *after);

/* The member in words, unlike every other one of both classes. */
struct hd_words hd_comparer_name_method(struct hd_comparer *comparer,
                                        const struct hd_member *method);

/* As hd_member_order, of a member of each class. */
static inline int hd_comparer_member_order(const struct hd_comparer *comparer,
                                           const struct hd_member *before,
                                           const struct hd_member *after)
{
    const struct hd_same_ends *ends = &comparer->twins.ends;
    bool same = hd_same_ends_cover(ends, before->name, after->name) &&
                hd_same_ends_cover(ends, before->descriptor, after->descriptor);
    return same ? 0 : hd_member_order(before, after);
}

void hd_compare_fields(struct hd_comparer *comparer);
void hd_compare_methods(struct hd_comparer *comparer);
/* Nest, record, permitted subclasses. */
void hd_compare_class_lists(struct hd_comparer *comparer);
/* Every attribute of the class itself that has no rule of its own. */
void hd_compare_class_attributes(struct hd_comparer *comparer);
/* The attributes of a member that both classes have. */
void hd_compare_member_attributes(struct hd_comparer *comparer, enum hd_place place,
                                  const struct hd_member *const members[HD_SIDES]);
/* The attributes of Code, where the code itself means the same. */
void hd_compare_code_attributes(struct hd_comparer *comparer,
                                const struct hd_member *const members[HD_SIDES]);

/* Lays out a method's code; false for want of memory, or where a view's code cannot be read. layout
 * borrows comparer->scratch. */
bool hd_comparer_lay_out(struct hd_comparer *comparer, const struct hd_member *method,
                         struct hd_code_layout *layout);

#endif
