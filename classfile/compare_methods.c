/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods. HotSpot matches them by name and descriptor, whatever their order, and compares their
 * flags but for native; the rest is what the code means.
 */
#include "classfile/comparer.h"
#include "classfile/members.h"
#include "classfile/renumbered.h"

#include "core/alloc.h"

enum { ACC_NATIVE = 0x0100 };

static const struct hd_member *method_at(const struct hd_class *class_file, size_t place)
{
    return &class_file->methods[class_file->method_order[place]];
}

/* Does another method of the class read the same with simple names? Only methods of the same name
 * are looked at, up to a bound that no real class reaches. */
static bool reads_like_another(const struct hd_class *class_file, const struct hd_member *method)
{
    enum { LOOKED_AT = 64 };
    size_t low = 0;
    size_t high = class_file->method_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (hd_text_order(method_at(class_file, middle)->name, method->name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i < class_file->method_count && i - low < LOOKED_AT; i++) {
        const struct hd_member *other = method_at(class_file, i);
        if (!hd_bytes_equal(other->name, method->name))
            return false;
        if (!hd_bytes_equal(other->descriptor, method->descriptor) &&
            hd_words_read_alike(other->descriptor, method->descriptor))
            return true;
    }
    return false;
}

struct hd_words hd_comparer_name_method(struct hd_comparer *comparer,
                                        const struct hd_member *method)
{
    struct hd_words words = hd_words_begin(comparer->err);
    bool is_unique = !reads_like_another(comparer->sides[HD_BEFORE], method) &&
                     !reads_like_another(comparer->sides[HD_AFTER], method);
    hd_words_add_method(&words, method->name, method->descriptor,
                        is_unique ? HD_NAMING_SIMPLE : HD_NAMING_FULL);
    return words;
}

static void add_method(struct hd_comparer *comparer, enum hd_difference_kind kind,
                       const struct hd_member *method)
{
    struct hd_words member = hd_comparer_name_method(comparer, method);
    hd_comparer_add(comparer, kind, method->access, &member, NULL, NULL);
}

/* The JVM gives flags as it holds them; a file's have to be read as HotSpot reads them. */
static uint16_t access_of(const struct hd_comparer *comparer, int side,
                          const struct hd_member *method)
{
    if (side == HD_BEFORE && comparer->before_is_view)
        return method->access;
    return hd_effective_method_access(comparer->sides[side], method);
}

static void compare_modifiers(struct hd_comparer *comparer,
                              const struct hd_member *const methods[HD_SIDES])
{
    uint16_t before = access_of(comparer, HD_BEFORE, methods[HD_BEFORE]);
    uint16_t after = access_of(comparer, HD_AFTER, methods[HD_AFTER]);
    if (((before ^ after) & ~ACC_NATIVE) == 0)
        return;
    struct hd_words member = hd_comparer_name_method(comparer, methods[HD_AFTER]);
    struct hd_words words[HD_SIDES] = { hd_words_begin(comparer->err),
                                        hd_words_begin(comparer->err) };
    hd_words_add_modifiers(&words[HD_BEFORE], before, HD_MODIFIERS_OF_METHOD);
    hd_words_add_modifiers(&words[HD_AFTER], after, HD_MODIFIERS_OF_METHOD);
    hd_comparer_add(comparer, HD_DIFFERENCE_METHOD_MODIFIERS, after, &member, &words[HD_BEFORE],
                    &words[HD_AFTER]);
}

bool hd_comparer_lay_out(struct hd_comparer *comparer, const struct hd_member *method,
                         struct hd_code_layout *layout)
{
    struct hd_error problem = HD_ERROR_INIT;
    if (hd_code_lay_out(method->code.bytecode, &comparer->scratch, layout, &problem) != 0) {
        if (problem.code == HD_E_MEMORY) {
            hd_error_set_memory(comparer->err);
            comparer->failed = true;
        }
        return false;
    }
    return true;
}

/* Leaves the meaning of the method's code in the side's meaning; false where it cannot be had. */
static bool read_body(struct hd_comparer *comparer, int side, const struct hd_member *method)
{
    struct hd_meaning *meaning = &comparer->meanings[side];
    struct hd_error problem = HD_ERROR_INIT;
    struct hd_code_layout layout;
    hd_meaning_restart(meaning);
    if (!hd_comparer_lay_out(comparer, method, &layout))
        return false;
    struct hd_walk walk = { .pool = comparer->sides[side]->pool,
                            .place = HD_PLACE_CODE,
                            .layout = &layout,
                            .meaning = meaning };
    walk.in = hd_reader_over(HD_NO_BYTES, &problem);
    if (hd_code_walk(&walk, comparer->sides[side]->major) != 0)
        return false;
    walk.in = hd_reader_over(method->code.exception_table, &problem);
    return comparer->before_is_view || hd_exception_table_walk(&walk) == 0;
}

bool hd_comparer_same_body(struct hd_comparer *comparer,
                           const struct hd_member *const methods[HD_SIDES])
{
    const struct hd_code *before = &methods[HD_BEFORE]->code;
    const struct hd_code *after = &methods[HD_AFTER]->code;
    if (before->bytecode.length == 0 || after->bytecode.length == 0)
        return before->bytecode.length == after->bytecode.length;
    enum hd_twins_answer answer =
        hd_twins_compare_code(&comparer->twins, before->bytecode, after->bytecode);
    if (answer == HD_TWINS_DIFFER)
        return false;
    if (answer == HD_TWINS_SAME &&
        (comparer->before_is_view ||
         hd_twins_same_handlers(&comparer->twins, before->exception_table, after->exception_table)))
        return true;
    return read_body(comparer, HD_BEFORE, methods[HD_BEFORE]) &&
           read_body(comparer, HD_AFTER, methods[HD_AFTER]) &&
           hd_meaning_equal(&comparer->meanings[HD_BEFORE], &comparer->meanings[HD_AFTER]);
}

/* For a verdict one changed body is as good as many, but for that of <clinit>, which earns a
 * warning, and those of the compiler's own methods, which tell whether it numbered them anew. */
static bool is_decided(const struct hd_comparer *comparer, const struct hd_member *method)
{
    return comparer->for_verdict && comparer->body_changed &&
           (method->access & HD_ACC_SYNTHETIC) == 0 && !hd_bytes_are(method->name, "<clinit>");
}

static void compare_pair(struct hd_comparer *comparer,
                         const struct hd_member *const methods[HD_SIDES],
                         struct hd_renumbered *renumbered)
{
    compare_modifiers(comparer, methods);
    hd_compare_member_attributes(comparer, HD_PLACE_METHOD, methods);
    if (is_decided(comparer, methods[HD_AFTER]))
        return;
    if (hd_comparer_same_body(comparer, methods)) {
        hd_compare_code_attributes(comparer, methods);
        return;
    }
    if (comparer->failed)
        return;
    bool is_initializer = hd_bytes_are(methods[HD_AFTER]->name, "<clinit>");
    add_method(comparer, is_initializer ? HD_DIFFERENCE_INITIALIZER : HD_DIFFERENCE_METHOD_BODY,
               methods[HD_AFTER]);
    if ((methods[HD_AFTER]->access & HD_ACC_SYNTHETIC) == 0)
        comparer->body_changed = true;
    if (!comparer->failed)
        hd_renumbered_note_changed(renumbered, methods, comparer->found.count - 1);
}

/* Which of two sorted lists is behind. */
static int order_at(const struct hd_comparer *comparer, size_t old_place, size_t new_place)
{
    const struct hd_class *before = comparer->sides[HD_BEFORE];
    const struct hd_class *after = comparer->sides[HD_AFTER];
    if (old_place == before->method_count)
        return 1;
    if (new_place == after->method_count)
        return -1;
    return hd_comparer_member_order(comparer, method_at(before, old_place),
                                    method_at(after, new_place));
}

void hd_compare_methods(struct hd_comparer *comparer)
{
    const struct hd_class *before = comparer->sides[HD_BEFORE];
    const struct hd_class *after = comparer->sides[HD_AFTER];
    struct hd_renumbered renumbered;
    size_t old_place = 0;
    size_t new_place = 0;
    hd_renumbered_init(&renumbered);
    while ((old_place < before->method_count || new_place < after->method_count) &&
           !comparer->failed) {
        int order = order_at(comparer, old_place, new_place);
        if (order < 0) {
            add_method(comparer, HD_DIFFERENCE_METHOD_REMOVED, method_at(before, old_place));
            hd_renumbered_note_removed(&renumbered, method_at(before, old_place++));
        } else if (order > 0) {
            add_method(comparer, HD_DIFFERENCE_METHOD_ADDED, method_at(after, new_place));
            hd_renumbered_note_added(&renumbered, method_at(after, new_place++));
        } else {
            const struct hd_member *const pair[HD_SIDES] = { method_at(before, old_place++),
                                                             method_at(after, new_place++) };
            compare_pair(comparer, pair, &renumbered);
        }
    }
    if (!comparer->failed)
        hd_renumbered_judge(&renumbered, comparer);
}
