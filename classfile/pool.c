/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/pool.h"

#include "classfile/texts.h"
#include "classfile/utf8.h"

#define FIRST_MAJOR_OF_METHOD_HANDLES    51
#define FIRST_MAJOR_OF_INTERFACE_HANDLES 52
#define FIRST_MAJOR_OF_MODULES           53
#define FIRST_MAJOR_OF_DYNAMIC_CONSTANTS 55

/* Bytes per index: a Class or an empty Utf8. Guards the allocation. */
#define SMALLEST_CONSTANT 3

static const struct hd_constant no_constant;

/* A pool while it is being read: the entries are still writable, and errors go to one place. */
struct pool_check {
    const struct hd_pool *pool;
    uint16_t major;
    struct hd_error *err;
    unsigned index; /* of the constant being checked */
};

const char *hd_tag_word(enum hd_tag tag)
{
    static const char *const words[] = { [HD_TAG_UTF8] = "Utf8",
                                         [HD_TAG_INTEGER] = "Integer",
                                         [HD_TAG_FLOAT] = "Float",
                                         [HD_TAG_LONG] = "Long",
                                         [HD_TAG_DOUBLE] = "Double",
                                         [HD_TAG_CLASS] = "Class",
                                         [HD_TAG_STRING] = "String",
                                         [HD_TAG_FIELD] = "Fieldref",
                                         [HD_TAG_METHOD] = "Methodref",
                                         [HD_TAG_INTERFACE_METHOD] = "InterfaceMethodref",
                                         [HD_TAG_NAME_AND_TYPE] = "NameAndType",
                                         [HD_TAG_METHOD_HANDLE] = "MethodHandle",
                                         [HD_TAG_METHOD_TYPE] = "MethodType",
                                         [HD_TAG_DYNAMIC] = "Dynamic",
                                         [HD_TAG_INVOKE_DYNAMIC] = "InvokeDynamic",
                                         [HD_TAG_MODULE] = "Module",
                                         [HD_TAG_PACKAGE] = "Package" };
    if ((size_t)tag >= sizeof words / sizeof words[0] || words[tag] == NULL)
        return "unusable";
    return words[tag];
}

const uint8_t hd_constant_sizes[HD_TAG_COUNT] = {
    [HD_TAG_UTF8] = 3,           [HD_TAG_INTEGER] = 5,
    [HD_TAG_FLOAT] = 5,          [HD_TAG_LONG] = 9,
    [HD_TAG_DOUBLE] = 9,         [HD_TAG_CLASS] = 3,
    [HD_TAG_STRING] = 3,         [HD_TAG_FIELD] = 5,
    [HD_TAG_METHOD] = 5,         [HD_TAG_INTERFACE_METHOD] = 5,
    [HD_TAG_NAME_AND_TYPE] = 5,  [HD_TAG_METHOD_HANDLE] = 4,
    [HD_TAG_METHOD_TYPE] = 3,    [HD_TAG_DYNAMIC] = 5,
    [HD_TAG_INVOKE_DYNAMIC] = 5, [HD_TAG_MODULE] = 3,
    [HD_TAG_PACKAGE] = 3
};

static const uint8_t first_majors[HD_TAG_COUNT] = {
    [HD_TAG_METHOD_HANDLE] = FIRST_MAJOR_OF_METHOD_HANDLES,
    [HD_TAG_METHOD_TYPE] = FIRST_MAJOR_OF_METHOD_HANDLES,
    [HD_TAG_INVOKE_DYNAMIC] = FIRST_MAJOR_OF_METHOD_HANDLES,
    [HD_TAG_DYNAMIC] = FIRST_MAJOR_OF_DYNAMIC_CONSTANTS,
    [HD_TAG_MODULE] = FIRST_MAJOR_OF_MODULES,
    [HD_TAG_PACKAGE] = FIRST_MAJOR_OF_MODULES
};

/* How long the constant is; 0 where it is not whole or of no kind. */
static inline size_t size_of_constant(const uint8_t *at, size_t left)
{
    if (left < SMALLEST_CONSTANT || at[0] >= HD_TAG_COUNT)
        return 0;
    size_t size = hd_constant_sizes[at[0]];
    if (at[0] == HD_TAG_UTF8)
        size += hd_u2_at(at + 1);
    return size <= left ? size : 0;
}

/* A constant that is whole. at: its tag, which is `offset` bytes into the pool. */
static inline struct hd_constant decode(const uint8_t *at, size_t offset)
{
    const uint8_t tag = at[0];
    const uint16_t first = hd_u2_at(at + 1);
    if (tag == HD_TAG_UTF8)
        return (struct hd_constant){ tag, 0, first, (uint32_t)offset + 3 };
    if (tag <= HD_TAG_DOUBLE) /* a number */
        return (struct hd_constant){ tag, 0, 0, (uint32_t)offset + 1 };
    if (tag == HD_TAG_METHOD_HANDLE)
        return (struct hd_constant){ tag, at[1], hd_u2_at(at + 2), 0 };
    if (hd_constant_sizes[tag] == SMALLEST_CONSTANT)
        return (struct hd_constant){ tag, 0, first, 0 };
    return (struct hd_constant){ tag, 0, first, hd_u2_at(at + 3) };
}

/* Says what is wrong with a constant that is not whole or of no kind. */
static void fail_constant(struct hd_reader *reader)
{
    uint8_t tag = hd_read_u1(reader);
    switch (reader->failed ? HD_TAG_NONE : tag) {
    case HD_TAG_UTF8:
        hd_read_bytes(reader, hd_read_u2(reader));
        return;
    case HD_TAG_INTEGER:
    case HD_TAG_FLOAT:
    case HD_TAG_LONG:
    case HD_TAG_DOUBLE:
        hd_read_bytes(reader, hd_constant_sizes[tag] - 1u);
        return;
    case HD_TAG_METHOD_HANDLE:
        hd_read_u1(reader);
        hd_read_u2(reader);
        return;
    default:
        if (tag >= HD_TAG_COUNT || hd_constant_sizes[tag] == 0)
            hd_reader_fail(reader, "unknown tag %u", tag);
        hd_read_u2(reader); /* the first index, and the second */
        hd_read_u2(reader);
        return;
    }
}

/* The reader is at a constant that cannot be taken. */
static int refuse_constant(struct hd_reader *reader, unsigned index)
{
    if (size_of_constant(reader->at, hd_reader_left(reader)) > 0)
        return hd_reader_fail(reader, "constant %u: no room for the second half of a %s", index,
                              hd_tag_word((enum hd_tag)reader->at[0]));
    fail_constant(reader);
    return hd_error_prefix(reader->err, "constant %u", index);
}

/* The first constant, of those up to end, that this version does not have; end where it has all. */
static unsigned find_newer(const struct hd_constant *constants, unsigned end, uint16_t major)
{
    unsigned i = 1;
    while (i < end && first_majors[constants[i].tag] <= major)
        i++;
    return i;
}

static bool has_newer(uint32_t tags_present, uint16_t major)
{
    for (unsigned tag = 0; tag < HD_TAG_COUNT; tag++) {
        if ((tags_present & HD_TAGS(tag)) != 0 && first_majors[tag] > major)
            return true;
    }
    return false;
}

static int refuse_newer(struct hd_reader *reader, const struct hd_constant *constants, unsigned end,
                        uint16_t major)
{
    unsigned index = find_newer(constants, end, major);
    hd_reader_fail(reader, "%s does not exist in class file version %u",
                   hd_tag_word((enum hd_tag)constants[index].tag), major);
    return hd_error_prefix(reader->err, "constant %u", index);
}

static int read_constants(struct hd_reader *reader, struct hd_pool *pool, uint16_t major,
                          struct hd_constant *constants)
{
    const uint32_t tags_of_two_slots = HD_TAGS(HD_TAG_LONG) | HD_TAGS(HD_TAG_DOUBLE);
    const uint8_t *const start = reader->at;
    const size_t length = hd_reader_left(reader);
    const unsigned count = pool->count;
    uint32_t tags_present = 0;
    size_t at = 0;
    unsigned i = 1;
    constants[0] = no_constant;
    while (i < count) {
        size_t size = size_of_constant(start + at, length - at);
        if (size == 0)
            break;
        uint32_t tag = HD_TAGS(start[at]);
        tags_present |= tag;
        constants[i] = decode(start + at, at);
        if ((tag & tags_of_two_slots) != 0) { /* §4.4.5: the next index is unusable */
            if (i + 1 == count)
                break;
            constants[++i] = no_constant;
        }
        at += size;
        i++;
    }
    reader->at = start + at;
    pool->tags_present = tags_present;
    pool->raw.length = at;
    if (has_newer(tags_present, major))
        return refuse_newer(reader, constants, i, major);
    return i == count ? 0 : refuse_constant(reader, i);
}

static int wrong(const struct pool_check *check, const char *what)
{
    enum hd_tag tag = hd_pool_tag(check->pool, check->index);
    return hd_error_set(check->err, HD_E_FORMAT, "constant %u (%s): %s", check->index,
                        hd_tag_word(tag), what);
}

static int wrong_text(const struct pool_check *check, struct hd_bytes text, const char *what)
{
    char printable[HD_PRINTABLE_MAX];
    enum hd_tag tag = hd_pool_tag(check->pool, check->index);
    return hd_error_set(check->err, HD_E_FORMAT, "constant %u (%s): \"%s\" %s", check->index,
                        hd_tag_word(tag), hd_utf8_printable(printable, text), what);
}

/* What the two indices in a constant lead to; HD_TAG_NONE where there is no index, or, in a
 * MethodHandle, where its reference_kind decides. */
static const struct {
    uint8_t first;
    uint8_t second;
} tags_behind[HD_TAG_COUNT] = { [HD_TAG_CLASS] = { HD_TAG_UTF8, HD_TAG_NONE },
                                [HD_TAG_STRING] = { HD_TAG_UTF8, HD_TAG_NONE },
                                [HD_TAG_FIELD] = { HD_TAG_CLASS, HD_TAG_NAME_AND_TYPE },
                                [HD_TAG_METHOD] = { HD_TAG_CLASS, HD_TAG_NAME_AND_TYPE },
                                [HD_TAG_INTERFACE_METHOD] = { HD_TAG_CLASS, HD_TAG_NAME_AND_TYPE },
                                [HD_TAG_NAME_AND_TYPE] = { HD_TAG_UTF8, HD_TAG_UTF8 },
                                [HD_TAG_METHOD_TYPE] = { HD_TAG_UTF8, HD_TAG_NONE },
                                [HD_TAG_DYNAMIC] = { HD_TAG_NONE, HD_TAG_NAME_AND_TYPE },
                                [HD_TAG_INVOKE_DYNAMIC] = { HD_TAG_NONE, HD_TAG_NAME_AND_TYPE },
                                [HD_TAG_MODULE] = { HD_TAG_UTF8, HD_TAG_NONE },
                                [HD_TAG_PACKAGE] = { HD_TAG_UTF8, HD_TAG_NONE } };

static int expect(const struct pool_check *check, unsigned index, enum hd_tag tag)
{
    if (tag == HD_TAG_NONE || hd_pool_is(check->pool, index, HD_TAGS(tag)))
        return 0;
    return hd_error_set(check->err, HD_E_FORMAT, "constant %u (%s): index %u is not a %s constant",
                        check->index, hd_tag_word(hd_pool_tag(check->pool, check->index)), index,
                        hd_tag_word(tag));
}

/* First pass over the entries: kinds of what they point to. */
static int check_indices(const struct pool_check *check, const struct hd_constant *constant)
{
    if (constant->tag == HD_TAG_UTF8)
        return hd_utf8_is_valid_modified(hd_pool_text(check->pool, check->index))
                   ? 0
                   : wrong(check, "not valid Modified UTF-8");
    if (expect(check, constant->first, (enum hd_tag)tags_behind[constant->tag].first) != 0)
        return -1;
    return expect(check, constant->second, (enum hd_tag)tags_behind[constant->tag].second);
}

static int check_name_and_type(const struct pool_check *check, const struct hd_constant *constant)
{
    struct hd_bytes name = hd_pool_text(check->pool, constant->first);
    struct hd_bytes descriptor = hd_pool_text(check->pool, constant->second);
    bool is_method = descriptor.length > 0 && descriptor.data[0] == '(';
    enum hd_text_kind type_kind = is_method ? HD_TEXT_METHOD_TYPE : HD_TEXT_FIELD_TYPE;
    enum hd_text_kind name_kind = is_method ? HD_TEXT_METHOD_NAME : HD_TEXT_NAME;
    if (!hd_text_is(check->pool, constant->second, type_kind))
        return wrong_text(check, descriptor, "is not a descriptor");
    if (!hd_text_is(check->pool, constant->first, name_kind))
        return wrong_text(check, name, "is not a member's name");
    return 0;
}

static int check_member(const struct pool_check *check, const struct hd_constant *constant,
                        unsigned index)
{
    struct hd_bytes name = hd_pool_member_name(check->pool, index);
    struct hd_bytes descriptor = hd_pool_member_descriptor(check->pool, index);
    bool wants_method = constant->tag != HD_TAG_FIELD && constant->tag != HD_TAG_DYNAMIC;
    bool is_method = descriptor.length > 0 && descriptor.data[0] == '(';
    if (is_method != wants_method)
        return wrong_text(check, descriptor,
                          wants_method ? "is not a method descriptor"
                                       : "is not a field descriptor");
    if (!wants_method || name.length == 0 || name.data[0] != '<')
        return 0;
    if (constant->tag == HD_TAG_METHOD && hd_bytes_are(name, "<init>"))
        return 0;
    return wrong_text(check, name, "cannot be referred to here");
}

/* §4.4.8 */
static int check_method_handle(const struct pool_check *check, const struct hd_constant *constant)
{
    static const uint32_t allowed[] = { 0,
                                        HD_TAGS(HD_TAG_FIELD),
                                        HD_TAGS(HD_TAG_FIELD),
                                        HD_TAGS(HD_TAG_FIELD),
                                        HD_TAGS(HD_TAG_FIELD),
                                        HD_TAGS(HD_TAG_METHOD),
                                        HD_TAGS(HD_TAG_METHOD) | HD_TAGS(HD_TAG_INTERFACE_METHOD),
                                        HD_TAGS(HD_TAG_METHOD) | HD_TAGS(HD_TAG_INTERFACE_METHOD),
                                        HD_TAGS(HD_TAG_METHOD),
                                        HD_TAGS(HD_TAG_INTERFACE_METHOD) };
    enum { NEW_INVOKE_SPECIAL = 8 };
    if (constant->handle_kind == 0 || constant->handle_kind >= sizeof allowed / sizeof allowed[0])
        return wrong(check, "its reference_kind is not 1 to 9");
    uint32_t tags = allowed[constant->handle_kind];
    bool also_interface =
        (tags & HD_TAGS(HD_TAG_METHOD)) != 0 && check->major >= FIRST_MAJOR_OF_INTERFACE_HANDLES;
    if (!also_interface && tags != HD_TAGS(HD_TAG_INTERFACE_METHOD))
        tags &= ~HD_TAGS(HD_TAG_INTERFACE_METHOD);
    if (!hd_pool_is(check->pool, constant->first, tags))
        return wrong(check, "it refers to a constant that does not fit its reference_kind");
    if ((tags & HD_TAGS(HD_TAG_FIELD)) != 0)
        return 0;
    bool is_constructor = hd_bytes_are(hd_pool_member_name(check->pool, constant->first), "<init>");
    if (is_constructor != (constant->handle_kind == NEW_INVOKE_SPECIAL))
        return wrong(check, "only newInvokeSpecial refers to <init>");
    return 0;
}

/* A constant that gives a text a meaning. */
static int check_named(const struct pool_check *check, const struct hd_constant *constant,
                       enum hd_text_kind kind, const char *what)
{
    if (hd_text_is(check->pool, constant->first, kind))
        return 0;
    return wrong_text(check, hd_pool_text(check->pool, constant->first), what);
}

static int check_package(const struct pool_check *check, const struct hd_constant *constant)
{
    struct hd_bytes name = hd_pool_text(check->pool, constant->first);
    if (name.length > 0 && name.data[0] == '[')
        return wrong_text(check, name, "is not a package name");
    return check_named(check, constant, HD_TEXT_CLASS, "is not a package name");
}

/* Second pass: what the texts behind the indices say. Runs once all indices are known to be good.
 */
static int check_texts(const struct pool_check *check, const struct hd_constant *constant)
{
    switch (constant->tag) {
    case HD_TAG_CLASS:
        return check_named(check, constant, HD_TEXT_CLASS, "is not a class name");
    case HD_TAG_METHOD_TYPE:
        return check_named(check, constant, HD_TEXT_METHOD_TYPE, "is not a method descriptor");
    case HD_TAG_MODULE:
        return check_named(check, constant, HD_TEXT_MODULE, "is not a module name");
    case HD_TAG_PACKAGE:
        return check_package(check, constant);
    case HD_TAG_NAME_AND_TYPE:
        return check_name_and_type(check, constant);
    case HD_TAG_FIELD:
    case HD_TAG_METHOD:
    case HD_TAG_INTERFACE_METHOD:
    case HD_TAG_DYNAMIC:
    case HD_TAG_INVOKE_DYNAMIC:
        return check_member(check, constant, check->index);
    case HD_TAG_METHOD_HANDLE:
        return check_method_handle(check, constant);
    default:
        return 0;
    }
}

static int check_every(struct pool_check *check,
                       int (*one)(const struct pool_check *, const struct hd_constant *))
{
    for (check->index = 1; check->index < check->pool->count; check->index++) {
        if (one(check, &check->pool->constants[check->index]) != 0)
            return -1;
    }
    return 0;
}

/* Does this index lead to such a constant? The answer takes no branch: constants come in an order
 * that no processor foresees. */
static inline bool leads_to(const struct hd_pool *pool, uint32_t index, uint8_t tag)
{
    uint32_t inside = index * (index < pool->count); /* 0 has no tag */
    return (pool->constants[inside].tag == tag) | (tag == HD_TAG_NONE);
}

/* Does every index lead to a constant of the right kind? */
static bool indices_fit(const struct hd_pool *pool)
{
    bool fit = true;
    for (unsigned i = 1; i < pool->count; i++) {
        const struct hd_constant *constant = &pool->constants[i];
        fit &= leads_to(pool, constant->first, tags_behind[constant->tag].first);
        fit &= leads_to(pool, constant->second, tags_behind[constant->tag].second);
    }
    return fit;
}

/* Both passes in one, without words. */
static bool is_sound(const struct hd_pool *pool, uint16_t major)
{
    struct pool_check check = { pool, major, NULL, 0 };
    if (!indices_fit(pool))
        return false;
    for (check.index = 1; check.index < pool->count; check.index++) {
        const struct hd_constant *constant = &pool->constants[check.index];
        bool is_good = constant->tag == HD_TAG_UTF8
                           ? hd_utf8_is_valid_modified(hd_pool_text(pool, check.index))
                           : check_texts(&check, constant) == 0;
        if (!is_good)
            return false;
    }
    return true;
}

static int check_pool(const struct hd_pool *pool, uint16_t major, struct hd_error *err)
{
    if (is_sound(pool, major))
        return 0;
    struct pool_check check = { pool, major, err, 0 };
    if (check_every(&check, check_indices) != 0)
        return -1;
    return check_every(&check, check_texts);
}

int hd_pool_parse(struct hd_reader *reader, unsigned count, uint16_t major, bool checked_before,
                  struct hd_arena *arena, struct hd_pool *out, struct hd_error *err)
{
    if (count == 0)
        return hd_reader_fail(reader, "constant_pool_count is 0");
    if (count - 1 > hd_reader_left(reader) / SMALLEST_CONSTANT)
        return hd_reader_fail(reader, "constant_pool_count is %u, more than the file can hold",
                              count);
    if (hd_reader_left(reader) > UINT32_MAX)
        return hd_reader_fail(reader, "%zu bytes are more than a class can have",
                              hd_reader_left(reader));
    struct hd_constant *constants = hd_arena_raw_array(arena, count, sizeof *constants, err);
    struct hd_text_answers *answers = hd_arena_array(arena, count, sizeof *answers, err);
    if (constants == NULL || answers == NULL)
        return -1;
    struct hd_pool pool = {
        .constants = constants, .answers = answers, .count = count, .raw.data = reader->at
    };
    if (read_constants(reader, &pool, major, constants) != 0)
        return -1;
    if (!checked_before && check_pool(&pool, major, err) != 0)
        return -1;
    *out = pool;
    return 0;
}
