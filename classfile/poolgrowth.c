/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/poolgrowth.h"

#include "classfile/meaning.h"

unsigned hd_pool_slots(const struct hd_class *class_file)
{
    return class_file->pool->count;
}

static bool takes_two_slots(enum hd_tag tag)
{
    return tag == HD_TAG_LONG || tag == HD_TAG_DOUBLE;
}

/* Gives each constant a number, and counts the slots of those that are new to the lexicon. A
 * bootstrap method counts as a constant as well, which errs on the safe side. */
static int enter(struct hd_lexicon *lexicon, const struct hd_pool *pool, unsigned *added,
                 struct hd_error *err)
{
    struct hd_meaning meaning;
    hd_meaning_init(&meaning, lexicon, pool, err);
    *added = 0;
    for (unsigned i = 1; i < pool->count && !meaning.failed; i++) {
        enum hd_tag tag = hd_pool_tag(pool, i);
        uint32_t before = lexicon->count;
        if (tag == HD_TAG_NONE)
            continue;
        hd_meaning_restart(&meaning);
        hd_meaning_add_constant(&meaning, i);
        *added += lexicon->count - before;
        if (lexicon->count > before && takes_two_slots(tag))
            ++*added;
    }
    int result = meaning.failed ? -1 : 0;
    hd_meaning_close(&meaning);
    return result;
}

int hd_pool_slots_added(const struct hd_class *before, const struct hd_class *after, unsigned *out,
                        struct hd_error *err)
{
    struct hd_lexicon lexicon;
    unsigned held, added;
    hd_lexicon_init(&lexicon, false);
    int result = enter(&lexicon, before->pool, &held, err);
    if (result == 0)
        result = enter(&lexicon, after->pool, &added, err);
    if (result == 0)
        *out = added;
    hd_lexicon_close(&lexicon);
    return result;
}
