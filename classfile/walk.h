/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk through the inside of one attribute, which serves two masters: the structural check (is
 * every index of the right kind, does every length fit?) and, when a meaning is attached, the
 * translation into a form that does not depend on the constant pool's order. One description of
 * each attribute's format does both. Belongs to one thread.
 */
#ifndef HD_CLASSFILE_WALK_H
#define HD_CLASSFILE_WALK_H

#include "classfile/meaning.h"
#include "classfile/pool.h"
#include "classfile/reader.h"
#include "classfile/texts.h"
#include "classfile/twins.h"

/* Where an attribute stands; a set. */
enum hd_place {
    HD_PLACE_CLASS = 1,
    HD_PLACE_FIELD = 2,
    HD_PLACE_METHOD = 4,
    HD_PLACE_CODE = 8,
    HD_PLACE_COMPONENT = 16 /* of a record */
};

#define HD_NOT_AN_INSTRUCTION 0xFFFF

/* The instructions of one method. */
struct hd_code_layout {
    struct hd_bytes bytecode;
    unsigned max_locals;
    unsigned handler_count;
    const uint16_t *ordinals; /* for every byte: the number of the instruction that starts there, or
                      HD_NOT_AN_INSTRUCTION; at bytecode.length: how many instructions there are */
};

struct hd_walk {
    struct hd_reader in;
    const struct hd_pool *pool;
    enum hd_place place;
    struct hd_bytes
        descriptor; /* of the field, method or component the attribute belongs to; else length 0 */
    const struct hd_code_layout *layout; /* inside Code; else NULL */
    struct hd_meaning *meaning;          /* NULL: check only */
    struct hd_twins *aligned;   /* not NULL: the walk fails, without words, at a constant that says
                                   something else in the other pool */
    struct hd_bytes class_name; /* with a meaning: of InnerClasses only what concerns this class
                                   counts, the rest mirrors the pool */
};

/* Each reads a number, and gives it to the meaning as it stands. */
static inline uint8_t hd_walk_u1(struct hd_walk *walk)
{
    uint8_t value = hd_read_u1(&walk->in);
    if (walk->meaning != NULL)
        hd_meaning_add_u4(walk->meaning, value);
    return value;
}

static inline uint16_t hd_walk_u2(struct hd_walk *walk)
{
    uint16_t value = hd_read_u2(&walk->in);
    if (walk->meaning != NULL)
        hd_meaning_add_u4(walk->meaning, value);
    return value;
}

/* In walk.c: what hd_walk_use does unless all is well and nobody else wants the constant. */
void hd_walk_use_closely(struct hd_walk *walk, unsigned index, uint32_t tags);

/* Checks that index is one of tags (HD_TAGS), and gives the constant to the meaning. */
static inline void hd_walk_use(struct hd_walk *walk, unsigned index, uint32_t tags)
{
    bool is_check_only = walk->meaning == NULL && walk->aligned == NULL;
    if (__builtin_expect(!is_check_only || !hd_pool_is(walk->pool, index, tags), 0))
        hd_walk_use_closely(walk, index, tags);
}

/* Each reads an index; the optional one may be 0. Returns the index, 0 on failure. */
uint16_t hd_walk_constant(struct hd_walk *walk, uint32_t tags);
uint16_t hd_walk_optional_constant(struct hd_walk *walk, uint32_t tags);

/* Reads a Utf8's index and checks the text. what completes "… is not ". */
uint16_t hd_walk_text(struct hd_walk *walk, enum hd_text_kind kind, const char *what);

/* Gives the meaning an offset into the code as the number of its instruction, and fails where none
 * starts. */
void hd_walk_use_pc(struct hd_walk *walk, unsigned pc);

/* Fails unless everything was read. Returns 0 or -1 (the whole walk's result). */
HD_CHECKED int hd_walk_finish(struct hd_walk *walk);

#endif
