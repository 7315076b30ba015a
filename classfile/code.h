/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions of a method (JVMS §4.9.1, static constraints): every opcode known, every operand
 * in range and of the right kind, every branch on the start of an instruction. Belongs to one
 * thread.
 */
#ifndef HD_CLASSFILE_CODE_H
#define HD_CLASSFILE_CODE_H

#include "classfile/opcodes.h"
#include "classfile/walk.h"

/* Room for one layout at a time, reused from method to method. */
struct hd_code_scratch {
    uint16_t *ordinals;
    size_t capacity;
};

#define HD_CODE_SCRATCH_INIT                                                                       \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

void hd_code_scratch_close(struct hd_code_scratch *scratch);

/* In code.c: the same for an instruction that is not always as long. */
size_t hd_code_varying_length(struct hd_bytes code, unsigned at);

/* How long the instruction at an offset inside the code is, the opcode included; 0 where there is
 * none. May reach past the end of the code. */
static inline size_t hd_code_instruction_length(struct hd_bytes code, unsigned at)
{
    size_t length = hd_opcodes[code.data[at]].length;
    return length > 0 ? length : hd_code_varying_length(code, at);
}

/* ldc_w and ldc mean the same, and so do goto_w and goto: which one is used depends on the constant
 * pool's order and on distances. The one that stands for both; of all others themselves. */
uint8_t hd_code_plain_form(uint8_t opcode);

/* Finds where instructions start. layout borrows scratch until its next use. HD_E_FORMAT for code
 * that is empty, longer than 65,535 bytes, or does not divide into instructions. */
HD_CHECKED int hd_code_lay_out(struct hd_bytes bytecode, struct hd_code_scratch *scratch,
                               struct hd_code_layout *layout, struct hd_error *err);

/* Walks the instructions of walk->layout: checks, and gives them to the meaning. major decides
 * about jsr, ret and what ldc takes; with HD_MAJOR_UNKNOWN whatever any version allows is good. */
#define HD_MAJOR_UNKNOWN 0
HD_CHECKED int hd_code_walk(struct hd_walk *walk, uint16_t major);

/* Walks an exception table, 8 bytes an entry. */
HD_CHECKED int hd_exception_table_walk(struct hd_walk *walk);

#endif
