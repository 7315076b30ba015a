/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/session.h"

#include "agent/access.h"
#include "agent/answer.h"
#include "agent/listen.h"
#include "agent/session_state.h"
#include "core/alloc.h"
#include "core/refusals.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

/* While this much waits to be read, a client gets no more answers to status, history and show. */
#define BACKLOG_MAX ((size_t)4 << 20)
/* A fresh status is worth waiting that long for: the engine was free when it was asked. */
enum { STATUS_PATIENCE_MS = 500 };

/* ---- saying ---------------------------------------------------------------------------------- */

void hd_session_leave(struct hd_session *session, enum lws_close_status code)
{
    if (session->leaving == 0)
        session->leaving = code;
    lws_callback_on_writable(session->wsi);
}

static void leave_without_memory(struct hd_session *session)
{
    hd_log(HD_LOG_WARN, "%s, %s: no memory for what it asks; the connection is closed",
           session->origin.who, session->origin.from);
    hd_session_leave(session, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
}

void hd_session_say_take(struct hd_session *session, json_t *message)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_outbox_add_take(&session->outbox, message, &err) != 0) {
        hd_log(HD_LOG_WARN, "%s: an answer is lost: %s", session->origin.from, err.text);
        hd_session_leave(session, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
        return;
    }
    lws_callback_on_writable(session->wsi);
}

void hd_session_say_error(struct hd_session *session, uint64_t id, const char *reason,
                          const char *message, const char *remedy)
{
    hd_log(HD_LOG_INFO, "%s, %s: %s: %s", session->origin.who, session->origin.from, reason,
           message);
    hd_session_say_take(session, hd_message_error(id, reason, message, remedy));
}

void hd_session_bad_request(struct hd_session *session, uint64_t id, const char *message)
{
    hd_session_say_error(session, id, "bad-request", message,
                         "this is not how hotdrop.v1 is spoken; see docs/protocol.md");
    hd_session_leave(session, LWS_CLOSE_STATUS_POLICY_VIOLATION);
}

static int write_chunk(struct hd_session *session, const struct hd_outbox_chunk *chunk)
{
    unsigned char frame[LWS_PRE + HD_OUTBOX_CHUNK];
    memcpy(frame + LWS_PRE, chunk->data, chunk->length);
    int flags = lws_write_ws_flags(LWS_WRITE_TEXT, chunk->begins, chunk->ends);
    int written =
        lws_write(session->wsi, frame + LWS_PRE, chunk->length, (enum lws_write_protocol)flags);
    return written < 0 ? -1 : 0;
}

/* -1: close. */
static int writable(struct hd_session *session)
{
    struct hd_outbox_chunk chunk;
    if (hd_outbox_next(&session->outbox, &chunk)) {
        if (write_chunk(session, &chunk) != 0)
            return -1;
        hd_outbox_sent(&session->outbox, &chunk);
        lws_callback_on_writable(session->wsi);
        return 0;
    }
    if (session->leaving == 0 || session->said_goodbye)
        return 0;
    session->said_goodbye = true;
    lws_close_reason(session->wsi, session->leaving, NULL, 0);
    return -1;
}

/* ---- status, history, show ------------------------------------------------------------------- */

static void say_status(struct hd_session *session, bool busy, const struct hd_job *job)
{
    hd_loop_timer_cancel(&session->status_timer);
    uint64_t id = session->status_id;
    session->status_id = 0;
    json_t *stacks = session->blocking && job != NULL ? job->stacks : NULL;
    hd_session_say_take(
        session, hd_answer_status(hd_session_loop(session), busy, session->blocking, stacks, id));
}

/* The loop has the engine's fresh document already. */
static void status_finished(struct hd_job *job, void *owner)
{
    struct hd_session *session = owner;
    session->status_job = NULL;
    if (session->status_id != 0)
        say_status(session, false, job);
}

/* Something came between: what is known must do. */
static void status_too_slow(lws_sorted_usec_list_t *timer)
{
    struct hd_session *session = lws_container_of(timer, struct hd_session, status_timer);
    if (session->status_id != 0)
        say_status(session, true, NULL);
}

static int ask_for_status(struct hd_session *session)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_job *job = hd_job_new(HD_JOB_STATUS, &session->origin);
    if (job == NULL)
        return -1;
    job->blocking = session->blocking;
    job->finished = status_finished;
    job->owner = session;
    if (hd_loop_submit(hd_session_loop(session), job, &err) != 0) {
        hd_job_free(job);
        return -1;
    }
    session->status_job = job;
    return 0;
}

static void answer_status(struct hd_session *session, uint64_t id, bool blocking)
{
    struct hd_loop *loop = hd_session_loop(session);
    if (session->status_id != 0)
        say_status(session, true, NULL); /* the one before gets what is known */
    session->status_id = id;
    session->blocking = blocking;
    bool under_way = session->status_job != NULL; /* without stacks, perhaps */
    bool busy = hd_loop_is_busy(loop) || (under_way ? blocking : ask_for_status(session) != 0);
    if (busy)
        say_status(session, true, NULL);
    else
        hd_loop_timer_set(loop, &session->status_timer, status_too_slow, STATUS_PATIENCE_MS);
}

static void answer_show(struct hd_session *session, const struct hd_request *request)
{
    json_t *answer = hd_answer_show(hd_session_loop(session), request->deployment, request->id);
    if (answer != NULL)
        hd_session_say_take(session, answer);
    else
        hd_session_say_error(
            session, request->id, "not-found",
            "there is no such deployment in the history of this JVM, or of its store",
            "look at the history for those there are");
}

static void answer_question(struct hd_session *session, const struct hd_request *request)
{
    if (session->outbox.bytes > BACKLOG_MAX) {
        hd_session_say_error(session, request->id, "busy", "earlier answers were not read yet",
                             "read them first");
        return;
    }
    if (request->type == HD_REQUEST_STATUS)
        answer_status(session, request->id, request->blocking);
    else if (request->type == HD_REQUEST_HISTORY)
        hd_session_say_take(session, hd_answer_history(hd_session_loop(session), request->id));
    else
        answer_show(session, request);
}

/* ---- hearing --------------------------------------------------------------------------------- */

static void note_refusal(struct hd_session *session, const struct hd_request *request,
                         enum hd_role role, const char *words)
{
    struct hd_loop *loop = hd_session_loop(session);
    const struct hd_refusal refusal = { .origin = &session->origin,
                                        .peer = hd_listen_peer(hd_loop_listen(loop), session->wsi),
                                        .what = hd_role_request_word(request),
                                        .why = words,
                                        .role = role,
                                        .needed = hd_role_needed(request) };
    hd_log(HD_LOG_WARN, "refused %s, %s: %s", session->origin.who, session->origin.from, words);
    hd_loop_refused(loop, &refusal);
}

static void refuse(struct hd_session *session, const struct hd_request *request, enum hd_role role)
{
    char words[300];
    char remedy[160];
    const char *needed = hd_role_word(hd_role_needed(request));
    snprintf(words, sizeof words, "%s needs the role %s, and %s %s%s here",
             hd_role_request_word(request), needed, session->origin.who,
             role == HD_ROLE_NONE ? "has " : "is a ", hd_role_word(role));
    snprintf(remedy, sizeof remedy,
             "ask for a line \"%s WHO\" in the file that the agent's authorized= names", needed);
    note_refusal(session, request, role, words);
    hd_session_say_take(
        session,
        hd_message_error(request->id, hd_reason_word(HD_REASON_NOT_AUTHORISED), words, remedy));
    hd_session_leave(session, LWS_CLOSE_STATUS_POLICY_VIOLATION);
}

/* Somebody who may not push may bring what somebody who may has signed: the engine looks. Not with
 * what forces, which nobody signed. */
static bool may_bring(const struct hd_session *session, const struct hd_request *request)
{
    return request->type == HD_REQUEST_PUSH && !request->best_effort && !request->all_loaders &&
           hd_access_has_signer(hd_loop_access(hd_session_loop(session)), hd_role_needed(request));
}

/* The role is looked up for every message: a JVM lives longer than somebody's rights. */
static bool is_authorised(struct hd_session *session, const struct hd_request *request,
                          enum hd_role *role)
{
    *role = hd_listen_role(hd_loop_listen(hd_session_loop(session)), session->wsi);
    if (*role >= hd_role_needed(request) || (*role > HD_ROLE_NONE && may_bring(session, request)))
        return true;
    refuse(session, request, *role);
    return false;
}

static void hear_request(struct hd_session *session, const char *text, size_t length)
{
    struct hd_request request;
    struct hd_error err = HD_ERROR_INIT;
    enum hd_role role = HD_ROLE_NONE;
    if (hd_request_parse(text, length, &request, &err) != 0) {
        if (err.code == HD_E_MEMORY)
            leave_without_memory(session);
        else
            hd_session_bad_request(session, 0, err.text);
        return;
    }
    if (!is_authorised(session, &request, &role)) {
        hd_request_close(&request);
        return;
    }
    if (request.type == HD_REQUEST_PUSH || request.type == HD_REQUEST_CHECK) {
        hd_push_begin_take(session, &request, role);
        return;
    }
    if (request.type == HD_REQUEST_ROLLBACK || request.type == HD_REQUEST_CONFIRM ||
        request.type == HD_REQUEST_KEEP) {
        hd_push_without_bundle_take(session, &request);
        return;
    }
    answer_question(session, &request);
    hd_request_close(&request);
}

static void hear_text(struct hd_session *session, const void *data, size_t length, bool complete)
{
    struct hd_error err = HD_ERROR_INIT;
    if (session->text.length + length > HD_MESSAGE_MAX) {
        hd_session_bad_request(session, 0, "a text message is longer than 65536 bytes");
        return;
    }
    if (hd_buffer_append(&session->text, data, length, &err) != 0) {
        leave_without_memory(session);
        return;
    }
    if (!complete)
        return;
    struct hd_buffer text = session->text;
    session->text = (struct hd_buffer)HD_BUFFER_INIT;
    if (hd_text_is_utf8(text.data, text.length)) /* RFC 6455 §8.1 */
        hear_request(session, text.length > 0 ? (const char *)text.data : "", text.length);
    else
        hd_session_leave(session, LWS_CLOSE_STATUS_INVALID_PAYLOAD);
    hd_buffer_close(&text);
}

static void hear(struct hd_session *session, const void *data, size_t length)
{
    if (session->leaving != 0)
        return;
    bool complete =
        lws_is_final_fragment(session->wsi) && lws_remaining_packet_payload(session->wsi) == 0;
    if (lws_frame_is_binary(session->wsi))
        hd_push_receive(session, data, length);
    else
        hear_text(session, data, length, complete);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static int begin(struct hd_sessions *all, struct lws *wsi, const struct hd_origin *origin)
{
    struct hd_session *session = hd_alloc_zeroed(1, sizeof *session);
    if (session == NULL) {
        hd_log(HD_LOG_WARN, "%s, %s: no memory for a session; the connection is closed",
               origin->who, origin->from);
        return -1;
    }
    session->all = all;
    session->wsi = wsi;
    session->origin = *origin;
    session->next = all->first;
    all->first = session;
    lws_set_opaque_user_data(wsi, session);
    hd_log(HD_LOG_DEBUG, "connected: %s, %s", origin->who, origin->from);
    hd_session_say_take(session,
                        hd_answer_hello(all->loop, hd_listen_role(hd_loop_listen(all->loop), wsi)));
    return 0;
}

static void end(struct hd_session *session)
{
    struct hd_session **link = &session->all->first;
    while (*link != session)
        link = &(*link)->next;
    *link = session->next;
    hd_log(HD_LOG_DEBUG, "gone: %s, %s", session->origin.who, session->origin.from);
    hd_push_abandon(session);
    hd_loop_timer_cancel(&session->status_timer);
    if (session->status_job != NULL) {
        session->status_job->owner = NULL;
        session->status_job->finished = NULL;
    }
    hd_outbox_close(&session->outbox);
    hd_buffer_close(&session->text);
    hd_free(session);
}

static int established(struct lws *wsi)
{
    struct hd_loop *loop = lws_context_user(lws_get_context(wsi));
    const struct hd_origin *origin = hd_listen_established(hd_loop_listen(loop), wsi);
    lws_set_opaque_user_data(wsi, NULL);
    return origin != NULL ? begin(hd_loop_sessions(loop), wsi, origin) : -1;
}

int hd_session_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t length)
{
    (void)user;
    struct hd_session *session;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return established(wsi);
    case LWS_CALLBACK_RECEIVE:
        session = lws_get_opaque_user_data(wsi);
        lws_validity_confirmed(wsi);
        hear(session, in, length);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        session = lws_get_opaque_user_data(wsi);
        return writable(session);
    case LWS_CALLBACK_CLOSED:
        session = lws_get_opaque_user_data(wsi);
        if (session != NULL)
            end(session);
        return 0;
    default:
        return 0;
    }
}

int hd_sessions_new(struct hd_loop *loop, struct hd_sessions **out, struct hd_error *err)
{
    struct hd_sessions *sessions = hd_alloc_zeroed(1, sizeof *sessions);
    if (sessions == NULL)
        return hd_error_set_memory(err);
    if (hd_rate_init(&sessions->rate, hd_loop_options(loop)->max_rate_per_minute, err) != 0) {
        hd_free(sessions);
        return -1;
    }
    sessions->loop = loop;
    *out = sessions;
    return 0;
}

void hd_sessions_leave(struct hd_sessions *sessions)
{
    for (struct hd_session *session = sessions->first; session != NULL; session = session->next)
        hd_session_leave(session, LWS_CLOSE_STATUS_GOINGAWAY);
}

bool hd_sessions_are_over(const struct hd_sessions *sessions)
{
    return sessions->first == NULL;
}

void hd_sessions_free(struct hd_sessions *sessions)
{
    if (sessions == NULL)
        return;
    hd_rate_close(&sessions->rate);
    hd_free(sessions);
}
