/* SPDX-License-Identifier: Apache-2.0 */
/* What loaders that come get, by the states. */
#include "agent/states_internal.h"

#include "core/alloc.h"

#include <string.h>

void hd_states_forget_offers(struct hd_known_offers *known, JNIEnv *jni)
{
    hd_offers_close(&known->offers, jni);
    known->known = false;
}

/* Lays a state over what out holds. */
static int lay_over(JNIEnv *jni, const struct hd_state *state, struct hd_offers *out,
                    struct hd_error *err)
{
    struct hd_offers both;
    if (hd_offers_lay_over(jni, out, state->changes, state->count, state->number, &both, err) != 0)
        return -1;
    hd_offers_close(out, jni);
    *out = both;
    return 0;
}

static size_t depth_of(const struct hd_states *states, uint64_t number)
{
    size_t depth = 0;
    for (const struct hd_state *state = hd_states_get(states, number); state != NULL; depth++)
        state = hd_states_get(states, state->parent);
    return depth;
}

/* From the oldest down to the state of that number. */
static int find_offers(const struct hd_states *states, JNIEnv *jni, uint64_t number,
                       struct hd_known_offers *out, struct hd_error *err)
{
    size_t depth = depth_of(states, number);
    const struct hd_state **path = hd_alloc_zeroed(depth + 1, sizeof(struct hd_state *));
    struct hd_offers offers = { NULL, 0 };
    int status = path != NULL ? 0 : hd_error_set_memory(err);
    for (size_t i = depth; status == 0 && i-- > 0;) {
        path[i] = hd_states_get(states, number);
        number = path[i]->parent;
    }
    for (size_t i = 0; status == 0 && i < depth; i++)
        status = lay_over(jni, path[i], &offers, err);
    hd_free(path);
    if (status == 0)
        *out = (struct hd_known_offers){ offers, true };
    else
        hd_offers_close(&offers, jni);
    return status;
}

static int look_ahead(struct hd_states *states, JNIEnv *jni, struct hd_error *err)
{
    const struct hd_state *next = &states->next;
    if (states->ahead.known)
        return 0;
    if (states->aims)
        return find_offers(states, jni, states->aim, &states->ahead, err);
    if (hd_offers_lay_over(jni, &states->now.offers, next->changes, next->count, next->number,
                           &states->ahead.offers, err) != 0)
        return -1;
    states->ahead.known = true;
    return 0;
}

int hd_states_offers(struct hd_states *states, JNIEnv *jni, bool ahead,
                     const struct hd_offers **out, struct hd_error *err)
{
    if (!states->now.known && find_offers(states, jni, states->current, &states->now, err) != 0)
        return -1;
    if (ahead && look_ahead(states, jni, err) != 0)
        return -1;
    *out = ahead ? &states->ahead.offers : &states->now.offers;
    return 0;
}

void hd_states_learn_base(struct hd_states *states, JNIEnv *jni, uint64_t number,
                          const char *internal_name, struct hd_blob *base)
{
    struct hd_state *state = hd_states_get(states, number);
    for (size_t i = 0; state != NULL && i < state->count; i++) {
        struct hd_change *change = &state->changes[i];
        if (!change->any_loader || change->base != NULL ||
            strcmp(change->internal_name, internal_name) != 0)
            continue;
        change->base = hd_blob_keep(base);
        change->for_newcomers = true;
        hd_states_forget_offers(&states->now, jni);
    }
}
