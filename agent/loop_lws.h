/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop as its own rooms see it: what listen.c, relay.c and session.c need of libwebsockets.
 * Loop thread only.
 */
#ifndef HD_AGENT_LOOP_LWS_H
#define HD_AGENT_LOOP_LWS_H

#include "agent/loop.h"

#include <libwebsockets.h>

struct lws_context *hd_loop_context(const struct hd_loop *loop);
struct lws_vhost *hd_loop_vhost(const struct hd_loop *loop);
struct hd_listen *hd_loop_listen(const struct hd_loop *loop);
struct hd_sessions *hd_loop_sessions(const struct hd_loop *loop);
/* Who may do what. */
struct hd_access;
struct hd_access *hd_loop_access(struct hd_loop *loop);
/* Somebody was refused for who they are: a line for the journal. Borrowed for the call. */
struct hd_refusal;
void hd_loop_refused(struct hd_loop *loop, const struct hd_refusal *refusal);

/* Jobs are taken in the order in which they were submitted. The ticket of the last one, and how
 * many of those before a ticket are not finished yet. */
uint64_t hd_loop_last_ticket(const struct hd_loop *loop);
uint64_t hd_loop_jobs_before(const struct hd_loop *loop, uint64_t ticket);
/* A deployment or a check waits or runs. */
bool hd_loop_is_busy(const struct hd_loop *loop);

/* The names under which the loop registers the callbacks of its rooms with libwebsockets. */
#define HD_LWS_HTTP  "http"  /* requests that are not upgraded yet */
#define HD_LWS_WATCH "watch" /* hd_loop_watch's descriptors */
#define HD_LWS_RELAY "relay" /* both ends of a struct hd_relay */
int hd_loop_watch_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t length);

/* Milliseconds from now, on the loop thread; at most once. The timer is the caller's, zeroed before
 * its first use, and cancelled before it is freed; setting it again moves it. */
void hd_loop_timer_set(struct hd_loop *loop, lws_sorted_usec_list_t *timer, sul_cb_t callback,
                       uint64_t milliseconds);
void hd_loop_timer_cancel(lws_sorted_usec_list_t *timer);

#endif
