/* SPDX-License-Identifier: Apache-2.0 */
/* Between states.c and states_offers.c, and for these two only. */
#ifndef HD_AGENT_STATES_INTERNAL_H
#define HD_AGENT_STATES_INTERNAL_H

#include "agent/states.h"

struct hd_state {
    uint64_t number;
    uint64_t parent;
    struct hd_change *changes; /* once committed ordered by name, those of a name as added */
    size_t count;
    char who[sizeof((struct hd_origin *)NULL)->who];
    int64_t when; /* microseconds since the epoch */
};

/* A rollback's number, and the state it returned to. */
struct hd_state_alias {
    uint64_t number;
    uint64_t state;
};

/* They are found once; what was made since is laid over them when somebody asks. */
struct hd_known_offers {
    struct hd_offers offers;
    bool known;
    uint64_t of; /* the state */
};

struct hd_states {
    struct hd_state *items; /* ordered by number */
    size_t count;
    struct hd_state_alias *aliases; /* ordered by number */
    size_t alias_count;
    uint64_t current;
    uint64_t bytes;
    struct hd_state next; /* being made */
    bool aims;            /* nothing is made: an older state will be current again */
    uint64_t aim;
    struct hd_known_offers now, ahead;
};

/* NULL where there is none of that number; 0 never is. */
struct hd_state *hd_states_get(const struct hd_states *states, uint64_t number);
void hd_states_forget_offers(struct hd_known_offers *known, JNIEnv *jni);

#endif
