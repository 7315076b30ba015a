/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ahead.h"

#include "agent/engine.h"
#include "core/alloc.h"

#include <pthread.h>

/* So many classes are unpacked before the engine is told: to wake it takes longer than a class. */
#define STEP 16
/* The loop takes fewer at a time: the engine waits for it in the end. */
#define HELP 4

struct hd_ahead {
    const struct hd_bundle *bundle;
    struct hd_prepared *classes; /* of whoever took them, then of whoever holds the job */
    size_t count;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    size_t unpacked; /* the first so many classes of the bundle are there */
    size_t taken;    /* those before it the engine has taken, from the front, */
    size_t left;     /* and those from it on the loop, from the back */
    bool ended;      /* no more will come */
    bool unwanted;
    bool held;   /* by the engine */
    bool helped; /* the loop is at some that it has taken */
    /* the engine's, while it is at it; NULL: it is not */
    const struct hd_registry *registry;
    const struct hd_jvm_rules *rules;
};

static struct hd_ahead *new_ahead(const struct hd_bundle *bundle, size_t count)
{
    struct hd_ahead *ahead = hd_alloc_zeroed(1, sizeof *ahead);
    struct hd_prepared *classes = hd_alloc_zeroed(count, sizeof *classes);
    if (ahead == NULL || classes == NULL) {
        hd_free(ahead);
        hd_free(classes);
        return NULL;
    }
    *ahead =
        (struct hd_ahead){ .bundle = bundle, .classes = classes, .count = count, .left = count };
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    return ahead;
}

void hd_ahead_free(struct hd_ahead *ahead)
{
    if (ahead == NULL)
        return;
    pthread_mutex_lock(&ahead->lock);
    ahead->ended = true;
    ahead->unwanted = true;
    pthread_cond_broadcast(&ahead->changed);
    while (ahead->held)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
    for (size_t i = 0; i < ahead->count; i++)
        hd_prepared_close(&ahead->classes[i]);
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
    hd_free(ahead->classes);
    hd_free(ahead);
}

bool hd_ahead_take(struct hd_ahead *ahead, size_t index, struct hd_prepared *out)
{
    if (ahead == NULL || index >= ahead->count || ahead->classes[index].blob == NULL)
        return false;
    *out = ahead->classes[index];
    ahead->classes[index] = (struct hd_prepared)HD_PREPARED_INIT;
    return true;
}

/* What is found wanting is left to the road, which finds the words for it. */
static void prepare(struct hd_ahead *ahead, size_t index)
{
    const struct hd_bundle_class *class = hd_bundle_class_at(ahead->bundle, index);
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_prepared made = HD_PREPARED_INIT;
    if (hd_prepare(class, ahead->rules, &made, &ignored) != 0 || made.reason != HD_REASON_NONE ||
        hd_blob_of(class->file, &made.blob, &ignored) != 0) {
        hd_prepared_close(&made);
        return;
    }
    hd_foresee(ahead->registry, ahead->rules, class->name, made.file, &made.foreseen);
    if (made.foreseen.live != NULL)
        hd_prepared_forget(&made);
    ahead->classes[index] = made;
}

static size_t at_most(size_t count, size_t most)
{
    return count < most ? count : most;
}

/* ---- on the engine thread -------------------------------------------------------------------- */

/* How many classes from *from on are the engine's to look at; waits for them. 0: no more will come. */
static size_t take_from_front(struct hd_ahead *ahead, size_t *from)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->taken == at_most(ahead->unpacked, ahead->left) && !ahead->ended)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    size_t there = at_most(ahead->unpacked, ahead->left) - ahead->taken;
    size_t count = ahead->unwanted ? 0 : at_most(there, STEP);
    *from = ahead->taken;
    ahead->taken += count;
    pthread_mutex_unlock(&ahead->lock);
    return count;
}

static void begin(struct hd_ahead *ahead, const struct hd_registry *registry,
                  const struct hd_jvm_rules *rules)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->registry = registry;
    ahead->rules = rules;
    pthread_mutex_unlock(&ahead->lock);
}

/* The registry must not change while the loop looks into it. */
static void end(struct hd_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->helped)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    ahead->registry = NULL;
    pthread_mutex_unlock(&ahead->lock);
}

void hd_ahead_run(struct hd_ahead *ahead, const struct hd_registry *registry,
                  const struct hd_jvm_rules *rules)
{
    size_t from, count;
    begin(ahead, registry, rules);
    while ((count = take_from_front(ahead, &from)) > 0) {
        for (size_t i = from; i < from + count; i++)
            prepare(ahead, i);
    }
    end(ahead);
    hd_ahead_let_go(ahead);
}

void hd_ahead_let_go(struct hd_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->held = false;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

/* ---- on the loop thread ---------------------------------------------------------------------- */

struct opening {
    struct hd_engine *engine;
    struct hd_ahead *ahead;
};

static void offer(struct opening *opening, const struct hd_bundle *bundle, size_t total)
{
    opening->ahead = new_ahead(bundle, total);
    if (opening->ahead == NULL)
        return;
    opening->ahead->held = true;
    if (hd_engine_offer(opening->engine, opening->ahead))
        return;
    opening->ahead->held = false;
    hd_ahead_free(opening->ahead);
    opening->ahead = NULL;
}

static void tell(struct hd_ahead *ahead, size_t unpacked)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->unpacked = unpacked;
    ahead->ended = unpacked == ahead->count;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

/* Of those that the engine has not got to yet. False: there are none, or it is not at it (any more). */
static bool take_from_back(struct hd_ahead *ahead, size_t *from, size_t *count)
{
    pthread_mutex_lock(&ahead->lock);
    bool may = ahead->registry != NULL && !ahead->unwanted;
    *count = may ? at_most(ahead->left - ahead->taken, HELP) : 0;
    ahead->left -= *count;
    *from = ahead->left;
    ahead->helped = *count > 0;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    return *count > 0;
}

/* Unpacking takes less time than the rest of it. */
static void help(struct hd_ahead *ahead)
{
    size_t from, count;
    while (take_from_back(ahead, &from, &count)) {
        for (size_t i = from; i < from + count; i++)
            prepare(ahead, i);
    }
}

static void hear_unpacked(void *context, const struct hd_bundle *bundle, size_t unpacked,
                          size_t total)
{
    struct opening *opening = context;
    if (unpacked == 1 && total >= HD_AHEAD_LEAST)
        offer(opening, bundle, total);
    if (opening->ahead == NULL || (unpacked % STEP != 0 && unpacked != total))
        return;
    tell(opening->ahead, unpacked);
    if (unpacked == total)
        help(opening->ahead);
}

/* The engine reads the bundle, which is about to be freed. */
static void hear_gone(void *context)
{
    struct opening *opening = context;
    hd_ahead_free(opening->ahead);
    opening->ahead = NULL;
}

int hd_ahead_open_bundle_take(struct hd_engine *engine, uint8_t *jar, size_t length,
                              const char *name, const struct hd_bundle_limits *limits,
                              unsigned feature_release, struct hd_bundle **bundle,
                              struct hd_ahead **ahead, struct hd_error *err)
{
    struct opening opening = { engine, NULL };
    const struct hd_bundle_watcher watcher = { hear_unpacked, hear_gone, &opening };
    int status = hd_bundle_open_watched_take(jar, length, name, limits, feature_release,
                                             engine != NULL ? &watcher : NULL, bundle, err);
    *ahead = opening.ahead;
    return status;
}
