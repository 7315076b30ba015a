/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a peer's socket and libwebsockets: hands on what passes hd_wsguard, because libwebsockets
 * (4.1.6 to 4.3.5) reads unmasked frames without a word and offers no place to look at a frame's
 * head.
 *
 *     peer's socket <-> outer end -- wsguard --> inner end <-> socket pair <-> websocket server
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

struct hd_relay;

/* Takes the connected socket, even on failure. *server_end is the descriptor on which
 * libwebsockets' server is to be put; it is then the caller's. ended is called once, from the
 * loop. */
HD_CHECKED int hd_relay_open_take(struct hd_loop *loop, int socket, hd_loop_callback ended,
                                  void *owner, int *server_end, struct hd_relay **out,
                                  struct hd_error *err);
/* Ends both ends soon, without flushing. */
void hd_relay_cut(struct hd_relay *relay);

/* libwebsockets' callback for HD_LWS_RELAY. */
int hd_relay_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t length);

#endif
