/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/class.h"

#include "classfile/attributes.h"
#include "classfile/names.h"
#include "classfile/parser.h"
#include "classfile/utf8.h"

#include "core/alloc.h"

#include <stdalign.h>
#include <string.h>

#define MAGIC                       0xCAFEBABE
#define FIRST_MAJOR                 45
#define FIRST_MAJOR_OF_FIXED_MINORS 56
#define LARGEST_ARENA_BLOCK         (1u << 20)

/* The class with the memory it lives in. */
struct owned_class {
    struct hd_class class_file;
    struct hd_pool pool;
    struct hd_arena arena;
    alignas(max_align_t) unsigned char memory[]; /* the arena's first */
};

static void refuse_constant(struct hd_parser *parser, uint16_t index, uint32_t tags,
                            const char *what)
{
    struct hd_walk walk = { .in = hd_reader_over(HD_NO_BYTES, parser->err), .pool = parser->pool };
    hd_walk_use(&walk, index, tags);
    hd_error_prefix(parser->err, "%s", what);
    hd_reader_stop(&parser->in);
}

uint16_t hd_parser_read_constant(struct hd_parser *parser, uint32_t tags, const char *what)
{
    uint16_t index = hd_read_u2(&parser->in);
    if (parser->in.failed)
        return 0;
    if (hd_pool_is(parser->pool, index, tags))
        return index;
    refuse_constant(parser, index, tags, what);
    return 0;
}

static int read_version(struct hd_parser *parser)
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

static int read_pool(struct hd_parser *parser)
{
    unsigned count = hd_read_u2(&parser->in);
    if (parser->in.failed)
        return -1;
    if (hd_pool_parse(&parser->in, count, parser->out->major, parser->checked_before, parser->arena,
                      parser->pool, parser->err) != 0)
        return -1;
    parser->out->pool = parser->pool;
    return 0;
}

static int read_class_name(struct hd_parser *parser, struct hd_bytes *out, const char *what)
{
    uint16_t index = hd_parser_read_constant(parser, HD_TAGS(HD_TAG_CLASS), what);
    if (index == 0)
        return -1;
    struct hd_bytes name = hd_pool_named_text(parser->pool, index);
    if (hd_descriptor_dimensions(name) > 0)
        return hd_reader_fail(&parser->in, "%s is an array type", what);
    *out = name;
    return 0;
}

/* Only java.lang.Object and modules have no superclass. */
static int read_super_name(struct hd_parser *parser)
{
    bool may_be_missing = hd_bytes_are(parser->out->name, "java/lang/Object") ||
                          (parser->out->access & HD_ACC_MODULE) != 0;
    if (may_be_missing && hd_reader_left(&parser->in) >= 2 && hd_u2_at(parser->in.at) == 0) {
        hd_read_u2(&parser->in);
        return 0;
    }
    return read_class_name(parser, &parser->out->super_name, "super_class");
}

static int read_interfaces(struct hd_parser *parser)
{
    unsigned count = hd_read_u2(&parser->in);
    if (!hd_reader_has(&parser->in, 2 * (size_t)count))
        return -1;
    struct hd_bytes *interfaces =
        hd_arena_raw_array(parser->arena, count, sizeof *interfaces, parser->err);
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
static int check_module_constants(const struct hd_parser *parser)
{
    uint32_t module_tags = HD_TAGS(HD_TAG_MODULE) | HD_TAGS(HD_TAG_PACKAGE);
    if ((parser->pool->tags_present & module_tags) == 0 ||
        (parser->out->access & HD_ACC_MODULE) != 0)
        return 0;
    return hd_error_set(parser->err, HD_E_FORMAT,
                        "a constant of kind Module or Package in a class that is no module");
}

/* The attribute is known to be well formed. */
static int index_bootstraps(struct hd_parser *parser)
{
    const struct hd_attribute *attribute =
        hd_attribute_find(&parser->out->attributes, HD_ATTRIBUTE_BOOTSTRAP_METHODS);
    if (attribute == NULL)
        return 0;
    struct hd_reader in = hd_reader_over(attribute->contents, parser->err);
    unsigned count = hd_read_u2(&in);
    struct hd_bootstrap *bootstraps =
        hd_arena_raw_array(parser->arena, count, sizeof *bootstraps, parser->err);
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

static int read_class_attributes(struct hd_parser *parser)
{
    const struct hd_attribute_place place = { .place = HD_PLACE_CLASS };
    if (hd_parser_read_attributes(parser, &parser->in, &place, &parser->out->attributes) != 0 ||
        index_bootstraps(parser) != 0)
        return -1;
    return parser->checked_before ? 0 : hd_pool_check_bootstraps(parser->pool, parser->err);
}

static int read_class(struct hd_parser *parser)
{
    if (read_version(parser) != 0 || read_pool(parser) != 0)
        return -1;
    parser->out->access = hd_read_u2(&parser->in);
    if (read_class_name(parser, &parser->out->name, "this_class") != 0 ||
        check_module_constants(parser) != 0 || read_super_name(parser) != 0 ||
        read_interfaces(parser) != 0 || hd_parser_read_members(parser) != 0 ||
        read_class_attributes(parser) != 0)
        return -1;
    if (hd_reader_left(&parser->in) > 0)
        return hd_reader_fail(&parser->in, "%zu bytes after the end of the class",
                              hd_reader_left(&parser->in));
    return 0;
}

/* What most classes need, in one piece with the class itself: a parsed class takes about as much as
 * its file. */
static struct owned_class *new_owned_class(size_t file_length)
{
    size_t expected = file_length + file_length / 4 + 512;
    size_t room = expected < LARGEST_ARENA_BLOCK ? expected : LARGEST_ARENA_BLOCK;
    struct owned_class *owned = hd_alloc(sizeof *owned + room);
    if (owned == NULL)
        return NULL;
    memset(owned, 0, sizeof *owned);
    hd_arena_init(&owned->arena, room / 4);
    hd_arena_lend(&owned->arena, owned->memory, room);
    return owned;
}

static int parse(const uint8_t *data, size_t length, bool checked_before, struct hd_class **out,
                 struct hd_error *err)
{
    struct owned_class *owned = new_owned_class(length);
    if (owned == NULL)
        return hd_error_set_memory(err);
    struct hd_parser parser = { .in = hd_reader_over((struct hd_bytes){ data, length }, err),
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
    struct hd_parser parser = { .in = hd_reader_over((struct hd_bytes){ data, length }, err),
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
