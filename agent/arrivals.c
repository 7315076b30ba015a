/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/arrivals.h"

#include "core/alloc.h"

#include <stdatomic.h>

enum state {
    IGNORED, /* not yet, or no more */
    NOTED,
    SHUT
};

static struct {
    _Atomic(enum state) state;
    atomic_uint count; /* since they were last taken, roughly */
    struct hd_arrival *_Atomic newest;
} arrivals = { .state = IGNORED };

static void set_state(enum state state)
{
    enum state before = atomic_load(&arrivals.state);
    while (before != SHUT && !atomic_compare_exchange_weak(&arrivals.state, &before, state))
        ;
}

static void push(struct hd_arrival *arrival)
{
    arrival->next = atomic_load(&arrivals.newest);
    while (!atomic_compare_exchange_weak(&arrivals.newest, &arrival->next, arrival))
        ;
}

void JNICALL hd_arrivals_class_load(jvmtiEnv *jvmti, JNIEnv *jni, jthread thread, jclass class)
{
    (void)jvmti;
    (void)thread;
    if (atomic_load(&arrivals.state) != NOTED)
        return;
    if (atomic_fetch_add(&arrivals.count, 1) >= HD_ARRIVALS_MOST) {
        set_state(IGNORED);
        return;
    }
    struct hd_arrival *arrival = hd_alloc(sizeof *arrival);
    jweak weak = arrival != NULL ? (*jni)->NewWeakGlobalRef(jni, class) : NULL;
    if (weak == NULL) {
        hd_free(arrival);
        (*jni)->ExceptionClear(jni);
        set_state(IGNORED);
        return;
    }
    arrival->class = weak;
    push(arrival);
}

struct hd_arrival *hd_arrivals_take(void)
{
    atomic_store(&arrivals.count, 0);
    struct hd_arrival *newest = atomic_exchange(&arrivals.newest, NULL);
    struct hd_arrival *first = NULL;
    for (struct hd_arrival *next; newest != NULL; newest = next) {
        next = newest->next;
        newest->next = first;
        first = newest;
    }
    return first;
}

void hd_arrival_free(struct hd_arrival *arrival, JNIEnv *jni)
{
    (*jni)->DeleteWeakGlobalRef(jni, arrival->class);
    hd_free(arrival);
}

static void forget(JNIEnv *jni)
{
    for (struct hd_arrival *arrival = hd_arrivals_take(), *next; arrival != NULL; arrival = next) {
        next = arrival->next;
        hd_arrival_free(arrival, jni);
    }
}

void hd_arrivals_begin(JNIEnv *jni)
{
    forget(jni);
    set_state(NOTED);
}

void hd_arrivals_end(JNIEnv *jni)
{
    set_state(IGNORED);
    forget(jni);
}

bool hd_arrivals_are_whole(void)
{
    return atomic_load(&arrivals.state) == NOTED;
}

size_t hd_arrivals_size(void)
{
    size_t waiting = atomic_load(&arrivals.count);
    return (waiting < HD_ARRIVALS_MOST ? waiting : HD_ARRIVALS_MOST) * sizeof(struct hd_arrival);
}

void hd_arrivals_shut(void)
{
    atomic_store(&arrivals.state, SHUT);
}

void hd_arrivals_open(void)
{
    atomic_store(&arrivals.state, IGNORED);
}
