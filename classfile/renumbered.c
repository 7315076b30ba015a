/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/renumbered.h"

void hd_renumbered_init(struct hd_renumbered *renumbered)
{
    renumbered->removed.count = 0;
    renumbered->added.count = 0;
    renumbered->changed[HD_BEFORE].count = 0;
    renumbered->changed[HD_AFTER].count = 0;
    renumbered->is_something_else = false;
}

static void note(struct hd_renumbered *renumbered, struct hd_renumbered_list *list,
                 const struct hd_member *method)
{
    if ((method->access & HD_ACC_SYNTHETIC) == 0 || list->count == HD_RENUMBERED_MAX) {
        renumbered->is_something_else = true;
        return;
    }
    list->methods[list->count++] = method;
}

void hd_renumbered_note_removed(struct hd_renumbered *renumbered, const struct hd_member *method)
{
    note(renumbered, &renumbered->removed, method);
}

void hd_renumbered_note_added(struct hd_renumbered *renumbered, const struct hd_member *method)
{
    note(renumbered, &renumbered->added, method);
}

void hd_renumbered_note_changed(struct hd_renumbered *renumbered,
                                const struct hd_member *const methods[HD_SIDES], size_t difference)
{
    size_t count = renumbered->changed[HD_AFTER].count;
    if ((methods[HD_AFTER]->access & HD_ACC_SYNTHETIC) == 0 || count == HD_RENUMBERED_MAX)
        return;
    for (int side = 0; side < HD_SIDES; side++) {
        renumbered->changed[side].methods[count] = methods[side];
        renumbered->changed[side].count++;
    }
    renumbered->changed_difference[count] = difference;
}

/* "lambda$main$" of "lambda$main$12". */
static struct hd_bytes stem_of(const struct hd_member *method)
{
    struct hd_bytes stem = method->name;
    while (stem.length > 0 && stem.data[stem.length - 1] >= '0' &&
           stem.data[stem.length - 1] <= '9')
        stem.length--;
    return stem;
}

static bool same_stem(struct hd_comparer *comparer, const struct hd_member *const pair[HD_SIDES])
{
    (void)comparer;
    struct hd_bytes stem = stem_of(pair[HD_BEFORE]);
    return stem.length < pair[HD_BEFORE]->name.length &&
           hd_bytes_equal(stem, stem_of(pair[HD_AFTER]));
}

/* Can every method of one list be paired with one of the other that has the same descriptor and is
 * alike? */
static bool all_pair_up(struct hd_comparer *comparer, const struct hd_renumbered_list *before,
                        const struct hd_renumbered_list *after,
                        bool (*alike)(struct hd_comparer *,
                                      const struct hd_member *const[HD_SIDES]))
{
    bool taken[HD_RENUMBERED_MAX] = { false };
    if (before->count != after->count)
        return false;
    for (size_t i = 0; i < before->count; i++) {
        size_t k = 0;
        for (; k < after->count; k++) {
            const struct hd_member *const pair[HD_SIDES] = { before->methods[i],
                                                             after->methods[k] };
            if (!taken[k] &&
                hd_bytes_equal(pair[HD_BEFORE]->descriptor, pair[HD_AFTER]->descriptor) &&
                alike(comparer, pair))
                break;
        }
        if (k == after->count)
            return false;
        taken[k] = true;
    }
    return true;
}

/* Whoever uses a method under its new number has changed too. Where nobody has, somebody swapped
 * two lambdas. */
static bool users_changed(const struct hd_comparer *comparer, size_t changed_count)
{
    size_t bodies = 0;
    for (size_t i = 0; i < comparer->found.count; i++) {
        enum hd_difference_kind kind = comparer->found.differences[i].kind;
        bodies += kind == HD_DIFFERENCE_METHOD_BODY || kind == HD_DIFFERENCE_INITIALIZER;
    }
    return bodies > changed_count;
}

void hd_renumbered_judge(struct hd_renumbered *renumbered, struct hd_comparer *comparer)
{
    const struct hd_renumbered_list *changed = renumbered->changed;
    if (changed[HD_BEFORE].count > 1 && users_changed(comparer, changed[HD_BEFORE].count) &&
        all_pair_up(comparer, &changed[HD_BEFORE], &changed[HD_AFTER], hd_comparer_same_body)) {
        for (size_t i = 0; i < changed[HD_BEFORE].count; i++)
            comparer->found.differences[renumbered->changed_difference[i]].kind =
                HD_DIFFERENCE_SYNTHETIC_RENUMBERED;
    }
    if (renumbered->is_something_else || renumbered->removed.count == 0)
        return;
    if (all_pair_up(comparer, &renumbered->removed, &renumbered->added, same_stem) ||
        all_pair_up(comparer, &renumbered->removed, &renumbered->added, hd_comparer_same_body))
        hd_comparer_add(comparer, HD_DIFFERENCE_SYNTHETIC_RENUMBERED, 0, NULL, NULL, NULL);
}
