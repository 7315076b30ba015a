/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/fingerprint.h"

#include "classfile/attributes.h"
#include "classfile/code.h"
#include "classfile/members.h"

/* Changes when the way a class is put into numbers does: fingerprints may be kept. */
#define SCHEME "hotdrop class fingerprint 1"

/* Of every other attribute HotSpot keeps nothing, or only what debuggers see. The order is part of
 * the scheme. */
static const enum hd_attribute_kind field_kinds[] = {
    HD_ATTRIBUTE_CONSTANT_VALUE, HD_ATTRIBUTE_SIGNATURE, HD_ATTRIBUTE_VISIBLE_ANNOTATIONS,
    HD_ATTRIBUTE_VISIBLE_TYPE_ANNOTATIONS, HD_ATTRIBUTE_UNKNOWN
};
static const enum hd_attribute_kind method_kinds[] = { HD_ATTRIBUTE_EXCEPTIONS,
                                                       HD_ATTRIBUTE_SIGNATURE,
                                                       HD_ATTRIBUTE_VISIBLE_ANNOTATIONS,
                                                       HD_ATTRIBUTE_VISIBLE_PARAMETER_ANNOTATIONS,
                                                       HD_ATTRIBUTE_VISIBLE_TYPE_ANNOTATIONS,
                                                       HD_ATTRIBUTE_ANNOTATION_DEFAULT,
                                                       HD_ATTRIBUTE_METHOD_PARAMETERS,
                                                       HD_ATTRIBUTE_UNKNOWN };
static const enum hd_attribute_kind class_kinds[] = { HD_ATTRIBUTE_INNER_CLASSES,
                                                      HD_ATTRIBUTE_SIGNATURE,
                                                      HD_ATTRIBUTE_VISIBLE_ANNOTATIONS,
                                                      HD_ATTRIBUTE_VISIBLE_TYPE_ANNOTATIONS,
                                                      HD_ATTRIBUTE_NEST_HOST,
                                                      HD_ATTRIBUTE_NEST_MEMBERS,
                                                      HD_ATTRIBUTE_RECORD,
                                                      HD_ATTRIBUTE_PERMITTED_SUBCLASSES,
                                                      HD_ATTRIBUTE_UNKNOWN };

struct fingerprinter {
    const struct hd_class *class_file;
    bool rebuilt; /* leaves out what a rebuilt file may lack */
    struct hd_lexicon lexicon;
    struct hd_meaning meaning;
    struct hd_code_scratch scratch;
    struct hd_error *err;
};

static struct hd_walk new_walk(struct fingerprinter *printer, enum hd_place place,
                               struct hd_bytes contents)
{
    return (struct hd_walk){ .in = hd_reader_over(contents, printer->err),
                             .pool = printer->class_file->pool,
                             .place = place,
                             .meaning = &printer->meaning,
                             .class_name = printer->class_file->name };
}

static bool may_be_forgotten(enum hd_attribute_kind kind)
{
    return kind == HD_ATTRIBUTE_METHOD_PARAMETERS || kind == HD_ATTRIBUTE_NEST_HOST ||
           kind == HD_ATTRIBUTE_NEST_MEMBERS || kind == HD_ATTRIBUTE_RECORD ||
           kind == HD_ATTRIBUTE_PERMITTED_SUBCLASSES;
}

static int add_attributes(struct fingerprinter *printer, enum hd_place place,
                          struct hd_bytes descriptor, const struct hd_attributes *attributes,
                          const enum hd_attribute_kind *kinds)
{
    for (; *kinds != HD_ATTRIBUTE_UNKNOWN; kinds++) {
        const struct hd_attribute *attribute = hd_attribute_find(attributes, *kinds);
        if (attribute == NULL || (printer->rebuilt && may_be_forgotten(*kinds)))
            continue;
        hd_meaning_add_u4(&printer->meaning, *kinds);
        struct hd_walk walk = new_walk(printer, place, attribute->contents);
        walk.descriptor = descriptor;
        if (hd_attribute_walk(*kinds, &walk) != 0)
            return -1;
    }
    hd_meaning_add_u4(&printer->meaning, HD_ATTRIBUTE_UNKNOWN);
    return 0;
}

static int add_code(struct fingerprinter *printer, const struct hd_code *code)
{
    struct hd_code_layout layout;
    hd_meaning_add_u4(&printer->meaning, code->bytecode.length > 0);
    if (code->bytecode.length == 0)
        return 0;
    if (hd_code_lay_out(code->bytecode, &printer->scratch, &layout, printer->err) != 0)
        return -1;
    struct hd_walk walk = new_walk(printer, HD_PLACE_CODE, HD_NO_BYTES);
    walk.layout = &layout;
    hd_meaning_add_u4(&printer->meaning, layout.ordinals[code->bytecode.length]);
    if (hd_code_walk(&walk, printer->class_file->major) != 0)
        return -1;
    walk.in = hd_reader_over(code->exception_table, printer->err);
    hd_meaning_add_u4(&printer->meaning, (uint32_t)code->exception_table.length);
    return hd_exception_table_walk(&walk);
}

static void add_head(struct fingerprinter *printer, const struct hd_member *member, uint16_t access)
{
    hd_meaning_add_text(&printer->meaning, member->name);
    hd_meaning_add_text(&printer->meaning, member->descriptor);
    hd_meaning_add_u4(&printer->meaning, access);
}

static int add_fields(struct fingerprinter *printer)
{
    const struct hd_class *class_file = printer->class_file;
    hd_meaning_add_u4(&printer->meaning, (uint32_t)class_file->field_count);
    for (size_t i = 0; i < class_file->field_count; i++) {
        const struct hd_member *field = &class_file->fields[i];
        add_head(printer, field, hd_effective_field_access(field));
        if (add_attributes(printer, HD_PLACE_FIELD, field->descriptor, &field->attributes,
                           field_kinds) != 0)
            return -1;
    }
    return 0;
}

static int add_methods(struct fingerprinter *printer)
{
    const struct hd_class *class_file = printer->class_file;
    hd_meaning_add_u4(&printer->meaning, (uint32_t)class_file->method_count);
    for (size_t i = 0; i < class_file->method_count; i++) {
        const struct hd_member *method = &class_file->methods[class_file->method_order[i]];
        add_head(printer, method, hd_effective_method_access(class_file, method));
        if (add_code(printer, &method->code) != 0 ||
            add_attributes(printer, HD_PLACE_METHOD, method->descriptor, &method->attributes,
                           method_kinds) != 0)
            return -1;
    }
    return 0;
}

static int add_class(struct fingerprinter *printer)
{
    const struct hd_class *class_file = printer->class_file;
    hd_meaning_add_text(&printer->meaning, class_file->name);
    hd_meaning_add_text(&printer->meaning, class_file->super_name);
    hd_meaning_add_u4(&printer->meaning, hd_effective_class_access(class_file));
    hd_meaning_add_u4(&printer->meaning, (uint32_t)class_file->interface_count);
    for (size_t i = 0; i < class_file->interface_count; i++)
        hd_meaning_add_text(&printer->meaning, class_file->interfaces[i]);
    if (add_fields(printer) != 0 || add_methods(printer) != 0)
        return -1;
    return add_attributes(printer, HD_PLACE_CLASS, HD_NO_BYTES, &class_file->attributes,
                          class_kinds);
}

/* The run of numbers, then what each number stands for. */
static int digest(struct fingerprinter *printer, struct hd_digest *out)
{
    struct hd_digester *digester = hd_digester_new();
    if (digester == NULL)
        return hd_error_set_memory(printer->err);
    const struct hd_lexicon *lexicon = &printer->lexicon;
    hd_digester_add(digester, SCHEME, sizeof SCHEME);
    hd_digester_add(digester, printer->meaning.run.data, printer->meaning.run.length);
    for (uint32_t i = 0; i < lexicon->count; i++) {
        uint32_t length = (uint32_t)lexicon->entries[i].length;
        hd_digester_add(digester, &length, sizeof length);
    }
    hd_digester_add(digester, lexicon->contents.data, lexicon->contents.length);
    int result = hd_digester_finish(digester, out, printer->err);
    hd_digester_free(digester);
    return result;
}

static int print(const struct hd_class *class_file, bool rebuilt, struct hd_digest *out,
                 struct hd_error *err)
{
    struct fingerprinter printer = {
        .class_file = class_file, .rebuilt = rebuilt, .scratch = HD_CODE_SCRATCH_INIT, .err = err
    };
    hd_lexicon_init(&printer.lexicon, false);
    hd_meaning_init(&printer.meaning, &printer.lexicon, class_file->pool, err);
    int result = add_class(&printer);
    if (result == 0)
        result = printer.meaning.failed ? -1 : digest(&printer, out);
    hd_meaning_close(&printer.meaning);
    hd_lexicon_close(&printer.lexicon);
    hd_code_scratch_close(&printer.scratch);
    return result;
}

int hd_class_fingerprint(const struct hd_class *class_file, struct hd_digest *out,
                         struct hd_error *err)
{
    return print(class_file, false, out, err);
}

int hd_class_fingerprint_rebuilt(const struct hd_class *class_file, struct hd_digest *out,
                                 struct hd_error *err)
{
    return print(class_file, true, out, err);
}
