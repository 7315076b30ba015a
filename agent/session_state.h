/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a session share: session.c hears and speaks, push.c takes bundles in and hands
 * them to the engine. Nobody else includes this.
 */
#ifndef HD_AGENT_SESSION_STATE_H
#define HD_AGENT_SESSION_STATE_H

#include "agent/outbox.h"
#include "agent/session.h"
#include "core/authorized.h"
#include "core/buffer.h"
#include "core/message.h"
#include "core/policy.h"

enum hd_session_stage {
    HD_SESSION_READY,     /* for a push or check */
    HD_SESSION_RECEIVING, /* its bundle */
    HD_SESSION_WORKING    /* the engine has it */
};

struct hd_session {
    struct hd_session *next;
    struct hd_sessions *all;
    struct lws *wsi;
    struct hd_origin origin;
    struct hd_outbox outbox;
    struct hd_buffer text; /* a message that is still arriving */
    /* Not 0: close with this code when the outbox is empty, and hear nothing more. */
    enum lws_close_status leaving;
    /* The close frame is libwebsockets' now, and so is the wait for the client's. */
    bool said_goodbye;

    enum hd_session_stage stage;
    struct hd_request request; /* the push or check under way */
    enum hd_role role;         /* of whoever sent that; less than it needs: a signer must vouch */
    struct hd_buffer bundle;   /* RECEIVING */
    struct hd_job *job;        /* WORKING; the engine's */
    uint64_t ticket;           /* of that job, hd_loop_last_ticket */
    int64_t since;             /* RECEIVING: the last byte came; WORKING: it was submitted */
    lws_sorted_usec_list_t timer; /* of the stage */

    struct hd_job *status_job; /* a fresh status is being made; the engine's */
    uint64_t status_id;        /* of the request that waits for it; 0: none */
    bool blocking;             /* it wants the stacks that hold old code */
    lws_sorted_usec_list_t status_timer;
};

struct hd_sessions {
    struct hd_loop *loop;
    struct hd_session *first;
    struct hd_rate rate; /* of push, check and keep */
    uint64_t buffered;   /* bytes of bundles that are still arriving, over all sessions */
};

static inline struct hd_loop *hd_session_loop(const struct hd_session *session)
{
    return session->all->loop;
}

/* session.c. Messages that cannot be queued end the session. */
void hd_session_say_take(struct hd_session *session, json_t *message);
void hd_session_say_error(struct hd_session *session, uint64_t id, const char *reason,
                          const char *message, const char *remedy);
/* The client does not keep to the protocol: says so and leaves. */
void hd_session_bad_request(struct hd_session *session, uint64_t id, const char *message);
/* Closes with this code once everything is said. */
void hd_session_leave(struct hd_session *session, enum lws_close_status code);

/* push.c */
/* role: the sender's, when it was sent. */
void hd_push_begin_take(struct hd_session *session, struct hd_request *request, enum hd_role role);
/* A rollback or confirm has no bundle: it goes to the engine at once. */
void hd_push_without_bundle_take(struct hd_session *session, struct hd_request *request);
void hd_push_receive(struct hd_session *session, const void *data, size_t length);
/* The session ends: what was received is dropped, a job that runs goes on without it. */
void hd_push_abandon(struct hd_session *session);

#endif
