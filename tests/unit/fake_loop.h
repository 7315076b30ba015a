/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop and an engine for tests of sources: descriptors are polled here, and the test answers jobs
 * itself. Linked instead of the agent's own loop.
 */
#ifndef HD_TESTS_FAKE_LOOP_H
#define HD_TESTS_FAKE_LOOP_H

#include "agent/access.h"
#include "agent/loop_lws.h"
#include "core/alloc.h"
#include "core/map.h"
#include "core/text.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FAKE_MAX_WATCHES 16
#define FAKE_MAX_JOBS    256
/* Only a failing test waits so long. */
#define PATIENCE_MS 60000

struct hd_loop_watch {
    struct hd_loop *loop;
    int descriptor;
    hd_loop_callback readable;
    void *context;
};

struct hd_loop {
    struct hd_options options;
    struct hd_jvm jvm;
    struct hd_access access;
    struct hd_loop_watch *watches[FAKE_MAX_WATCHES];
    struct hd_job *jobs[FAKE_MAX_JOBS]; /* not yet answered, oldest first */
    size_t job_count;
    uint64_t last_number;
    bool refuses_jobs;
    unsigned refusals; /* noted for the journal */
};

int hd_loop_watch(struct hd_loop *loop, int descriptor, hd_loop_callback readable, void *context,
                  struct hd_loop_watch **out, struct hd_error *err)
{
    struct hd_loop_watch *watch = hd_alloc(sizeof *watch);
    if (watch == NULL)
        return hd_error_set_memory(err);
    *watch = (struct hd_loop_watch){ loop, descriptor, readable, context };
    for (size_t i = 0; i < FAKE_MAX_WATCHES; i++) {
        if (loop->watches[i] != NULL)
            continue;
        loop->watches[i] = watch;
        *out = watch;
        return 0;
    }
    hd_free(watch);
    return hd_error_set(err, HD_E_LIMIT, "too many watches");
}

void hd_loop_unwatch(struct hd_loop_watch *watch)
{
    for (size_t i = 0; i < FAKE_MAX_WATCHES; i++)
        if (watch->loop->watches[i] == watch)
            watch->loop->watches[i] = NULL;
    hd_free(watch);
}

int hd_loop_submit(struct hd_loop *loop, struct hd_job *job, struct hd_error *err)
{
    if (loop->refuses_jobs || loop->job_count == FAKE_MAX_JOBS)
        return hd_error_set(err, HD_E_LIMIT, "64 jobs wait already");
    loop->jobs[loop->job_count++] = job;
    return 0;
}

const struct hd_jvm *hd_loop_jvm(const struct hd_loop *loop)
{
    return &loop->jvm;
}

/* Nothing is checked ahead. */
struct hd_engine *hd_loop_engine(const struct hd_loop *loop)
{
    (void)loop;
    return NULL;
}

bool hd_engine_offer(struct hd_engine *engine, struct hd_ahead *ahead)
{
    (void)engine;
    (void)ahead;
    return false;
}

const struct hd_options *hd_loop_options(const struct hd_loop *loop)
{
    return &loop->options;
}

struct hd_access *hd_loop_access(struct hd_loop *loop)
{
    return &loop->access;
}

void hd_loop_refused(struct hd_loop *loop, const struct hd_refusal *refusal)
{
    (void)refusal;
    loop->refusals++;
}

static inline void fake_loop_init(struct hd_loop *loop)
{
    *loop = (struct hd_loop){ .options = { .settle_ms = 30, .max_bundle = 1 << 20 } };
    loop->jvm.rules.feature_release = 17;
    loop->jvm.user = geteuid();
    hd_access_open(&loop->access, &loop->options, loop->jvm.user);
}

static inline int64_t fake_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The watched descriptors as poll takes them; returns how many of them are readable within timeout_ms. */
static inline int fake_loop_poll(const struct hd_loop *loop, struct pollfd *polled, int timeout_ms)
{
    for (size_t i = 0; i < FAKE_MAX_WATCHES; i++)
        polled[i] =
            (struct pollfd){ .fd = loop->watches[i] != NULL ? loop->watches[i]->descriptor : -1,
                             .events = POLLIN };
    return poll(polled, FAKE_MAX_WATCHES, timeout_ms);
}

/* One round: waits at most timeout_ms, calls whoever is readable. */
static inline void fake_loop_turn(struct hd_loop *loop, int timeout_ms)
{
    struct pollfd polled[FAKE_MAX_WATCHES];
    if (fake_loop_poll(loop, polled, timeout_ms) <= 0)
        return;
    for (size_t i = 0; i < FAKE_MAX_WATCHES; i++) {
        struct hd_loop_watch *watch = loop->watches[i];
        if (watch != NULL && polled[i].revents != 0 && watch->descriptor == polled[i].fd)
            watch->readable(watch->context);
    }
}

/* Any timer of this process, whoever holds it. */
static inline bool fake_timer_runs(void)
{
    DIR *descriptors = opendir("/proc/self/fd");
    assert_non_null(descriptors);
    bool runs = false;
    for (struct dirent *entry; !runs && (entry = readdir(descriptors)) != NULL;) {
        struct itimerspec when = { 0 };
        if (timerfd_gettime((int)strtol(entry->d_name, NULL, 10), &when) == 0)
            runs = when.it_value.tv_sec != 0 || when.it_value.tv_nsec != 0;
    }
    closedir(descriptors);
    return runs;
}

/* Nothing will happen before somebody outside does something. The timers first: one that ends in between is readable. */
static inline bool fake_loop_is_idle(void *context)
{
    struct pollfd polled[FAKE_MAX_WATCHES];
    return !fake_timer_runs() && fake_loop_poll(context, polled, 0) == 0;
}

/* Turns until done(context) or the time is over; says which. */
static inline bool fake_loop_run(struct hd_loop *loop, int64_t milliseconds,
                                 bool (*done)(void *context), void *context)
{
    int64_t end = fake_now_ms() + milliseconds;
    while (!done(context)) {
        int64_t left = end - fake_now_ms();
        if (left <= 0)
            return false;
        fake_loop_turn(loop, (int)left);
    }
    return true;
}

static inline bool fake_loop_has_job(void *context)
{
    return ((struct hd_loop *)context)->job_count > 0;
}

static inline bool fake_loop_never(void *context)
{
    (void)context;
    return false;
}

/* The next job, still in the queue; fails the test when none comes. */
static inline struct hd_job *fake_loop_await_job(struct hd_loop *loop)
{
    assert_true(fake_loop_run(loop, PATIENCE_MS, fake_loop_has_job, loop));
    return loop->jobs[0];
}

static inline bool fake_loop_has_job_or_is_idle(void *context)
{
    return fake_loop_has_job(context) || fake_loop_is_idle(context);
}

/* Turns until there is a job or none can come any more; says whether there is one. */
static inline bool fake_loop_settle(struct hd_loop *loop)
{
    assert_true(fake_loop_run(loop, PATIENCE_MS, fake_loop_has_job_or_is_idle, loop));
    return loop->job_count > 0;
}

/* Fails the test when a job comes within milliseconds. */
static inline void fake_loop_expect_no_job(struct hd_loop *loop, int64_t milliseconds)
{
    assert_false(fake_loop_run(loop, milliseconds, fake_loop_has_job, loop));
}

static inline void fake_answer_rows(struct hd_job *job, struct hd_deployment *deployment,
                                    enum hd_outcome outcome, enum hd_reason reason)
{
    for (size_t i = 0; job->bundle != NULL && i < hd_bundle_class_count(job->bundle); i++) {
        char *class_name = hd_text_class_name(hd_map_key(hd_bundle_class_at(job->bundle, i)->name));
        struct hd_row *row = hd_deployment_add_row(deployment, class_name, "app");
        hd_free(class_name);
        assert_non_null(row);
        row->outcome = outcome;
        row->reason = reason;
    }
}

/* Finishes the oldest job as the engine would: every class with this outcome, or the error the
 * source found itself. */
static inline void fake_loop_answer(struct hd_loop *loop, enum hd_outcome outcome,
                                    enum hd_reason reason)
{
    assert_true(loop->job_count > 0);
    struct hd_job *job = loop->jobs[0];
    loop->job_count--;
    memmove(loop->jobs, loop->jobs + 1, loop->job_count * sizeof loop->jobs[0]);
    if (job->deployment == NULL) {
        job->deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &job->origin);
        assert_non_null(job->deployment);
        fake_answer_rows(job, job->deployment, outcome, reason);
    }
    job->deployment->number = ++loop->last_number;
    job->finished(job, job->owner);
    hd_job_free(job);
}

static inline void fake_loop_close(struct hd_loop *loop)
{
    for (size_t i = 0; i < loop->job_count; i++)
        hd_job_free(loop->jobs[i]);
    for (size_t i = 0; i < FAKE_MAX_WATCHES; i++)
        assert_null(loop->watches[i]);
}

static inline const struct hd_bundle_class *job_class(const struct hd_job *job, const char *name)
{
    for (size_t i = 0; job->bundle != NULL && i < hd_bundle_class_count(job->bundle); i++) {
        const struct hd_bundle_class *class = hd_bundle_class_at(job->bundle, i);
        if (strcmp(class->name, name) == 0)
            return class;
    }
    return NULL;
}

#endif
