/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine does about what the hook saw: an entry that is not what the current state says is
 * made so, a patch that another agent's retransformation lost is put back, and a class that
 * somebody else redefines is looked at once they have finished. All that happened at once is one
 * walk over the loaded classes and one redefinition. Engine thread only.
 */
#ifndef HD_AGENT_FOLLOW_UP_H
#define HD_AGENT_FOLLOW_UP_H

#include "agent/road.h"

/* After so many without a deployment in between, whoever undoes us again and again has won: a loop
 * of two agents ends. */
#define HD_FOLLOW_UP_MOST_REAPPLIED 100000

/* Then its patch is known not to be live any more, and the same code pushed again is news. */
static inline bool hd_follow_up_gave_up(const struct hd_live *live)
{
    return live->reapplied > HD_FOLLOW_UP_MOST_REAPPLIED;
}

struct hd_follow_up_item {
    struct hd_live *live;    /* borrowed from the registry, which may not drop it meanwhile */
    struct hd_blob *foreign; /* to look at: what the other agent gives; one reference */
    bool lost;               /* a retransformation began without the patch */
};

struct hd_follow_up {
    struct hd_road *road;
    JNIEnv *jni;
    struct hd_follow_up_item *items;
    size_t count;
    size_t capacity;
    bool stale; /* the hook must be told anew */
};

/* What memory is out for is not done, and logged. Each class is there once. */
void hd_follow_up_check(struct hd_follow_up *after, struct hd_live *live);
void hd_follow_up_put_back(struct hd_follow_up *after, struct hd_live *live);
void hd_follow_up_look_at(struct hd_follow_up *after, struct hd_live *live,
                          struct hd_blob *foreign);
void hd_follow_up_run(struct hd_follow_up *after);
void hd_follow_up_close(struct hd_follow_up *after);

#endif
