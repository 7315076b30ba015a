/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The constant pool (JVMS §4.4), read once into a table.
 *
 * After hd_pool_parse every entry is complete and every index inside it points at an entry of the
 * right kind, so that the accessors need no errors. The pool borrows the bytes it was read from and
 * lives in an arena. Pure; any thread may read.
 */
#ifndef HD_CLASSFILE_POOL_H
#define HD_CLASSFILE_POOL_H

#include "classfile/arena.h"
#include "classfile/reader.h"

enum hd_tag {
    HD_TAG_NONE = 0, /* index 0, and the second half of a long or double */
    HD_TAG_UTF8 = 1,
    HD_TAG_INTEGER = 3,
    HD_TAG_FLOAT = 4,
    HD_TAG_LONG = 5,
    HD_TAG_DOUBLE = 6,
    HD_TAG_CLASS = 7,
    HD_TAG_STRING = 8,
    HD_TAG_FIELD = 9,
    HD_TAG_METHOD = 10,
    HD_TAG_INTERFACE_METHOD = 11,
    HD_TAG_NAME_AND_TYPE = 12,
    HD_TAG_METHOD_HANDLE = 15,
    HD_TAG_METHOD_TYPE = 16,
    HD_TAG_DYNAMIC = 17,
    HD_TAG_INVOKE_DYNAMIC = 18,
    HD_TAG_MODULE = 19,
    HD_TAG_PACKAGE = 20
};

/* Sets of tags, for "which kinds are allowed here". */
#define HD_TAGS(tag) (1u << (tag))

/* 8 bytes, as a class has hundreds of them and a deployment a thousand classes. Two that are equal
 * bit by bit in pools with the same raw bytes are the same constant. */
struct hd_constant {
    uint8_t tag;
    uint8_t handle_kind; /* METHOD_HANDLE: 1 to 9, §5.4.3.5 */
    uint16_t first; /* the first index inside; for DYNAMIC and INVOKE_DYNAMIC the bootstrap method's
                       number; for UTF8 the text's length */
    uint32_t second; /* the second index inside; for UTF8 and numbers where in the pool's raw bytes
                        theirs begin */
};

/* An entry of the BootstrapMethods attribute (§4.7.23). */
struct hd_bootstrap {
    uint16_t handle;
    uint16_t argument_count;
    const uint8_t *arguments; /* 2 bytes each */
};

/* The index of argument i. */
static inline unsigned hd_bootstrap_argument(const struct hd_bootstrap *bootstrap, size_t i)
{
    return hd_u2_at(bootstrap->arguments + 2 * i);
}

/* In classfile/texts.c: what is known of a UTF8, a bit for each enum hd_text_kind but the
 * first. */
struct hd_text_answers {
    uint8_t asked;
    uint8_t yes;
    uint8_t parameter_slots;
    uint8_t attribute_kind; /* one more than the enum hd_attribute_kind; 0: not asked yet */
};

struct hd_pool {
    const struct hd_constant *constants;
    struct hd_text_answers *answers; /* by index; used while the class is parsed */
    unsigned count;                  /* constant_pool_count: valid indices are 1 to count - 1 */
    const struct hd_bootstrap *bootstraps; /* checked by hd_pool_check_bootstraps */
    unsigned bootstrap_count;
    uint32_t tags_present; /* HD_TAGS of all entries */
    struct hd_bytes raw;   /* as in the file, without the count */
};

/* Reads constant_pool_count - 1 entries. major decides which tags exist. checked_before: a pool that
 * this function has accepted before is only read. On failure *out is untouched. */
HD_CHECKED int hd_pool_parse(struct hd_reader *reader, unsigned count, uint16_t major,
                             bool checked_before, struct hd_arena *arena, struct hd_pool *out,
                             struct hd_error *err);

/* With the bootstraps set: every DYNAMIC and INVOKE_DYNAMIC names an existing one, and dynamic
 * constants among the arguments of others neither go in circles nor deeper than
 * HD_CLASS_MAX_NESTING nor unfold to more than HD_POOL_MAX_UNFOLDED constants: HotSpot merges and
 * compares them recursively. */
#define HD_POOL_MAX_UNFOLDED 100000
HD_CHECKED int hd_pool_check_bootstraps(const struct hd_pool *pool, struct hd_error *err);

/* HD_TAG_NONE where there is no such entry. */
static inline enum hd_tag hd_pool_tag(const struct hd_pool *pool, unsigned index)
{
    return index < pool->count ? (enum hd_tag)pool->constants[index].tag : HD_TAG_NONE;
}

static inline bool hd_pool_is(const struct hd_pool *pool, unsigned index, uint32_t tags)
{
    return (HD_TAGS(hd_pool_tag(pool, index)) & tags & ~HD_TAGS(HD_TAG_NONE)) != 0;
}

/* The text of a UTF8. */
static inline struct hd_bytes hd_pool_text(const struct hd_pool *pool, unsigned index)
{
    const struct hd_constant *text = &pool->constants[index];
    return (struct hd_bytes){ pool->raw.data + text->second, text->first };
}

/* The 4 bytes of an INTEGER or FLOAT, the 8 of a LONG or DOUBLE. */
static inline struct hd_bytes hd_pool_number(const struct hd_pool *pool, unsigned index)
{
    const struct hd_constant *number = &pool->constants[index];
    bool is_wide = number->tag == HD_TAG_LONG || number->tag == HD_TAG_DOUBLE;
    return (struct hd_bytes){ pool->raw.data + number->second, is_wide ? 8 : 4 };
}

/* The name in a CLASS, STRING, METHOD_TYPE, MODULE or PACKAGE. */
static inline struct hd_bytes hd_pool_named_text(const struct hd_pool *pool, unsigned index)
{
    return hd_pool_text(pool, pool->constants[index].first);
}

/* Name and descriptor of a FIELD, METHOD, INTERFACE_METHOD, DYNAMIC or INVOKE_DYNAMIC. */
static inline struct hd_bytes hd_pool_member_name(const struct hd_pool *pool, unsigned index)
{
    return hd_pool_named_text(pool, pool->constants[index].second);
}

static inline unsigned hd_pool_member_descriptor_index(const struct hd_pool *pool, unsigned index)
{
    return pool->constants[pool->constants[index].second].second;
}

static inline struct hd_bytes hd_pool_member_descriptor(const struct hd_pool *pool, unsigned index)
{
    return hd_pool_text(pool, hd_pool_member_descriptor_index(pool, index));
}

/* The class that a FIELD, METHOD or INTERFACE_METHOD names. */
static inline struct hd_bytes hd_pool_member_owner(const struct hd_pool *pool, unsigned index)
{
    return hd_pool_named_text(pool, pool->constants[index].first);
}

/* How many bytes a constant takes in the file, its tag included; of a UTF8 those before the text.
 * 0: there is no such tag. */
#define HD_TAG_COUNT (HD_TAG_PACKAGE + 1)
extern const uint8_t hd_constant_sizes[HD_TAG_COUNT];

/* "Utf8", "Class", … for messages. */
const char *hd_tag_word(enum hd_tag tag);

#endif
