/* SPDX-License-Identifier: Apache-2.0 */
/* One push or check of a session: the bundle arrives, the engine works, the client hears how it
 * goes. */
#include "agent/access.h"
#include "agent/answer.h"
#include "agent/session_state.h"
#include "core/alloc.h"
#include "core/bundle.h"

#include <stdio.h>

/* The first piece of memory for a bundle: what is announced is believed only as far as it
 * arrives. */
#define FIRST_ROOM        (UINT64_C(1) << 20)
#define BUNDLE_SILENCE_MS ((uint64_t)HD_SESSION_BUNDLE_SECONDS * 1000)
#define PROGRESS_MS       ((uint64_t)HD_SESSION_PROGRESS_SECONDS * 1000)

static void drop_bundle(struct hd_session *session)
{
    session->all->buffered -= session->bundle.length;
    hd_buffer_close(&session->bundle);
}

static void become_ready(struct hd_session *session)
{
    hd_loop_timer_cancel(&session->timer);
    drop_bundle(session);
    hd_request_close(&session->request);
    session->request = (struct hd_request){ 0 };
    session->job = NULL;
    session->stage = HD_SESSION_READY;
}

static void say_progress(lws_sorted_usec_list_t *timer)
{
    struct hd_session *session = lws_container_of(timer, struct hd_session, timer);
    int64_t seconds = (lws_now_usecs() - session->since) / LWS_US_PER_SEC;
    uint64_t ahead = hd_loop_jobs_before(hd_session_loop(session), session->ticket);
    hd_session_say_take(
        session, hd_answer_waiting(hd_session_loop(session), session->request.id, ahead, seconds));
    hd_loop_timer_set(hd_session_loop(session), timer, say_progress, PROGRESS_MS);
}

static void bundle_too_slow(lws_sorted_usec_list_t *timer)
{
    struct hd_session *session = lws_container_of(timer, struct hd_session, timer);
    uint64_t silence = (uint64_t)(lws_now_usecs() - session->since) / LWS_US_PER_MS;
    if (silence < BUNDLE_SILENCE_MS) {
        hd_loop_timer_set(hd_session_loop(session), timer, bundle_too_slow,
                          BUNDLE_SILENCE_MS - silence);
        return;
    }
    hd_log(HD_LOG_INFO, "%s: no byte of the bundle within %d s; nothing was changed",
           session->origin.from, HD_SESSION_BUNDLE_SECONDS);
    hd_session_leave(session, LWS_CLOSE_STATUS_POLICY_VIOLATION);
}

/* Called by the loop when the engine is done with the job; owner is the session. */
static void job_finished(struct hd_job *job, void *owner)
{
    struct hd_session *session = owner;
    if (job->kind == HD_JOB_CONFIRM)
        hd_session_say_take(session,
                            hd_answer_confirm(hd_session_loop(session), job, session->request.id));
    else if (job->kind == HD_JOB_KEEP)
        hd_session_say_take(session, hd_answer_keep(job, session->request.id));
    else if (job->deployment != NULL)
        hd_session_say_take(session, hd_answer_report(job->deployment, session->request.id));
    else
        hd_session_say_error(session, session->request.id, "jvm-error",
                             "the JVM has no memory for this", "look at the agent's log");
    become_ready(session);
}

static enum hd_reason reason_of(const struct hd_error *cause)
{
    if (cause->code == HD_E_MEMORY)
        return HD_REASON_JVM_ERROR;
    return cause->code == HD_E_LIMIT ? HD_REASON_TOO_LARGE : HD_REASON_MALFORMED_BUNDLE;
}

/* What is no bundle is a deployment all the same: numbered, reported and in history like any
 * other. */
static int refuse_unreadable(struct hd_job *job, enum hd_deployment_kind kind, const char *name,
                             const struct hd_error *cause)
{
    job->deployment = hd_deployment_new(kind, &job->origin);
    if (job->deployment == NULL)
        return -1;
    hd_deployment_fail(job->deployment, reason_of(cause), "%s", cause->text);
    job->deployment->bundle_name = hd_strdup(name);
    return 0;
}

static int open_bundle(struct hd_session *session, struct hd_job *job)
{
    const struct hd_request *request = &session->request;
    struct hd_bundle_limits limits = { hd_loop_options(hd_session_loop(session))->max_bundle,
                                       HD_BUNDLE_MAX_CLASS_BYTES, HD_BUNDLE_MAX_ENTRIES };
    struct hd_error err = HD_ERROR_INIT;
    size_t length = 0;
    session->all->buffered -= session->bundle.length;
    uint8_t *jar = hd_buffer_steal(&session->bundle, &length);
    if (hd_ahead_open_bundle_take(hd_loop_engine(hd_session_loop(session)), jar, length,
                                  request->name, &limits,
                                  hd_loop_jvm(hd_session_loop(session))->rules.feature_release,
                                  &job->bundle, &job->ahead, &err) == 0)
        return 0;
    return refuse_unreadable(
        job, request->type == HD_REQUEST_PUSH ? HD_DEPLOYMENT_PUSH : HD_DEPLOYMENT_CHECK,
        request->name, &err);
}

static enum hd_job_kind job_kind(enum hd_request_type type)
{
    if (type == HD_REQUEST_ROLLBACK)
        return HD_JOB_ROLLBACK;
    if (type == HD_REQUEST_CONFIRM)
        return HD_JOB_CONFIRM;
    if (type == HD_REQUEST_KEEP)
        return HD_JOB_KEEP;
    return type == HD_REQUEST_PUSH ? HD_JOB_DEPLOY : HD_JOB_CHECK;
}

/* What the sender's role is short of, one of the bundle's signers must have. Of a bundle that cannot
 * be read there is none. */
static int ask_for_voucher(struct hd_session *session, struct hd_job *job)
{
    struct hd_error err = HD_ERROR_INIT;
    enum hd_role needed = hd_role_needed(&session->request);
    if (job->kind != HD_JOB_DEPLOY || session->role >= needed)
        return 0;
    job->behalf.role = session->role;
    job->behalf.needed = needed;
    return hd_access_copy_signers(hd_loop_access(hd_session_loop(session)), &job->behalf.signers,
                                  &err);
}

static struct hd_job *make_job(struct hd_session *session)
{
    struct hd_request *request = &session->request;
    struct hd_job *job = hd_job_new(job_kind(request->type), &session->origin);
    bool carries = request->type == HD_REQUEST_PUSH || request->type == HD_REQUEST_CHECK;
    if (job == NULL || (carries && open_bundle(session, job) != 0) ||
        (carries && ask_for_voucher(session, job) != 0)) {
        hd_job_free(job);
        return NULL;
    }
    job->loader = request->loader;
    request->loader = NULL;
    job->message = request->message;
    request->message = NULL;
    job->all_loaders = request->all_loaders;
    job->best_effort = request->best_effort;
    job->to_given = request->to_given;
    job->to = request->to;
    job->trial = request->type == HD_REQUEST_CONFIRM ? request->deployment : request->trial;
    job->confirm_within = request->confirm_within;
    job->keep = request->keep;
    job->expect = request->expect;
    request->expect = NULL;
    job->emergency = request->emergency;
    request->emergency = NULL;
    job->finished = job_finished;
    job->owner = session;
    return job;
}

static void refuse_request(struct hd_session *session, const char *reason, const char *message,
                           const char *remedy)
{
    hd_session_say_error(session, session->request.id, reason, message, remedy);
    become_ready(session);
}

/* The last byte is here: from now on the job is the agent's own. */
static void submit(struct hd_session *session)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_job *job = make_job(session);
    if (job == NULL) {
        refuse_request(session, hd_reason_word(HD_REASON_JVM_ERROR),
                       "the JVM has no memory for this; nothing was changed", "try again later");
        return;
    }
    if (hd_loop_submit(hd_session_loop(session), job, &err) != 0) {
        hd_job_free(job);
        refuse_request(session,
                       err.code == HD_E_LIMIT ? "busy" : hd_reason_word(HD_REASON_JVM_ERROR),
                       err.text, "nothing was changed; try again later");
        return;
    }
    session->job = job;
    session->ticket = hd_loop_last_ticket(hd_session_loop(session));
    session->stage = HD_SESSION_WORKING;
    session->since = lws_now_usecs();
    hd_loop_timer_set(hd_session_loop(session), &session->timer, say_progress, PROGRESS_MS);
    hd_session_say_take(session, hd_answer_received(session->request.id));
}

/* Grows with what is here, never beyond what was announced. */
static int make_room(struct hd_session *session, size_t length, struct hd_error *err)
{
    struct hd_buffer *bundle = &session->bundle;
    uint64_t needed = bundle->length + length;
    if (needed <= bundle->capacity)
        return 0;
    uint64_t room = bundle->capacity > 0 ? 2 * (uint64_t)bundle->capacity : FIRST_ROOM;
    if (room < needed)
        room = needed;
    if (room > session->request.size)
        room = session->request.size;
    return hd_buffer_reserve(bundle, (size_t)(room - bundle->length), err);
}

void hd_push_receive(struct hd_session *session, const void *data, size_t length)
{
    struct hd_sessions *all = session->all;
    struct hd_error err = HD_ERROR_INIT;
    if (length == 0) /* as some libraries end a message of several fragments */
        return;
    if (session->stage != HD_SESSION_RECEIVING) {
        hd_session_bad_request(session, 0, "a binary message without a push or check before it");
        return;
    }
    if (length > session->request.size - session->bundle.length) {
        hd_session_bad_request(session, session->request.id,
                               "more bytes than \"size\" announced; nothing was changed");
        return;
    }
    if (all->buffered + length > 2 * hd_loop_options(all->loop)->max_bundle ||
        make_room(session, length, &err) != 0 ||
        hd_buffer_append(&session->bundle, data, length, &err) != 0) {
        hd_session_say_error(session, session->request.id, "busy",
                             "too many bundles arrive at once; nothing was changed",
                             "try again later");
        hd_session_leave(session, LWS_CLOSE_STATUS_POLICY_VIOLATION);
        return;
    }
    all->buffered += length;
    session->since = lws_now_usecs();
    if (session->bundle.length == session->request.size)
        submit(session);
}

static bool is_within_limits(struct hd_session *session, const struct hd_request *request)
{
    char words[160];
    unsigned seconds = 0;
    uint64_t max_bundle = hd_loop_options(hd_session_loop(session))->max_bundle;
    if (request->size > max_bundle) {
        snprintf(words, sizeof words,
                 "the bundle has %llu bytes; this agent takes at most %llu (max-bundle)",
                 (unsigned long long)request->size, (unsigned long long)max_bundle);
        hd_session_say_error(session, request->id, "too-large", words,
                             hd_reason_remedy(HD_REASON_TOO_LARGE));
        hd_session_leave(session, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
        return false;
    }
    if (!hd_rate_admit(&session->all->rate, lws_now_usecs(), &seconds)) {
        snprintf(words, sizeof words,
                 "more than %llu requests within a minute (max-rate); again in %u s",
                 (unsigned long long)session->all->rate.per_minute, seconds);
        hd_session_say_error(session, request->id, "rate-limited", words,
                             hd_reason_remedy(HD_REASON_RATE_LIMITED));
        hd_session_leave(session, LWS_CLOSE_STATUS_POLICY_VIOLATION);
        return false;
    }
    return true;
}

/* Takes the request when it may begin now. */
static bool accept_take(struct hd_session *session, struct hd_request *request)
{
    bool ready = session->stage == HD_SESSION_READY;
    /* Neither going back nor confirming may ever come too early. */
    bool limited = request->type != HD_REQUEST_CONFIRM && request->type != HD_REQUEST_ROLLBACK;
    if (!ready)
        hd_session_bad_request(session, request->id,
                               "the push or check before this one has no report yet");
    if (!ready || (limited && !is_within_limits(session, request))) {
        hd_request_close(request);
        return false;
    }
    session->request = *request;
    return true;
}

void hd_push_begin_take(struct hd_session *session, struct hd_request *request, enum hd_role role)
{
    if (!accept_take(session, request))
        return;
    session->role = role;
    session->stage = HD_SESSION_RECEIVING;
    session->since = lws_now_usecs();
    hd_loop_timer_set(hd_session_loop(session), &session->timer, bundle_too_slow,
                      BUNDLE_SILENCE_MS);
}

void hd_push_without_bundle_take(struct hd_session *session, struct hd_request *request)
{
    if (accept_take(session, request))
        submit(session);
}

void hd_push_abandon(struct hd_session *session)
{
    if (session->job != NULL) {
        session->job->owner = NULL;
        session->job->finished = NULL;
    }
    become_ready(session);
}
