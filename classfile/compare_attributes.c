/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes: what reflection shows of annotations counts as ANNOTATIONS, everything else has no
 * consequence for a swap.
 */
#include "classfile/comparer.h"

#define KIND_BIT(kind) (UINT64_C(1) << (kind))

static const uint64_t annotation_kinds = KIND_BIT(HD_ATTRIBUTE_VISIBLE_ANNOTATIONS) |
                                         KIND_BIT(HD_ATTRIBUTE_VISIBLE_PARAMETER_ANNOTATIONS) |
                                         KIND_BIT(HD_ATTRIBUTE_VISIBLE_TYPE_ANNOTATIONS) |
                                         KIND_BIT(HD_ATTRIBUTE_ANNOTATION_DEFAULT);

/* These have comparisons of their own, or mean something only through others. */
static const uint64_t kinds_compared_elsewhere =
    KIND_BIT(HD_ATTRIBUTE_CODE) | KIND_BIT(HD_ATTRIBUTE_CONSTANT_VALUE) |
    KIND_BIT(HD_ATTRIBUTE_SYNTHETIC) | KIND_BIT(HD_ATTRIBUTE_BOOTSTRAP_METHODS) |
    KIND_BIT(HD_ATTRIBUTE_NEST_HOST) | KIND_BIT(HD_ATTRIBUTE_NEST_MEMBERS) |
    KIND_BIT(HD_ATTRIBUTE_PERMITTED_SUBCLASSES);

struct attribute_list {
    const struct hd_attribute *attributes;
    size_t count;
};

static uint64_t kinds_in(struct attribute_list list)
{
    uint64_t kinds = 0;
    for (size_t i = 0; i < list.count; i++)
        kinds |= KIND_BIT(list.attributes[i].kind);
    return kinds;
}

/* Leaves the meaning of all attributes of one kind in the side's meaning. */
static void read_kind(struct hd_comparer *comparer, int side, struct attribute_list list,
                      unsigned kind, const struct hd_walk *model)
{
    struct hd_meaning *meaning = &comparer->meanings[side];
    struct hd_error ignored = HD_ERROR_INIT;
    hd_meaning_restart(meaning);
    for (size_t i = 0; i < list.count; i++) {
        if (list.attributes[i].kind != kind)
            continue;
        struct hd_walk walk = *model;
        walk.in = hd_reader_over(list.attributes[i].contents, &ignored);
        walk.pool = comparer->sides[side]->pool;
        walk.meaning = meaning;
        hd_meaning_add_text(meaning, list.attributes[i].name);
        if (hd_attribute_walk((enum hd_attribute_kind)kind, &walk) != 0)
            hd_meaning_add_u4(meaning, UINT32_MAX); /* cannot be: the class was checked */
    }
}

/* The quick way: the same bytes, and every constant in them says the same in both pools. */
static bool same_at_a_glance(struct hd_comparer *comparer, const struct hd_attribute *before,
                             const struct hd_attribute *after, const struct hd_walk *model)
{
    struct hd_error ignored = HD_ERROR_INIT;
    if (!hd_bytes_equal(before->name, after->name) ||
        !hd_bytes_equal(before->contents, after->contents))
        return false;
    struct hd_walk walk = *model;
    walk.in = hd_reader_over(before->contents, &ignored);
    walk.pool = comparer->sides[HD_BEFORE]->pool;
    walk.aligned = &comparer->twins;
    return hd_attribute_walk((enum hd_attribute_kind)before->kind, &walk) == 0;
}

/* Looks at the lists place by place; returns the kinds that are the same so far as that shows. */
static uint64_t kinds_same_at_a_glance(struct hd_comparer *comparer,
                                       const struct attribute_list lists[HD_SIDES],
                                       const struct hd_walk *model)
{
    uint64_t same = 0;
    uint64_t doubtful = 0;
    if (lists[HD_BEFORE].count != lists[HD_AFTER].count)
        return 0;
    for (size_t i = 0; i < lists[HD_BEFORE].count; i++) {
        const struct hd_attribute *before = &lists[HD_BEFORE].attributes[i];
        const struct hd_attribute *after = &lists[HD_AFTER].attributes[i];
        if ((KIND_BIT(before->kind) & kinds_compared_elsewhere) == 0 &&
            same_at_a_glance(comparer, before, after, model))
            same |= KIND_BIT(before->kind);
        else
            doubtful |= KIND_BIT(before->kind) | KIND_BIT(after->kind);
    }
    return same & ~doubtful;
}

/* The kinds that differ, of those in both lists together. A JVM's view shows no attributes. */
static uint64_t differing_kinds(struct hd_comparer *comparer,
                                const struct attribute_list lists[HD_SIDES],
                                const struct hd_walk models[HD_SIDES])
{
    if (comparer->before_is_view)
        return 0;
    uint64_t kinds = (kinds_in(lists[HD_BEFORE]) | kinds_in(lists[HD_AFTER])) &
                     ~kinds_compared_elsewhere &
                     ~kinds_same_at_a_glance(comparer, lists, &models[HD_BEFORE]);
    uint64_t differing = 0;
    for (unsigned kind = 0; kind < HD_ATTRIBUTE_KIND_COUNT; kind++) {
        if ((kinds & KIND_BIT(kind)) == 0)
            continue;
        for (int side = 0; side < HD_SIDES; side++)
            read_kind(comparer, side, lists[side], kind, &models[side]);
        if (!hd_meaning_equal(&comparer->meanings[HD_BEFORE], &comparer->meanings[HD_AFTER]))
            differing |= KIND_BIT(kind);
    }
    return differing;
}

void hd_compare_member_attributes(struct hd_comparer *comparer, enum hd_place place,
                                  const struct hd_member *const members[HD_SIDES])
{
    struct attribute_list lists[HD_SIDES];
    struct hd_walk models[HD_SIDES];
    for (int side = 0; side < HD_SIDES; side++) {
        lists[side] =
            (struct attribute_list){ members[side]->attributes, members[side]->attribute_count };
        models[side] = (struct hd_walk){ .place = place, .descriptor = members[side]->descriptor };
    }
    uint64_t differing = differing_kinds(comparer, lists, models);
    if ((differing & ~annotation_kinds) != 0)
        comparer->other_attribute = true;
    if ((differing & annotation_kinds) == 0)
        return;
    const struct hd_member *member = members[HD_AFTER];
    struct hd_words words = hd_words_begin(comparer->err);
    if (place == HD_PLACE_METHOD)
        words = hd_comparer_name_method(comparer, member);
    else
        hd_words_add_modified(&words, member->name);
    hd_comparer_add(comparer, HD_DIFFERENCE_ANNOTATIONS, member->access, &words, NULL, NULL);
}

void hd_compare_code_attributes(struct hd_comparer *comparer,
                                const struct hd_member *const members[HD_SIDES])
{
    struct attribute_list lists[HD_SIDES];
    struct hd_walk models[HD_SIDES];
    for (int side = 0; side < HD_SIDES; side++) {
        const struct hd_code *code = &members[side]->code;
        lists[side] = (struct attribute_list){ code->attributes, code->attribute_count };
        models[side] = (struct hd_walk){ .place = HD_PLACE_CODE };
    }
    if (!comparer->other_attribute && differing_kinds(comparer, lists, models) != 0)
        comparer->other_attribute = true;
}

void hd_compare_class_attributes(struct hd_comparer *comparer)
{
    struct attribute_list lists[HD_SIDES];
    struct hd_walk models[HD_SIDES];
    for (int side = 0; side < HD_SIDES; side++) {
        const struct hd_class *class_file = comparer->sides[side];
        lists[side] =
            (struct attribute_list){ class_file->attributes, class_file->attribute_count };
        models[side] = (struct hd_walk){ .place = HD_PLACE_CLASS, .class_name = class_file->name };
    }
    uint64_t differing = differing_kinds(comparer, lists, models);
    if (comparer->record_changed)
        differing &= ~KIND_BIT(HD_ATTRIBUTE_RECORD);
    /* where the components are the same, their annotations are not */
    const uint64_t class_annotation_kinds = annotation_kinds | KIND_BIT(HD_ATTRIBUTE_RECORD);
    if ((differing & ~class_annotation_kinds) != 0)
        comparer->other_attribute = true;
    if ((differing & class_annotation_kinds) != 0)
        hd_comparer_add(comparer, HD_DIFFERENCE_ANNOTATIONS, comparer->sides[HD_AFTER]->access,
                        NULL, NULL, NULL);
}
