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

/* The states from number up to the one that is known (NULL: to the first), which is not among
 * them. */
struct path {
    const struct hd_state **states; /* the latest first */
    size_t length;
    bool meets_known;
};

static size_t walk(const struct hd_states *states, uint64_t number,
                   const struct hd_known_offers *known, struct path *path)
{
    const struct hd_state *state = hd_states_get(states, number);
    size_t length = 0;
    path->meets_known = false;
    while (state != NULL && !path->meets_known) {
        path->meets_known = known->known && known->of == state->number;
        if (path->meets_known)
            break;
        if (path->states != NULL)
            path->states[length] = state;
        length++;
        state = hd_states_get(states, state->parent);
    }
    path->meets_known |= known->known && known->of == 0;
    return length;
}

static int find_path(const struct hd_states *states, uint64_t number,
                     const struct hd_known_offers *known, struct path *path, struct hd_error *err)
{
    *path = (struct path){ NULL, 0, false };
    path->length = walk(states, number, known, path);
    path->states = hd_alloc_zeroed(path->length + 1, sizeof(struct hd_state *));
    if (path->states == NULL)
        return hd_error_set_memory(err);
    (void)walk(states, number, known, path);
    return 0;
}

static int find_offers(const struct hd_states *states, JNIEnv *jni, uint64_t number,
                       const struct hd_known_offers *known, struct hd_known_offers *out,
                       struct hd_error *err)
{
    struct path path;
    struct hd_offers offers = { NULL, 0 };
    if (find_path(states, number, known, &path, err) != 0)
        return -1;
    int status = 0;
    if (path.meets_known)
        status = hd_offers_lay_over(jni, &known->offers, NULL, 0, number, &offers, err);
    for (size_t i = path.length; status == 0 && i-- > 0;)
        status = lay_over(jni, path.states[i], &offers, err);
    hd_free(path.states);
    if (status == 0)
        *out = (struct hd_known_offers){ offers, true, number };
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
        return find_offers(states, jni, states->aim, &states->now, &states->ahead, err);
    if (hd_offers_lay_over(jni, &states->now.offers, next->changes, next->count, next->number,
                           &states->ahead.offers, err) != 0)
        return -1;
    states->ahead.known = true;
    states->ahead.of = next->number;
    return 0;
}

static int look_around(struct hd_states *states, JNIEnv *jni, struct hd_error *err)
{
    struct hd_known_offers found;
    if (states->now.known && states->now.of == states->current)
        return 0;
    if (find_offers(states, jni, states->current, &states->now, &found, err) != 0)
        return -1;
    hd_states_forget_offers(&states->now, jni);
    states->now = found;
    return 0;
}

int hd_states_offers(struct hd_states *states, JNIEnv *jni, bool ahead,
                     const struct hd_offers **out, struct hd_error *err)
{
    if (look_around(states, jni, err) != 0)
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
