/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection's conversation in hotdrop.v1 (docs/protocol.md): requests in, progress and reports
 * out.
 *
 * A session takes one push or check at a time. It is nobody's to wait for: a job goes on when its
 * session ends, which only lets go of it. Loop thread only.
 */
#ifndef HD_AGENT_SESSION_H
#define HD_AGENT_SESSION_H

#include "agent/loop_lws.h"

/* What all sessions share: the rate limit, and how many bytes of bundles may be in memory. */
struct hd_sessions;

enum {
    HD_SESSION_PING_SECONDS = 30,   /* of silence, until a ping */
    HD_SESSION_DEAD_SECONDS = 60,   /* of silence, until the end */
    HD_SESSION_BUNDLE_SECONDS = 60, /* without a byte of the bundle */
    HD_SESSION_PROGRESS_SECONDS = 5
};

HD_CHECKED int hd_sessions_new(struct hd_loop *loop, struct hd_sessions **out,
                               struct hd_error *err);
/* Says goodbye to every client (close 1001). */
void hd_sessions_leave(struct hd_sessions *sessions);
bool hd_sessions_are_over(const struct hd_sessions *sessions);
/* After the last session has ended. */
void hd_sessions_free(struct hd_sessions *sessions);

/* libwebsockets' callback for the subprotocol hotdrop.v1. */
int hd_session_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t length);

#endif
