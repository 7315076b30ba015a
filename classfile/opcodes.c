/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/opcodes.h"

#define PLAIN { HD_OPERANDS_NONE, 1, 0 }
#define WITH(operands, length) { HD_OPERANDS_##operands, length, 0 }
/* xload_0 to xload_3, one slot or two each */
#define LOCALS_1 { HD_OPERANDS_NONE, 1, 1 }, { HD_OPERANDS_NONE, 1, 2 }, { HD_OPERANDS_NONE, 1, 3 }, { HD_OPERANDS_NONE, 1, 4 }
#define LOCALS_2 { HD_OPERANDS_NONE, 1, 2 }, { HD_OPERANDS_NONE, 1, 3 }, { HD_OPERANDS_NONE, 1, 4 }, { HD_OPERANDS_NONE, 1, 5 }
#define PLAIN_4 PLAIN, PLAIN, PLAIN, PLAIN
#define PLAIN_8 PLAIN_4, PLAIN_4
/* int, long, float, double, reference */
#define LOCAL_BY_NUMBER WITH(LOCAL, 2), WITH(LOCAL_PAIR, 2), WITH(LOCAL, 2), WITH(LOCAL_PAIR, 2), WITH(LOCAL, 2)
#define LOCAL_IN_OPCODE LOCALS_1, LOCALS_2, LOCALS_1, LOCALS_2, LOCALS_1
#define BRANCH_4 WITH(BRANCH, 3), WITH(BRANCH, 3), WITH(BRANCH, 3), WITH(BRANCH, 3)
#define FIELD_4 WITH(FIELD, 3), WITH(FIELD, 3), WITH(FIELD, 3), WITH(FIELD, 3)

const struct hd_opcode_info hd_opcodes[256] = {
    /* 0x00 nop to dconst_1 */ PLAIN_8, PLAIN_8,
    /* 0x10 bipush … */ WITH(U1, 2), WITH(U2, 3), WITH(LDC, 2), WITH(LDC_W, 3), WITH(LDC2_W, 3),
    /* 0x15 xload */ LOCAL_BY_NUMBER,
    /* 0x1A xload_N */ LOCAL_IN_OPCODE,
    /* 0x2E xaload */ PLAIN_8,
    /* 0x36 xstore */ LOCAL_BY_NUMBER,
    /* 0x3B xstore_N */ LOCAL_IN_OPCODE,
    /* 0x4F xastore */ PLAIN_8,
    /* 0x57 pop to swap */ PLAIN_8, PLAIN,
    /* 0x60 arithmetic */ PLAIN_8, PLAIN_8, PLAIN_8, PLAIN_8, PLAIN_4,
    /* 0x84 iinc */ WITH(IINC, 3),
    /* 0x85 conversions */ PLAIN_8, PLAIN_4, PLAIN, PLAIN, PLAIN,
    /* 0x94 comparisons */ PLAIN_4, PLAIN,
    /* 0x99 ifeq to jsr */ BRANCH_4, BRANCH_4, BRANCH_4, BRANCH_4,
    /* 0xA9 ret … */ WITH(LOCAL, 2), WITH(TABLESWITCH, 0), WITH(LOOKUPSWITCH, 0),
    /* 0xAC returns */ PLAIN_4, PLAIN, PLAIN,
    /* 0xB2 fields */ FIELD_4,
    /* 0xB6 invocations */ WITH(METHOD, 3), WITH(METHOD, 3), WITH(METHOD, 3), WITH(INTERFACE, 5), WITH(DYNAMIC, 5),
    /* 0xBB new … */ WITH(NEW, 3), WITH(NEWARRAY, 2), WITH(ANEWARRAY, 3),
    /* 0xBE arraylength, athrow */ PLAIN, PLAIN,
    /* 0xC0 checkcast … */ WITH(CLASS, 3), WITH(CLASS, 3), PLAIN, PLAIN, WITH(WIDE, 0),
    /* 0xC5 */ WITH(MULTIANEWARRAY, 4), WITH(BRANCH, 3), WITH(BRANCH, 3), WITH(BRANCH_W, 5), WITH(BRANCH_W, 5)
};
