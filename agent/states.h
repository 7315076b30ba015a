/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states this JVM's patched classes have been in, so that every deployment has a way back.
 *
 * A state is what is live right after a deployment and has its number; state 0 is as started. Each
 * state knows its parent (the state it was made from) and only what changed against it: class files
 * per class and loader. A rollback makes no state: it makes an older one current again, and its own
 * number becomes another name of that one.
 *
 * What a class is in a state is what the nearest of the state, its parent, … set for it; where none
 * did, its original. Bounded: past HD_STATES_MAX states or HD_STATES_MAX_BYTES the oldest is folded
 * into its children and can be returned to no more. Loaders are referred to weakly: what a state
 * says of a class is also for loaders that come later with the same base. Engine thread only.
 */
#ifndef HD_AGENT_STATES_H
#define HD_AGENT_STATES_H

#include "agent/offers.h"
#include "core/report.h"

#include <jni.h>
#include <stdbool.h>

#define HD_STATES_MAX         1000
#define HD_STATES_MAX_ALIASES 10000 /* deployments that made no state of their own */
#define HD_STATES_MAX_BYTES   (UINT64_C(256) << 20)

struct hd_states;

/* NULL when memory is out. */
struct hd_states *hd_states_new(void);
void hd_states_free(struct hd_states *states, JNIEnv *jni);

/* A state being made. Only hd_states_begin and _add can fail; begin again or discard gives up. */
HD_CHECKED int hd_states_begin(struct hd_states *states, JNIEnv *jni, uint64_t number,
                               struct hd_error *err);
/* In it, that class is that file (one more reference) in that loader (NULL with any_loader false:
 * boot). */
HD_CHECKED int hd_states_add_held(struct hd_states *states, JNIEnv *jni, const char *internal_name,
                                  jobject loader, bool any_loader, struct hd_blob *file,
                                  struct hd_error *err);
/* Whose deployment it is: for status, when a loader that comes later gets something of it. */
void hd_states_sign(struct hd_states *states, const char *who, int64_t when);
/* who is "" where the state is not known any more. A borrow until the next commit. */
void hd_states_signature(const struct hd_states *states, uint64_t number, const char **who,
                         int64_t *when);
/* What was added last is meant for loaders that come, too: see struct hd_change. */
HD_CHECKED int hd_states_offer_last(struct hd_states *states, struct hd_blob *base,
                                    const char *loader_text, bool loader_is_whole,
                                    struct hd_error *err);
/* Once committed, number will be another name of that older state, which hd_states_return says. */
void hd_states_aim(struct hd_states *states, JNIEnv *jni, uint64_t state);
/* What was added as the n-th (0 first) was not done after all. */
void hd_states_take_out(struct hd_states *states, JNIEnv *jni, size_t nth);
/* It is current now; its parent is what was. Without a class in it there is no new state, and
 * number is another name of the current one. */
void hd_states_commit(struct hd_states *states, JNIEnv *jni);
void hd_states_discard(struct hd_states *states, JNIEnv *jni);

/* The state to which "undo the last" leads. HD_E_NOT_FOUND: nothing is in effect. */
HD_CHECKED int hd_states_before_current(const struct hd_states *states, uint64_t *out,
                                        struct hd_error *err);
/* The state that number names: its own, or the one that the rollback of that number returned to.
 * HD_E_NOT_FOUND: no deployment of that number changed anything here, or it is too long ago. */
HD_CHECKED int hd_states_find(const struct hd_states *states, uint64_t number, uint64_t *out,
                              struct hd_error *err);
uint64_t hd_states_current(const struct hd_states *states);
/* True when state is older itself, or was made from it in one or more steps. */
bool hd_states_is_ancestor(const struct hd_states *states, uint64_t older, uint64_t state);
/* The parent of a state; 0 for 0. */
uint64_t hd_states_parent(const struct hd_states *states, uint64_t state);

/* Calls visit for the name of each class that the state, or one it was made from, sets; a name may
 * come more than once. */
void hd_states_each_class(const struct hd_states *states, uint64_t state,
                          void (*visit)(const char *internal_name, void *context), void *context);

/* A class in a loader, whether a deployment found it there or the loader came later. */
struct hd_states_place {
    const char *internal_name;
    jobject loader;
    const char *label;
    const struct hd_blob *base;   /* its own file; NULL: not known */
    const struct hd_blob *family; /* the base of the patch it came by; may be NULL */
};
/* What the class is in that state; NULL: its original. A borrow until the next commit. */
struct hd_blob *hd_states_find_content(const struct hd_states *states, JNIEnv *jni, uint64_t state,
                                       const struct hd_states_place *place);
/* What loaders that come get: in the current state, or (ahead) in the one that is being made or
 * aimed at. A borrow until anything else is called. */
HD_CHECKED int hd_states_offers(struct hd_states *states, JNIEnv *jni, bool ahead,
                                const struct hd_offers **out, struct hd_error *err);
/* The patch that waited for any loader has found one, and this was its file: what comes later with
 * the same gets it too. */
void hd_states_learn_base(struct hd_states *states, JNIEnv *jni, uint64_t number,
                          const char *internal_name, struct hd_blob *base);

/* An older state is current again, and the number that was begun is another name of it. Cannot
 * fail. */
void hd_states_return(struct hd_states *states, JNIEnv *jni, uint64_t state);

#endif
