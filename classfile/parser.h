/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One class while it is read: what class.c and class_members.c share. Belongs to one thread.
 */
#ifndef HD_CLASSFILE_PARSER_H
#define HD_CLASSFILE_PARSER_H

#include "classfile/arena.h"
#include "classfile/class.h"
#include "classfile/code.h"
#include "classfile/pool.h"

struct hd_parser {
    struct hd_reader in;
    struct hd_class *out;
    struct hd_pool *pool;
    struct hd_arena *arena;
    uint16_t member_name; /* where the name of the member being read stands in the pool */
    uint16_t member_descriptor;
    struct hd_code_scratch scratch;
    bool checked_before; /* the file is known to be well formed, and is only read */
    struct hd_error *err;
};

/* Reads an index of one of these kinds of constant; 0 on failure. what begins the message. */
uint16_t hd_parser_read_constant(struct hd_parser *parser, uint32_t tags, const char *what);

/* Fields and methods, each with its attributes, and their orders. */
HD_CHECKED int hd_parser_read_members(struct hd_parser *parser);

/* Where an attribute list stands; of a walk (classfile/walk.h) what all its attributes share. */
struct hd_attribute_place {
    enum hd_place place;
    struct hd_bytes descriptor;
    const struct hd_code_layout *layout;
};

/* An attribute list, read and checked. */
HD_CHECKED int hd_parser_read_attributes(struct hd_parser *parser, struct hd_reader *in,
                                         const struct hd_attribute_place *place,
                                         struct hd_attributes *out);

#endif
