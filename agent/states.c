/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/states_internal.h"

#include "core/alloc.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hd_states *hd_states_new(void)
{
    return hd_alloc_zeroed(1, sizeof(struct hd_states));
}

static void free_change(struct hd_change *change, JNIEnv *jni)
{
    if (change->loader != NULL)
        (*jni)->DeleteWeakGlobalRef(jni, change->loader);
    hd_free(change->internal_name);
    hd_free(change->loader_text);
    hd_blob_release(change->file);
    hd_blob_release(change->base);
}

static void close_state(struct hd_state *state, JNIEnv *jni)
{
    for (size_t i = 0; i < state->count; i++)
        free_change(&state->changes[i], jni);
    hd_free(state->changes);
    *state = (struct hd_state){ 0 };
}

void hd_states_free(struct hd_states *states, JNIEnv *jni)
{
    if (states == NULL)
        return;
    for (size_t i = 0; i < states->count; i++)
        close_state(&states->items[i], jni);
    close_state(&states->next, jni);
    hd_states_forget_offers(&states->now, jni);
    hd_states_forget_offers(&states->ahead, jni);
    hd_free(states->items);
    hd_free(states->aliases);
    hd_free(states);
}

static uint64_t bytes_of(const struct hd_state *state)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < state->count; i++)
        bytes += state->changes[i].file != NULL ? state->changes[i].file->bytes.length : 0;
    return bytes;
}

struct hd_state *hd_states_get(const struct hd_states *states, uint64_t number)
{
    size_t low = 0, high = states->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (states->items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < states->count && states->items[low].number == number ? &states->items[low] : NULL;
}

/* ---- by name --------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct hd_change *left = a, *right = b;
    int order = strcmp(left->internal_name, right->internal_name);
    return order != 0 ? order : (left->nth > right->nth) - (left->nth < right->nth);
}

/* Allocates nothing that it needs, so it cannot fail. */
static void order_by_name(struct hd_state *state)
{
    for (size_t i = 0; i < state->count; i++)
        state->changes[i].nth = i;
    if (state->count > 1)
        qsort(state->changes, state->count, sizeof *state->changes, by_name);
}

/* The first of that name, or of a later one, among the first count. */
static size_t first_of(const struct hd_state *state, size_t count, const char *internal_name)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(state->changes[middle].internal_name, internal_name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Room for one more of both, so that commit cannot fail. */
static int reserve(struct hd_states *states, struct hd_error *err)
{
    struct hd_state *items =
        hd_realloc_array(states->items, states->count + 1, sizeof *states->items);
    if (items == NULL)
        return hd_error_set_memory(err);
    states->items = items;
    if (states->alias_count == HD_STATES_MAX_ALIASES)
        return 0;
    struct hd_state_alias *aliases =
        hd_realloc_array(states->aliases, states->alias_count + 1, sizeof *states->aliases);
    if (aliases == NULL)
        return hd_error_set_memory(err);
    states->aliases = aliases;
    return 0;
}

int hd_states_begin(struct hd_states *states, JNIEnv *jni, uint64_t number, struct hd_error *err)
{
    hd_states_discard(states, jni);
    if (reserve(states, err) != 0)
        return -1;
    states->next.number = number;
    return 0;
}

void hd_states_discard(struct hd_states *states, JNIEnv *jni)
{
    close_state(&states->next, jni);
    hd_states_forget_offers(&states->ahead, jni);
    states->aims = false;
}

void hd_states_sign(struct hd_states *states, const char *who, int64_t when)
{
    hd_text_format(states->next.who, sizeof states->next.who, "%s", who);
    states->next.when = when;
}

void hd_states_signature(const struct hd_states *states, uint64_t number, const char **who,
                         int64_t *when)
{
    const struct hd_state *state = hd_states_get(states, number);
    *who = state != NULL ? state->who : "";
    *when = state != NULL ? state->when : 0;
}

/* Whoever aimed before may have got no further. */
void hd_states_aim(struct hd_states *states, JNIEnv *jni, uint64_t state)
{
    hd_states_forget_offers(&states->ahead, jni);
    states->aims = true;
    states->aim = state;
}

int hd_states_add_held(struct hd_states *states, JNIEnv *jni, const char *internal_name,
                       jobject loader, bool any_loader, struct hd_blob *file, struct hd_error *err)
{
    struct hd_state *state = &states->next;
    struct hd_change *grown =
        hd_realloc_array(state->changes, state->count + 1, sizeof *state->changes);
    if (grown == NULL)
        return hd_error_set_memory(err);
    state->changes = grown;
    struct hd_change change = {
        .internal_name = hd_strdup(internal_name),
        .loader = loader != NULL ? (*jni)->NewWeakGlobalRef(jni, loader) : NULL,
        .any_loader = any_loader,
        .file = hd_blob_keep(file),
    };
    if (change.internal_name == NULL || (loader != NULL && change.loader == NULL)) {
        free_change(&change, jni);
        return hd_error_set_memory(err);
    }
    state->changes[state->count++] = change;
    return 0;
}

int hd_states_offer_last(struct hd_states *states, struct hd_blob *base, const char *loader_text,
                         bool loader_is_whole, struct hd_error *err)
{
    struct hd_change *change = &states->next.changes[states->next.count - 1];
    if (loader_text != NULL) {
        change->loader_text = hd_strdup(loader_text);
        if (change->loader_text == NULL)
            return hd_error_set_memory(err);
    }
    change->loader_is_whole = loader_is_whole;
    change->base = hd_blob_keep(base);
    change->for_newcomers = true;
    return 0;
}

void hd_states_take_out(struct hd_states *states, JNIEnv *jni, size_t nth)
{
    free_change(&states->next.changes[nth], jni);
    states->next.changes[nth] = (struct hd_change){ 0 };
    hd_states_forget_offers(&states->ahead, jni);
}

static void close_gaps(struct hd_state *state)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->count; i++) {
        if (state->changes[i].internal_name != NULL)
            state->changes[kept++] = state->changes[i];
    }
    state->count = kept;
}

/* There is room; the oldest goes where there are too many. */
static void add_alias(struct hd_states *states, uint64_t number, uint64_t state)
{
    if (states->alias_count == HD_STATES_MAX_ALIASES) {
        states->alias_count--;
        memmove(states->aliases, states->aliases + 1,
                states->alias_count * sizeof *states->aliases);
    }
    states->aliases[states->alias_count++] = (struct hd_state_alias){ number, state };
}

/* ---- the bound ------------------------------------------------------------------------------- */

static bool is_same_offer(const struct hd_change *change, const struct hd_change *other)
{
    const char *text = change->loader_text != NULL ? change->loader_text : "";
    const char *others = other->loader_text != NULL ? other->loader_text : "";
    return change->for_newcomers == other->for_newcomers && change->base == other->base &&
           strcmp(text, others) == 0;
}

static bool is_same_place(JNIEnv *jni, const struct hd_change *change,
                          const struct hd_change *other)
{
    if (change->any_loader != other->any_loader ||
        (change->loader == NULL) != (other->loader == NULL) ||
        strcmp(change->internal_name, other->internal_name) != 0)
        return false;
    return is_same_offer(change, other) &&
           (change->loader == NULL || (*jni)->IsSameObject(jni, change->loader, other->loader));
}

/* Among its first count changes. */
static bool sets(JNIEnv *jni, const struct hd_state *state, size_t count,
                 const struct hd_change *wanted)
{
    for (size_t i = first_of(state, count, wanted->internal_name);
         i < count && strcmp(state->changes[i].internal_name, wanted->internal_name) == 0; i++) {
        if (is_same_place(jni, &state->changes[i], wanted))
            return true;
    }
    return false;
}

/* The only child takes over what it does not set itself. False when memory is out; nothing changed
 * then but the order of what both have. */
static bool fold_into(JNIEnv *jni, struct hd_state *oldest, struct hd_state *child)
{
    struct hd_change *grown =
        hd_realloc_array(child->changes, child->count + oldest->count, sizeof *child->changes);
    if (grown == NULL)
        return false;
    child->changes = grown;
    size_t own = child->count;
    for (size_t i = 0; i < oldest->count; i++) {
        struct hd_change *change = &oldest->changes[i];
        if (sets(jni, child, own, change))
            free_change(change, jni);
        else
            child->changes[child->count++] = *change;
    }
    oldest->count = 0;
    order_by_name(child);
    child->parent = oldest->parent;
    return true;
}

static void remove_state(struct hd_states *states, JNIEnv *jni, struct hd_state *state)
{
    size_t index = (size_t)(state - states->items);
    close_state(state, jni);
    states->count--;
    memmove(state, state + 1, (states->count - index) * sizeof *state);
}

static uint64_t count_bytes(const struct hd_states *states)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < states->count; i++)
        bytes += bytes_of(&states->items[i]);
    return bytes;
}

/* A state that nothing was made from and that is not current can only be named by its number. */
static size_t count_children(const struct hd_states *states, uint64_t number,
                             struct hd_state **only)
{
    size_t count = 0;
    for (size_t i = 0; i < states->count; i++) {
        if (states->items[i].parent != number)
            continue;
        *only = &states->items[i];
        count++;
    }
    return count;
}

/* False when the oldest must stay. */
static bool let_oldest_go(struct hd_states *states, JNIEnv *jni)
{
    /* "Undo the last" must lead to the state before, whatever its age. */
    uint64_t before = hd_states_parent(states, states->current);
    for (size_t i = 0; i < states->count; i++) {
        struct hd_state *state = &states->items[i], *child = NULL;
        size_t children = count_children(states, state->number, &child);
        if (state->number == states->current || state->number == before || children > 1)
            continue;
        if (children == 1 && !fold_into(jni, state, child))
            return false;
        remove_state(states, jni, state);
        states->bytes = count_bytes(states);
        return true;
    }
    return false;
}

static void keep_bound(struct hd_states *states, JNIEnv *jni)
{
    while (states->count > HD_STATES_MAX || states->bytes > HD_STATES_MAX_BYTES) {
        if (!let_oldest_go(states, jni))
            return;
    }
}

/* What was ahead is here now, if it was asked for. */
static void arrive(struct hd_states *states, JNIEnv *jni)
{
    if (!states->ahead.known)
        return;
    hd_states_forget_offers(&states->now, jni);
    states->now = states->ahead;
    states->ahead = (struct hd_known_offers){ 0 };
}

void hd_states_commit(struct hd_states *states, JNIEnv *jni)
{
    struct hd_state *next = &states->next;
    close_gaps(next);
    if (next->count == 0) {
        add_alias(states, next->number, states->current);
        hd_states_discard(states, jni);
        return;
    }
    order_by_name(next);
    next->parent = states->current;
    states->current = next->number;
    states->aims = false;
    arrive(states, jni);
    states->bytes += bytes_of(next);
    states->items[states->count++] = *next;
    *next = (struct hd_state){ 0 };
    keep_bound(states, jni);
}

/* ---- looking --------------------------------------------------------------------------------- */

uint64_t hd_states_current(const struct hd_states *states)
{
    return states->current;
}

uint64_t hd_states_parent(const struct hd_states *states, uint64_t state)
{
    const struct hd_state *found = hd_states_get(states, state);
    return found != NULL ? found->parent : 0;
}

bool hd_states_is_ancestor(const struct hd_states *states, uint64_t older, uint64_t state)
{
    while (state != older && state != 0)
        state = hd_states_parent(states, state);
    return state == older;
}

int hd_states_before_current(const struct hd_states *states, uint64_t *out, struct hd_error *err)
{
    if (states->current == 0)
        return hd_error_set(err, HD_E_NOT_FOUND,
                            "no deployment is in effect: everything is as it "
                            "was when the JVM started");
    *out = hd_states_parent(states, states->current);
    return 0;
}

static int by_alias_number(const void *a, const void *b)
{
    const struct hd_state_alias *left = a, *right = b;
    return left->number < right->number ? -1 : left->number > right->number;
}

int hd_states_find(const struct hd_states *states, uint64_t number, uint64_t *out,
                   struct hd_error *err)
{
    const struct hd_state_alias wanted = { .number = number };
    const struct hd_state_alias *alias =
        states->alias_count > 0
            ? bsearch(&wanted, states->aliases, states->alias_count, sizeof wanted, by_alias_number)
            : NULL;
    uint64_t state = alias != NULL ? alias->state : number;
    if (state != 0 && hd_states_get(states, state) == NULL)
        return hd_error_set(err, HD_E_NOT_FOUND,
                            "there is no state after deployment %llu to return to: it changed "
                            "nothing, or is too long ago",
                            (unsigned long long)number);
    *out = state;
    return 0;
}

static bool is_named_loader(JNIEnv *jni, const struct hd_change *change, jobject loader)
{
    if (change->any_loader || (change->loader == NULL) != (loader == NULL))
        return false;
    return loader == NULL || (*jni)->IsSameObject(jni, change->loader, loader);
}

static bool chooses(const struct hd_change *change, const char *label)
{
    const char *text = change->loader_text;
    if (text == NULL)
        return true;
    return label != NULL &&
           (change->loader_is_whole ? strcmp(label, text) == 0 : strstr(label, text) != NULL);
}

/* It went to whichever loader came first, or to those that came later with its base. */
static bool is_for(const struct hd_change *change, const struct hd_states_place *place)
{
    if (change->any_loader && (change->base == NULL || place->base == NULL))
        return true;
    return change->for_newcomers && chooses(change, place->label) &&
           (hd_blob_same(change->base, place->base) || hd_blob_same(change->base, place->family));
}

static struct hd_blob *content_in(const struct hd_state *state, JNIEnv *jni,
                                  const struct hd_states_place *place)
{
    struct hd_blob *found = NULL;
    for (size_t i = first_of(state, state->count, place->internal_name); i < state->count; i++) {
        const struct hd_change *change = &state->changes[i];
        if (strcmp(change->internal_name, place->internal_name) != 0)
            break;
        if (is_named_loader(jni, change, place->loader))
            return change->file;
        if (found == NULL && is_for(change, place))
            found = change->file;
    }
    return found;
}

struct hd_blob *hd_states_find_content(const struct hd_states *states, JNIEnv *jni, uint64_t state,
                                       const struct hd_states_place *place)
{
    struct hd_blob *content = NULL;
    const struct hd_state *found = hd_states_get(states, state);
    while (found != NULL && content == NULL) {
        content = content_in(found, jni, place);
        found = hd_states_get(states, found->parent);
    }
    return content;
}

void hd_states_each_class(const struct hd_states *states, uint64_t state,
                          void (*visit)(const char *internal_name, void *context), void *context)
{
    const struct hd_state *found = hd_states_get(states, state);
    while (found != NULL) {
        for (size_t i = 0; i < found->count; i++) {
            if (found->changes[i].internal_name != NULL)
                visit(found->changes[i].internal_name, context);
        }
        found = hd_states_get(states, found->parent);
    }
}

void hd_states_return(struct hd_states *states, JNIEnv *jni, uint64_t state)
{
    add_alias(states, states->next.number, state);
    if (states->aims && states->aim == state)
        arrive(states, jni);
    hd_states_discard(states, jni);
    states->current = state;
}
