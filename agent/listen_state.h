/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the doors share: listen.c opens them and accepts, connection.c keeps who came
 * in, request.c judges what they ask for. Nobody else includes this.
 */
#ifndef HD_AGENT_LISTEN_STATE_H
#define HD_AGENT_LISTEN_STATE_H

#include "agent/access.h"
#include "agent/certificates.h"
#include "agent/endpoint.h"
#include "agent/listen.h"
#include "agent/peer.h"
#include "agent/relay.h"
#include "core/policy.h"

struct hd_listener {
    struct hd_listen *listen;
    struct hd_address wanted;
    struct hd_endpoint endpoint;
    struct hd_loop_watch *watch; /* NULL while accepting is paused, or not open */
    lws_sorted_usec_list_t resume;
    bool is_open;
    unsigned failures; /* to open it */
    lws_sorted_usec_list_t again;
};

/* One accepted peer. It lives until its relay and libwebsockets' end are both gone. */
struct hd_connection {
    struct hd_connection *next;
    struct hd_listener *listener;
    struct hd_peer peer;
    struct hd_identity identity;     /* known when its request was judged */
    bool full;                       /* one too many: only to be told so */
    bool established;                /* it is hotdrop.v1 now */
    bool evicted;                    /* it had not got that far when its place was needed */
    struct hd_relay *relay;          /* NULL: gone */
    struct lws *server;              /* libwebsockets' end; NULL: gone */
    lws_sorted_usec_list_t deadline; /* of the handshake */
};

struct hd_listen {
    struct hd_loop *loop;
    struct hd_listener *listeners;
    size_t count;
    struct hd_connection *connections; /* the newest first */
    struct hd_certificates certificates;
    struct hd_rate refusals; /* that are worth a line in the log */
};

/* NULL for one of another's making. */
struct hd_connection *hd_connection_find(const struct hd_listen *listen, const struct lws *server);
/* A peer that was accepted; takes the socket. */
void hd_connection_admit_take(struct hd_listener *listener, int socket, const struct hd_peer *peer);
/* Its libwebsockets' end has gone. */
void hd_connection_server_gone(struct hd_connection *connection);

/* One line, as long as there are not too many of them. */
void hd_listen_log_refusal(struct hd_listen *listen, const struct hd_peer *peer, const char *words);
/* The same of somebody who did not show that they may come in: a line in the journal, too. */
void hd_listen_refuse(struct hd_listen *listen, const struct hd_peer *peer, const char *words);

#endif
