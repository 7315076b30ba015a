/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The class-level lists that HotSpot compares: nest host and members, permitted subclasses (as
 * sets), record components (in order, with their generic types). Each only where the class file's
 * version makes HotSpot read it.
 */
#include "classfile/comparer.h"
#include "classfile/members.h"

#include "core/alloc.h"

#include <stdlib.h>

#define FIRST_MAJOR_OF_NESTS           55
#define FIRST_MAJOR_OF_RECORDS         60
#define FIRST_MAJOR_OF_PREVIEW_RECORDS 58
#define FIRST_MAJOR_OF_SEALED          61
#define FIRST_MAJOR_OF_PREVIEW_SEALED  59
#define PREVIEW_MINOR                  0xFFFF

struct name_list {
    struct hd_bytes *names; /* sorted */
    size_t count;
};

static const struct hd_attribute *find(const struct hd_class *class_file,
                                       enum hd_attribute_kind kind, uint16_t first_major,
                                       uint16_t first_preview_major)
{
    bool is_read = class_file->major >= first_major ||
                   (class_file->minor == PREVIEW_MINOR && class_file->major >= first_preview_major);
    return is_read ? hd_attribute_find(&class_file->attributes, kind) : NULL;
}

static int order_of_names(const void *a, const void *b)
{
    return hd_text_order(*(const struct hd_bytes *)a, *(const struct hd_bytes *)b);
}

static bool read_names(struct hd_comparer *comparer, const struct hd_class *class_file,
                       const struct hd_attribute *attribute, struct name_list *out)
{
    *out = (struct name_list){ NULL, 0 };
    if (attribute == NULL)
        return true;
    size_t count = hd_u2_at(attribute->contents.data);
    out->names = hd_alloc_zeroed(count, sizeof *out->names);
    if (out->names == NULL) {
        hd_error_set_memory(comparer->err);
        comparer->failed = true;
        return false;
    }
    for (size_t i = 0; i < count; i++)
        out->names[i] =
            hd_pool_named_text(class_file->pool, hd_u2_at(attribute->contents.data + 2 + 2 * i));
    qsort(out->names, count, sizeof *out->names, order_of_names);
    out->count = count;
    return true;
}

static void add_name(struct hd_words *words, struct hd_bytes name)
{
    if (words->text.length > 0)
        hd_words_add(words, ", ");
    hd_words_add_class(words, name);
}

/* Adds a difference that names what went and what came; nothing where the sets are equal. */
static void compare_sets(struct hd_comparer *comparer, enum hd_difference_kind kind,
                         const struct name_list *before, const struct name_list *after)
{
    struct hd_words removed = hd_words_begin(comparer->err);
    struct hd_words added = hd_words_begin(comparer->err);
    size_t i = 0;
    size_t k = 0;
    while (i < before->count || k < after->count) {
        int order = i == before->count  ? 1
                    : k == after->count ? -1
                                        : hd_text_order(before->names[i], after->names[k]);
        if (order < 0)
            add_name(&removed, before->names[i++]);
        else if (order > 0)
            add_name(&added, after->names[k++]);
        else
            i++, k++;
    }
    bool something_went = removed.text.length > 0 || removed.failed;
    bool something_came = added.text.length > 0 || added.failed;
    if (something_went || something_came)
        hd_comparer_add(comparer, kind, 0, NULL, something_went ? &removed : NULL,
                        something_came ? &added : NULL);
}

static void compare_name_lists(struct hd_comparer *comparer, enum hd_difference_kind kind,
                               const struct hd_attribute *const lists[HD_SIDES])
{
    struct name_list before;
    struct name_list after = { NULL, 0 };
    if (read_names(comparer, comparer->sides[HD_BEFORE], lists[HD_BEFORE], &before) &&
        read_names(comparer, comparer->sides[HD_AFTER], lists[HD_AFTER], &after))
        compare_sets(comparer, kind, &before, &after);
    hd_free(before.names);
    hd_free(after.names);
}

static struct hd_bytes host_name(const struct hd_class *class_file, const struct hd_attribute *host)
{
    if (host == NULL)
        return HD_NO_BYTES;
    return hd_pool_named_text(class_file->pool, hd_u2_at(host->contents.data));
}

static void compare_nest_hosts(struct hd_comparer *comparer,
                               const struct hd_attribute *const hosts[HD_SIDES])
{
    struct hd_bytes names[HD_SIDES];
    struct hd_words words[HD_SIDES];
    for (int side = 0; side < HD_SIDES; side++)
        names[side] = host_name(comparer->sides[side], hosts[side]);
    if (hd_bytes_equal(names[HD_BEFORE], names[HD_AFTER]))
        return;
    for (int side = 0; side < HD_SIDES; side++) {
        words[side] = hd_words_begin(comparer->err);
        if (names[side].length > 0)
            hd_words_add_class(&words[side], names[side]);
        else
            hd_words_add(&words[side], "none");
    }
    hd_comparer_add(comparer, HD_DIFFERENCE_NEST_HOST, 0, NULL, &words[HD_BEFORE],
                    &words[HD_AFTER]);
}

/* What HotSpot compares of a record's component. */
struct component {
    struct hd_bytes name;
    struct hd_bytes descriptor;
    struct hd_bytes signature; /* length 0 where it has none */
};

/* Steps over a component's attributes; returns its generic signature, length 0 where it has none.
 */
static struct hd_bytes read_signature(struct hd_reader *in, const struct hd_pool *pool)
{
    struct hd_bytes signature = { (const uint8_t *)"", 0 };
    unsigned count = hd_read_u2(in);
    for (unsigned i = 0; i < count && !in->failed; i++) {
        unsigned name = hd_read_u2(in);
        struct hd_bytes contents = hd_read_bytes(in, hd_read_u4(in));
        if (!in->failed && hd_attribute_kind_of(hd_pool_text(pool, name)) == HD_ATTRIBUTE_SIGNATURE)
            signature = hd_pool_text(pool, hd_u2_at(contents.data));
    }
    return signature;
}

/* The attribute is known to be well formed. */
static struct component next_component(struct hd_reader *in, const struct hd_pool *pool)
{
    struct component component;
    component.name = hd_pool_text(pool, hd_read_u2(in));
    component.descriptor = hd_pool_text(pool, hd_read_u2(in));
    component.signature = read_signature(in, pool);
    return component;
}

static bool same_records(const struct hd_comparer *comparer,
                         const struct hd_attribute *const records[HD_SIDES])
{
    if (records[HD_BEFORE] == NULL || records[HD_AFTER] == NULL)
        return records[HD_BEFORE] == records[HD_AFTER];
    struct hd_reader before = hd_reader_over(records[HD_BEFORE]->contents, NULL);
    struct hd_reader after = hd_reader_over(records[HD_AFTER]->contents, NULL);
    unsigned count = hd_read_u2(&before);
    if (count != hd_read_u2(&after))
        return false;
    for (unsigned i = 0; i < count; i++) {
        struct component old_one = next_component(&before, comparer->sides[HD_BEFORE]->pool);
        struct component new_one = next_component(&after, comparer->sides[HD_AFTER]->pool);
        if (!hd_bytes_equal(old_one.name, new_one.name) ||
            !hd_bytes_equal(old_one.descriptor, new_one.descriptor) ||
            !hd_bytes_equal(old_one.signature, new_one.signature))
            return false;
    }
    return true;
}

/* "(int x, String y)" */
static struct hd_words name_components(struct hd_comparer *comparer, int side,
                                       const struct hd_attribute *record)
{
    struct hd_words words = hd_words_begin(comparer->err);
    if (record == NULL) {
        hd_words_add(&words, "not a record");
        return words;
    }
    struct hd_reader in = hd_reader_over(record->contents, NULL);
    unsigned count = hd_read_u2(&in);
    hd_words_add(&words, "(");
    for (unsigned i = 0; i < count; i++) {
        struct component component = next_component(&in, comparer->sides[side]->pool);
        hd_words_add(&words, i > 0 ? ", " : "");
        hd_words_add_type(&words, component.descriptor, HD_NAMING_SIMPLE);
        hd_words_add(&words, " ");
        hd_words_add_modified(&words, component.name);
    }
    hd_words_add(&words, ")");
    return words;
}

static void compare_records(struct hd_comparer *comparer,
                            const struct hd_attribute *const records[HD_SIDES])
{
    if (same_records(comparer, records))
        return;
    comparer->record_changed = true;
    struct hd_words before = name_components(comparer, HD_BEFORE, records[HD_BEFORE]);
    struct hd_words after = name_components(comparer, HD_AFTER, records[HD_AFTER]);
    if (hd_bytes_equal(hd_buffer_view(&before.text), hd_buffer_view(&after.text)))
        hd_words_add(&after, " with other types behind the same names, or other generic types");
    hd_comparer_add(comparer, HD_DIFFERENCE_RECORD, 0, NULL, &before, &after);
}

void hd_compare_class_lists(struct hd_comparer *comparer)
{
    const struct hd_attribute *hosts[HD_SIDES];
    const struct hd_attribute *members[HD_SIDES];
    const struct hd_attribute *records[HD_SIDES];
    const struct hd_attribute *permitted[HD_SIDES];
    for (int side = 0; side < HD_SIDES; side++) {
        const struct hd_class *class_file = comparer->sides[side];
        hosts[side] =
            find(class_file, HD_ATTRIBUTE_NEST_HOST, FIRST_MAJOR_OF_NESTS, FIRST_MAJOR_OF_NESTS);
        members[side] =
            find(class_file, HD_ATTRIBUTE_NEST_MEMBERS, FIRST_MAJOR_OF_NESTS, FIRST_MAJOR_OF_NESTS);
        records[side] = find(class_file, HD_ATTRIBUTE_RECORD, FIRST_MAJOR_OF_RECORDS,
                             FIRST_MAJOR_OF_PREVIEW_RECORDS);
        permitted[side] = find(class_file, HD_ATTRIBUTE_PERMITTED_SUBCLASSES, FIRST_MAJOR_OF_SEALED,
                               FIRST_MAJOR_OF_PREVIEW_SEALED);
    }
    compare_nest_hosts(comparer, hosts);
    compare_name_lists(comparer, HD_DIFFERENCE_NEST_MEMBERS, members);
    compare_records(comparer, records);
    compare_name_lists(comparer, HD_DIFFERENCE_PERMITTED, permitted);
}
