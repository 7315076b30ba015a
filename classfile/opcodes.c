/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/opcodes.h"

/* clang-format off */
#define WITH(operands, length) { HD_OPERANDS_##operands, (length), 0 }
#define IN_OPCODE(slots) { HD_OPERANDS_NONE, 1, (slots) }
#define PLAIN WITH(NONE, 1)
#define FOUR(...) __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define EIGHT(...) FOUR(__VA_ARGS__), FOUR(__VA_ARGS__)
/* int, long, float, double, reference: the variable's number follows, or is part of the opcode */
#define LOCAL_BY_NUMBER \
    WITH(LOCAL, 2), WITH(LOCAL_PAIR, 2), WITH(LOCAL, 2), WITH(LOCAL_PAIR, 2), WITH(LOCAL, 2)
#define ONE_SLOT IN_OPCODE(1), IN_OPCODE(2), IN_OPCODE(3), IN_OPCODE(4)
#define TWO_SLOTS IN_OPCODE(2), IN_OPCODE(3), IN_OPCODE(4), IN_OPCODE(5)
#define LOCAL_IN_OPCODE ONE_SLOT, TWO_SLOTS, ONE_SLOT, TWO_SLOTS, ONE_SLOT

const struct hd_opcode_info hd_opcodes[256] = {
    /* 0x00 nop to dconst_1 */ EIGHT(PLAIN), EIGHT(PLAIN),
    /* 0x10 bipush, sipush  */ WITH(U1, 2), WITH(U2, 3),
    /* 0x12 ldc             */ WITH(LDC, 2), WITH(LDC_W, 3), WITH(LDC2_W, 3),
    /* 0x15 xload           */ LOCAL_BY_NUMBER,
    /* 0x1A xload_N         */ LOCAL_IN_OPCODE,
    /* 0x2E xaload          */ EIGHT(PLAIN),
    /* 0x36 xstore          */ LOCAL_BY_NUMBER,
    /* 0x3B xstore_N        */ LOCAL_IN_OPCODE,
    /* 0x4F xastore         */ EIGHT(PLAIN),
    /* 0x57 pop to swap     */ EIGHT(PLAIN), PLAIN,
    /* 0x60 arithmetic      */ EIGHT(PLAIN), EIGHT(PLAIN), EIGHT(PLAIN), EIGHT(PLAIN), FOUR(PLAIN),
    /* 0x84 iinc            */ WITH(IINC, 3),
    /* 0x85 conversions     */ EIGHT(PLAIN), FOUR(PLAIN), PLAIN, PLAIN, PLAIN,
    /* 0x94 comparisons     */ FOUR(PLAIN), PLAIN,
    /* 0x99 ifeq to jsr     */ EIGHT(WITH(BRANCH, 3)), EIGHT(WITH(BRANCH, 3)),
    /* 0xA9 ret, switches   */ WITH(LOCAL, 2), WITH(TABLESWITCH, 0), WITH(LOOKUPSWITCH, 0),
    /* 0xAC returns         */ FOUR(PLAIN), PLAIN, PLAIN,
    /* 0xB2 fields          */ FOUR(WITH(FIELD, 3)),
    /* 0xB6 invocations     */ WITH(METHOD, 3), WITH(METHOD, 3), WITH(METHOD, 3), WITH(INTERFACE, 5),
    /* 0xBA invokedynamic   */ WITH(DYNAMIC, 5),
    /* 0xBB new, arrays     */ WITH(NEW, 3), WITH(NEWARRAY, 2), WITH(ANEWARRAY, 3), PLAIN,
    /* 0xBF athrow          */ PLAIN,
    /* 0xC0 types           */ WITH(CLASS, 3), WITH(CLASS, 3),
    /* 0xC2 monitors        */ PLAIN, PLAIN,
    /* 0xC4 wide, multi…    */ WITH(WIDE, 0), WITH(MULTIANEWARRAY, 4),
    /* 0xC6 ifnull …        */ WITH(BRANCH, 3), WITH(BRANCH, 3), WITH(BRANCH_W, 5), WITH(BRANCH_W, 5)
};
