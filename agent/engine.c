/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/engine.h"

#include "agent/arrivals.h"
#include "agent/keep.h"
#include "agent/news.h"
#include "agent/road.h"
#include "agent/status.h"
#include "agent/thread.h"
#include "core/alloc.h"
#include "core/log.h"
#include "core/text.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define THREAD_NAME      "hotdrop-engine"
#define MAX_WAITING_JOBS 64

struct job_queue {
    struct hd_job *first;
    struct hd_job **end;
    size_t count;
};

struct hd_engine {
    struct hd_road road; /* engine thread only, except road.closing */
    bool restarted;      /* before that thread: what was kept is live again */

    pthread_mutex_t
        lock; /* guards what follows; held for moments, never across a call into the JVM */
    pthread_cond_t changed;
    struct job_queue waiting;
    struct job_queue finished;
    struct hd_ahead *ahead; /* what to check before the next job; NULL: nothing */
    struct hd_news news;
    char doing[256];
    int64_t doing_since;
    bool stopping;
    bool idle;    /* the thread sleeps */
    bool running; /* the thread was started and has not ended */

    void (*wake)(void *context);
    void *wake_context;
};

/* ---- jobs ------------------------------------------------------------------------------------ */

static void open_queue(struct job_queue *queue)
{
    *queue = (struct job_queue){ NULL, &queue->first, 0 };
}

static void push(struct job_queue *queue, struct hd_job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
    queue->count++;
}

static struct hd_job *pop(struct job_queue *queue)
{
    struct hd_job *job = queue->first;
    if (job == NULL)
        return NULL;
    queue->first = job->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    queue->count--;
    job->next = NULL;
    return job;
}

static void close_queue(struct job_queue *queue)
{
    for (struct hd_job *job = pop(queue); job != NULL; job = pop(queue))
        hd_job_free(job);
}

/* ---- what it is doing ------------------------------------------------------------------------ */

static void set_doing(void *context, const char *text)
{
    struct hd_engine *engine = context;
    int64_t now = hd_text_now();
    pthread_mutex_lock(&engine->lock);
    hd_text_format(engine->doing, sizeof engine->doing, "%s", text);
    engine->doing_since = now;
    pthread_mutex_unlock(&engine->lock);
}

size_t hd_engine_waiting(struct hd_engine *engine, char *text, size_t capacity, int64_t *since)
{
    pthread_mutex_lock(&engine->lock);
    size_t count = engine->waiting.count;
    if (text != NULL)
        hd_text_format(text, capacity, "%s", engine->doing);
    if (since != NULL)
        *since = engine->doing_since;
    pthread_mutex_unlock(&engine->lock);
    return count;
}

/* ---- making ---------------------------------------------------------------------------------- */

/* On whatever thread loaded or changed the class. */
static void queue_event(struct hd_hook_event *event, void *context)
{
    struct hd_engine *engine = context;
    void *jni = NULL;
    pthread_mutex_lock(&engine->lock);
    struct hd_hook_event *rest = hd_news_add_take(&engine->news, event);
    bool full = rest == event && engine->news.lost == 1;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    if (full)
        hd_log(HD_LOG_ERROR, "too much happened to patched classes while the engine was held up: "
                             "status may be wrong");
    JavaVM *vm = engine->road.jvm->vm;
    if (rest != NULL && (*vm)->GetEnv(vm, &jni, JNI_VERSION_1_6) == JNI_OK)
        hd_hook_event_free(rest, jni);
}

static int open_road(struct hd_engine *engine, JNIEnv *jni, struct hd_error *err)
{
    struct hd_road *road = &engine->road;
    road->doing = set_doing;
    road->doing_context = engine;
    road->registry = hd_registry_new();
    road->states = hd_states_new();
    road->forced = hd_forced_marks_new();
    if (road->registry == NULL || road->states == NULL || road->forced == NULL)
        return hd_error_set_memory(err);
    if (road->options->store != NULL &&
        hd_archive_open(road->options->store, &road->archive, err) != 0)
        return -1;
    road->last_number = hd_archive_last_number(road->archive);
    road->earlier_number = road->last_number;
    road->loaded = hd_loaded_new(road->jvm);
    if (road->loaded == NULL)
        return hd_error_set_memory(err);
    if (hd_labels_new(jni, &road->labels, err) != 0 ||
        hd_base_finder_new(road->jvm, &road->finder, err) != 0)
        return -1;
    return hd_hook_new(road->jvm, road->labels, queue_event, engine, &road->hook, err);
}

static void close_road(struct hd_road *road, JNIEnv *jni)
{
    hd_hook_free(road->hook, jni);
    hd_loaded_free(road->loaded, jni);
    hd_base_finder_free(road->finder, jni);
    hd_labels_free(road->labels, jni);
    hd_registry_free(road->registry, jni);
    hd_states_free(road->states, jni);
    hd_forced_marks_free(road->forced);
    hd_old_frames_close(&road->frames);
    hd_archive_close(road->archive);
    hd_gate_close(&road->gate);
}

int hd_engine_new(const struct hd_jvm *jvm, JNIEnv *jni, const struct hd_options *options,
                  struct hd_engine **out, struct hd_error *err)
{
    struct hd_engine *engine = hd_alloc_zeroed(1, sizeof *engine);
    if (engine == NULL)
        return hd_error_set_memory(err);
    engine->road.jvm = jvm;
    engine->road.options = options;
    atomic_init(&engine->road.closing, false);
    pthread_mutex_init(&engine->lock, NULL);
    hd_thread_condition_init(&engine->changed);
    open_queue(&engine->waiting);
    open_queue(&engine->finished);
    hd_news_open(&engine->news);
    if (open_road(engine, jni, err) != 0) {
        hd_engine_free(engine, jni);
        return -1;
    }
    *out = engine;
    return 0;
}

int hd_engine_remember(struct hd_engine *engine, const char *internal_name, struct hd_bytes file,
                       struct hd_error *err)
{
    return hd_base_remember(engine->road.finder, internal_name, file, err);
}

struct hd_past *hd_engine_steal_past(struct hd_engine *engine)
{
    return hd_archive_steal_past(engine->road.archive);
}

static void free_news(struct hd_hook_event *news, JNIEnv *jni)
{
    for (struct hd_hook_event *next; news != NULL; news = next) {
        next = news->next;
        hd_hook_event_free(news, jni);
    }
}

void hd_engine_free(struct hd_engine *engine, JNIEnv *jni)
{
    if (engine == NULL)
        return;
    close_road(&engine->road, jni); /* the hook first: no event comes after that */
    free_news(hd_news_take_all(&engine->news), jni);
    close_queue(&engine->waiting);
    close_queue(&engine->finished);
    pthread_cond_destroy(&engine->changed);
    pthread_mutex_destroy(&engine->lock);
    hd_free(engine);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static bool is_question(const struct hd_job *job)
{
    return job->kind == HD_JOB_STATUS || job->kind == HD_JOB_LOADED;
}

static void answer(struct hd_engine *engine, JNIEnv *jni, struct hd_job *job)
{
    hd_road_sweep(&engine->road, jni);
    hd_road_count_old_frames(&engine->road, jni);
    if (job->blocking)
        job->stacks = hd_road_list_blocking(&engine->road, jni);
    job->status = hd_road_status(&engine->road);
}

static void run_job(struct hd_engine *engine, JNIEnv *jni, struct hd_job *job)
{
    if (job->kind == HD_JOB_REFUSED)
        hd_archive_note_refusals(engine->road.archive, job->refusals);
    else if (job->kind == HD_JOB_CONFIRM)
        hd_deploy_confirm(&engine->road, job);
    else if (job->kind == HD_JOB_KEEP)
        hd_keep_run(&engine->road, jni, job);
    else if (is_question(job))
        answer(engine, jni, job);
    else
        hd_deploy_run(&engine->road, jni, job);
}

/* The references of a job end with it, whatever it left behind. */
static void run_in_frame(struct hd_engine *engine, JNIEnv *jni, struct hd_job *job)
{
    bool framed = (*jni)->PushLocalFrame(jni, 64) == JNI_OK;
    if (!framed)
        (*jni)->ExceptionClear(jni);
    run_job(engine, jni, job);
    (*jni)->ExceptionClear(jni);
    if (framed)
        (*jni)->PopLocalFrame(jni, NULL);
}

void hd_engine_restart(struct hd_engine *engine, JNIEnv *jni)
{
    struct hd_job *job = hd_keep_restart_job(&engine->road);
    if (job == NULL)
        return;
    hd_log(HD_LOG_INFO, "%s, by %s, becomes live again", job->message != NULL ? job->message : "",
           job->origin.who);
    run_in_frame(engine, jni, job);
    engine->restarted = true;
    pthread_mutex_lock(&engine->lock);
    push(&engine->finished, job);
    pthread_mutex_unlock(&engine->lock);
}

bool hd_engine_take_back(struct hd_engine *engine, JNIEnv *jni)
{
    static const struct hd_origin agent = { HD_WAY_AGENT, "agent",
                                            "the agent could not be started" };
    size_t count = hd_registry_count(engine->road.registry);
    if (count == 0)
        return true;
    struct hd_job *job = hd_job_new(HD_JOB_ROLLBACK, &agent);
    if (job != NULL) {
        job->to_given = true; /* 0: as started */
        run_in_frame(engine, jni, job);
    }
    bool done = job != NULL && job->deployment != NULL && job->deployment->applied;
    if (done)
        hd_log(HD_LOG_WARN, "what was kept is not live");
    else
        hd_log(
            HD_LOG_ERROR,
            "%zu patches of what was kept are live, and could not be taken back: %s; they are as "
            "long as this JVM runs",
            count,
            job != NULL && job->deployment != NULL && job->deployment->error_message != NULL
                ? job->deployment->error_message
                : "out of memory, or the JVM refused");
    hd_job_free(job);
    return done;
}

static void finish(struct hd_engine *engine, struct hd_job *job)
{
    pthread_mutex_lock(&engine->lock);
    push(&engine->finished, job);
    engine->doing[0] = '\0';
    pthread_mutex_unlock(&engine->lock);
    engine->wake(engine->wake_context);
}

/* Who waits for a job's report gets it first; the loop then learns what is live. */
static void tell_status(struct hd_engine *engine)
{
    const struct hd_origin nobody = { .way = HD_WAY_DROP };
    struct hd_job *job = hd_job_new(HD_JOB_LOADED, &nobody);
    if (job == NULL)
        return;
    job->status = hd_road_status(&engine->road);
    finish(engine, job);
}

static bool may_change_status(const struct hd_job *job)
{
    return !is_question(job) && job->kind != HD_JOB_CHECK && job->kind != HD_JOB_CONFIRM &&
           job->kind != HD_JOB_REFUSED;
}

/* The hook's news first: it is older than the job, and the job's bases depend on it. Loop and
 * clients hear of it by a status of its own. */
static void hear_take(struct hd_engine *engine, JNIEnv *jni, struct hd_hook_event *news)
{
    const struct hd_origin nobody = { .way = HD_WAY_DROP };
    if (news == NULL)
        return;
    hd_road_hear_hook_take(&engine->road, jni, news);
    struct hd_job *job = hd_job_new(HD_JOB_LOADED, &nobody);
    if (job == NULL)
        return;
    run_in_frame(engine, jni, job);
    finish(engine, job);
}

struct work {
    struct hd_ahead *ahead; /* or NULL, and then */
    struct hd_hook_event *news;
    struct hd_job *job;
};

static bool has_work(const struct hd_engine *engine)
{
    return engine->stopping || engine->ahead != NULL || engine->news.first != NULL ||
           engine->waiting.first != NULL;
}

/* Sleeps until there is something to do. False when the engine stops. */
static bool take(struct hd_engine *engine, struct work *work)
{
    *work = (struct work){ NULL, NULL, NULL };
    pthread_mutex_lock(&engine->lock);
    engine->idle = true;
    while (!has_work(engine))
        pthread_cond_wait(&engine->changed, &engine->lock);
    engine->idle = false;
    bool go_on = !engine->stopping;
    work->ahead = engine->ahead;
    engine->ahead = NULL;
    if (go_on && work->ahead == NULL) {
        work->news = hd_news_take_all(&engine->news);
        work->job = pop(&engine->waiting);
    }
    pthread_mutex_unlock(&engine->lock);
    if (!go_on && work->ahead != NULL)
        hd_ahead_let_go(work->ahead);
    return go_on;
}

static void JNICALL run(jvmtiEnv *jvmti, JNIEnv *jni, void *argument)
{
    (void)jvmti;
    struct hd_engine *engine = argument;
    struct work work;
    hd_thread_name(THREAD_NAME);
    if (engine->restarted)
        tell_status(engine);
    while (take(engine, &work)) {
        if (work.ahead != NULL)
            hd_ahead_run(work.ahead, engine->road.registry, &engine->road.jvm->rules);
        hear_take(engine, jni, work.news);
        if (work.job == NULL)
            continue;
        run_in_frame(engine, jni, work.job);
        bool changed = may_change_status(work.job);
        finish(engine, work.job);
        if (changed)
            tell_status(engine);
    }
    pthread_mutex_lock(&engine->lock);
    engine->running = false;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
}

int hd_engine_start(struct hd_engine *engine, JNIEnv *jni, void (*wake)(void *context),
                    void *context, struct hd_error *err)
{
    engine->wake = wake;
    engine->wake_context = context;
    engine->running = true;
    int status = hd_thread_start(engine->road.jvm, jni, THREAD_NAME, run, engine, err);
    if (status != 0)
        engine->running = false;
    else
        wake(context); /* what became live again before is finished, too */
    return status;
}

/* ---- from the loop --------------------------------------------------------------------------- */

/* A session has one of these at a time, and the loop one: they are few. */
static bool ends_trial(const struct hd_job *job)
{
    return job->kind == HD_JOB_CONFIRM || (job->kind == HD_JOB_ROLLBACK && job->trial != 0);
}

int hd_engine_submit(struct hd_engine *engine, struct hd_job *job, struct hd_error *err)
{
    int status = 0;
    pthread_mutex_lock(&engine->lock);
    if (engine->stopping)
        status = hd_error_set(err, HD_E_JVM, "the JVM is shutting down");
    else if (engine->waiting.count >= MAX_WAITING_JOBS && !ends_trial(job))
        status = hd_error_set(err, HD_E_LIMIT, "%d deployments wait already; try again later",
                              MAX_WAITING_JOBS);
    else
        push(&engine->waiting, job);
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

bool hd_engine_offer(struct hd_engine *engine, struct hd_ahead *ahead)
{
    pthread_mutex_lock(&engine->lock);
    bool takes = engine->idle && !has_work(engine);
    if (takes)
        engine->ahead = ahead;
    pthread_cond_broadcast(&engine->changed);
    pthread_mutex_unlock(&engine->lock);
    return takes;
}

struct hd_job *hd_engine_collect(struct hd_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    struct hd_job *job = pop(&engine->finished);
    pthread_mutex_unlock(&engine->lock);
    return job;
}

int hd_engine_stop(struct hd_engine *engine, unsigned timeout_ms)
{
    struct timespec deadline = hd_thread_deadline(timeout_ms);
    atomic_store_explicit(&engine->road.closing, true, memory_order_release);
    hd_hook_shut(engine->road.hook);
    hd_arrivals_shut();
    pthread_mutex_lock(&engine->lock);
    engine->stopping = true;
    pthread_cond_broadcast(&engine->changed);
    int waited = 0;
    while (engine->running && waited == 0)
        waited = pthread_cond_timedwait(&engine->changed, &engine->lock, &deadline);
    bool ended = !engine->running;
    pthread_mutex_unlock(&engine->lock);
    return ended ? 0 : -1;
}
