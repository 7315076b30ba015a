/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offers.h"

#include "core/alloc.h"
#include "core/sorted.h"

#include <stdlib.h>
#include <string.h>

void hd_offers_close(struct hd_offers *offers, JNIEnv *jni)
{
    for (size_t i = 0; i < offers->count; i++)
        hd_patch_release(offers->items[i], jni);
    hd_free(offers->items);
    *offers = (struct hd_offers){ NULL, 0 };
}

/* Changes that newcomers may get, ordered by name. */
struct candidates {
    const struct hd_change **items;
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    const struct hd_change *left = *(const struct hd_change *const *)a;
    const struct hd_change *right = *(const struct hd_change *const *)b;
    return strcmp(left->internal_name, right->internal_name);
}

static bool order_candidates(const struct hd_change *changes, size_t count, struct candidates *out)
{
    *out = (struct candidates){ hd_alloc_zeroed(count + 1, sizeof(struct hd_change *)), 0 };
    if (out->items == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (changes[i].internal_name != NULL && changes[i].for_newcomers)
            out->items[out->count++] = &changes[i];
    }
    qsort(out->items, out->count, sizeof out->items[0], by_name);
    return true;
}

static bool is_before(const void *items, size_t at, const void *name)
{
    return strcmp(((const struct hd_change *const *)items)[at]->internal_name, name) < 0;
}

static bool same_choice(const struct hd_change *change, const struct hd_patch *offer)
{
    if (change->loader_text == NULL || offer->loader_text == NULL)
        return change->loader_text == NULL && offer->loader_text == NULL;
    return change->loader_is_whole == offer->loader_is_whole &&
           strcmp(change->loader_text, offer->loader_text) == 0;
}

/* The change says anew what this offer says. */
static bool replaces(const struct hd_change *change, const struct hd_patch *offer)
{
    return change->base == offer->base &&
           (change->loader_text == NULL || same_choice(change, offer));
}

static bool is_replaced(const struct candidates *candidates, const struct hd_patch *offer)
{
    const char *name = offer->class_name;
    for (size_t i = hd_sorted_first(candidates->items, candidates->count, name, is_before);
         i < candidates->count && strcmp(candidates->items[i]->internal_name, name) == 0; i++) {
        if (replaces(candidates->items[i], offer))
            return true;
    }
    return false;
}

/* The same class in a thousand loaders is one offer. The last ones made are of the same class. */
static bool is_offered(const struct hd_offers *offers, size_t from, const struct hd_change *change)
{
    for (size_t i = offers->count; i-- > from;) {
        const struct hd_patch *offer = offers->items[i];
        if (strcmp(offer->class_name, change->internal_name) != 0)
            return false;
        if (offer->base == change->base && offer->file == change->file &&
            same_choice(change, offer))
            return true;
    }
    return false;
}

static int add_new(JNIEnv *jni, struct hd_offers *offers, const struct candidates *candidates,
                   uint64_t deployment, struct hd_error *err)
{
    size_t from = offers->count;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct hd_change *change = candidates->items[i];
        const struct hd_patch like = { .place = HD_PATCH_NEWCOMERS,
                                       .class_name = change->internal_name,
                                       .base = change->base,
                                       .file = change->file,
                                       .loader_text = change->loader_text,
                                       .loader_is_whole = change->loader_is_whole,
                                       .deployment = deployment };
        if (is_offered(offers, from, change))
            continue;
        if (hd_patch_new(jni, &like, &offers->items[offers->count], err) != 0)
            return -1;
        offers->count++;
    }
    return 0;
}

int hd_offers_lay_over(JNIEnv *jni, const struct hd_offers *before, const struct hd_change *changes,
                       size_t count, uint64_t deployment, struct hd_offers *out,
                       struct hd_error *err)
{
    struct candidates candidates;
    if (!order_candidates(changes, count, &candidates))
        return hd_error_set_memory(err);
    struct hd_offers offers = { NULL, 0 };
    offers.items = hd_alloc_zeroed(before->count + candidates.count + 1, sizeof(struct hd_patch *));
    if (offers.items == NULL) {
        hd_free(candidates.items);
        return hd_error_set_memory(err);
    }
    for (size_t i = 0; i < before->count; i++) {
        if (!is_replaced(&candidates, before->items[i]))
            offers.items[offers.count++] = hd_patch_keep(before->items[i]);
    }
    int status = add_new(jni, &offers, &candidates, deployment, err);
    hd_free(candidates.items);
    if (status != 0)
        hd_offers_close(&offers, jni);
    else
        *out = offers;
    return status;
}
