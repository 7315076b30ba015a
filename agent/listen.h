/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doors: listening sockets, who may come in, and how many. Every connection, local or not,
 * comes through the one accept here.
 *
 * Loop thread, except new, open and free, which the start-up thread may call before the loop runs.
 */
#ifndef HD_AGENT_LISTEN_H
#define HD_AGENT_LISTEN_H

#include "agent/loop_lws.h"
#include "core/authorized.h"

struct hd_listen;

enum {
    HD_LISTEN_MAX = 64, /* connections in all */
    HD_LISTEN_MAX_REMOTE =
        48, /* over TCP: the rest is for local users, who cannot be kept out from afar */
    HD_LISTEN_MAX_PER_PEER = 16, /* of one user, or from one address */
    HD_LISTEN_MAX_REFUSED = 16,  /* beyond those, only to be told that there are too many */
    HD_LISTEN_HANDSHAKE_SECONDS = 10
};

HD_CHECKED int hd_listen_new(struct hd_loop *loop, struct hd_listen **out, struct hd_error *err);
/* Opens what the options ask for (the default where they ask for nothing). One line in the log for
 * each address: that it listens, or why not; the others go on, and that one is tried again by and
 * by. Names that must be looked up are left for hd_listen_open_names. */
void hd_listen_open(struct hd_listen *listen);
/* After hd_listen_open: something was to be opened, nothing was, and no name is left to look up. */
bool hd_listen_is_shut(const struct hd_listen *listen);
/* The rest, which may wait for the resolver. */
void hd_listen_open_names(struct hd_listen *listen);
/* Closes the doors and removes their names; connections stay. */
void hd_listen_close(struct hd_listen *listen);
/* After the connections are gone. */
void hd_listen_free(struct hd_listen *listen);

/* What the loop's callback for HD_LWS_HTTP hands on: a request to be judged (-1: refused, close),
 * or a connection's end. */
int hd_listen_judge(struct hd_listen *listen, struct lws *wsi);
void hd_listen_gone(struct hd_listen *listen, const struct lws *wsi);
/* The connection became hotdrop.v1: who it is. NULL for one of another's making. */
const struct hd_origin *hd_listen_established(struct hd_listen *listen, const struct lws *wsi);

/* What it may do right now; HD_ROLE_NONE for one of another's making. */
enum hd_role hd_listen_role(struct hd_listen *listen, const struct lws *wsi);
/* The same for all connections of one peer, for the journal (core/refusals.h); "" for one of
 * another's making. A borrow. */
const char *hd_listen_peer(const struct hd_listen *listen, const struct lws *wsi);

#endif
