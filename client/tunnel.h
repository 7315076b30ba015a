/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's way to wss://: TLS ends here, and libwebsockets is given a Unix socket that nobody
 * else can reach. The connection is made and the server's certificate verified before anything is
 * sent; then a thread moves the bytes.
 *
 *     libwebsockets <-> Unix socket in a directory of our own <-> thread, TLS <-> the agent
 *
 * Main thread; the thread inside owns both sockets until hd_tunnel_close.
 */
#ifndef HD_CLIENT_TUNNEL_H
#define HD_CLIENT_TUNNEL_H

#include "client/target.h"

struct hd_tunnel;

/* Within seconds in all, name look-up aside. HD_E_DENIED: the server is not who was meant, or the
 * files of --ca, --cert, --key are refused; HD_E_CONNECTION: nobody is there, or no TLS 1.3. Texts
 * do not name the target. */
HD_CHECKED int hd_tunnel_open(const struct hd_target *target, unsigned seconds,
                              struct hd_tunnel **out, struct hd_error *err);
/* Where libwebsockets is to connect, once; a borrow. */
const char *hd_tunnel_path(const struct hd_tunnel *tunnel);
/* True with the reason where it broke by itself, and was not ended properly by the agent. */
bool hd_tunnel_has_failed(struct hd_tunnel *tunnel, struct hd_error *err);
/* Accepts NULL. */
void hd_tunnel_close(struct hd_tunnel *tunnel);

#endif
