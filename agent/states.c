/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/states.h"

#include "core/alloc.h"

#include <string.h>

/* One class in one loader, as a state has it. */
struct change {
    char *internal_name;
    jweak loader; /* NULL: boot, or any_loader */
    bool any_loader;
    uint8_t *file;
    size_t length;
};

struct state {
    uint64_t number;
    uint64_t parent;
    struct change *changes;
    size_t count;
};

/* A rollback's number, and the state it returned to. */
struct alias {
    uint64_t number;
    uint64_t state;
};

struct hd_states {
    struct state *items; /* ordered by number */
    size_t count;
    struct alias *aliases; /* ordered by number */
    size_t alias_count;
    uint64_t current;
    uint64_t bytes;
    struct state next; /* being made */
};

struct hd_states *hd_states_new(void)
{
    return hd_alloc_zeroed(1, sizeof(struct hd_states));
}

static void free_change(struct change *change, JNIEnv *jni)
{
    if (change->loader != NULL)
        (*jni)->DeleteWeakGlobalRef(jni, change->loader);
    hd_free(change->internal_name);
    hd_free(change->file);
}

static void close_state(struct state *state, JNIEnv *jni)
{
    for (size_t i = 0; i < state->count; i++)
        free_change(&state->changes[i], jni);
    hd_free(state->changes);
    *state = (struct state){ 0 };
}

void hd_states_free(struct hd_states *states, JNIEnv *jni)
{
    if (states == NULL)
        return;
    for (size_t i = 0; i < states->count; i++)
        close_state(&states->items[i], jni);
    close_state(&states->next, jni);
    hd_free(states->items);
    hd_free(states->aliases);
    hd_free(states);
}

static uint64_t bytes_of(const struct state *state)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < state->count; i++)
        bytes += state->changes[i].length;
    return bytes;
}

static struct state *find_state(const struct hd_states *states, uint64_t number)
{
    for (size_t i = states->count; i-- > 0;) {
        if (states->items[i].number == number)
            return &states->items[i];
    }
    return NULL;
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Room for one more of both, so that commit cannot fail. */
static int reserve(struct hd_states *states, struct hd_error *err)
{
    struct state *items = hd_realloc_array(states->items, states->count + 1, sizeof *states->items);
    if (items == NULL)
        return hd_error_set_memory(err);
    states->items = items;
    struct alias *aliases =
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
}

int hd_states_add(struct hd_states *states, JNIEnv *jni, const char *internal_name, jobject loader,
                  bool any_loader, struct hd_bytes file, struct hd_error *err)
{
    struct state *state = &states->next;
    struct change *grown =
        hd_realloc_array(state->changes, state->count + 1, sizeof *state->changes);
    if (grown == NULL)
        return hd_error_set_memory(err);
    state->changes = grown;
    struct change change = {
        .internal_name = hd_strdup(internal_name),
        .loader = loader != NULL ? (*jni)->NewWeakGlobalRef(jni, loader) : NULL,
        .any_loader = any_loader,
        .file = (uint8_t *)hd_strndup((const char *)file.data, file.length),
        .length = file.length,
    };
    if (change.internal_name == NULL || change.file == NULL ||
        (loader != NULL && change.loader == NULL)) {
        free_change(&change, jni);
        return hd_error_set_memory(err);
    }
    state->changes[state->count++] = change;
    return 0;
}

void hd_states_take_out(struct hd_states *states, JNIEnv *jni, size_t nth)
{
    free_change(&states->next.changes[nth], jni);
    states->next.changes[nth] = (struct change){ 0 };
}

static void close_gaps(struct state *state)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->count; i++) {
        if (state->changes[i].internal_name != NULL)
            state->changes[kept++] = state->changes[i];
    }
    state->count = kept;
}

static void add_alias(struct hd_states *states, uint64_t number, uint64_t state)
{
    states->aliases[states->alias_count++] = (struct alias){ number, state };
}

/* ---- the bound ------------------------------------------------------------------------------- */

static bool is_same_place(JNIEnv *jni, const struct change *change, const struct change *other)
{
    if (change->any_loader != other->any_loader ||
        (change->loader == NULL) != (other->loader == NULL) ||
        strcmp(change->internal_name, other->internal_name) != 0)
        return false;
    return change->loader == NULL || (*jni)->IsSameObject(jni, change->loader, other->loader);
}

static bool sets(JNIEnv *jni, const struct state *state, const struct change *wanted)
{
    for (size_t i = 0; i < state->count; i++) {
        if (is_same_place(jni, &state->changes[i], wanted))
            return true;
    }
    return false;
}

/* The only child takes over what it does not set itself. False when memory is out; nothing changed
 * then but the order of what both have. */
static bool fold_into(JNIEnv *jni, struct state *oldest, struct state *child)
{
    struct change *grown =
        hd_realloc_array(child->changes, child->count + oldest->count, sizeof *child->changes);
    if (grown == NULL)
        return false;
    child->changes = grown;
    for (size_t i = 0; i < oldest->count; i++) {
        struct change *change = &oldest->changes[i];
        if (sets(jni, child, change))
            free_change(change, jni);
        else
            child->changes[child->count++] = *change;
    }
    oldest->count = 0;
    child->parent = oldest->parent;
    return true;
}

static void remove_state(struct hd_states *states, JNIEnv *jni, struct state *state)
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
static size_t count_children(const struct hd_states *states, uint64_t number, struct state **only)
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
    for (size_t i = 0; i < states->count; i++) {
        struct state *state = &states->items[i], *child = NULL;
        size_t children = count_children(states, state->number, &child);
        if (state->number == states->current || children > 1)
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

void hd_states_commit(struct hd_states *states, JNIEnv *jni)
{
    struct state *next = &states->next;
    close_gaps(next);
    if (next->count == 0) {
        add_alias(states, next->number, states->current);
        hd_states_discard(states, jni);
        return;
    }
    next->parent = states->current;
    states->current = next->number;
    states->bytes += bytes_of(next);
    states->items[states->count++] = *next;
    *next = (struct state){ 0 };
    keep_bound(states, jni);
}

/* ---- looking --------------------------------------------------------------------------------- */

uint64_t hd_states_current(const struct hd_states *states)
{
    return states->current;
}

uint64_t hd_states_parent(const struct hd_states *states, uint64_t state)
{
    const struct state *found = find_state(states, state);
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

int hd_states_find(const struct hd_states *states, uint64_t number, uint64_t *out,
                   struct hd_error *err)
{
    uint64_t state = number;
    for (size_t i = 0; i < states->alias_count; i++) {
        if (states->aliases[i].number == number)
            state = states->aliases[i].state;
    }
    if (state != 0 && find_state(states, state) == NULL)
        return hd_error_set(err, HD_E_NOT_FOUND,
                            "there is no state after deployment %llu to return to: it changed "
                            "nothing, or is too long ago",
                            (unsigned long long)number);
    *out = state;
    return 0;
}

static bool is_content_for(JNIEnv *jni, const struct change *change, const char *internal_name,
                           jobject loader)
{
    if (strcmp(change->internal_name, internal_name) != 0)
        return false;
    if (change->any_loader) /* it went to whichever loader came first */
        return true;
    if ((change->loader == NULL) != (loader == NULL))
        return false;
    return loader == NULL || (*jni)->IsSameObject(jni, change->loader, loader);
}

struct hd_bytes hd_states_content(const struct hd_states *states, JNIEnv *jni, uint64_t state,
                                  const char *internal_name, jobject loader)
{
    const struct state *found = find_state(states, state);
    while (found != NULL) {
        for (size_t i = 0; i < found->count; i++) {
            const struct change *change = &found->changes[i];
            if (is_content_for(jni, change, internal_name, loader))
                return (struct hd_bytes){ change->file, change->length };
        }
        found = find_state(states, found->parent);
    }
    return (struct hd_bytes){ NULL, 0 };
}

void hd_states_return(struct hd_states *states, JNIEnv *jni, uint64_t state)
{
    add_alias(states, states->next.number, state);
    hd_states_discard(states, jni);
    states->current = state;
}
