/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a peer's socket and libwebsockets: ends TLS where the peer speaks it, and hands on what
 * passes hd_wsguard, because libwebsockets (4.1.6 to 4.3.5) reads unmasked frames without a word
 * and offers no place to look at a frame's head.
 *
 *     peer's socket <-> outer end, TLS -- wsguard --> inner end <-> socket pair <-> server
 *
 * Both ends are raw connections of the loop. What one end reads waits in the other's buffer until
 * that one can write; when too much waits, reading stops, so that a slow reader slows its writer
 * down and memory stays bounded.
 *
 * Loop thread only. A relay frees itself when both ends are closed, and tells its owner so just
 * before.
 */
#ifndef HD_AGENT_RELAY_H
#define HD_AGENT_RELAY_H

#include "agent/loop_lws.h"
#include "core/tls.h"

struct hd_relay;

struct hd_relay_owner {
    /* The peer does not get TLS going, or what it sends cannot be held, for the reason in words: the
     * end is near. Called before ended. */
    void (*failed)(void *owner, const char *words);
    /* Called once. */
    void (*ended)(void *owner);
    void *owner;
};

/* Takes the connected socket and tls (NULL: the peer speaks plain), even on failure. *server_end is
 * the descriptor on which libwebsockets' server is to be put; it is then the caller's. The owner is
 * called from the loop. */
HD_CHECKED int hd_relay_open_take(struct hd_loop *loop, int socket, struct hd_tls_stream *tls,
                                  const struct hd_relay_owner *owner, int *server_end,
                                  struct hd_relay **out, struct hd_error *err);
/* A borrow, as long as the relay; NULL where the peer speaks plain. */
const struct hd_tls_stream *hd_relay_tls(const struct hd_relay *relay);
/* Ends both ends soon, without flushing. */
void hd_relay_cut(struct hd_relay *relay);

/* libwebsockets' callback for HD_LWS_RELAY. */
int hd_relay_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t length);

#endif
