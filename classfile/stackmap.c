/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StackMapTable (JVMS §4.7.4): frames at increasing offsets, each at the start of an instruction.
 */
#include "classfile/attributes.h"

enum { ITEM_OBJECT = 7, ITEM_UNINITIALIZED = 8 };

static void walk_types(struct hd_walk *walk, unsigned count)
{
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        uint8_t tag = hd_walk_u1(walk);
        if (tag == ITEM_OBJECT)
            hd_walk_constant(walk, HD_TAGS(HD_TAG_CLASS));
        else if (tag == ITEM_UNINITIALIZED)
            hd_walk_use_pc(walk, hd_read_u2(&walk->in));
        else if (tag > ITEM_UNINITIALIZED)
            hd_reader_fail(&walk->in, "verification type %u is unknown", tag);
    }
}

/* Reads what follows the frame's first byte; returns its offset_delta. */
static unsigned walk_frame(struct hd_walk *walk)
{
    enum {
        SAME_END = 63,
        ONE_ITEM = 64,
        ONE_ITEM_END = 127,
        ONE_ITEM_EXTENDED = 247,
        SAME_EXTENDED = 251,
        APPEND_END = 254
    }; /* 248 to 250 chop, and carry nothing more */
    unsigned type = hd_walk_u1(walk);
    if (type <= SAME_END)
        return type;
    if (type <= ONE_ITEM_END) {
        walk_types(walk, 1);
        return type - ONE_ITEM;
    }
    if (type < ONE_ITEM_EXTENDED) {
        hd_reader_fail(&walk->in, "frame type %u is reserved", type);
        return 0;
    }
    unsigned delta = hd_walk_u2(walk);
    if (type == ONE_ITEM_EXTENDED) {
        walk_types(walk, 1);
    } else if (type > SAME_EXTENDED && type <= APPEND_END) {
        walk_types(walk, type - SAME_EXTENDED);
    } else if (type > APPEND_END) {
        walk_types(walk, hd_walk_u2(walk)); /* locals */
        walk_types(walk, hd_walk_u2(walk)); /* stack */
    }
    return delta;
}

void hd_stack_map_table_walk(struct hd_walk *walk)
{
    unsigned count = hd_walk_u2(walk);
    unsigned offset = 0;
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        unsigned delta = walk_frame(walk);
        offset += i == 0 ? delta : delta + 1;
        hd_walk_use_pc(walk, offset);
        if (walk->in.failed)
            hd_error_prefix(walk->in.err, "frame %u", i);
    }
}
