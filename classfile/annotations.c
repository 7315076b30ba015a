/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annotations (JVMS §4.7.16 to §4.7.22). HotSpot does not look inside when it parses them, and
 * rewrites their indices recursively when it redefines; so here every one is looked at, without
 * recursion, and nesting is bounded.
 */
#include "classfile/attributes.h"
#include "classfile/names.h"

#include <stdio.h>

/* An annotation or an array whose values are still to come. */
struct open_values {
    unsigned left;
    bool named; /* an annotation's pairs, not an array's elements */
};

struct value_stack {
    struct open_values open[HD_CLASS_MAX_NESTING];
    unsigned depth;
};

static void push(struct hd_walk *walk, struct value_stack *stack, unsigned count, bool named)
{
    if (stack->depth == HD_CLASS_MAX_NESTING) {
        hd_reader_fail(&walk->in, "annotation values nest deeper than %d", HD_CLASS_MAX_NESTING);
        return;
    }
    stack->open[stack->depth++] = (struct open_values){ count, named };
}

static void open_annotation(struct hd_walk *walk, struct value_stack *stack)
{
    hd_walk_text(walk, HD_TEXT_FIELD_TYPE, "a type's descriptor");
    push(walk, stack, hd_walk_u2(walk), true);
}

/* §4.7.16.1 */
static void walk_value(struct hd_walk *walk, struct value_stack *stack)
{
    uint8_t tag = hd_walk_u1(walk);
    switch (tag) {
    case 'B':
    case 'C':
    case 'I':
    case 'S':
    case 'Z':
        hd_walk_constant(walk, HD_TAGS(HD_TAG_INTEGER));
        return;
    case 'D':
        hd_walk_constant(walk, HD_TAGS(HD_TAG_DOUBLE));
        return;
    case 'F':
        hd_walk_constant(walk, HD_TAGS(HD_TAG_FLOAT));
        return;
    case 'J':
        hd_walk_constant(walk, HD_TAGS(HD_TAG_LONG));
        return;
    case 's':
        hd_walk_text(walk, HD_TEXT_ANY, "a text");
        return;
    case 'e':
        hd_walk_text(walk, HD_TEXT_FIELD_TYPE, "an enum type's descriptor");
        hd_walk_text(walk, HD_TEXT_NAME, "an enum constant's name");
        return;
    case 'c':
        hd_walk_text(walk, HD_TEXT_RETURN_TYPE, "a type's descriptor");
        return;
    case '@':
        open_annotation(walk, stack);
        return;
    case '[':
        push(walk, stack, hd_walk_u2(walk), false);
        return;
    default:
        hd_reader_fail(&walk->in, "element value tag 0x%02x is unknown", tag);
    }
}

/* Walks until everything that is open is complete. */
static void walk_open_values(struct hd_walk *walk, struct value_stack *stack)
{
    while (stack->depth > 0 && !walk->in.failed) {
        struct open_values *top = &stack->open[stack->depth - 1];
        if (top->left == 0) {
            stack->depth--;
            continue;
        }
        top->left--;
        if (top->named)
            hd_walk_text(walk, HD_TEXT_NAME, "an annotation element's name");
        walk_value(walk, stack);
    }
}

static void walk_annotation(struct hd_walk *walk)
{
    struct value_stack stack = { .depth = 0 };
    open_annotation(walk, &stack);
    walk_open_values(walk, &stack);
}

void hd_annotations_walk(struct hd_walk *walk)
{
    unsigned count = hd_walk_u2(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++)
        walk_annotation(walk);
}

void hd_parameter_annotations_walk(struct hd_walk *walk)
{
    unsigned parameters = hd_walk_u1(walk);
    for (unsigned i = 0; i < parameters && !walk->in.failed; i++)
        hd_annotations_walk(walk);
}

void hd_annotation_default_walk(struct hd_walk *walk)
{
    struct value_stack stack = { .depth = 0 };
    walk_value(walk, &stack);
    walk_open_values(walk, &stack);
}

static void walk_local_variable_target(struct hd_walk *walk)
{
    unsigned count = hd_walk_u2(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        hd_walk_u2(walk); /* start_pc */
        hd_walk_u2(walk); /* length */
        hd_walk_u2(walk); /* index */
    }
}

/* §4.7.20.1 */
static void walk_target(struct hd_walk *walk)
{
    uint8_t type = hd_walk_u1(walk);
    switch (type) {
    case 0x00:
    case 0x01: /* type parameter of a class, of a method */
    case 0x16: /* formal parameter */
        hd_walk_u1(walk);
        return;
    case 0x10: /* supertype */
    case 0x17: /* throws */
    case 0x42: /* catch */
    case 0x43:
    case 0x44:
    case 0x45:
    case 0x46: /* instanceof, new, Type::new, Type::name */
        hd_walk_u2(walk);
        return;
    case 0x11:
    case 0x12: /* bound of a type parameter */
        hd_walk_u1(walk);
        hd_walk_u1(walk);
        return;
    case 0x13:
    case 0x14:
    case 0x15: /* field, return type, receiver */
        return;
    case 0x40:
    case 0x41: /* local variable, resource */
        walk_local_variable_target(walk);
        return;
    case 0x47:
    case 0x48:
    case 0x49:
    case 0x4A:
    case 0x4B: /* type argument of a cast, call, reference */
        hd_walk_u2(walk);
        hd_walk_u1(walk);
        return;
    default:
        hd_reader_fail(&walk->in, "type annotation target 0x%02x is unknown", type);
    }
}

/* §4.7.20.2 */
static void walk_type_path(struct hd_walk *walk)
{
    enum { TYPE_ARGUMENT = 3 };
    unsigned length = hd_walk_u1(walk);
    for (unsigned i = 0; i < length && !walk->in.failed; i++) {
        unsigned kind = hd_walk_u1(walk);
        unsigned argument = hd_walk_u1(walk);
        if (kind > TYPE_ARGUMENT || (kind < TYPE_ARGUMENT && argument != 0))
            hd_reader_fail(&walk->in, "type path step %u (kind %u, argument %u) is not valid", i,
                           kind, argument);
    }
}

void hd_type_annotations_walk(struct hd_walk *walk)
{
    unsigned count = hd_walk_u2(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        walk_target(walk);
        walk_type_path(walk);
        walk_annotation(walk);
    }
}
