/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields. HotSpot goes through both lists side by side: name, type and flags must agree, and the
 * order too.
 */
#include "classfile/comparer.h"
#include "classfile/members.h"

#include <stdio.h>

static struct hd_words name_of(struct hd_comparer *comparer, const struct hd_member *field)
{
    struct hd_words words = hd_words_begin(comparer->err);
    hd_words_add_modified(&words, field->name);
    return words;
}

static struct hd_words type_of(struct hd_comparer *comparer, const struct hd_member *field,
                               enum hd_naming naming)
{
    struct hd_words words = hd_words_begin(comparer->err);
    hd_words_add_type(&words, field->descriptor, naming);
    return words;
}

/* The first field of that name, whatever its type; NULL where there is none. */
static const struct hd_member *find_by_name(const struct hd_class *class_file, struct hd_bytes name)
{
    size_t low = 0;
    size_t high = class_file->field_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (hd_text_order(class_file->fields[class_file->field_order[middle]].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == class_file->field_count)
        return NULL;
    const struct hd_member *field = &class_file->fields[class_file->field_order[low]];
    return hd_bytes_equal(field->name, name) ? field : NULL;
}

static const struct hd_member *find_same(const struct hd_class *class_file,
                                         const struct hd_member *field)
{
    return hd_class_find_field(class_file, field->name, field->descriptor);
}

/* The field that has this one's name, and no counterpart of its own in the other class: the same
 * field with another type. */
static const struct hd_member *find_retyped(const struct hd_class *class_file,
                                            const struct hd_class *other,
                                            const struct hd_member *field)
{
    const struct hd_member *namesake = find_by_name(class_file, field->name);
    return namesake != NULL && find_same(other, namesake) == NULL ? namesake : NULL;
}

static void add_retyped(struct hd_comparer *comparer, const struct hd_member *before,
                        const struct hd_member *after)
{
    struct hd_words member = name_of(comparer, after);
    struct hd_words old_type = type_of(comparer, before, HD_NAMING_SIMPLE);
    struct hd_words new_type = type_of(comparer, after, HD_NAMING_SIMPLE);
    if (hd_bytes_equal(hd_buffer_view(&old_type.text), hd_buffer_view(&new_type.text))) {
        hd_buffer_close(&old_type.text);
        hd_buffer_close(&new_type.text);
        old_type = type_of(comparer, before, HD_NAMING_FULL);
        new_type = type_of(comparer, after, HD_NAMING_FULL);
    }
    hd_comparer_add(comparer, HD_DIFFERENCE_FIELD_TYPE, after->access, &member, &old_type,
                    &new_type);
}

static void add_removed(struct hd_comparer *comparer, const struct hd_member *field)
{
    struct hd_words member = name_of(comparer, field);
    struct hd_words type = type_of(comparer, field, HD_NAMING_SIMPLE);
    hd_comparer_add(comparer, HD_DIFFERENCE_FIELD_REMOVED, field->access, &member, &type, NULL);
}

static void add_added(struct hd_comparer *comparer, const struct hd_member *field)
{
    bool is_enum_constant = (field->access & HD_ACC_ENUM) != 0 &&
                            (comparer->sides[HD_AFTER]->access & HD_ACC_ENUM) != 0;
    struct hd_words member = name_of(comparer, field);
    struct hd_words type = type_of(comparer, field, HD_NAMING_SIMPLE);
    hd_comparer_add(
        comparer, is_enum_constant ? HD_DIFFERENCE_ENUM_CONSTANT_ADDED : HD_DIFFERENCE_FIELD_ADDED,
        field->access, &member, NULL, &type);
}

static void compare_modifiers(struct hd_comparer *comparer,
                              const struct hd_member *const fields[HD_SIDES])
{
    uint16_t before = hd_effective_field_access(fields[HD_BEFORE]);
    uint16_t after = hd_effective_field_access(fields[HD_AFTER]);
    if (before == after)
        return;
    struct hd_words member = name_of(comparer, fields[HD_AFTER]);
    struct hd_words words[HD_SIDES] = { hd_words_begin(comparer->err),
                                        hd_words_begin(comparer->err) };
    hd_words_add_modifiers(&words[HD_BEFORE], before, HD_MODIFIERS_OF_FIELD);
    hd_words_add_modifiers(&words[HD_AFTER], after, HD_MODIFIERS_OF_FIELD);
    hd_comparer_add(comparer, HD_DIFFERENCE_FIELD_MODIFIERS, after, &member, &words[HD_BEFORE],
                    &words[HD_AFTER]);
}

static void add_text_constant(struct hd_words *words, struct hd_bytes text)
{
    enum { LONGEST_SHOWN = 60 };
    bool cut = text.length > LONGEST_SHOWN;
    hd_words_add(words, "\"");
    hd_words_add_modified(words, (struct hd_bytes){ text.data, cut ? LONGEST_SHOWN : text.length });
    hd_words_add(words, cut ? "…\"" : "\"");
}

static uint64_t u8_at(const uint8_t *at)
{
    return (uint64_t)hd_u4_at(at) << 32 | hd_u4_at(at + 4);
}

static void add_int_constant(struct hd_words *words, uint8_t type, int32_t value)
{
    if (type == 'Z')
        hd_words_add(words, value != 0 ? "true" : "false");
    else if (type == 'C' && value > ' ' && value < 0x7F)
        hd_words_add_format(words, "'%c'", (char)value);
    else
        hd_words_add_format(words, "%d", value);
}

static void add_constant(struct hd_words *words, const struct hd_pool *pool, unsigned index,
                         uint8_t type)
{
    float single;
    double twice;
    uint32_t bits;
    uint64_t long_bits;
    switch (hd_pool_tag(pool, index)) {
    case HD_TAG_INTEGER:
        add_int_constant(words, type, (int32_t)hd_u4_at(hd_pool_number(pool, index).data));
        return;
    case HD_TAG_LONG:
        hd_words_add_format(words, "%lldL", (long long)u8_at(hd_pool_number(pool, index).data));
        return;
    case HD_TAG_FLOAT:
        bits = hd_u4_at(hd_pool_number(pool, index).data);
        memcpy(&single, &bits, sizeof single);
        hd_words_add_format(words, "%.9gf", (double)single);
        return;
    case HD_TAG_DOUBLE:
        long_bits = u8_at(hd_pool_number(pool, index).data);
        memcpy(&twice, &long_bits, sizeof twice);
        hd_words_add_format(words, "%.17g", twice);
        return;
    default:
        add_text_constant(words, hd_pool_named_text(pool, index));
        return;
    }
}

static const struct hd_attribute *constant_value(const struct hd_member *field)
{
    return hd_attribute_find(&field->attributes, HD_ATTRIBUTE_CONSTANT_VALUE);
}

static bool same_value(struct hd_comparer *comparer,
                       const struct hd_attribute *const values[HD_SIDES])
{
    return hd_twins_compare(&comparer->twins, hd_u2_at(values[HD_BEFORE]->contents.data),
                            hd_u2_at(values[HD_AFTER]->contents.data)) == HD_TWINS_SAME;
}

/* Compiled users hold copies of a static final constant: the JVM takes a new value, they do not. */
static void compare_constants(struct hd_comparer *comparer,
                              const struct hd_member *const fields[HD_SIDES])
{
    const uint16_t constant_flags = HD_ACC_STATIC | HD_ACC_FINAL;
    const struct hd_attribute *values[HD_SIDES] = { constant_value(fields[HD_BEFORE]),
                                                    constant_value(fields[HD_AFTER]) };
    if (comparer->before_is_view || (values[HD_BEFORE] == NULL && values[HD_AFTER] == NULL))
        return;
    if (values[HD_BEFORE] != NULL && values[HD_AFTER] != NULL && same_value(comparer, values))
        return;
    if ((fields[HD_AFTER]->access & constant_flags) != constant_flags) {
        comparer->other_attribute = true;
        return;
    }
    struct hd_words member = name_of(comparer, fields[HD_AFTER]);
    struct hd_words words[HD_SIDES] = { hd_words_begin(comparer->err),
                                        hd_words_begin(comparer->err) };
    for (int side = 0; side < HD_SIDES; side++) {
        if (values[side] != NULL)
            add_constant(&words[side], comparer->sides[side]->pool,
                         hd_u2_at(values[side]->contents.data), fields[side]->descriptor.data[0]);
        else
            hd_words_add(&words[side], "not a constant");
    }
    hd_comparer_add(comparer, HD_DIFFERENCE_CONSTANT, fields[HD_AFTER]->access, &member,
                    &words[HD_BEFORE], &words[HD_AFTER]);
}

static void compare_removed_fields(struct hd_comparer *comparer)
{
    const struct hd_class *before = comparer->sides[HD_BEFORE];
    const struct hd_class *after = comparer->sides[HD_AFTER];
    for (size_t i = 0; i < before->field_count; i++) {
        const struct hd_member *field = &before->fields[i];
        if (find_same(after, field) == NULL && find_retyped(after, before, field) == NULL)
            add_removed(comparer, field);
    }
}

static void compare_field_order(struct hd_comparer *comparer)
{
    const struct hd_class *before = comparer->sides[HD_BEFORE];
    const struct hd_class *after = comparer->sides[HD_AFTER];
    const struct hd_member *last = NULL;
    for (size_t i = 0; i < after->field_count; i++) {
        const struct hd_member *here = find_same(before, &after->fields[i]);
        if (here == NULL)
            continue;
        if (last != NULL && here < last) {
            struct hd_words member = name_of(comparer, here);
            struct hd_words old_place = name_of(comparer, here);
            hd_words_add(&old_place, " before ");
            hd_words_add_modified(&old_place, last->name);
            struct hd_words new_place = name_of(comparer, last);
            hd_words_add(&new_place, " before ");
            hd_words_add_modified(&new_place, here->name);
            hd_comparer_add(comparer, HD_DIFFERENCE_FIELD_ORDER, here->access, &member, &old_place,
                            &new_place);
            return;
        }
        last = here;
    }
}

static void compare_pair(struct hd_comparer *comparer, const struct hd_member *const pair[HD_SIDES])
{
    compare_modifiers(comparer, pair);
    compare_constants(comparer, pair);
    hd_compare_member_attributes(comparer, HD_PLACE_FIELD, pair);
}

/* Nothing came, went or moved; as in nearly every class. */
static bool are_all_in_place(const struct hd_comparer *comparer)
{
    const struct hd_class *before = comparer->sides[HD_BEFORE];
    const struct hd_class *after = comparer->sides[HD_AFTER];
    if (before->field_count != after->field_count)
        return false;
    for (size_t i = 0; i < after->field_count; i++) {
        if (hd_comparer_member_order(comparer, &before->fields[i], &after->fields[i]) != 0)
            return false;
    }
    return true;
}

static void compare_in_place(struct hd_comparer *comparer)
{
    for (size_t i = 0; i < comparer->sides[HD_AFTER]->field_count; i++) {
        const struct hd_member *const pair[HD_SIDES] = { &comparer->sides[HD_BEFORE]->fields[i],
                                                         &comparer->sides[HD_AFTER]->fields[i] };
        compare_pair(comparer, pair);
    }
}

static void compare_by_name(struct hd_comparer *comparer)
{
    const struct hd_class *before = comparer->sides[HD_BEFORE];
    const struct hd_class *after = comparer->sides[HD_AFTER];
    compare_removed_fields(comparer);
    for (size_t i = 0; i < after->field_count; i++) {
        const struct hd_member *field = &after->fields[i];
        const struct hd_member *same = find_same(before, field);
        const struct hd_member *retyped = same == NULL ? find_retyped(before, after, field) : NULL;
        const struct hd_member *const pair[HD_SIDES] = { same, field };
        if (retyped != NULL)
            add_retyped(comparer, retyped, field);
        else if (same == NULL)
            add_added(comparer, field);
        else
            compare_pair(comparer, pair);
    }
    compare_field_order(comparer);
}

void hd_compare_fields(struct hd_comparer *comparer)
{
    if (!comparer->before_is_view && are_all_in_place(comparer))
        compare_in_place(comparer);
    else
        compare_by_name(comparer);
}
