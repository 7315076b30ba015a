/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/loop.h"

#include "agent/access.h"
#include "agent/deadline.h"
#include "agent/listen.h"
#include "agent/loop_lws.h"
#include "agent/refused.h"
#include "agent/relay.h"
#include "agent/session.h"
#include "agent/sources.h"
#include "agent/status.h"
#include "agent/thread.h"
#include "core/alloc.h"
#include "core/message.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define THREAD_NAME "hotdrop-loop"

enum {
    READ_SIZE = 32 * 1024, /* libwebsockets' one buffer for what it reads */
    HEADER_TABLES = 96,    /* requests whose head is being read at the same time */
    DESCRIPTORS = 512,     /* three a connection, and what is watched */
    LEAVE_MS = 200         /* for clients to hear that the JVM ends */
};

struct hd_loop {
    const struct hd_jvm *jvm;
    const struct hd_options *options;
    struct hd_engine *engine;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct hd_sources *sources;
    struct hd_listen *listen;
    struct hd_sessions *sessions;
    struct hd_access access;
    struct hd_history history;
    struct hd_deadline deadline;
    struct hd_refused refused;
    struct hd_status *status; /* the engine's last */
    uint64_t submitted;       /* jobs, in all */
    uint64_t finished;        /* of those */
    uint64_t working;         /* deployments and checks among the others */
    bool attached;            /* to a JVM that ran already */
    bool left;                /* LEAVE_MS are over */
    lws_sorted_usec_list_t leaving;

    atomic_bool stopping;
    struct hd_thread_end end;
};

/* ---- what rooms ask -------------------------------------------------------------------------- */

const struct hd_history *hd_loop_history(const struct hd_loop *loop)
{
    return &loop->history;
}

const struct hd_status *hd_loop_status(const struct hd_loop *loop)
{
    return loop->status;
}

const struct hd_jvm *hd_loop_jvm(const struct hd_loop *loop)
{
    return loop->jvm;
}

const struct hd_options *hd_loop_options(const struct hd_loop *loop)
{
    return loop->options;
}

const struct hd_deadline *hd_loop_deadline(const struct hd_loop *loop)
{
    return &loop->deadline;
}

struct lws_context *hd_loop_context(const struct hd_loop *loop)
{
    return loop->context;
}

struct lws_vhost *hd_loop_vhost(const struct hd_loop *loop)
{
    return loop->vhost;
}

struct hd_engine *hd_loop_engine(const struct hd_loop *loop)
{
    return loop->engine;
}

struct hd_listen *hd_loop_listen(const struct hd_loop *loop)
{
    return loop->listen;
}

struct hd_sessions *hd_loop_sessions(const struct hd_loop *loop)
{
    return loop->sessions;
}

struct hd_access *hd_loop_access(struct hd_loop *loop)
{
    return &loop->access;
}

void hd_loop_refused(struct hd_loop *loop, const struct hd_refusal *refusal)
{
    hd_refused_note(&loop->refused, refusal);
}

void hd_loop_timer_set(struct hd_loop *loop, lws_sorted_usec_list_t *timer, sul_cb_t callback,
                       uint64_t milliseconds)
{
    lws_sul_schedule(loop->context, 0, timer, callback, (int64_t)milliseconds * LWS_US_PER_MS);
}

void hd_loop_timer_cancel(lws_sorted_usec_list_t *timer)
{
    lws_sul_cancel(timer);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static bool is_work(const struct hd_job *job)
{
    return job->kind != HD_JOB_STATUS && job->kind != HD_JOB_LOADED &&
           job->kind != HD_JOB_REFUSED && job->kind != HD_JOB_CONFIRM &&
           job->kind != HD_JOB_RESTART;
}

uint64_t hd_loop_last_ticket(const struct hd_loop *loop)
{
    return loop->submitted;
}

uint64_t hd_loop_jobs_before(const struct hd_loop *loop, uint64_t ticket)
{
    return ticket > loop->finished + 1 ? ticket - loop->finished - 1 : 0;
}

bool hd_loop_is_busy(const struct hd_loop *loop)
{
    return loop->working > 0;
}

int hd_loop_submit(struct hd_loop *loop, struct hd_job *job, struct hd_error *err)
{
    bool work = is_work(job); /* the job may be done before submit returns */
    if (hd_engine_submit(loop->engine, job, err) != 0)
        return -1;
    loop->submitted++;
    loop->working += work ? 1 : 0;
    return 0;
}

static void remember_deployment(struct hd_loop *loop, struct hd_deployment *deployment)
{
    struct hd_error err = HD_ERROR_INIT;
    if (deployment == NULL || deployment->number == 0)
        return;
    if (hd_history_add(&loop->history, deployment, &err) != 0)
        hd_log(HD_LOG_WARN, "deployment %llu is missing in the history: %s",
               (unsigned long long)deployment->number, err.text);
}

static void log_deployment(const struct hd_deployment *deployment)
{
    if (deployment == NULL || deployment->number == 0)
        return;
    hd_log(HD_LOG_INFO,
           "deployment %llu from %s, %s: %s, %zu redefined, %zu defined, %zu pending, "
           "%zu unchanged, %zu rolled back, %zu refused, %zu withheld%s%s",
           (unsigned long long)deployment->number, deployment->origin.who, deployment->origin.from,
           deployment->applied ? "applied" : "not applied",
           hd_deployment_count(deployment, HD_OUTCOME_REDEFINED),
           hd_deployment_count(deployment, HD_OUTCOME_DEFINED),
           hd_deployment_count(deployment, HD_OUTCOME_PENDING),
           hd_deployment_count(deployment, HD_OUTCOME_UNCHANGED),
           hd_deployment_count(deployment, HD_OUTCOME_ROLLED_BACK),
           hd_deployment_count(deployment, HD_OUTCOME_REFUSED),
           hd_deployment_count(deployment, HD_OUTCOME_WITHHELD),
           deployment->error_message != NULL ? ": " : "",
           deployment->error_message != NULL ? deployment->error_message : "");
}

static void finish_take(struct hd_loop *loop, struct hd_job *job)
{
    if (job->kind != HD_JOB_LOADED && job->kind != HD_JOB_RESTART)
        loop->finished++;
    loop->working -= is_work(job) ? 1 : 0;
    remember_deployment(loop, job->deployment);
    log_deployment(job->deployment);
    hd_refused_hear(&loop->refused, job);
    bool trial_ended = hd_deadline_hear(&loop->deadline, job);
    if (job->status != NULL) {
        hd_status_free(loop->status);
        loop->status = job->status;
        job->status = NULL;
    }
    if (job->finished != NULL)
        job->finished(job, job->owner);
    if (trial_ended)
        hd_sources_try_again(loop->sources);
    hd_job_free(job);
}

static void collect(struct hd_loop *loop)
{
    for (struct hd_job *job = hd_engine_collect(loop->engine); job != NULL;
         job = hd_engine_collect(loop->engine))
        finish_take(loop, job);
}

/* ---- libwebsockets --------------------------------------------------------------------------- */

static int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                         size_t length)
{
    (void)user;
    (void)in;
    (void)length;
    struct hd_loop *loop;
    switch (reason) {
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        loop = lws_context_user(lws_get_context(wsi));
        collect(loop);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: /* never a positive answer: CVE-2025-11677 */
        loop = lws_context_user(lws_get_context(wsi));
        return hd_listen_judge(loop->listen, wsi);
    case LWS_CALLBACK_HTTP: /* no upgrade was asked for, so the judge refuses it */
        loop = lws_context_user(lws_get_context(wsi));
        (void)!hd_listen_judge(loop->listen, wsi);
        return -1;
    case LWS_CALLBACK_WSI_DESTROY:
        loop = lws_context_user(lws_get_context(wsi));
        hd_listen_gone(loop->listen, wsi);
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1;
    default:
        return 0;
    }
}

/* What it calls errors is mostly what peers do wrong; our own lines tell of those. */
static void log_line(int level, const char *line)
{
    char text[512];
    size_t length = strcspn(line, "\n");
    if (length >= sizeof text)
        length = sizeof text - 1;
    memcpy(text, line, length);
    text[length] = '\0';
    hd_log(HD_LOG_DEBUG, "libwebsockets%s: %s", level == LLL_ERR ? " (error)" : "", text);
}

static const struct lws_protocols protocols[] = {
    { .name = HD_LWS_HTTP, .callback = http_callback },
    { .name = HD_PROTOCOL_NAME, .callback = hd_session_callback, .rx_buffer_size = READ_SIZE },
    { .name = HD_LWS_RELAY, .callback = hd_relay_callback },
    { .name = HD_LWS_WATCH, .callback = hd_loop_watch_callback },
    { .name = NULL },
};

static const lws_retry_bo_t liveness = {
    .secs_since_valid_ping = HD_SESSION_PING_SECONDS,
    .secs_since_valid_hangup = HD_SESSION_DEAD_SECONDS,
};

static int create_context(struct hd_loop *loop, struct hd_error *err)
{
    struct lws_context_creation_info info = { 0 };
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.user = loop;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    info.fd_limit_per_thread = DESCRIPTORS;
    info.max_http_header_pool = HEADER_TABLES;
    info.pt_serv_buf_size = READ_SIZE;
    info.timeout_secs = HD_LISTEN_HANDSHAKE_SECONDS;
    info.protocols = protocols;
    info.retry_and_idle_policy = &liveness;
    info.vhost_name = "hotdrop";
    loop->context = lws_create_context(&info);
    if (loop->context == NULL)
        return hd_error_set(err, HD_E_SYSTEM, "libwebsockets does not start");
    loop->vhost = lws_create_vhost(loop->context, &info);
    if (loop->vhost == NULL)
        return hd_error_set(err, HD_E_SYSTEM, "libwebsockets does not start a server");
    return 0;
}

/* libwebsockets (as distributions build it) sets SIGPIPE to be ignored; the JVM has a handler of
 * its own there. */
static int create_context_quietly(struct hd_loop *loop, struct hd_error *err)
{
    struct sigaction before;
    lws_set_log_level(LLL_ERR | LLL_WARN | (hd_log_enabled(HD_LOG_DEBUG) ? LLL_NOTICE : 0),
                      log_line);
    bool saved = sigaction(SIGPIPE, NULL, &before) == 0;
    int result = create_context(loop, err);
    if (saved)
        sigaction(SIGPIPE, &before, NULL);
    return result;
}

/* ---- life ------------------------------------------------------------------------------------ */

int hd_loop_new(const struct hd_jvm *jvm, struct hd_engine *engine,
                const struct hd_options *options, struct hd_loop **out, struct hd_error *err)
{
    struct hd_loop *loop = hd_alloc_zeroed(1, sizeof *loop);
    if (loop == NULL)
        return hd_error_set_memory(err);
    loop->jvm = jvm;
    loop->engine = engine;
    loop->options = options;
    hd_access_open(&loop->access, options, jvm->user);
    loop->deadline.loop = loop;
    loop->refused.loop = loop;
    loop->history.past = hd_engine_steal_past(engine);
    atomic_init(&loop->stopping, false);
    hd_thread_end_init(&loop->end);
    if (hd_sessions_new(loop, &loop->sessions, err) != 0 ||
        hd_listen_new(loop, &loop->listen, err) != 0 || create_context_quietly(loop, err) != 0) {
        hd_loop_free(loop);
        return -1;
    }
    *out = loop;
    return 0;
}

static void time_to_leave(lws_sorted_usec_list_t *timer)
{
    struct hd_loop *loop = lws_container_of(timer, struct hd_loop, leaving);
    loop->left = true;
    hd_loop_wake(loop); /* or libwebsockets would wait for something else first */
}

/* Nothing is freed here: the process ends, and an engine that did not stop in time may still wake
 * us. */
static void wind_up(struct hd_loop *loop)
{
    hd_listen_close(loop->listen);
    hd_sources_close(loop->sources);
    loop->sources = NULL;
    hd_sessions_leave(loop->sessions);
    hd_loop_timer_set(loop, &loop->leaving, time_to_leave, LEAVE_MS);
    while (!loop->left && !hd_sessions_are_over(loop->sessions) &&
           lws_service(loop->context, 0) >= 0)
        ;
}

static void JNICALL run(jvmtiEnv *jvmti, JNIEnv *jni, void *argument)
{
    (void)jvmti;
    (void)jni;
    struct hd_loop *loop = argument;
    hd_thread_name(THREAD_NAME);
    if (!loop->attached)
        hd_listen_open(loop->listen);
    hd_listen_open_names(loop->listen);
    int result = 0;
    while (!atomic_load(&loop->stopping) && result >= 0)
        result = lws_service(loop->context, 0);
    if (result < 0)
        hd_log(HD_LOG_ERROR, "the event loop failed; nothing more is deployed in this JVM");
    else
        wind_up(loop);
    hd_thread_end_set(&loop->end, false);
}

int hd_loop_open(struct hd_loop *loop, bool attached, struct hd_error *err)
{
    loop->attached = attached;
    if (attached)
        hd_listen_open(loop->listen);
    if (attached && hd_listen_is_shut(loop->listen))
        return hd_error_set(err, HD_E_SYSTEM, "nobody could connect to the agent");
    return hd_sources_open(loop, loop->engine, &loop->sources, err);
}

int hd_loop_start(struct hd_loop *loop, JNIEnv *jni, struct hd_error *err)
{
    hd_thread_end_set(&loop->end, true);
    if (hd_thread_start(loop->jvm, jni, THREAD_NAME, run, loop, err) == 0)
        return 0;
    hd_thread_end_set(&loop->end, false);
    return -1;
}

void hd_loop_wake(struct hd_loop *loop)
{
    lws_cancel_service(loop->context);
}

int hd_loop_stop(struct hd_loop *loop, unsigned timeout_ms)
{
    atomic_store(&loop->stopping, true);
    hd_loop_wake(loop);
    return hd_thread_end_await(&loop->end, timeout_ms);
}

void hd_loop_free(struct hd_loop *loop)
{
    if (loop == NULL)
        return;
    hd_sources_close(loop->sources);
    if (loop->listen != NULL)
        hd_listen_close(loop->listen);
    if (loop->context != NULL)
        lws_context_destroy(loop->context);
    hd_listen_free(loop->listen);
    hd_sessions_free(loop->sessions);
    hd_access_close(&loop->access);
    hd_deadline_close(&loop->deadline);
    hd_history_close(&loop->history);
    hd_status_free(loop->status);
    hd_thread_end_close(&loop->end);
    hd_free(loop);
}
