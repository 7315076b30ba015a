/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/dynamics.h"

#include "classfile/code.h"
#include "classfile/opcodes.h"

#include "core/alloc.h"

#include <string.h>

#define DYNAMIC_TAGS (HD_TAGS(HD_TAG_DYNAMIC) | HD_TAGS(HD_TAG_INVOKE_DYNAMIC))

/* The dynamic constants change places among themselves: all have the same size, so that nothing
 * else moves. */
struct ordering {
    const struct hd_class *class_file;
    const struct hd_pool *pool;
    uint16_t *places; /* by number, in the order of the file: the index in the pool */
    uint16_t *order;  /* which constants, by their old index, these places get */
    size_t count;
    size_t placed;
    uint16_t *moved_to; /* by old index: the new one; 0: not placed, or no dynamic constant */
    uint8_t *file;      /* the copy */
};

static bool is_dynamic(const struct hd_pool *pool, unsigned index)
{
    return hd_pool_is(pool, index, DYNAMIC_TAGS);
}

static const struct hd_bootstrap *bootstrap_of(const struct hd_pool *pool, unsigned index)
{
    return &pool->bootstraps[pool->constants[index].first];
}

/* The first argument from number *at on that is a dynamic constant without a place; 0 when there
 * is none. *at is behind it. */
static unsigned next_unplaced(const struct ordering *ordering, unsigned index, unsigned *at)
{
    const struct hd_bootstrap *bootstrap = bootstrap_of(ordering->pool, index);
    while (*at < bootstrap->argument_count) {
        unsigned argument = hd_bootstrap_argument(bootstrap, (*at)++);
        if (is_dynamic(ordering->pool, argument) && ordering->moved_to[argument] == 0)
            return argument;
    }
    return 0;
}

static void place(struct ordering *ordering, unsigned index)
{
    ordering->moved_to[index] = ordering->places[ordering->placed];
    ordering->order[ordering->placed++] = (uint16_t)index;
}

/* A constant after all that it is made of. The nesting is bounded and without circles
 * (hd_pool_check_bootstraps). */
static void place_with_arguments(struct ordering *ordering, unsigned index)
{
    struct {
        unsigned index, next_argument;
    } path[HD_CLASS_MAX_NESTING + 1] = { { index, 0 } };
    size_t depth = ordering->moved_to[index] == 0 ? 1 : 0;
    while (depth > 0) {
        unsigned argument =
            next_unplaced(ordering, path[depth - 1].index, &path[depth - 1].next_argument);
        if (argument != 0 && depth <= HD_CLASS_MAX_NESTING) {
            path[depth].index = argument;
            path[depth++].next_argument = 0;
        } else {
            place(ordering, path[--depth].index);
        }
    }
}

static bool is_in_order(const struct ordering *ordering)
{
    return memcmp(ordering->places, ordering->order, ordering->count * sizeof *ordering->order) ==
           0;
}

static size_t size_in_file(const uint8_t *constant)
{
    size_t text = constant[0] == HD_TAG_UTF8 ? hd_u2_at(constant + 1) : 0;
    return hd_constant_sizes[constant[0]] + text;
}

static void put_u2(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* The same byte in the copy. */
static uint8_t *in_copy(const struct ordering *ordering, const uint8_t *byte)
{
    return ordering->file + (byte - ordering->class_file->file.data);
}

static void write_constants(struct ordering *ordering)
{
    const struct hd_pool *pool = ordering->pool;
    const uint8_t *at = pool->raw.data;
    size_t number = 0;
    for (unsigned i = 1; i < pool->count; i++) {
        if (pool->constants[i].tag == HD_TAG_NONE)
            continue;
        if (is_dynamic(pool, i)) {
            const struct hd_constant *constant = &pool->constants[ordering->order[number++]];
            uint8_t *to = in_copy(ordering, at);
            to[0] = constant->tag;
            put_u2(to + 1, constant->first);
            put_u2(to + 3, constant->second);
        }
        at += size_in_file(at);
    }
}

/* at: an index in the original file. */
static void renumber(struct ordering *ordering, const uint8_t *at)
{
    unsigned index = hd_u2_at(at);
    if (is_dynamic(ordering->pool, index))
        put_u2(in_copy(ordering, at), ordering->moved_to[index]);
}

static void renumber_bootstraps(struct ordering *ordering)
{
    for (unsigned i = 0; i < ordering->pool->bootstrap_count; i++) {
        const struct hd_bootstrap *bootstrap = &ordering->pool->bootstraps[i];
        for (unsigned argument = 0; argument < bootstrap->argument_count; argument++)
            renumber(ordering, bootstrap->arguments + 2 * (size_t)argument);
    }
}

static int renumber_ldc(struct ordering *ordering, const uint8_t *at, struct hd_error *err)
{
    if (!is_dynamic(ordering->pool, *at))
        return 0;
    unsigned index = ordering->moved_to[*at];
    if (index > UINT8_MAX)
        return hd_error_set(
            err, HD_E_LIMIT,
            "nested dynamic constants stand in an order of which this JVM may die, and an ldc "
            "keeps them from being put "
            "into another; compile the class with another order of methods or constants");
    *in_copy(ordering, at) = (uint8_t)index;
    return 0;
}

static int renumber_code(struct ordering *ordering, const struct hd_code_layout *layout,
                         struct hd_error *err)
{
    for (size_t i = 0; i < layout->bytecode.length; i++) {
        const uint8_t *at = layout->bytecode.data + i;
        if (layout->ordinals[i] == HD_NOT_AN_INSTRUCTION)
            continue;
        switch (hd_opcodes[*at].operands) {
        case HD_OPERANDS_LDC:
            if (renumber_ldc(ordering, at + 1, err) != 0)
                return -1;
            break;
        case HD_OPERANDS_LDC_W:
        case HD_OPERANDS_LDC2_W:
        case HD_OPERANDS_DYNAMIC:
            renumber(ordering, at + 1);
            break;
        default:
            break;
        }
    }
    return 0;
}

static int renumber_methods(struct ordering *ordering, struct hd_error *err)
{
    struct hd_code_scratch scratch = HD_CODE_SCRATCH_INIT;
    int result = 0;
    for (size_t i = 0; i < ordering->class_file->method_count && result == 0; i++) {
        struct hd_bytes bytecode = ordering->class_file->methods[i].code.bytecode;
        struct hd_code_layout layout;
        if (bytecode.length == 0)
            continue;
        result = hd_code_lay_out(bytecode, &scratch, &layout, err);
        if (result == 0)
            result = renumber_code(ordering, &layout, err);
    }
    hd_code_scratch_close(&scratch);
    return result;
}

static int write_copy(struct ordering *ordering, struct hd_error *err)
{
    struct hd_bytes file = ordering->class_file->file;
    ordering->file = hd_alloc(file.length);
    if (ordering->file == NULL)
        return hd_error_set_memory(err);
    memcpy(ordering->file, file.data, file.length);
    write_constants(ordering);
    renumber_bootstraps(ordering);
    return renumber_methods(ordering, err);
}

static void find_order(struct ordering *ordering)
{
    for (unsigned i = 1; i < ordering->pool->count; i++)
        if (is_dynamic(ordering->pool, i))
            ordering->places[ordering->count++] = (uint16_t)i;
    for (size_t i = 0; i < ordering->count; i++)
        place_with_arguments(ordering, ordering->places[i]);
}

int hd_dynamics_put_in_order(const struct hd_class *class_file, uint8_t **out, struct hd_error *err)
{
    const struct hd_pool *pool = class_file->pool;
    if ((pool->tags_present & HD_TAGS(HD_TAG_DYNAMIC)) == 0) {
        *out = NULL;
        return 0;
    }
    uint16_t *numbers = hd_alloc_zeroed(3 * (size_t)pool->count, sizeof *numbers);
    if (numbers == NULL)
        return hd_error_set_memory(err);
    struct ordering ordering = {
        .class_file = class_file,
        .pool = pool,
        .places = numbers,
        .order = numbers + pool->count,
        .moved_to = numbers + 2 * (size_t)pool->count,
    };
    int result = 0;
    find_order(&ordering);
    if (!is_in_order(&ordering))
        result = write_copy(&ordering, err);
    if (result == 0)
        *out = ordering.file;
    else
        hd_free(ordering.file);
    hd_free(numbers);
    return result;
}
