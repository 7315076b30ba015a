/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/code.h"

#include "classfile/names.h"
#include "classfile/opcodes.h"

#include "core/alloc.h"

#define FIRST_MAJOR_WITHOUT_SUBROUTINES         51
#define FIRST_MAJOR_OF_CLASS_LITERALS           49
#define FIRST_MAJOR_OF_STATIC_INTERFACE_METHODS 52
#define ORDINALS_AT_FIRST                       512 /* as much as malloc has at hand */

/* One instruction while it is walked. */
struct instruction {
    const uint8_t *code;
    unsigned at;
    unsigned length;
    uint8_t opcode;
    uint16_t major;
};

void hd_code_scratch_close(struct hd_code_scratch *scratch)
{
    hd_free(scratch->ordinals);
    *scratch = (struct hd_code_scratch)HD_CODE_SCRATCH_INIT;
}

static bool is_since(const struct instruction *instruction, uint16_t first_major)
{
    return instruction->major == HD_MAJOR_UNKNOWN || instruction->major >= first_major;
}

static unsigned after_padding(unsigned at)
{
    return (at + 4) & ~3u;
}

/* §6.5.tableswitch, §6.5.lookupswitch: 0 when it does not fit into what is left. */
static size_t switch_length(struct hd_bytes code, unsigned at, bool is_table)
{
    size_t operands = after_padding(at);
    size_t fixed = is_table ? 12 : 8;
    if (operands + fixed > code.length)
        return 0;
    const uint8_t *numbers = code.data + operands;
    uint64_t entries = hd_u4_at(numbers + 4);
    if (is_table) {
        int64_t low = (int32_t)hd_u4_at(numbers + 4);
        int64_t high = (int32_t)hd_u4_at(numbers + 8);
        if (low > high)
            return 0;
        entries = (uint64_t)(high - low + 1);
    }
    if (entries > code.length)
        return 0;
    return operands - at + fixed + (size_t)entries * (is_table ? 4 : 8);
}

static size_t wide_length(struct hd_bytes code, unsigned at)
{
    if (at + 1 >= code.length)
        return 0;
    uint8_t opcode = code.data[at + 1];
    switch (hd_opcodes[opcode].operands) {
    case HD_OPERANDS_LOCAL:
    case HD_OPERANDS_LOCAL_PAIR:
        return 4;
    case HD_OPERANDS_IINC:
        return 6;
    default:
        return 0;
    }
}

size_t hd_code_varying_length(struct hd_bytes code, unsigned at)
{
    switch (hd_opcodes[code.data[at]].operands) {
    case HD_OPERANDS_TABLESWITCH:
        return switch_length(code, at, true);
    case HD_OPERANDS_LOOKUPSWITCH:
        return switch_length(code, at, false);
    case HD_OPERANDS_WIDE:
        return wide_length(code, at);
    default:
        return 0; /* no instruction */
    }
}

static int make_room(struct hd_code_scratch *scratch, size_t length, struct hd_error *err)
{
    if (length < scratch->capacity)
        return 0;
    size_t capacity = ORDINALS_AT_FIRST;
    while (capacity <= length)
        capacity *= 2;
    uint16_t *ordinals = hd_alloc(capacity * sizeof *ordinals);
    if (ordinals == NULL)
        return hd_error_set_memory(err);
    hd_free(scratch->ordinals);
    scratch->ordinals = ordinals;
    scratch->capacity = capacity;
    return 0;
}

int hd_code_lay_out(struct hd_bytes bytecode, struct hd_code_scratch *scratch,
                    struct hd_code_layout *layout, struct hd_error *err)
{
    if (bytecode.length == 0 || bytecode.length > 0xFFFF)
        return hd_error_set(err, HD_E_FORMAT, "code_length is %zu, not 1 to 65535",
                            bytecode.length);
    if (make_room(scratch, bytecode.length, err) != 0)
        return -1;
    uint16_t *ordinals = scratch->ordinals;
    memset(ordinals, 0xFF, bytecode.length * sizeof *ordinals);
    uint16_t count = 0;
    for (unsigned at = 0; at < bytecode.length;) {
        size_t length = hd_code_instruction_length(bytecode, at);
        if (length == 0)
            return hd_error_set(err, HD_E_FORMAT, "no valid instruction at %u (opcode 0x%02x)", at,
                                bytecode.data[at]);
        if (length > bytecode.length - at)
            return hd_error_set(err, HD_E_FORMAT,
                                "the instruction at %u runs past the end of the code", at);
        ordinals[at] = count++;
        at += (unsigned)length;
    }
    ordinals[bytecode.length] = count;
    *layout = (struct hd_code_layout){ bytecode, 0xFFFF, 0, ordinals };
    return 0;
}

static void give(struct hd_walk *walk, uint32_t number)
{
    if (walk->meaning != NULL)
        hd_meaning_add_u4(walk->meaning, number);
}

static void use_branch(struct hd_walk *walk, const struct instruction *instruction,
                       int32_t distance)
{
    int64_t target = (int64_t)instruction->at + distance;
    if (target < 0 || target > 0xFFFF) {
        hd_reader_fail(&walk->in, "a branch leaves the code");
        return;
    }
    hd_walk_use_pc(walk, (unsigned)target);
}

static void use_local(struct hd_walk *walk, unsigned local, unsigned slots)
{
    if (local + slots > walk->layout->max_locals)
        hd_reader_fail(&walk->in, "local variable %u, but max_locals is %u", local,
                       walk->layout->max_locals);
    give(walk, local);
}

/* A dynamic constant is as wide as its type (§4.4.10). */
static bool dynamic_is_wide(const struct hd_pool *pool, unsigned index)
{
    uint8_t type = hd_pool_member_descriptor(pool, index).data[0];
    return type == 'J' || type == 'D';
}

static void use_loadable(struct hd_walk *walk, const struct instruction *instruction,
                         unsigned index, bool wide)
{
    uint32_t tags = HD_TAGS(HD_TAG_LONG) | HD_TAGS(HD_TAG_DOUBLE) | HD_TAGS(HD_TAG_DYNAMIC);
    if (!wide) {
        tags = HD_TAGS(HD_TAG_INTEGER) | HD_TAGS(HD_TAG_FLOAT) | HD_TAGS(HD_TAG_STRING) |
               HD_TAGS(HD_TAG_METHOD_HANDLE) | HD_TAGS(HD_TAG_METHOD_TYPE) |
               HD_TAGS(HD_TAG_DYNAMIC);
        if (is_since(instruction, FIRST_MAJOR_OF_CLASS_LITERALS))
            tags |= HD_TAGS(HD_TAG_CLASS);
    }
    hd_walk_use(walk, index, tags);
    if (!walk->in.failed && hd_pool_tag(walk->pool, index) == HD_TAG_DYNAMIC &&
        dynamic_is_wide(walk->pool, index) != wide)
        hd_reader_fail(&walk->in, "dynamic constant %u has a type of another width", index);
}

static void use_method(struct hd_walk *walk, const struct instruction *instruction, unsigned index)
{
    uint32_t tags = HD_TAGS(HD_TAG_METHOD);
    if (instruction->opcode != HD_OP_INVOKEVIRTUAL &&
        is_since(instruction, FIRST_MAJOR_OF_STATIC_INTERFACE_METHODS))
        tags |= HD_TAGS(HD_TAG_INTERFACE_METHOD);
    hd_walk_use(walk, index, tags);
    if (walk->in.failed || instruction->opcode == HD_OP_INVOKESPECIAL)
        return;
    if (hd_pool_member_name(walk->pool, index).data[0] == '<')
        hd_reader_fail(&walk->in, "only invokespecial calls <init>");
}

/* §6.5.invokeinterface: its count is the width of the arguments, the object included. */
static void use_interface_method(struct hd_walk *walk, const uint8_t *operands)
{
    unsigned index = hd_u2_at(operands);
    hd_walk_use(walk, index, HD_TAGS(HD_TAG_INTERFACE_METHOD));
    if (walk->in.failed)
        return;
    unsigned descriptor = hd_pool_member_descriptor_index(walk->pool, index);
    if (operands[2] != hd_text_parameter_slots(walk->pool, descriptor) + 1 || operands[3] != 0)
        hd_reader_fail(&walk->in, "invokeinterface has a wrong argument count");
}

static void use_dynamic(struct hd_walk *walk, const uint8_t *operands)
{
    hd_walk_use(walk, hd_u2_at(operands), HD_TAGS(HD_TAG_INVOKE_DYNAMIC));
    if (hd_u2_at(operands + 2) != 0)
        hd_reader_fail(&walk->in, "invokedynamic does not end in two zero bytes");
}

static void use_class(struct hd_walk *walk, const struct instruction *instruction)
{
    const uint8_t *operands = instruction->code + instruction->at + 1;
    unsigned index = hd_u2_at(operands);
    hd_walk_use(walk, index, HD_TAGS(HD_TAG_CLASS));
    if (walk->in.failed)
        return;
    unsigned dimensions = hd_descriptor_dimensions(hd_pool_named_text(walk->pool, index));
    switch (hd_opcodes[instruction->opcode].operands) {
    case HD_OPERANDS_NEW:
        if (dimensions > 0)
            hd_reader_fail(&walk->in, "new of an array type");
        return;
    case HD_OPERANDS_ANEWARRAY:
        if (dimensions > 254)
            hd_reader_fail(&walk->in, "an array of more than 255 dimensions");
        return;
    case HD_OPERANDS_MULTIANEWARRAY:
        if (operands[2] == 0 || operands[2] > dimensions)
            hd_reader_fail(&walk->in, "multianewarray of %u dimensions on a type of %u",
                           operands[2], dimensions);
        give(walk, operands[2]);
        return;
    default:
        return;
    }
}

static void use_array_type(struct hd_walk *walk, uint8_t type)
{
    if (type < 4 || type > 11)
        hd_reader_fail(&walk->in, "newarray of unknown type %u", type);
    give(walk, type);
}

static void use_switch(struct hd_walk *walk, const struct instruction *instruction, bool is_table)
{
    const uint8_t *at = instruction->code + after_padding(instruction->at);
    const uint8_t *end = instruction->code + instruction->at + instruction->length;
    use_branch(walk, instruction, (int32_t)hd_u4_at(at));
    give(walk, hd_u4_at(at + 4));
    if (is_table) {
        give(walk, hd_u4_at(at + 8));
        for (at += 12; at < end; at += 4)
            use_branch(walk, instruction, (int32_t)hd_u4_at(at));
        return;
    }
    int64_t last = INT64_MIN;
    for (at += 8; at < end; at += 8) {
        int32_t match = (int32_t)hd_u4_at(at);
        if (match <= last)
            hd_reader_fail(&walk->in, "lookupswitch is not sorted");
        last = match;
        give(walk, (uint32_t)match);
        use_branch(walk, instruction, (int32_t)hd_u4_at(at + 4));
    }
}

static void use_wide(struct hd_walk *walk, const struct instruction *instruction)
{
    const uint8_t *operands = instruction->code + instruction->at + 2;
    uint8_t opcode = instruction->code[instruction->at + 1];
    if (opcode == HD_OP_RET && instruction->major >= FIRST_MAJOR_WITHOUT_SUBROUTINES)
        hd_reader_fail(&walk->in, "ret does not exist in class file version %u",
                       instruction->major);
    give(walk, opcode);
    use_local(walk, hd_u2_at(operands),
              hd_opcodes[opcode].operands == HD_OPERANDS_LOCAL_PAIR ? 2 : 1);
    if (opcode == HD_OP_IINC)
        give(walk, hd_u2_at(operands + 2));
}

uint8_t hd_code_plain_form(uint8_t opcode)
{
    switch (opcode) {
    case HD_OP_LDC_W:
        return HD_OP_LDC;
    case HD_OP_GOTO_W:
        return HD_OP_GOTO;
    case HD_OP_JSR_W:
        return HD_OP_JSR;
    default:
        return opcode;
    }
}

static bool is_subroutine(uint8_t opcode)
{
    return opcode == HD_OP_JSR || opcode == HD_OP_JSR_W || opcode == HD_OP_RET;
}

static void use_jump(struct hd_walk *walk, const struct instruction *instruction)
{
    const uint8_t *operands = instruction->code + instruction->at + 1;
    switch (hd_opcodes[instruction->opcode].operands) {
    case HD_OPERANDS_BRANCH:
        use_branch(walk, instruction, (int16_t)hd_u2_at(operands));
        return;
    case HD_OPERANDS_BRANCH_W:
        use_branch(walk, instruction, (int32_t)hd_u4_at(operands));
        return;
    default:
        use_switch(walk, instruction, instruction->opcode == HD_OP_TABLESWITCH);
        return;
    }
}

static void use_plain_operand(struct hd_walk *walk, const struct instruction *instruction)
{
    const uint8_t *operands = instruction->code + instruction->at + 1;
    switch (hd_opcodes[instruction->opcode].operands) {
    case HD_OPERANDS_NONE:
        return;
    case HD_OPERANDS_U1:
        give(walk, operands[0]);
        return;
    case HD_OPERANDS_U2:
        give(walk, hd_u2_at(operands));
        return;
    case HD_OPERANDS_LOCAL:
        use_local(walk, operands[0], 1);
        return;
    case HD_OPERANDS_LOCAL_PAIR:
        use_local(walk, operands[0], 2);
        return;
    case HD_OPERANDS_IINC:
        use_local(walk, operands[0], 1);
        give(walk, operands[1]);
        return;
    case HD_OPERANDS_NEWARRAY:
        use_array_type(walk, operands[0]);
        return;
    case HD_OPERANDS_WIDE:
        use_wide(walk, instruction);
        return;
    default:
        use_jump(walk, instruction);
        return;
    }
}

/* Those with a constant come first: they are most of them. */
static void use_operands(struct hd_walk *walk, const struct instruction *instruction)
{
    const uint8_t *operands = instruction->code + instruction->at + 1;
    switch (hd_opcodes[instruction->opcode].operands) {
    case HD_OPERANDS_LDC:
        use_loadable(walk, instruction, operands[0], false);
        return;
    case HD_OPERANDS_LDC_W:
        use_loadable(walk, instruction, hd_u2_at(operands), false);
        return;
    case HD_OPERANDS_LDC2_W:
        use_loadable(walk, instruction, hd_u2_at(operands), true);
        return;
    case HD_OPERANDS_FIELD:
        hd_walk_use(walk, hd_u2_at(operands), HD_TAGS(HD_TAG_FIELD));
        return;
    case HD_OPERANDS_METHOD:
        use_method(walk, instruction, hd_u2_at(operands));
        return;
    case HD_OPERANDS_INTERFACE:
        use_interface_method(walk, operands);
        return;
    case HD_OPERANDS_DYNAMIC:
        use_dynamic(walk, operands);
        return;
    case HD_OPERANDS_NEW:
    case HD_OPERANDS_ANEWARRAY:
    case HD_OPERANDS_CLASS:
    case HD_OPERANDS_MULTIANEWARRAY:
        use_class(walk, instruction);
        return;
    default:
        use_plain_operand(walk, instruction);
        return;
    }
}

static int walk_instruction(struct hd_walk *walk, const struct instruction *instruction)
{
    const struct hd_opcode_info *info = &hd_opcodes[instruction->opcode];
    if (walk->meaning != NULL)
        hd_meaning_add_u4(walk->meaning, hd_code_plain_form(instruction->opcode));
    if (info->local > 0 && (unsigned)info->local > walk->layout->max_locals)
        hd_reader_fail(&walk->in, "local variable %d, but max_locals is %u", info->local - 1,
                       walk->layout->max_locals);
    if (is_subroutine(instruction->opcode) && instruction->major >= FIRST_MAJOR_WITHOUT_SUBROUTINES)
        hd_reader_fail(&walk->in, "jsr and ret do not exist in class file version %u",
                       instruction->major);
    use_operands(walk, instruction);
    if (!walk->in.failed)
        return 0;
    return hd_error_prefix(walk->in.err, "instruction at %u (opcode 0x%02x)", instruction->at,
                           instruction->opcode);
}

int hd_code_walk(struct hd_walk *walk, uint16_t major)
{
    const struct hd_bytes code = walk->layout->bytecode;
    for (unsigned at = 0; at < code.length;) {
        const uint8_t opcode = code.data[at];
        const struct hd_opcode_info *info = &hd_opcodes[opcode];
        if (info->operands == HD_OPERANDS_NONE && info->local <= (int)walk->layout->max_locals) {
            give(walk, opcode);
            at++;
            continue;
        }
        unsigned length = (unsigned)hd_code_instruction_length(code, at);
        const struct instruction instruction = { code.data, at, length, opcode, major };
        if (walk_instruction(walk, &instruction) != 0)
            return -1;
        at += length;
    }
    return walk->in.failed ? -1 : 0;
}

int hd_exception_table_walk(struct hd_walk *walk)
{
    for (unsigned i = 0; hd_reader_left(&walk->in) > 0; i++) {
        unsigned start = hd_read_u2(&walk->in);
        unsigned end = hd_read_u2(&walk->in);
        hd_walk_use_pc(walk, start);
        if (end <= start)
            hd_reader_fail(&walk->in, "end %u is not after start %u", end, start);
        else if (end != walk->layout->bytecode.length)
            hd_walk_use_pc(walk, end);
        else
            give(walk, walk->layout->ordinals[end]);
        hd_walk_use_pc(walk, hd_read_u2(&walk->in));
        hd_walk_optional_constant(walk, HD_TAGS(HD_TAG_CLASS));
        if (walk->in.failed)
            return hd_error_prefix(walk->in.err, "exception table entry %u", i);
    }
    return hd_walk_finish(walk);
}
