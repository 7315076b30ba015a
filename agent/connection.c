/* SPDX-License-Identifier: Apache-2.0 */
/* Who came in, and how many there may be. */
#include "agent/listen_state.h"
#include "core/alloc.h"

#include <string.h>
#include <unistd.h>

#define HANDSHAKE_MS (UINT64_C(1000) * HD_LISTEN_HANDSHAKE_SECONDS)

struct hd_connection *hd_connection_find(const struct hd_listen *listen, const struct lws *server)
{
    struct hd_connection *connection = listen->connections;
    while (connection != NULL && connection->server != server)
        connection = connection->next;
    return connection;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void forget(struct hd_connection *connection)
{
    struct hd_connection **link = &connection->listener->listen->connections;
    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    hd_loop_timer_cancel(&connection->deadline);
    hd_identity_close(&connection->identity);
    hd_free(connection);
}

static void forget_when_gone(struct hd_connection *connection)
{
    if (connection->relay == NULL && connection->server == NULL)
        forget(connection);
}

static void relay_ended(void *owner)
{
    struct hd_connection *connection = owner;
    connection->relay = NULL;
    forget_when_gone(connection);
}

void hd_connection_server_gone(struct hd_connection *connection)
{
    connection->server = NULL;
    forget_when_gone(connection);
}

static void relay_failed(void *owner, const char *words)
{
    struct hd_connection *connection = owner;
    hd_listen_refuse(connection->listener->listen, &connection->peer, words);
}

static void handshake_too_slow(lws_sorted_usec_list_t *timer)
{
    struct hd_connection *connection = lws_container_of(timer, struct hd_connection, deadline);
    hd_log(HD_LOG_DEBUG, "%s: no request within %d s", connection->peer.origin.from,
           HD_LISTEN_HANDSHAKE_SECONDS);
    if (connection->relay != NULL)
        hd_relay_cut(connection->relay);
}

/* ---- how many -------------------------------------------------------------------------------- */

struct counts {
    size_t served;
    size_t remote;  /* of those */
    size_t of_peer; /* of those */
    size_t refused;
};

static bool is_of(const struct hd_connection *connection, const struct hd_peer *peer)
{
    return strcmp(connection->peer.key, peer->key) == 0;
}

static struct counts count_connections(const struct hd_listen *listen, const struct hd_peer *peer)
{
    struct counts counts = { 0 };
    for (const struct hd_connection *connection = listen->connections; connection != NULL;
         connection = connection->next) {
        if (connection->full) {
            counts.refused++;
            continue;
        }
        if (connection->evicted)
            continue;
        counts.served++;
        counts.remote += connection->peer.local ? 0 : 1;
        counts.of_peer += is_of(connection, peer) ? 1 : 0;
    }
    return counts;
}

static bool peer_is_full(const struct counts *counts)
{
    return counts->of_peer >= HD_LISTEN_MAX_PER_PEER;
}

static bool is_full(const struct counts *counts, const struct hd_peer *peer)
{
    return counts->served >= HD_LISTEN_MAX || peer_is_full(counts) ||
           (!peer->local && counts->remote >= HD_LISTEN_MAX_REMOTE);
}

/* Would its end make room for this peer? */
static bool makes_room(const struct hd_connection *connection, const struct counts *counts,
                       const struct hd_peer *peer)
{
    if (connection->established || connection->full || connection->evicted)
        return false;
    if (peer_is_full(counts))
        return is_of(connection, peer);
    if (!peer->local && counts->remote >= HD_LISTEN_MAX_REMOTE)
        return !connection->peer.local;
    return true;
}

/* Silent and half-open connections must not keep a proper one out: of those that have not asked for
 * anything yet, the oldest gives way, among the same peer's where that peer has too many. False
 * where all of them are in use. */
static bool evict_for(struct hd_listen *listen, const struct counts *counts,
                      const struct hd_peer *peer)
{
    struct hd_connection *oldest = NULL;
    for (struct hd_connection *connection = listen->connections; connection != NULL;
         connection = connection->next) {
        if (makes_room(connection, counts, peer))
            oldest = connection;
    }
    if (oldest == NULL)
        return false;
    hd_log(HD_LOG_DEBUG, "%s gives way: it has asked for nothing yet", oldest->peer.origin.from);
    oldest->evicted = true;
    if (oldest->relay != NULL)
        hd_relay_cut(oldest->relay);
    return true;
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* Takes the server's end of the relay. */
static int serve(struct hd_connection *connection, int server_end, struct hd_error *err)
{
    lws_adopt_desc_t info = {
        .vh = hd_loop_vhost(connection->listener->listen->loop),
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP,
        .fd = { .sockfd = server_end },
    };
    connection->server = lws_adopt_descriptor_vhost_via_info(&info);
    if (connection->server == NULL)
        return hd_error_set(err, HD_E_SYSTEM, "libwebsockets does not take the connection");
    return 0;
}

/* *out stays NULL where the peer is to speak plain. */
static int begin_tls(struct hd_listener *listener, struct hd_tls_stream **out, struct hd_error *err)
{
    if (listener->wanted.kind != HD_ADDRESS_WSS)
        return 0;
    return hd_tls_accept(hd_certificates_now(&listener->listen->certificates), out, err);
}

static int open_take(struct hd_connection *connection, int socket, struct hd_error *err)
{
    struct hd_listen *listen = connection->listener->listen;
    const struct hd_relay_owner owner = { relay_failed, relay_ended, connection };
    struct hd_tls_stream *tls = NULL;
    int server_end = -1;
    if (begin_tls(connection->listener, &tls, err) != 0) {
        close(socket);
        return -1;
    }
    if (hd_relay_open_take(listen->loop, socket, tls, &owner, &server_end, &connection->relay,
                           err) != 0)
        return -1;
    if (serve(connection, server_end, err) != 0)
        hd_relay_cut(connection->relay); /* whose end forgets the connection */
    else
        hd_loop_timer_set(listen->loop, &connection->deadline, handshake_too_slow, HANDSHAKE_MS);
    return 0;
}

static void admit_take(struct hd_listener *listener, int socket, const struct hd_peer *peer,
                       bool full)
{
    struct hd_listen *listen = listener->listen;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_connection *connection = hd_alloc_zeroed(1, sizeof *connection);
    if (connection == NULL) {
        close(socket);
        hd_listen_log_refusal(listen, peer, "out of memory");
        return;
    }
    connection->listener = listener;
    connection->peer = *peer;
    connection->full = full;
    connection->next = listen->connections;
    listen->connections = connection;
    if (open_take(connection, socket, &err) != 0)
        forget(connection);
    if (hd_error_is_set(&err))
        hd_listen_log_refusal(listen, peer, err.text);
}

void hd_connection_admit_take(struct hd_listener *listener, int socket, const struct hd_peer *peer)
{
    struct hd_listen *listen = listener->listen;
    struct counts counts = count_connections(listen, peer);
    bool full = is_full(&counts, peer) && !evict_for(listen, &counts, peer);
    if (full && counts.refused >= HD_LISTEN_MAX_REFUSED) {
        hd_listen_log_refusal(listen, peer, "too many connections are open");
        close(socket);
        return;
    }
    admit_take(listener, socket, peer, full);
}
