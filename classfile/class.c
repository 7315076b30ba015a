/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/class.h"

#include "classfile/attributes.h"
#include "classfile/code.h"
#include "classfile/members.h"
#include "classfile/names.h"
#include "classfile/utf8.h"

#include "core/alloc.h"

#define MAGIC                              0xCAFEBABE
#define FIRST_MAJOR                        45
#define FIRST_MAJOR_OF_STATIC_INITIALIZERS 51
#define FIRST_MAJOR_OF_FIXED_MINORS        56
#define LARGEST_ARENA_BLOCK                (1u << 20)

enum { ACC_NATIVE = 0x0100 };

/* The class with the memory it lives in. */
struct owned_class {
    struct hd_class class_file;
    struct hd_pool pool;
    struct hd_arena arena;
};

/* One class while it is read. */
struct parser {
    struct hd_reader in;
    struct owned_class *owned;
    struct hd_class *out;
    struct hd_pool *pool;
    struct hd_arena *arena;
    uint16_t member_name; /* where the name of the member being read stands in the pool */
    uint16_t member_descriptor;
    struct hd_code_scratch scratch;
    bool checked_before; /* code and attributes are known to be well formed */
    struct hd_error *err;
};

static uint16_t read_constant(struct parser *parser, uint32_t tags, const char *what)
{
    struct hd_walk walk = { .in = hd_reader_over(HD_NO_BYTES, parser->err), .pool = parser->pool };
    uint16_t index = hd_read_u2(&parser->in);
    if (parser->in.failed)
        return 0;
    hd_walk_use(&walk, index, tags);
    if (!walk.in.failed)
        return index;
    hd_error_prefix(parser->err, "%s", what);
    parser->in.failed = true;
    return 0;
}

static int read_version(struct parser *parser)
{
    if (hd_read_u4(&parser->in) != MAGIC)
        return hd_reader_fail(&parser->in, "not a class file: it does not begin with CAFEBABE");
    uint16_t minor = hd_read_u2(&parser->in);
    uint16_t major = hd_read_u2(&parser->in);
    if (parser->in.failed)
        return -1;
    /* 45.0 to 45.2, of before Java 1.0.2, lay Code out differently; no compiler writes them any
     * more */
    if (major < FIRST_MAJOR || (major == FIRST_MAJOR && minor <= 2))
        return hd_reader_fail(&parser->in, "class file version %u.%u is too old", major, minor);
    if (major > HD_CLASS_MAX_MAJOR)
        return hd_error_set(parser->err, HD_E_VERSION,
                            "class file version %u.%u is newer than %d (JDK %d), the newest known",
                            major, minor, HD_CLASS_MAX_MAJOR, HD_CLASS_MAX_MAJOR - 44);
    if (major >= FIRST_MAJOR_OF_FIXED_MINORS && minor != 0 && minor != 0xFFFF)
        return hd_reader_fail(&parser->in, "class file version %u.%u does not exist", major, minor);
    parser->out->minor = minor;
    parser->out->major = major;
    return 0;
}

static int read_pool(struct parser *parser)
{
    unsigned count = hd_read_u2(&parser->in);
    if (parser->in.failed)
        return -1;
    if (hd_pool_parse(&parser->in, count, parser->out->major, parser->arena, parser->pool,
                      parser->err) != 0)
        return -1;
    parser->out->pool = parser->pool;
    return 0;
}

static int read_class_name(struct parser *parser, struct hd_bytes *out, const char *what)
{
    uint16_t index = read_constant(parser, HD_TAGS(HD_TAG_CLASS), what);
    if (index == 0)
        return -1;
    struct hd_bytes name = hd_pool_named_text(parser->pool, index);
    if (hd_descriptor_dimensions(name) > 0)
        return hd_reader_fail(&parser->in, "%s is an array type", what);
    *out = name;
    return 0;
}

/* Only java.lang.Object and modules have no superclass. */
static int read_super_name(struct parser *parser)
{
    bool may_be_missing = hd_bytes_are(parser->out->name, "java/lang/Object") ||
                          (parser->out->access & HD_ACC_MODULE) != 0;
    if (may_be_missing && hd_reader_left(&parser->in) >= 2 && hd_u2_at(parser->in.at) == 0) {
        hd_read_u2(&parser->in);
        return 0;
    }
    return read_class_name(parser, &parser->out->super_name, "super_class");
}

static int read_interfaces(struct parser *parser)
{
    unsigned count = hd_read_u2(&parser->in);
    if (!hd_reader_has(&parser->in, 2 * (size_t)count))
        return -1;
    struct hd_bytes *interfaces =
        hd_arena_array(parser->arena, count, sizeof *interfaces, parser->err);
    if (interfaces == NULL)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        if (read_class_name(parser, &interfaces[i], "interface") != 0)
            return -1;
    }
    parser->out->interfaces = interfaces;
    parser->out->interface_count = count;
    return 0;
}

/* §4.4.11, §4.4.12: HotSpot knows these two in module-info only. */
static int check_module_constants(const struct parser *parser)
{
    uint32_t module_tags = HD_TAGS(HD_TAG_MODULE) | HD_TAGS(HD_TAG_PACKAGE);
    if ((parser->pool->tags_present & module_tags) == 0 ||
        (parser->out->access & HD_ACC_MODULE) != 0)
        return 0;
    return hd_error_set(parser->err, HD_E_FORMAT,
                        "a constant of kind Module or Package in a class that is no module");
}

/* Name and extent of the next attribute. */
static int read_attribute(struct parser *parser, struct hd_reader *in,
                          struct hd_attribute *attribute)
{
    uint16_t name = hd_read_u2(in);
    uint32_t length = hd_read_u4(in);
    if (in->failed)
        return -1;
    if (!hd_pool_is(parser->pool, name, HD_TAGS(HD_TAG_UTF8)))
        return hd_reader_fail(in, "its name, constant %u, is not a Utf8", name);
    attribute->name = hd_pool_text(parser->pool, name);
    attribute->contents = hd_read_bytes(in, length);
    attribute->kind = hd_attribute_kind_of(attribute->name);
    if (!in->failed)
        return 0;
    char printable[HD_PRINTABLE_MAX];
    return hd_error_prefix(parser->err, "%s", hd_utf8_printable(printable, attribute->name));
}

/* An attribute list, read and checked; model says where it stands. */
static int read_attributes(struct parser *parser, struct hd_reader *in, const struct hd_walk *model,
                           const struct hd_attribute **out, size_t *out_count)
{
    enum { SMALLEST_ATTRIBUTE = 6 };
    unsigned count = hd_read_u2(in);
    if (!hd_reader_has(in, SMALLEST_ATTRIBUTE * (size_t)count))
        return -1;
    struct hd_attribute *attributes =
        hd_arena_array(parser->arena, count, sizeof *attributes, parser->err);
    if (attributes == NULL)
        return -1;
    struct hd_attribute_set set = { 0 };
    for (unsigned i = 0; i < count; i++) {
        struct hd_attribute *attribute = &attributes[i];
        if (read_attribute(parser, in, attribute) != 0)
            return hd_error_prefix(parser->err, "attribute %u", i);
        enum hd_attribute_kind kind = (enum hd_attribute_kind)attribute->kind;
        if (kind == HD_ATTRIBUTE_UNKNOWN || parser->checked_before)
            continue;
        if (hd_attribute_admit(&set, kind, model->place, parser->err) != 0)
            return -1;
        struct hd_walk walk = *model;
        walk.in = hd_reader_over(attribute->contents, parser->err);
        if (kind != HD_ATTRIBUTE_CODE && hd_attribute_walk(kind, &walk) != 0)
            return -1;
    }
    *out = attributes;
    *out_count = count;
    return 0;
}

/* Instructions and handlers. layout borrows parser->scratch. */
static int check_code(struct parser *parser, const struct hd_code *code, unsigned handlers,
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
static int read_code_contents(struct parser *parser, struct hd_reader *in, struct hd_code *code)
{
    code->max_stack = hd_read_u2(in);
    code->max_locals = hd_read_u2(in);
    code->bytecode = hd_read_bytes(in, hd_read_u4(in));
    unsigned handlers = hd_read_u2(in);
    code->exception_table = hd_read_bytes(in, 8 * (size_t)handlers);
    struct hd_code_layout layout = { 0 };
    if (in->failed || (!parser->checked_before && check_code(parser, code, handlers, &layout) != 0))
        return -1;
    const struct hd_walk model = { .pool = parser->pool,
                                   .place = HD_PLACE_CODE,
                                   .layout = &layout };
    if (read_attributes(parser, in, &model, &code->attributes, &code->attribute_count) != 0)
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

static int read_code(struct parser *parser, struct hd_member *method, unsigned parameter_slots)
{
    const struct hd_attribute *attribute =
        hd_attribute_find(method->attributes, method->attribute_count, HD_ATTRIBUTE_CODE);
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
static int check_method_shape(struct parser *parser, const struct hd_member *method,
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

static int check_field_shape(struct parser *parser)
{
    if (!hd_text_is(parser->pool, parser->member_name, HD_TEXT_NAME))
        return hd_reader_fail(&parser->in, "this is not a field's name");
    if (!hd_text_is(parser->pool, parser->member_descriptor, HD_TEXT_FIELD_TYPE))
        return hd_reader_fail(&parser->in, "this is not a field descriptor");
    return 0;
}

static int read_member_head(struct parser *parser, struct hd_member *member)
{
    member->access = hd_read_u2(&parser->in);
    parser->member_name = read_constant(parser, HD_TAGS(HD_TAG_UTF8), "name");
    parser->member_descriptor = read_constant(parser, HD_TAGS(HD_TAG_UTF8), "descriptor");
    if (parser->in.failed)
        return -1;
    member->name = hd_pool_text(parser->pool, parser->member_name);
    member->descriptor = hd_pool_text(parser->pool, parser->member_descriptor);
    return 0;
}

static int read_field(struct parser *parser, struct hd_member *field)
{
    if (check_field_shape(parser) != 0)
        return -1;
    const struct hd_walk model = { .pool = parser->pool,
                                   .place = HD_PLACE_FIELD,
                                   .descriptor = field->descriptor };
    return read_attributes(parser, &parser->in, &model, &field->attributes,
                           &field->attribute_count);
}

static int read_method(struct parser *parser, struct hd_member *method)
{
    unsigned parameter_slots = 0;
    if (check_method_shape(parser, method, &parameter_slots) != 0)
        return -1;
    const struct hd_walk model = { .pool = parser->pool,
                                   .place = HD_PLACE_METHOD,
                                   .descriptor = method->descriptor };
    if (read_attributes(parser, &parser->in, &model, &method->attributes,
                        &method->attribute_count) != 0)
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

static int read_members(struct parser *parser, const char *kind,
                        int (*read_one)(struct parser *, struct hd_member *),
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
static const uint16_t *sort_members(struct parser *parser, const char *kind,
                                    const struct hd_member *members, size_t count)
{
    uint16_t *order = hd_arena_array(parser->arena, count, sizeof *order, parser->err);
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

static int read_all_members(struct parser *parser)
{
    struct hd_class *out = parser->out;
    if (read_members(parser, "field", read_field, &out->fields, &out->field_count) != 0 ||
        read_members(parser, "method", read_method, &out->methods, &out->method_count) != 0)
        return -1;
    out->field_order = sort_members(parser, "field", out->fields, out->field_count);
    out->method_order = sort_members(parser, "method", out->methods, out->method_count);
    return out->field_order != NULL && out->method_order != NULL ? 0 : -1;
}

/* The attribute is known to be well formed. */
static int index_bootstraps(struct parser *parser)
{
    const struct hd_attribute *attribute = hd_attribute_find(
        parser->out->attributes, parser->out->attribute_count, HD_ATTRIBUTE_BOOTSTRAP_METHODS);
    if (attribute == NULL)
        return 0;
    struct hd_reader in = hd_reader_over(attribute->contents, parser->err);
    unsigned count = hd_read_u2(&in);
    struct hd_bootstrap *bootstraps =
        hd_arena_array(parser->arena, count, sizeof *bootstraps, parser->err);
    if (bootstraps == NULL)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        bootstraps[i].handle = hd_read_u2(&in);
        bootstraps[i].argument_count = hd_read_u2(&in);
        bootstraps[i].arguments = hd_read_bytes(&in, 2 * (size_t)bootstraps[i].argument_count).data;
    }
    parser->pool->bootstraps = bootstraps;
    parser->pool->bootstrap_count = count;
    return in.failed ? -1 : 0;
}

static int read_class_attributes(struct parser *parser)
{
    const struct hd_walk model = { .pool = parser->pool, .place = HD_PLACE_CLASS };
    if (read_attributes(parser, &parser->in, &model, &parser->out->attributes,
                        &parser->out->attribute_count) != 0 ||
        index_bootstraps(parser) != 0)
        return -1;
    return hd_pool_check_bootstraps(parser->pool, parser->err);
}

static int read_class(struct parser *parser)
{
    if (read_version(parser) != 0 || read_pool(parser) != 0)
        return -1;
    parser->out->access = hd_read_u2(&parser->in);
    if (read_class_name(parser, &parser->out->name, "this_class") != 0 ||
        check_module_constants(parser) != 0 || read_super_name(parser) != 0 ||
        read_interfaces(parser) != 0 || read_all_members(parser) != 0 ||
        read_class_attributes(parser) != 0)
        return -1;
    if (hd_reader_left(&parser->in) > 0)
        return hd_reader_fail(&parser->in, "%zu bytes after the end of the class",
                              hd_reader_left(&parser->in));
    return 0;
}

static struct owned_class *new_owned_class(size_t file_length)
{
    struct owned_class *owned = hd_alloc_zeroed(1, sizeof *owned);
    if (owned == NULL)
        return NULL;
    size_t expected = 2 * file_length + 1024;
    hd_arena_init(&owned->arena, expected < LARGEST_ARENA_BLOCK ? expected : LARGEST_ARENA_BLOCK);
    return owned;
}

static int parse(const uint8_t *data, size_t length, bool checked_before, struct hd_class **out,
                 struct hd_error *err)
{
    struct owned_class *owned = new_owned_class(length);
    if (owned == NULL)
        return hd_error_set_memory(err);
    struct parser parser = { .in = hd_reader_over((struct hd_bytes){ data, length }, err),
                             .owned = owned,
                             .out = &owned->class_file,
                             .pool = &owned->pool,
                             .arena = &owned->arena,
                             .scratch = HD_CODE_SCRATCH_INIT,
                             .checked_before = checked_before,
                             .err = err };
    owned->class_file.file = (struct hd_bytes){ data, length };
    int result = read_class(&parser);
    hd_code_scratch_close(&parser.scratch);
    if (result != 0) {
        hd_class_free(&owned->class_file);
        return -1;
    }
    *out = &owned->class_file;
    return 0;
}

int hd_class_parse(const uint8_t *data, size_t length, struct hd_class **out, struct hd_error *err)
{
    return parse(data, length, false, out, err);
}

int hd_class_parse_again(const uint8_t *data, size_t length, struct hd_class **out,
                         struct hd_error *err)
{
    return parse(data, length, true, out, err);
}

void hd_class_free(struct hd_class *class_file)
{
    if (class_file == NULL)
        return;
    struct owned_class *owned = (struct owned_class *)class_file; /* its first member */
    hd_arena_close(&owned->arena);
    hd_free(owned);
}

int hd_class_peek(const uint8_t *data, size_t length, struct hd_bytes *name, uint16_t *major,
                  struct hd_error *err)
{
    struct owned_class *owned = new_owned_class(length);
    if (owned == NULL)
        return hd_error_set_memory(err);
    struct parser parser = { .in = hd_reader_over((struct hd_bytes){ data, length }, err),
                             .owned = owned,
                             .out = &owned->class_file,
                             .pool = &owned->pool,
                             .arena = &owned->arena,
                             .err = err };
    int result = read_version(&parser);
    if (result == 0)
        result = read_pool(&parser);
    if (result == 0) {
        hd_read_u2(&parser.in);
        result = read_class_name(&parser, &owned->class_file.name, "this_class");
    }
    if (result == 0) {
        *name = owned->class_file.name;
        *major = owned->class_file.major;
    }
    hd_class_free(&owned->class_file);
    return result;
}
