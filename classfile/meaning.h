/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meaning of code and attributes, free of the constant pool's order.
 *
 * A lexicon gives every distinct constant a number, in order of first use; classes that share a
 * lexicon can be compared number by number. A meaning is the flat run of numbers that a walk
 * (classfile/walk.h) leaves behind: equal runs, equal meaning. A lexicon and its meanings belong to
 * one thread.
 */
#ifndef HD_CLASSFILE_MEANING_H
#define HD_CLASSFILE_MEANING_H

#include "classfile/pool.h"
#include "core/buffer.h"

#include <string.h>

struct hd_lexicon {
    struct hd_buffer contents; /* every distinct constant once, one after the other */
    struct hd_lexicon_entry *entries;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* hash table of entry numbers */
    uint32_t slot_count;
    bool ignore_bootstraps; /* a dynamic constant is only its name and type: JVMTI does not show
                               more */
};

struct hd_lexicon_entry {
    uint64_t hash;
    size_t offset;
    size_t length;
};

struct hd_meaning {
    struct hd_buffer run;
    struct hd_lexicon *lexicon;
    const struct hd_pool *pool;
    uint32_t *numbers;           /* by pool index: the lexicon's number, 0 not known yet; NULL until
                                    the first constant */
    uint32_t *bootstrap_numbers; /* by bootstrap method */
    struct hd_error *err;
    bool failed; /* memory ran out: the run is worthless */
};

void hd_lexicon_init(struct hd_lexicon *lexicon, bool ignore_bootstraps);
void hd_lexicon_close(struct hd_lexicon *lexicon);

/* Prepares a meaning for the constants of pool, which it borrows with the lexicon until closed. */
void hd_meaning_init(struct hd_meaning *meaning, struct hd_lexicon *lexicon,
                     const struct hd_pool *pool, struct hd_error *err);
void hd_meaning_close(struct hd_meaning *meaning);

/* Forgets the run, keeps the numbers. */
static inline void hd_meaning_restart(struct hd_meaning *meaning)
{
    meaning->run.length = 0;
}

void hd_meaning_grow(struct hd_meaning *meaning);

static inline void hd_meaning_add_u4(struct hd_meaning *meaning, uint32_t number)
{
    if (__builtin_expect(meaning->run.capacity - meaning->run.length < sizeof number, 0))
        hd_meaning_grow(meaning);
    if (meaning->failed)
        return;
    memcpy(meaning->run.data + meaning->run.length, &number, sizeof number);
    meaning->run.length += sizeof number;
}

/* A constant that the pool holds. */
void hd_meaning_add_constant(struct hd_meaning *meaning, unsigned index);
/* A text that need not be in the pool (member names given by the JVM). */
void hd_meaning_add_text(struct hd_meaning *meaning, struct hd_bytes text);

static inline bool hd_meaning_equal(const struct hd_meaning *a, const struct hd_meaning *b)
{
    return hd_bytes_equal(hd_buffer_view(&a->run), hd_buffer_view(&b->run));
}

#endif
