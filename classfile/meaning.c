/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/meaning.h"

#include "classfile/class.h"

#include "core/alloc.h"

#define FIRST_SLOTS   256
#define TAG_BOOTSTRAP 0xFF

void hd_lexicon_init(struct hd_lexicon *lexicon, bool ignore_bootstraps)
{
    memset(lexicon, 0, sizeof *lexicon);
    lexicon->ignore_bootstraps = ignore_bootstraps;
}

void hd_lexicon_close(struct hd_lexicon *lexicon)
{
    hd_buffer_close(&lexicon->contents);
    hd_free(lexicon->entries);
    hd_free(lexicon->slots);
    hd_lexicon_init(lexicon, false);
}

static uint64_t hash_of(struct hd_bytes content)
{
    uint64_t hash = 0x9E3779B97F4A7C15u ^ content.length;
    size_t at = 0;
    for (; content.length - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, content.data + at, sizeof word);
        hash = (hash ^ word) * 0xFF51AFD7ED558CCDu;
        hash ^= hash >> 32;
    }
    for (; at < content.length; at++)
        hash = (hash ^ content.data[at]) * 0x100000001B3u;
    return hash ^ hash >> 29;
}

static void put_in_slot(struct hd_lexicon *lexicon, uint32_t number)
{
    uint32_t mask = lexicon->slot_count - 1;
    uint32_t slot = (uint32_t)lexicon->entries[number - 1].hash & mask;
    while (lexicon->slots[slot] != 0)
        slot = (slot + 1) & mask;
    lexicon->slots[slot] = number;
}

/* Keeps the table at most half full. */
static int make_room(struct hd_lexicon *lexicon, struct hd_error *err)
{
    if (lexicon->count < lexicon->capacity)
        return 0;
    uint32_t slot_count = lexicon->slot_count > 0 ? lexicon->slot_count * 2 : FIRST_SLOTS;
    struct hd_lexicon_entry *entries =
        hd_realloc_array(lexicon->entries, slot_count / 2, sizeof *entries);
    if (entries == NULL)
        return hd_error_set_memory(err);
    lexicon->entries = entries;
    uint32_t *slots = hd_alloc_zeroed(slot_count, sizeof *slots);
    if (slots == NULL)
        return hd_error_set_memory(err);
    hd_free(lexicon->slots);
    lexicon->slots = slots;
    lexicon->slot_count = slot_count;
    lexicon->capacity = slot_count / 2;
    for (uint32_t number = 1; number <= lexicon->count; number++)
        put_in_slot(lexicon, number);
    return 0;
}

static uint32_t find(const struct hd_lexicon *lexicon, struct hd_bytes content, uint64_t hash)
{
    if (lexicon->slot_count == 0)
        return 0;
    uint32_t mask = lexicon->slot_count - 1;
    for (uint32_t slot = (uint32_t)hash & mask; lexicon->slots[slot] != 0;
         slot = (slot + 1) & mask) {
        uint32_t number = lexicon->slots[slot];
        const struct hd_lexicon_entry *entry = &lexicon->entries[number - 1];
        struct hd_bytes known = { lexicon->contents.data + entry->offset, entry->length };
        if (entry->hash == hash && hd_bytes_equal(known, content))
            return number;
    }
    return 0;
}

/* The number of a content, new or known; 0 when memory is out. Numbers start at 1. */
static uint32_t number_of(struct hd_meaning *meaning, struct hd_bytes content)
{
    struct hd_lexicon *lexicon = meaning->lexicon;
    uint64_t hash = hash_of(content);
    uint32_t number = find(lexicon, content, hash);
    if (number != 0)
        return number;
    size_t offset = lexicon->contents.length;
    if (make_room(lexicon, meaning->err) != 0 ||
        hd_buffer_append(&lexicon->contents, content.data, content.length, meaning->err) != 0) {
        meaning->failed = true;
        return 0;
    }
    lexicon->entries[lexicon->count] = (struct hd_lexicon_entry){ hash, offset, content.length };
    lexicon->count++;
    put_in_slot(lexicon, lexicon->count);
    return lexicon->count;
}

static uint32_t number_of_parts(struct hd_meaning *meaning, const uint32_t *parts, size_t count)
{
    return number_of(meaning, (struct hd_bytes){ (const uint8_t *)parts, count * sizeof *parts });
}

/* A Utf8 and a number are their tag and bytes. Texts are looked up without a copy where they are
 * already known. */
static uint32_t number_of_bytes(struct hd_meaning *meaning, uint8_t tag, struct hd_bytes bytes)
{
    uint8_t small[256];
    struct hd_buffer large = HD_BUFFER_INIT;
    if (bytes.length < sizeof small) {
        small[0] = tag;
        if (bytes.length > 0)
            memcpy(small + 1, bytes.data, bytes.length);
        return number_of(meaning, (struct hd_bytes){ small, bytes.length + 1 });
    }
    uint32_t number = 0;
    if (hd_buffer_append(&large, &tag, 1, meaning->err) != 0 ||
        hd_buffer_append(&large, bytes.data, bytes.length, meaning->err) != 0)
        meaning->failed = true;
    else
        number = number_of(meaning, hd_buffer_view(&large));
    hd_buffer_close(&large);
    return number;
}

static uint32_t number_of_utf8(struct hd_meaning *meaning, unsigned index)
{
    if (meaning->numbers[index] == 0)
        meaning->numbers[index] =
            number_of_bytes(meaning, HD_TAG_UTF8, hd_pool_text(meaning->pool, index));
    return meaning->numbers[index];
}

/* Class and NameAndType are given by their texts alone, so that each level calls only lower ones.
 * The order of the steps is part of the fingerprint: numbers are given at first use. */
static uint32_t number_of_member(struct hd_meaning *meaning, unsigned index)
{
    if (meaning->numbers[index] != 0)
        return meaning->numbers[index];
    const struct hd_constant *constants = meaning->pool->constants;
    const struct hd_constant *member = &constants[index];
    const struct hd_constant *name_and_type = &constants[member->second];
    uint32_t parts[4] = { member->tag };
    parts[1] = number_of_utf8(meaning, constants[member->first].first);
    parts[2] = number_of_utf8(meaning, name_and_type->first);
    parts[3] = number_of_utf8(meaning, name_and_type->second);
    meaning->numbers[index] = number_of_parts(meaning, parts, 4);
    return meaning->numbers[index];
}

static uint32_t number_of_simple(struct hd_meaning *meaning, unsigned index)
{
    const struct hd_constant *constant = &meaning->pool->constants[index];
    uint32_t parts[4] = { constant->tag, constant->handle_kind };
    switch (constant->tag) {
    case HD_TAG_UTF8:
        return number_of_bytes(meaning, constant->tag, hd_pool_text(meaning->pool, index));
    case HD_TAG_INTEGER:
    case HD_TAG_FLOAT:
    case HD_TAG_LONG:
    case HD_TAG_DOUBLE:
        return number_of_bytes(meaning, constant->tag, hd_pool_number(meaning->pool, index));
    case HD_TAG_FIELD:
    case HD_TAG_METHOD:
    case HD_TAG_INTERFACE_METHOD:
        return number_of_member(meaning, index);
    case HD_TAG_METHOD_HANDLE:
        parts[2] = number_of_member(meaning, constant->first);
        return number_of_parts(meaning, parts, 3);
    case HD_TAG_NAME_AND_TYPE:
        parts[3] = number_of_utf8(meaning, constant->second);
        /* fall through */
    default:
        parts[2] = number_of_utf8(meaning, constant->first);
        return number_of_parts(meaning, parts, 4);
    }
}

static bool is_dynamic(const struct hd_pool *pool, unsigned index)
{
    return hd_pool_is(pool, index, HD_TAGS(HD_TAG_DYNAMIC) | HD_TAGS(HD_TAG_INVOKE_DYNAMIC));
}

/* Needs the number of the bootstrap method, if those count. */
static uint32_t number_of_dynamic(struct hd_meaning *meaning, unsigned index)
{
    const struct hd_constant *constant = &meaning->pool->constants[index];
    const struct hd_constant *name_and_type = &meaning->pool->constants[constant->second];
    uint32_t parts[4] = { constant->tag };
    if (!meaning->lexicon->ignore_bootstraps)
        parts[1] = meaning->bootstrap_numbers[constant->first];
    parts[2] = number_of_utf8(meaning, name_and_type->first);
    parts[3] = number_of_utf8(meaning, name_and_type->second);
    return number_of_parts(meaning, parts, 4);
}

static uint32_t number_of_constant(struct hd_meaning *meaning, unsigned index)
{
    if (meaning->numbers[index] == 0)
        meaning->numbers[index] = is_dynamic(meaning->pool, index)
                                      ? number_of_dynamic(meaning, index)
                                      : number_of_simple(meaning, index);
    return meaning->numbers[index];
}

/* Once all its arguments can be numbered. */
static void number_bootstrap(struct hd_meaning *meaning, unsigned number)
{
    const struct hd_bootstrap *bootstrap = &meaning->pool->bootstraps[number];
    size_t count = 2 + (size_t)bootstrap->argument_count;
    uint32_t *parts = hd_alloc_zeroed(count, sizeof *parts);
    if (parts == NULL) {
        hd_error_set_memory(meaning->err);
        meaning->failed = true;
        return;
    }
    parts[0] = TAG_BOOTSTRAP;
    parts[1] = number_of_constant(meaning, bootstrap->handle);
    for (unsigned i = 0; i < bootstrap->argument_count; i++)
        parts[2 + i] = number_of_constant(meaning, hd_bootstrap_argument(bootstrap, i));
    meaning->bootstrap_numbers[number] = number_of_parts(meaning, parts, count);
    hd_free(parts);
}

/* A bootstrap method whose arguments are looked at, one after the other. */
struct visit {
    unsigned bootstrap;
    unsigned next_argument;
};

/* The next argument's bootstrap method that has no number yet; false when there is none left. */
static bool find_unnumbered(const struct hd_meaning *meaning, struct visit *visit, unsigned *inner)
{
    const struct hd_bootstrap *bootstrap = &meaning->pool->bootstraps[visit->bootstrap];
    while (visit->next_argument < bootstrap->argument_count) {
        unsigned index = hd_bootstrap_argument(bootstrap, visit->next_argument++);
        if (!is_dynamic(meaning->pool, index))
            continue;
        *inner = meaning->pool->constants[index].first;
        if (meaning->bootstrap_numbers[*inner] == 0)
            return true;
    }
    return false;
}

/* Innermost first, with a stack of our own: the pool's check bounds the depth. */
static void number_bootstrap_and_inner(struct hd_meaning *meaning, unsigned outermost)
{
    struct visit stack[HD_CLASS_MAX_NESTING + 1] = { { outermost, 0 } };
    unsigned depth = 1;
    while (depth > 0 && !meaning->failed) {
        unsigned inner;
        if (depth <= HD_CLASS_MAX_NESTING && find_unnumbered(meaning, &stack[depth - 1], &inner)) {
            stack[depth++] = (struct visit){ inner, 0 };
            continue;
        }
        number_bootstrap(meaning, stack[depth - 1].bootstrap);
        depth--;
    }
}

void hd_meaning_init(struct hd_meaning *meaning, struct hd_lexicon *lexicon,
                     const struct hd_pool *pool, struct hd_error *err)
{
    *meaning = (struct hd_meaning){ .lexicon = lexicon, .pool = pool, .err = err };
}

/* Most comparisons never ask for a number. */
static bool open_numbers(struct hd_meaning *meaning)
{
    size_t count = (size_t)meaning->pool->count + meaning->pool->bootstrap_count;
    meaning->numbers = hd_alloc_zeroed(count, sizeof *meaning->numbers);
    if (meaning->numbers == NULL) {
        hd_error_set_memory(meaning->err);
        meaning->failed = true;
        return false;
    }
    meaning->bootstrap_numbers = meaning->numbers + meaning->pool->count;
    return true;
}

void hd_meaning_close(struct hd_meaning *meaning)
{
    hd_buffer_close(&meaning->run);
    hd_free(meaning->numbers);
    *meaning = (struct hd_meaning){ .failed = true };
}

void hd_meaning_grow(struct hd_meaning *meaning)
{
    if (!meaning->failed && hd_buffer_reserve(&meaning->run, sizeof(uint32_t), meaning->err) != 0)
        meaning->failed = true;
}

void hd_meaning_add_constant(struct hd_meaning *meaning, unsigned index)
{
    if (meaning->failed || (meaning->numbers == NULL && !open_numbers(meaning)))
        return;
    const struct hd_constant *constant = &meaning->pool->constants[index];
    bool needs_bootstrap = !meaning->lexicon->ignore_bootstraps &&
                           is_dynamic(meaning->pool, index) &&
                           meaning->bootstrap_numbers[constant->first] == 0;
    if (needs_bootstrap)
        number_bootstrap_and_inner(meaning, constant->first);
    hd_meaning_add_u4(meaning, number_of_constant(meaning, index));
}

void hd_meaning_add_text(struct hd_meaning *meaning, struct hd_bytes text)
{
    if (!meaning->failed)
        hd_meaning_add_u4(meaning, number_of_bytes(meaning, HD_TAG_UTF8, text));
}
