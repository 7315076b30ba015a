/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/twins.h"

#include "classfile/code.h"
#include "classfile/opcodes.h"

#include "core/alloc.h"

int hd_twins_init(struct hd_twins *twins, const struct hd_pool *before, const struct hd_pool *after,
                  bool ignore_bootstraps, struct hd_error *err)
{
    *twins = (struct hd_twins){ before, after, .ignore_bootstraps = ignore_bootstraps };
    twins->known = hd_alloc_zeroed(before->count, sizeof *twins->known);
    return twins->known != NULL ? 0 : hd_error_set_memory(err);
}

void hd_twins_close(struct hd_twins *twins)
{
    hd_free(twins->known);
    twins->known = NULL;
}

static bool same_texts(const struct hd_twins *twins, unsigned before, unsigned after)
{
    return hd_same_ends_equal(&twins->ends, hd_pool_text(twins->before, before),
                              hd_pool_text(twins->after, after));
}

static bool same_names_and_types(const struct hd_twins *twins, unsigned before, unsigned after)
{
    const struct hd_constant *a = &twins->before->constants[before];
    const struct hd_constant *b = &twins->after->constants[after];
    return same_texts(twins, a->first, b->first) && same_texts(twins, a->second, b->second);
}

static bool same_members(const struct hd_twins *twins, unsigned before, unsigned after)
{
    const struct hd_constant *a = &twins->before->constants[before];
    const struct hd_constant *b = &twins->after->constants[after];
    return a->tag == b->tag && same_names_and_types(twins, a->second, b->second) &&
           same_texts(twins, twins->before->constants[a->first].first,
                      twins->after->constants[b->first].first);
}

/* Everything but dynamic constants, which lead to others of their kind. */
static bool same_simple_constants(const struct hd_twins *twins, unsigned before, unsigned after)
{
    const struct hd_constant *a = &twins->before->constants[before];
    const struct hd_constant *b = &twins->after->constants[after];
    if (a->tag != b->tag)
        return false;
    switch (a->tag) {
    case HD_TAG_UTF8:
        return same_texts(twins, before, after);
    case HD_TAG_INTEGER:
    case HD_TAG_FLOAT:
    case HD_TAG_LONG:
    case HD_TAG_DOUBLE:
        return hd_same_ends_equal(&twins->ends, hd_pool_number(twins->before, before),
                                  hd_pool_number(twins->after, after));
    case HD_TAG_CLASS:
    case HD_TAG_STRING:
    case HD_TAG_METHOD_TYPE:
        return same_texts(twins, a->first, b->first);
    case HD_TAG_NAME_AND_TYPE:
        return same_names_and_types(twins, before, after);
    case HD_TAG_FIELD:
    case HD_TAG_METHOD:
    case HD_TAG_INTERFACE_METHOD:
        return same_members(twins, before, after);
    case HD_TAG_METHOD_HANDLE:
        return a->handle_kind == b->handle_kind && same_members(twins, a->first, b->first);
    default:
        return false;
    }
}

static bool same_bootstraps(const struct hd_twins *twins, unsigned before, unsigned after)
{
    const struct hd_bootstrap *a = &twins->before->bootstraps[before];
    const struct hd_bootstrap *b = &twins->after->bootstraps[after];
    if (a->argument_count != b->argument_count ||
        !same_simple_constants(twins, a->handle, b->handle))
        return false;
    for (unsigned i = 0; i < a->argument_count; i++) {
        if (!same_simple_constants(twins, hd_bootstrap_argument(a, i), hd_bootstrap_argument(b, i)))
            return false;
    }
    return true;
}

static bool is_dynamic(const struct hd_constant *constant)
{
    return constant->tag == HD_TAG_DYNAMIC || constant->tag == HD_TAG_INVOKE_DYNAMIC;
}

static enum hd_twins_answer compare_dynamic(const struct hd_twins *twins, unsigned before,
                                            unsigned after)
{
    const struct hd_constant *a = &twins->before->constants[before];
    const struct hd_constant *b = &twins->after->constants[after];
    if (!same_names_and_types(twins, a->second, b->second))
        return HD_TWINS_DIFFER;
    if (twins->ignore_bootstraps || same_bootstraps(twins, a->first, b->first))
        return HD_TWINS_SAME;
    return HD_TWINS_UNSURE; /* those among a bootstrap method's arguments were not looked into */
}

static enum hd_twins_answer compare_constants(const struct hd_twins *twins, unsigned before,
                                              unsigned after)
{
    const struct hd_constant *a = &twins->before->constants[before];
    const struct hd_constant *b = &twins->after->constants[after];
    if (a->tag != b->tag)
        return HD_TWINS_DIFFER;
    if (is_dynamic(a))
        return compare_dynamic(twins, before, after);
    return same_simple_constants(twins, before, after) ? HD_TWINS_SAME : HD_TWINS_DIFFER;
}

enum hd_twins_answer hd_twins_compare(struct hd_twins *twins, unsigned before, unsigned after)
{
    if (before == 0 && after == 0)
        return HD_TWINS_SAME; /* no catch type, on both sides */
    if (before == 0 || after == 0 || before >= twins->before->count || after >= twins->after->count)
        return HD_TWINS_UNSURE;
    if (twins->known[before] == after)
        return HD_TWINS_SAME;
    enum hd_twins_answer answer = compare_constants(twins, before, after);
    if (answer == HD_TWINS_SAME)
        twins->known[before] = (uint16_t)after;
    return answer;
}

bool hd_twins_aligned(struct hd_twins *twins, unsigned index)
{
    return hd_twins_compare(twins, index, index) == HD_TWINS_SAME;
}

/* Where in an instruction its index into the pool stands: bytes behind the opcode; 0: it has none.
 */
static inline unsigned index_width(uint8_t opcode)
{
    static const uint8_t widths[] = { [HD_OPERANDS_LDC] = 1,
                                      [HD_OPERANDS_LDC_W] = 2,
                                      [HD_OPERANDS_LDC2_W] = 2,
                                      [HD_OPERANDS_FIELD] = 2,
                                      [HD_OPERANDS_METHOD] = 2,
                                      [HD_OPERANDS_INTERFACE] = 2,
                                      [HD_OPERANDS_DYNAMIC] = 2,
                                      [HD_OPERANDS_NEW] = 2,
                                      [HD_OPERANDS_ANEWARRAY] = 2,
                                      [HD_OPERANDS_CLASS] = 2,
                                      [HD_OPERANDS_MULTIANEWARRAY] = 2,
                                      [HD_OPERANDS_WIDE] = 0 };
    return widths[hd_opcodes[opcode].operands];
}

static inline unsigned index_in(const uint8_t *instruction, unsigned width)
{
    return width == 1 ? instruction[1] : hd_u2_at(instruction + 1);
}

/* The meaning has the operand as it stands. */
static bool has_plain_operand(uint8_t opcode)
{
    switch (hd_opcodes[opcode].operands) {
    case HD_OPERANDS_U1:
    case HD_OPERANDS_U2:
    case HD_OPERANDS_LOCAL:
    case HD_OPERANDS_LOCAL_PAIR:
    case HD_OPERANDS_IINC:
    case HD_OPERANDS_NEWARRAY:
        return true;
    default:
        return false;
    }
}

/* The instructions are of the same opcode; the first is so long, and the other no shorter. */
static enum hd_twins_answer compare_operands(struct hd_twins *twins, const uint8_t *before,
                                             const uint8_t *after, size_t length)
{
    unsigned width = index_width(before[0]);
    if (width == 0) {
        if (memcmp(before + 1, after + 1, length - 1) == 0)
            return HD_TWINS_SAME;
        return has_plain_operand(before[0]) ? HD_TWINS_DIFFER : HD_TWINS_UNSURE;
    }
    enum hd_twins_answer answer =
        hd_twins_compare(twins, index_in(before, width), index_in(after, width));
    size_t head = 1 + (size_t)width;
    if (answer == HD_TWINS_SAME && memcmp(before + head, after + head, length - head) != 0)
        return HD_TWINS_UNSURE;
    return answer;
}

static enum hd_twins_answer compare_opcodes(uint8_t before, uint8_t after)
{
    if (before == after)
        return HD_TWINS_SAME;
    return hd_code_plain_form(before) == hd_code_plain_form(after) ? HD_TWINS_UNSURE
                                                                   : HD_TWINS_DIFFER;
}

/* The code is the same bytes in both: only what its constants say can differ. */
static bool constants_are_aligned(struct hd_twins *twins, struct hd_bytes code)
{
    for (size_t at = 0; at < code.length;) {
        size_t length = hd_code_instruction_length(code, (unsigned)at);
        if (length == 0 || length > code.length - at)
            return false;
        unsigned width = index_width(code.data[at]);
        if (width > 0 && !hd_twins_aligned(twins, index_in(code.data + at, width)))
            return false;
        at += length;
    }
    return true;
}

enum hd_twins_answer hd_twins_compare_code(struct hd_twins *twins, struct hd_bytes before,
                                           struct hd_bytes after)
{
    if (hd_same_ends_cover(&twins->ends, before, after) && constants_are_aligned(twins, before))
        return HD_TWINS_SAME;
    size_t at = 0;
    while (at < before.length && at < after.length) {
        enum hd_twins_answer answer = compare_opcodes(before.data[at], after.data[at]);
        if (answer != HD_TWINS_SAME)
            return answer;
        size_t length = hd_code_instruction_length(before, (unsigned)at);
        if (length == 0 || length > before.length - at || length > after.length - at)
            return HD_TWINS_UNSURE;
        answer = compare_operands(twins, before.data + at, after.data + at, length);
        if (answer != HD_TWINS_SAME)
            return answer;
        at += length;
    }
    return before.length == after.length ? HD_TWINS_SAME : HD_TWINS_UNSURE;
}

bool hd_twins_same_handlers(struct hd_twins *twins, struct hd_bytes before, struct hd_bytes after)
{
    enum { ENTRY = 8, OFFSETS = 6 };
    if (before.length != after.length)
        return false;
    for (size_t at = 0; at + ENTRY <= before.length; at += ENTRY) {
        if (memcmp(before.data + at, after.data + at, OFFSETS) != 0 ||
            hd_twins_compare(twins, hd_u2_at(before.data + at + OFFSETS),
                             hd_u2_at(after.data + at + OFFSETS)) != HD_TWINS_SAME)
            return false;
    }
    return true;
}
