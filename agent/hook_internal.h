/* SPDX-License-Identifier: Apache-2.0 */
/* Between hook.c, which keeps what is published, and hook_class.c, which decides what becomes of a
 * class. For these two only. */
#ifndef HD_AGENT_HOOK_INTERNAL_H
#define HD_AGENT_HOOK_INTERNAL_H

#include "agent/hook.h"

/* For loaders that are not known yet; more of one name are nobody's plan, and the oldest are left
 * out. */
#define HD_VISIT_OFFERS 32

struct hd_snapshot;

struct hd_hook {
    jvmtiEnv *jvmti;
    jvmtiEnv *retransforming; /* NULL: the JVM gives none */
    bool rebuilds_well;       /* what the JVM rebuilds of a class lacks nothing */
    const struct hd_labels *labels;
    void (*report)(struct hd_hook_event *event, void *context);
    void *context;
    struct hd_snapshot *published; /* NULL: no patch; read and written under hook.c's guard */
    atomic_bool shut;
};

/* A class that is shown to the hook and has patches. */
struct hd_visit {
    const struct hd_hook *hook;
    struct hd_patch *own; /* of just this loader; NULL: none. One reference */
    /* for a loader that has none of its own: latest deployment first; one reference each */
    struct hd_patch *offers[HD_VISIT_OFFERS];
    size_t offer_count;
};

/* False: nothing is known of that name, and the thread is not inside. Else it must leave. */
bool hd_hook_enter(jvmtiEnv *jvmti, JNIEnv *jni, const char *name, jobject loader,
                   struct hd_visit *visit);
void hd_hook_leave(struct hd_visit *visit, JNIEnv *jni);

#endif
