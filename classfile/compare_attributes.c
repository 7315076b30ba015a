/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes: what reflection shows of annotations counts as ANNOTATIONS, everything else has no
 * consequence for a swap.
 */
#include "classfile/comparer.h"

static const uint32_t annotation_kinds =
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_VISIBLE_ANNOTATIONS) |
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_VISIBLE_PARAMETER_ANNOTATIONS) |
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_VISIBLE_TYPE_ANNOTATIONS) |
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_ANNOTATION_DEFAULT);

/* These have comparisons of their own, or mean something only through others. */
static const uint32_t kinds_compared_elsewhere =
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_CODE) | HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_CONSTANT_VALUE) |
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_SYNTHETIC) | HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_BOOTSTRAP_METHODS) |
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_NEST_HOST) | HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_NEST_MEMBERS) |
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_PERMITTED_SUBCLASSES);

/* These refer to no constant, or count as bytes only. */
static const uint32_t kinds_without_constants =
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_UNKNOWN) | HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_LINE_NUMBER_TABLE) |
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_SOURCE_DEBUG_EXTENSION) |
    HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_DEPRECATED);

/* The attributes in one place of both classes, and what to walk them with. */
struct attribute_pair {
    const struct hd_attributes *sides[HD_SIDES];
    enum hd_place place;
    const struct hd_member *const *members; /* NULL unless they are a member's own */
};

static struct hd_walk new_walk(const struct hd_comparer *comparer,
                               const struct attribute_pair *pair, int side,
                               const struct hd_attribute *attribute, struct hd_error *err)
{
    struct hd_walk walk = { .in = hd_reader_over(attribute->contents, err),
                            .pool = comparer->sides[side]->pool,
                            .place = pair->place };
    if (pair->members != NULL)
        walk.descriptor = pair->members[side]->descriptor;
    if (pair->place == HD_PLACE_CLASS)
        walk.class_name = comparer->sides[side]->name;
    return walk;
}

/* Leaves the meaning of all attributes of one kind in the side's meaning. */
static void read_kind(struct hd_comparer *comparer, int side, const struct attribute_pair *pair,
                      unsigned kind)
{
    struct hd_meaning *meaning = &comparer->meanings[side];
    struct hd_error ignored = HD_ERROR_INIT;
    hd_meaning_restart(meaning);
    for (uint32_t i = 0; i < pair->sides[side]->count; i++) {
        const struct hd_attribute *attribute = &pair->sides[side]->list[i];
        if (attribute->kind != kind)
            continue;
        struct hd_walk walk = new_walk(comparer, pair, side, attribute, &ignored);
        walk.meaning = meaning;
        hd_meaning_add_text(meaning, hd_attribute_name(walk.pool, attribute));
        if (hd_attribute_walk((enum hd_attribute_kind)kind, &walk) != 0)
            hd_meaning_add_u4(meaning, UINT32_MAX); /* cannot be: the class was checked */
    }
}

/* The quick way: the same bytes, and every constant in them says the same in both pools. */
static bool same_at_a_glance(struct hd_comparer *comparer, const struct attribute_pair *pair,
                             const struct hd_attribute *before, const struct hd_attribute *after)
{
    if (before->kind != after->kind ||
        !hd_same_ends_equal(&comparer->twins.ends, before->contents, after->contents))
        return false;
    if (before->kind == HD_ATTRIBUTE_UNKNOWN &&
        !hd_bytes_equal(hd_attribute_name(comparer->sides[HD_BEFORE]->pool, before),
                        hd_attribute_name(comparer->sides[HD_AFTER]->pool, after)))
        return false;
    if ((HD_ATTRIBUTE_BIT(before->kind) & kinds_without_constants) != 0)
        return true;
    struct hd_error ignored;
    ignored.code = HD_OK; /* nobody reads the text */
    struct hd_walk walk = new_walk(comparer, pair, HD_BEFORE, before, &ignored);
    walk.aligned = &comparer->twins;
    return hd_attribute_walk((enum hd_attribute_kind)before->kind, &walk) == 0;
}

/* Looks at the lists place by place; returns the kinds that are the same so far as that shows. */
static uint32_t kinds_same_at_a_glance(struct hd_comparer *comparer,
                                       const struct attribute_pair *pair)
{
    uint32_t same = 0;
    uint32_t doubtful = 0;
    if (pair->sides[HD_BEFORE]->count != pair->sides[HD_AFTER]->count)
        return 0;
    for (uint32_t i = 0; i < pair->sides[HD_BEFORE]->count; i++) {
        const struct hd_attribute *before = &pair->sides[HD_BEFORE]->list[i];
        const struct hd_attribute *after = &pair->sides[HD_AFTER]->list[i];
        if ((HD_ATTRIBUTE_BIT(before->kind) & kinds_compared_elsewhere) == 0 &&
            same_at_a_glance(comparer, pair, before, after))
            same |= HD_ATTRIBUTE_BIT(before->kind);
        else
            doubtful |= HD_ATTRIBUTE_BIT(before->kind) | HD_ATTRIBUTE_BIT(after->kind);
    }
    return same & ~doubtful;
}

/* The kinds that differ, of those in both lists together. A JVM's view shows no attributes. */
static uint32_t differing_kinds(struct hd_comparer *comparer, const struct attribute_pair *pair)
{
    uint32_t kinds =
        (pair->sides[HD_BEFORE]->kinds | pair->sides[HD_AFTER]->kinds) & ~kinds_compared_elsewhere;
    if (kinds == 0 || comparer->before_is_view)
        return 0;
    kinds &= ~kinds_same_at_a_glance(comparer, pair);
    uint32_t differing = 0;
    for (unsigned kind = 0; kind < HD_ATTRIBUTE_KIND_COUNT; kind++) {
        if ((kinds & HD_ATTRIBUTE_BIT(kind)) == 0)
            continue;
        for (int side = 0; side < HD_SIDES; side++)
            read_kind(comparer, side, pair, kind);
        if (!hd_meaning_equal(&comparer->meanings[HD_BEFORE], &comparer->meanings[HD_AFTER]))
            differing |= HD_ATTRIBUTE_BIT(kind);
    }
    return differing;
}

void hd_compare_member_attributes(struct hd_comparer *comparer, enum hd_place place,
                                  const struct hd_member *const members[HD_SIDES])
{
    const struct attribute_pair attributes = {
        { &members[HD_BEFORE]->attributes, &members[HD_AFTER]->attributes }, place, members
    };
    uint32_t differing = differing_kinds(comparer, &attributes);
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
    const struct attribute_pair attributes = { { &members[HD_BEFORE]->code.attributes,
                                                 &members[HD_AFTER]->code.attributes },
                                               HD_PLACE_CODE,
                                               NULL };
    if (!comparer->other_attribute && differing_kinds(comparer, &attributes) != 0)
        comparer->other_attribute = true;
}

void hd_compare_class_attributes(struct hd_comparer *comparer)
{
    const struct attribute_pair attributes = { { &comparer->sides[HD_BEFORE]->attributes,
                                                 &comparer->sides[HD_AFTER]->attributes },
                                               HD_PLACE_CLASS,
                                               NULL };
    uint32_t differing = differing_kinds(comparer, &attributes);
    if (comparer->record_changed)
        differing &= ~HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_RECORD);
    /* where the components are the same, their annotations are not */
    const uint32_t class_annotation_kinds =
        annotation_kinds | HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_RECORD);
    if ((differing & ~class_annotation_kinds) != 0)
        comparer->other_attribute = true;
    if ((differing & class_annotation_kinds) != 0)
        hd_comparer_add(comparer, HD_DIFFERENCE_ANNOTATIONS, comparer->sides[HD_AFTER]->access,
                        NULL, NULL, NULL);
}
