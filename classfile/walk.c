/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/walk.h"

#include "classfile/utf8.h"

#include <stdio.h>

/* "Class, String or Dynamic": the kinds in a set, for messages. */
static void describe_tags(uint32_t tags, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned tag = 1; tag <= HD_TAG_PACKAGE && used + 1 < size; tag++) {
        if ((tags & HD_TAGS(tag)) == 0)
            continue;
        int wrote = snprintf(out + used, size - used, "%s%s", used > 0 ? " or " : "",
                             hd_tag_word((enum hd_tag)tag));
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

static void fail_on_kind(struct hd_walk *walk, unsigned index, uint32_t tags)
{
    char wanted[160];
    describe_tags(tags, wanted, sizeof wanted);
    if (index == 0 || index >= walk->pool->count)
        hd_reader_fail(&walk->in, "constant %u does not exist (the pool has 1 to %u; %s wanted)",
                       index, walk->pool->count - 1, wanted);
    else
        hd_reader_fail(&walk->in, "constant %u is %s, not %s", index,
                       hd_tag_word(hd_pool_tag(walk->pool, index)), wanted);
}

void hd_walk_use_closely(struct hd_walk *walk, unsigned index, uint32_t tags)
{
    if (walk->in.failed)
        return;
    if (!hd_pool_is(walk->pool, index, tags)) {
        fail_on_kind(walk, index, tags);
        return;
    }
    if (walk->aligned != NULL && !hd_twins_aligned(walk->aligned, index))
        hd_reader_stop(&walk->in);
    if (walk->meaning != NULL)
        hd_meaning_add_constant(walk->meaning, index);
}

uint16_t hd_walk_constant(struct hd_walk *walk, uint32_t tags)
{
    uint16_t index = hd_read_u2(&walk->in);
    hd_walk_use(walk, index, tags);
    return walk->in.failed ? 0 : index;
}

uint16_t hd_walk_optional_constant(struct hd_walk *walk, uint32_t tags)
{
    uint16_t index = hd_read_u2(&walk->in);
    if (index != 0)
        hd_walk_use(walk, index, tags);
    else if (walk->meaning != NULL)
        hd_meaning_add_u4(walk->meaning, 0);
    return walk->in.failed ? 0 : index;
}

uint16_t hd_walk_text(struct hd_walk *walk, enum hd_text_kind kind, const char *what)
{
    uint16_t index = hd_walk_constant(walk, HD_TAGS(HD_TAG_UTF8));
    bool was_checked = walk->meaning != NULL || walk->aligned != NULL;
    if (index == 0 || was_checked || hd_text_is(walk->pool, index, kind))
        return index;
    char printable[HD_PRINTABLE_MAX];
    hd_reader_fail(&walk->in, "constant %u, \"%s\", is not %s", index,
                   hd_utf8_printable(printable, hd_pool_text(walk->pool, index)), what);
    return 0;
}

void hd_walk_use_pc(struct hd_walk *walk, unsigned pc)
{
    const struct hd_code_layout *layout = walk->layout;
    if (layout == NULL || walk->in.failed)
        return;
    if (pc >= layout->bytecode.length || layout->ordinals[pc] == HD_NOT_AN_INSTRUCTION) {
        hd_reader_fail(&walk->in, "no instruction starts at %u", pc);
        return;
    }
    if (walk->meaning != NULL)
        hd_meaning_add_u4(walk->meaning, layout->ordinals[pc]);
}

int hd_walk_finish(struct hd_walk *walk)
{
    if (!walk->in.failed && walk->in.at != walk->in.end)
        hd_reader_fail(&walk->in, "%zu bytes too long", hd_reader_left(&walk->in));
    return walk->in.failed ? -1 : 0;
}
