/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bootstrap methods that need each other's dynamic constants (JVMS §4.7.23). HotSpot walks them
 * recursively when it merges pools, so a circle or a deep chain overflows its stack, and a wide one
 * keeps it busy for ever.
 */
#include "classfile/class.h"
#include "classfile/pool.h"

#include "core/alloc.h"

/* How deep a bootstrap method's dynamic arguments go, and how many constants it is when they are
 * all unfolded. */
struct extent {
    unsigned depth; /* 1: no dynamic argument */
    unsigned unfolded;
};

static unsigned saturated_sum(unsigned a, unsigned b)
{
    unsigned sum = a + b;
    return sum > HD_POOL_MAX_UNFOLDED ? HD_POOL_MAX_UNFOLDED + 1 : sum;
}

static struct extent extent_of(const struct hd_pool *pool, const struct hd_bootstrap *bootstrap,
                               const struct extent *known)
{
    struct extent extent = { 1, 1 };
    for (unsigned i = 0; i < bootstrap->argument_count; i++) {
        unsigned index = hd_bootstrap_argument(bootstrap, i);
        extent.unfolded = saturated_sum(extent.unfolded, 1);
        if (hd_pool_tag(pool, index) != HD_TAG_DYNAMIC)
            continue;
        const struct extent *inner = &known[pool->constants[index].first];
        if (inner->depth + 1 > extent.depth)
            extent.depth = inner->depth + 1;
        extent.unfolded = saturated_sum(extent.unfolded, inner->unfolded);
    }
    return extent;
}

static void measure_first(const struct hd_pool *pool, struct extent *extents)
{
    for (unsigned i = 0; i < pool->bootstrap_count; i++)
        extents[i] = (struct extent){ 1, 1 };
    for (unsigned i = 0; i < pool->bootstrap_count; i++)
        extents[i] = extent_of(pool, &pool->bootstraps[i], extents);
}

/* One round lets depths and sizes travel one step from inner to outer; true while something still
 * moves. What has no dynamic argument was right at once. */
static bool spread(const struct hd_pool *pool, struct extent *extents)
{
    bool moved = false;
    for (unsigned i = 0; i < pool->bootstrap_count; i++) {
        if (extents[i].depth == 1)
            continue;
        struct extent now = extent_of(pool, &pool->bootstraps[i], extents);
        moved = moved || now.depth != extents[i].depth || now.unfolded != extents[i].unfolded;
        extents[i] = now;
    }
    return moved;
}

static bool is_too_wide(const struct hd_pool *pool, const struct extent *extents)
{
    unsigned total = 0;
    for (unsigned i = 0; i < pool->bootstrap_count; i++)
        total = saturated_sum(total, extents[i].depth > 1 ? extents[i].unfolded : 0);
    return total > HD_POOL_MAX_UNFOLDED;
}

static bool is_too_deep(const struct hd_pool *pool, const struct extent *extents)
{
    for (unsigned i = 0; i < pool->bootstrap_count; i++) {
        if (extents[i].depth > HD_CLASS_MAX_NESTING)
            return true;
    }
    return false;
}

/* In a circle depths grow for ever, so that this ends in any case. */
static int check_extents(const struct hd_pool *pool, struct extent *extents, struct hd_error *err)
{
    measure_first(pool, extents);
    do {
        if (is_too_wide(pool, extents))
            return hd_error_set(err, HD_E_FORMAT,
                                "BootstrapMethods: nested dynamic constants unfold to more than %d",
                                HD_POOL_MAX_UNFOLDED);
        if (is_too_deep(pool, extents))
            return hd_error_set(err, HD_E_FORMAT,
                                "BootstrapMethods: dynamic constants nest in a circle or deeper "
                                "than %d",
                                HD_CLASS_MAX_NESTING);
    } while (spread(pool, extents));
    return 0;
}

#define DYNAMIC_TAGS (HD_TAGS(HD_TAG_DYNAMIC) | HD_TAGS(HD_TAG_INVOKE_DYNAMIC))

static int check_numbers(const struct hd_pool *pool, struct hd_error *err)
{
    for (unsigned i = 1; i < pool->count; i++) {
        const struct hd_constant *constant = &pool->constants[i];
        if ((HD_TAGS(constant->tag) & DYNAMIC_TAGS) != 0 &&
            constant->first >= pool->bootstrap_count)
            return hd_error_set(
                err, HD_E_FORMAT,
                "constant %u (%s): there is no bootstrap method %u, only %u of them", i,
                hd_tag_word((enum hd_tag)constant->tag), constant->first, pool->bootstrap_count);
    }
    return 0;
}

int hd_pool_check_bootstraps(const struct hd_pool *pool, struct hd_error *err)
{
    if ((pool->tags_present & DYNAMIC_TAGS) == 0)
        return 0;
    if (check_numbers(pool, err) != 0)
        return -1;
    if ((pool->tags_present & HD_TAGS(HD_TAG_DYNAMIC)) == 0)
        return 0;
    struct extent *extents = hd_alloc_zeroed(pool->bootstrap_count, sizeof *extents);
    if (extents == NULL)
        return hd_error_set_memory(err);
    int result = check_extents(pool, extents, err);
    hd_free(extents);
    return result;
}
