/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/compare.h"

#include "classfile/comparer.h"
#include "classfile/members.h"
#include "classfile/viewclass.h"

#include "core/alloc.h"

static char *take_words(struct hd_comparer *comparer, struct hd_words *words)
{
    if (words == NULL)
        return NULL;
    char *text = hd_words_take(words);
    if (text == NULL)
        comparer->failed = true;
    return text;
}

static void free_difference(struct hd_difference *difference)
{
    hd_free(difference->member);
    hd_free(difference->before);
    hd_free(difference->after);
}

static bool make_room(struct hd_comparer *comparer)
{
    if (comparer->found.count < comparer->capacity)
        return true;
    size_t capacity = comparer->capacity > 0 ? 2 * comparer->capacity : 8;
    struct hd_difference *grown =
        hd_realloc_array(comparer->found.differences, capacity, sizeof *grown);
    if (grown == NULL) {
        hd_error_set_memory(comparer->err);
        comparer->failed = true;
        return false;
    }
    comparer->found.differences = grown;
    comparer->capacity = capacity;
    return true;
}

void hd_comparer_add(struct hd_comparer *comparer, enum hd_difference_kind kind, uint16_t access,
                     struct hd_words *member, struct hd_words *before, struct hd_words *after)
{
    struct hd_difference difference = { .kind = kind, .access = access };
    difference.member = take_words(comparer, member);
    difference.before = take_words(comparer, before);
    difference.after = take_words(comparer, after);
    if (comparer->failed || !make_room(comparer)) {
        free_difference(&difference);
        return;
    }
    comparer->found.differences[comparer->found.count++] = difference;
}

static void compare_names(struct hd_comparer *comparer, enum hd_difference_kind kind,
                          struct hd_bytes before, struct hd_bytes after)
{
    if (hd_same_ends_equal(&comparer->twins.ends, before, after))
        return;
    struct hd_words words[HD_SIDES] = { hd_words_begin(comparer->err),
                                        hd_words_begin(comparer->err) };
    hd_words_add_class(&words[HD_BEFORE], before);
    hd_words_add_class(&words[HD_AFTER], after);
    hd_comparer_add(comparer, kind, 0, NULL, &words[HD_BEFORE], &words[HD_AFTER]);
}

static bool same_interfaces(const struct hd_comparer *comparer)
{
    const struct hd_class *before = comparer->sides[HD_BEFORE];
    const struct hd_class *after = comparer->sides[HD_AFTER];
    if (before->interface_count != after->interface_count)
        return false;
    for (size_t i = 0; i < before->interface_count; i++) {
        if (!hd_same_ends_equal(&comparer->twins.ends, before->interfaces[i], after->interfaces[i]))
            return false;
    }
    return true;
}

static struct hd_words list_interfaces(struct hd_comparer *comparer,
                                       const struct hd_class *class_file)
{
    struct hd_words words = hd_words_begin(comparer->err);
    for (size_t i = 0; i < class_file->interface_count; i++) {
        hd_words_add(&words, i > 0 ? ", " : "");
        hd_words_add_class(&words, class_file->interfaces[i]);
    }
    hd_words_add(&words, class_file->interface_count == 0 ? "none" : "");
    return words;
}

static void compare_interfaces(struct hd_comparer *comparer)
{
    if (same_interfaces(comparer))
        return;
    struct hd_words old_list = list_interfaces(comparer, comparer->sides[HD_BEFORE]);
    struct hd_words new_list = list_interfaces(comparer, comparer->sides[HD_AFTER]);
    hd_comparer_add(comparer, HD_DIFFERENCE_INTERFACES, 0, NULL, &old_list, &new_list);
}

static void compare_class_modifiers(struct hd_comparer *comparer)
{
    const struct hd_class *after = comparer->sides[HD_AFTER];
    uint16_t before_access = comparer->sides[HD_BEFORE]->access;
    uint16_t after_access = hd_reflected_class_access(after);
    if (!comparer->before_is_view) {
        before_access = hd_effective_class_access(comparer->sides[HD_BEFORE]);
        after_access = hd_effective_class_access(after);
    }
    if (before_access == after_access)
        return;
    struct hd_words words[HD_SIDES] = { hd_words_begin(comparer->err),
                                        hd_words_begin(comparer->err) };
    hd_words_add_modifiers(&words[HD_BEFORE], before_access, HD_MODIFIERS_OF_CLASS);
    hd_words_add_modifiers(&words[HD_AFTER], after_access, HD_MODIFIERS_OF_CLASS);
    hd_comparer_add(comparer, HD_DIFFERENCE_CLASS_MODIFIERS, after_access, NULL, &words[HD_BEFORE],
                    &words[HD_AFTER]);
}

/* JVMTI says of an interface that it has no superclass; the file says java.lang.Object. */
static bool superclass_is_unknown(const struct hd_comparer *comparer)
{
    return comparer->before_is_view && comparer->sides[HD_BEFORE]->super_name.length == 0 &&
           (comparer->sides[HD_AFTER]->access & HD_ACC_INTERFACE) != 0;
}

static void compare_all(struct hd_comparer *comparer)
{
    const struct hd_class *before = comparer->sides[HD_BEFORE];
    const struct hd_class *after = comparer->sides[HD_AFTER];
    compare_names(comparer, HD_DIFFERENCE_NAME, before->name, after->name);
    if (!superclass_is_unknown(comparer))
        compare_names(comparer, HD_DIFFERENCE_SUPERCLASS, before->super_name, after->super_name);
    compare_interfaces(comparer);
    compare_class_modifiers(comparer);
    hd_compare_fields(comparer);
    hd_compare_methods(comparer);
    if (!comparer->before_is_view)
        hd_compare_class_lists(comparer);
    hd_compare_class_attributes(comparer);
    if (comparer->other_attribute)
        hd_comparer_add(comparer, HD_DIFFERENCE_OTHER_ATTRIBUTE, 0, NULL, NULL, NULL);
}

static int open_comparer(struct hd_comparer *comparer, struct hd_error *err)
{
    const struct hd_class *before = comparer->sides[HD_BEFORE];
    const struct hd_class *after = comparer->sides[HD_AFTER];
    comparer->err = err;
    hd_lexicon_init(&comparer->lexicon, comparer->before_is_view);
    for (int side = 0; side < HD_SIDES; side++)
        hd_meaning_init(&comparer->meanings[side], &comparer->lexicon, comparer->sides[side]->pool,
                        err);
    return hd_twins_init(&comparer->twins, before->pool, after->pool, comparer->before_is_view,
                         err);
}

static void close_comparer(struct hd_comparer *comparer)
{
    for (int side = 0; side < HD_SIDES; side++)
        hd_meaning_close(&comparer->meanings[side]);
    hd_lexicon_close(&comparer->lexicon);
    hd_twins_close(&comparer->twins);
    hd_code_scratch_close(&comparer->scratch);
    hd_comparison_close(&comparer->found);
}

/* wanted: sides, and what kind of comparison. */
static int compare(const struct hd_comparer *wanted, const struct hd_same_ends *ends,
                   struct hd_comparison *out, struct hd_error *err)
{
    struct hd_comparer comparer = *wanted;
    int result = open_comparer(&comparer, err);
    comparer.twins.ends = *ends;
    if (result == 0)
        compare_all(&comparer);
    if (comparer.failed || comparer.meanings[HD_BEFORE].failed ||
        comparer.meanings[HD_AFTER].failed)
        result = -1;
    if (result == 0) {
        *out = comparer.found;
        comparer.found = (struct hd_comparison){ NULL, 0 };
    }
    close_comparer(&comparer);
    return result;
}

static int compare_files(const struct hd_class *before, const struct hd_class *after,
                         bool for_verdict, struct hd_comparison *out, struct hd_error *err)
{
    const struct hd_comparer wanted = { .sides = { before, after }, .for_verdict = for_verdict };
    const struct hd_same_ends ends = hd_same_ends_find(before->file, after->file);
    if (hd_same_ends_are_all(&ends)) {
        *out = (struct hd_comparison){ NULL, 0 };
        return 0;
    }
    return compare(&wanted, &ends, out, err);
}

int hd_compare_classes(const struct hd_class *before, const struct hd_class *after,
                       struct hd_comparison *out, struct hd_error *err)
{
    return compare_files(before, after, false, out, err);
}

int hd_compare_for_verdict(const struct hd_class *before, const struct hd_class *after,
                           struct hd_comparison *out, struct hd_error *err)
{
    return compare_files(before, after, true, out, err);
}

int hd_compare_view(const struct hd_vm_view *before, const struct hd_class *after,
                    struct hd_comparison *out, struct hd_error *err)
{
    struct hd_view_class view;
    if (hd_view_class_init(&view, before, err) != 0)
        return -1;
    const struct hd_comparer wanted = { .sides = { &view.class_file, after },
                                        .before_is_view = true };
    const struct hd_same_ends nothing = { .head = 0 };
    int result = compare(&wanted, &nothing, out, err);
    hd_view_class_close(&view);
    return result;
}

void hd_comparison_close(struct hd_comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++)
        free_difference(&comparison->differences[i]);
    hd_free(comparison->differences);
    *comparison = (struct hd_comparison){ NULL, 0 };
}
