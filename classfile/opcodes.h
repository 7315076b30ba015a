/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instruction set (JVMS §6.5): what follows each opcode. Pure data; any thread.
 */
#ifndef HD_CLASSFILE_OPCODES_H
#define HD_CLASSFILE_OPCODES_H

#include <stdint.h>

enum hd_opcode {
    HD_OP_LDC = 0x12,
    HD_OP_LDC_W = 0x13,
    HD_OP_GOTO = 0xA7,
    HD_OP_JSR = 0xA8,
    HD_OP_RET = 0xA9,
    HD_OP_TABLESWITCH = 0xAA,
    HD_OP_LOOKUPSWITCH = 0xAB,
    HD_OP_INVOKEVIRTUAL = 0xB6,
    HD_OP_INVOKESPECIAL = 0xB7,
    HD_OP_INVOKEINTERFACE = 0xB9,
    HD_OP_NEW = 0xBB,
    HD_OP_IINC = 0x84,
    HD_OP_WIDE = 0xC4,
    HD_OP_GOTO_W = 0xC8,
    HD_OP_JSR_W = 0xC9
};

enum hd_operands {
    HD_OPERANDS_UNDEFINED = 0, /* not an instruction of a class file */
    HD_OPERANDS_NONE,
    HD_OPERANDS_U1,         /* bipush; newarray is apart */
    HD_OPERANDS_U2,         /* sipush */
    HD_OPERANDS_LOCAL,      /* a local variable's number; two bytes after wide */
    HD_OPERANDS_LOCAL_PAIR, /* the same for long and double */
    HD_OPERANDS_IINC,
    HD_OPERANDS_LDC,
    HD_OPERANDS_LDC_W,
    HD_OPERANDS_LDC2_W,
    HD_OPERANDS_FIELD,
    HD_OPERANDS_METHOD, /* invokevirtual, invokespecial, invokestatic */
    HD_OPERANDS_INTERFACE,
    HD_OPERANDS_DYNAMIC,
    HD_OPERANDS_NEW,
    HD_OPERANDS_NEWARRAY,
    HD_OPERANDS_ANEWARRAY,
    HD_OPERANDS_CLASS, /* checkcast, instanceof */
    HD_OPERANDS_MULTIANEWARRAY,
    HD_OPERANDS_BRANCH,
    HD_OPERANDS_BRANCH_W,
    HD_OPERANDS_TABLESWITCH,
    HD_OPERANDS_LOOKUPSWITCH,
    HD_OPERANDS_WIDE
};

struct hd_opcode_info {
    uint8_t operands; /* enum hd_operands */
    uint8_t length;   /* with the opcode; 0 where it varies */
    int8_t
        local; /* xload_N, xstore_N: one more than the highest local variable they touch; else 0 */
};

extern const struct hd_opcode_info hd_opcodes[256];

#endif
