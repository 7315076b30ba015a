/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields, methods and attributes of a class (JVMS §4.5 to §4.7).
 */
#include "classfile/attributes.h"
#include "classfile/members.h"
#include "classfile/parser.h"
#include "classfile/utf8.h"

#define FIRST_MAJOR_OF_STATIC_INITIALIZERS 51

enum { ACC_NATIVE = 0x0100 };

/* Name and extent of the next attribute. */
static int read_attribute(struct hd_parser *parser, struct hd_reader *in,
                          struct hd_attribute *attribute)
{
    uint16_t name = hd_read_u2(in);
    uint32_t length = hd_read_u4(in);
    if (in->failed)
        return -1;
    if (!hd_pool_is(parser->pool, name, HD_TAGS(HD_TAG_UTF8)))
        return hd_reader_fail(in, "its name, constant %u, is not a Utf8", name);
    attribute->contents = hd_read_bytes(in, length);
    attribute->name = name;
    attribute->kind = (uint16_t)hd_attribute_kind_at(parser->pool, name);
    if (!in->failed)
        return 0;
    char printable[HD_PRINTABLE_MAX];
    return hd_error_prefix(parser->err, "%s",
                           hd_utf8_printable(printable, hd_pool_text(parser->pool, name)));
}

static int check_attribute(struct hd_parser *parser, const struct hd_attribute *attribute,
                           const struct hd_attribute_place *place, struct hd_attribute_set *set)
{
    enum hd_attribute_kind kind = (enum hd_attribute_kind)attribute->kind;
    if (kind == HD_ATTRIBUTE_UNKNOWN)
        return 0;
    if (hd_attribute_admit(set, kind, place->place, parser->err) != 0)
        return -1;
    if (kind == HD_ATTRIBUTE_CODE)
        return 0; /* read_code takes it apart */
    struct hd_walk walk = { .in = hd_reader_over(attribute->contents, parser->err),
                            .pool = parser->pool,
                            .place = place->place,
                            .descriptor = place->descriptor,
                            .layout = place->layout };
    return hd_attribute_walk(kind, &walk);
}

int hd_parser_read_attributes(struct hd_parser *parser, struct hd_reader *in,
                              const struct hd_attribute_place *place, struct hd_attributes *out)
{
    enum { SMALLEST_ATTRIBUTE = 6 };
    unsigned count = hd_read_u2(in);
    if (!hd_reader_has(in, SMALLEST_ATTRIBUTE * (size_t)count))
        return -1;
    if (count == 0)
        return 0;
    struct hd_attribute *attributes =
        hd_arena_raw_array(parser->arena, count, sizeof *attributes, parser->err);
    if (attributes == NULL)
        return -1;
    struct hd_attribute_set set = { 0 };
    uint32_t kinds = 0;
    for (unsigned i = 0; i < count; i++) {
        if (read_attribute(parser, in, &attributes[i]) != 0)
            return hd_error_prefix(parser->err, "attribute %u", i);
        kinds |= HD_ATTRIBUTE_BIT(attributes[i].kind);
        if (!parser->checked_before && check_attribute(parser, &attributes[i], place, &set) != 0)
            return -1;
    }
    *out = (struct hd_attributes){ attributes, count, kinds };
    return 0;
}

/* Instructions and handlers. layout borrows parser->scratch. */
static int check_code(struct hd_parser *parser, const struct hd_code *code, unsigned handlers,
                      struct hd_code_layout *layout)
{
    if (hd_code_lay_out(code->bytecode, &parser->scratch, layout, parser->err) != 0)
        return -1;
    layout->max_locals = code->max_locals;
    layout->handler_count = handlers;
    struct hd_walk walk = { .pool = parser->pool, .place = HD_PLACE_CODE, .layout = layout };
    walk.in = hd_reader_over(HD_NO_BYTES, parser->err);
    if (hd_code_walk(&walk, parser->out->major) != 0)
        return -1;
    walk.in = hd_reader_over(code->exception_table, parser->err);
    return hd_exception_table_walk(&walk);
}

/* §4.7.3 */
static int read_code_contents(struct hd_parser *parser, struct hd_reader *in, struct hd_code *code)
{
    code->max_stack = hd_read_u2(in);
    code->max_locals = hd_read_u2(in);
    code->bytecode = hd_read_bytes(in, hd_read_u4(in));
    unsigned handlers = hd_read_u2(in);
    code->exception_table = hd_read_bytes(in, 8 * (size_t)handlers);
    struct hd_code_layout layout; /* of code that is checked */
    if (in->failed || (!parser->checked_before && check_code(parser, code, handlers, &layout) != 0))
        return -1;
    const struct hd_attribute_place place = { .place = HD_PLACE_CODE,
                                              .layout = parser->checked_before ? NULL : &layout };
    if (hd_parser_read_attributes(parser, in, &place, &code->attributes) != 0)
        return -1;
    if (hd_reader_left(in) > 0)
        return hd_reader_fail(in, "%zu bytes too long", hd_reader_left(in));
    return 0;
}

static bool is_initializer(const struct hd_member *method)
{
    return hd_bytes_are(method->name, "<clinit>");
}

/* Of <clinit>'s flags only static and strict count (§4.6). */
static bool has_no_code(const struct hd_member *method)
{
    return !is_initializer(method) && (method->access & (HD_ACC_ABSTRACT | ACC_NATIVE)) != 0;
}

static int read_code(struct hd_parser *parser, struct hd_member *method, unsigned parameter_slots)
{
    const struct hd_attribute *attribute =
        hd_attribute_find(&method->attributes, HD_ATTRIBUTE_CODE);
    if (has_no_code(method))
        return attribute == NULL
                   ? 0
                   : hd_reader_fail(&parser->in, "Code in an abstract or native method");
    if (attribute == NULL)
        return hd_reader_fail(&parser->in, "it has no Code");
    struct hd_reader in = hd_reader_over(attribute->contents, parser->err);
    if (read_code_contents(parser, &in, &method->code) != 0)
        return hd_error_prefix(parser->err, "Code");
    if (parameter_slots > method->code.max_locals)
        return hd_reader_fail(&parser->in,
                              "the parameters take %u local variables, but max_locals is %u",
                              parameter_slots, method->code.max_locals);
    return 0;
}

/* §4.2.2, §4.3.3, §2.9: what a method of this name may look like. */
static int check_method_shape(struct hd_parser *parser, const struct hd_member *method,
                              unsigned *parameter_slots)
{
    if (!hd_text_is(parser->pool, parser->member_name, HD_TEXT_METHOD_NAME))
        return hd_reader_fail(&parser->in, "this is not a method's name");
    if (!hd_text_is(parser->pool, parser->member_descriptor, HD_TEXT_METHOD_TYPE))
        return hd_reader_fail(&parser->in, "this is not a method descriptor");
    *parameter_slots = hd_text_parameter_slots(parser->pool, parser->member_descriptor);
    if ((method->access & HD_ACC_STATIC) == 0)
        ++*parameter_slots;
    if (*parameter_slots > 255)
        return hd_reader_fail(&parser->in, "its parameters take more than 255 local variables");
    bool returns_void = method->descriptor.data[method->descriptor.length - 1] == 'V';
    if (method->name.data[0] == '<' && !returns_void)
        return hd_reader_fail(&parser->in, "it must return void");
    if (is_initializer(method) && parser->out->major >= FIRST_MAJOR_OF_STATIC_INITIALIZERS &&
        (*parameter_slots > 0 || (method->access & HD_ACC_STATIC) == 0))
        return hd_reader_fail(&parser->in, "it must be static and without parameters");
    return 0;
}

static int check_field_shape(struct hd_parser *parser)
{
    if (!hd_text_is(parser->pool, parser->member_name, HD_TEXT_NAME))
        return hd_reader_fail(&parser->in, "this is not a field's name");
    if (!hd_text_is(parser->pool, parser->member_descriptor, HD_TEXT_FIELD_TYPE))
        return hd_reader_fail(&parser->in, "this is not a field descriptor");
    return 0;
}

static int read_member_head(struct hd_parser *parser, struct hd_member *member)
{
    member->access = hd_read_u2(&parser->in);
    parser->member_name = hd_parser_read_constant(parser, HD_TAGS(HD_TAG_UTF8), "name");
    parser->member_descriptor = hd_parser_read_constant(parser, HD_TAGS(HD_TAG_UTF8), "descriptor");
    if (parser->in.failed)
        return -1;
    member->name = hd_pool_text(parser->pool, parser->member_name);
    member->descriptor = hd_pool_text(parser->pool, parser->member_descriptor);
    return 0;
}

static int read_field(struct hd_parser *parser, struct hd_member *field)
{
    if (!parser->checked_before && check_field_shape(parser) != 0)
        return -1;
    const struct hd_attribute_place place = { .place = HD_PLACE_FIELD,
                                              .descriptor = field->descriptor };
    return hd_parser_read_attributes(parser, &parser->in, &place, &field->attributes);
}

static int read_method(struct hd_parser *parser, struct hd_member *method)
{
    unsigned parameter_slots = 0;
    if (!parser->checked_before && check_method_shape(parser, method, &parameter_slots) != 0)
        return -1;
    const struct hd_attribute_place place = { .place = HD_PLACE_METHOD,
                                              .descriptor = method->descriptor };
    if (hd_parser_read_attributes(parser, &parser->in, &place, &method->attributes) != 0)
        return -1;
    return read_code(parser, method, parameter_slots);
}

static int prefix_member(struct hd_error *err, const char *kind, const struct hd_member *member)
{
    char name[HD_PRINTABLE_MAX];
    char descriptor[HD_PRINTABLE_MAX];
    return hd_error_prefix(err, "%s %s%s%s", kind, hd_utf8_printable(name, member->name),
                           kind[0] == 'f' ? " " : "",
                           hd_utf8_printable(descriptor, member->descriptor));
}

static int read_members(struct hd_parser *parser, const char *kind,
                        int (*read_one)(struct hd_parser *, struct hd_member *),
                        const struct hd_member **out, size_t *out_count)
{
    enum { SMALLEST_MEMBER = 8 };
    unsigned count = hd_read_u2(&parser->in);
    if (!hd_reader_has(&parser->in, SMALLEST_MEMBER * (size_t)count))
        return hd_error_prefix(parser->err, "%ss", kind);
    struct hd_member *members = hd_arena_array(parser->arena, count, sizeof *members, parser->err);
    if (members == NULL)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        if (read_member_head(parser, &members[i]) != 0)
            return hd_error_prefix(parser->err, "%s %u", kind, i);
        if (read_one(parser, &members[i]) != 0)
            return prefix_member(parser->err, kind, &members[i]);
    }
    *out = members;
    *out_count = count;
    return 0;
}

/* §4.5, §4.6: no two with the same name and descriptor. Returns the sorted numbers, NULL on
 * failure. */
static const uint16_t *sort_members(struct hd_parser *parser, const char *kind,
                                    const struct hd_member *members, size_t count)
{
    uint16_t *order = hd_arena_raw_array(parser->arena, count, sizeof *order, parser->err);
    if (order == NULL)
        return NULL;
    hd_members_sort(members, order, count);
    for (size_t i = 1; i < count; i++) {
        if (hd_member_order(&members[order[i - 1]], &members[order[i]]) != 0)
            continue;
        hd_error_set(parser->err, HD_E_FORMAT, "there are two of them");
        prefix_member(parser->err, kind, &members[order[i]]);
        return NULL;
    }
    return order;
}

int hd_parser_read_members(struct hd_parser *parser)
{
    struct hd_class *out = parser->out;
    if (read_members(parser, "field", read_field, &out->fields, &out->field_count) != 0 ||
        read_members(parser, "method", read_method, &out->methods, &out->method_count) != 0)
        return -1;
    out->field_order = sort_members(parser, "field", out->fields, out->field_count);
    out->method_order = sort_members(parser, "method", out->methods, out->method_count);
    return out->field_order != NULL && out->method_order != NULL ? 0 : -1;
}
