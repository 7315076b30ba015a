/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/listen.h"

#include "agent/endpoint.h"
#include "agent/handshake.h"
#include "agent/peer.h"
#include "agent/relay.h"
#include "agent/token.h"
#include "core/alloc.h"
#include "core/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HANDSHAKE_MS (UINT64_C(1000) * HD_LISTEN_HANDSHAKE_SECONDS)
enum { ACCEPTED_AT_ONCE = 16, PAUSE_MS = 1000, REFUSALS_LOGGED_PER_MINUTE = 20, WORDS_SIZE = 1200 };

struct listener {
    struct hd_listen *listen;
    struct hd_address wanted;
    struct hd_endpoint endpoint;
    struct hd_loop_watch *watch; /* NULL while accepting is paused, or not open */
    lws_sorted_usec_list_t resume;
};

/* One accepted peer. It lives until its relay and libwebsockets' end are both gone. */
struct connection {
    struct connection *next;
    struct listener *listener;
    struct hd_peer peer;
    bool full;                       /* one too many: only to be told so */
    struct hd_relay *relay;          /* NULL: gone */
    struct lws *server;              /* libwebsockets' end; NULL: gone */
    lws_sorted_usec_list_t deadline; /* of the handshake */
};

struct hd_listen {
    struct hd_loop *loop;
    struct listener *listeners;
    size_t count;
    struct connection *connections;
    struct hd_rate refusals; /* that are worth a line in the log */
};

/* ---- connections ----------------------------------------------------------------------------- */

static struct connection *find(const struct hd_listen *listen, const struct lws *server)
{
    struct connection *connection = listen->connections;
    while (connection != NULL && connection->server != server)
        connection = connection->next;
    return connection;
}

static void forget(struct connection *connection)
{
    struct connection **link = &connection->listener->listen->connections;
    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    hd_loop_timer_cancel(&connection->deadline);
    hd_free(connection);
}

static void forget_when_gone(struct connection *connection)
{
    if (connection->relay == NULL && connection->server == NULL)
        forget(connection);
}

static void relay_ended(void *owner)
{
    struct connection *connection = owner;
    connection->relay = NULL;
    forget_when_gone(connection);
}

void hd_listen_gone(struct hd_listen *listen, const struct lws *wsi)
{
    struct connection *connection = find(listen, wsi);
    if (connection == NULL)
        return;
    connection->server = NULL;
    forget_when_gone(connection);
}

static void log_refusal(struct hd_listen *listen, const struct hd_peer *peer, const char *words)
{
    unsigned ignored;
    enum hd_log_level level =
        hd_rate_admit(&listen->refusals, lws_now_usecs(), &ignored) ? HD_LOG_WARN : HD_LOG_DEBUG;
    hd_log(level, "refused a connection from %s%s%s: %s", peer->origin.who,
           peer->origin.who[0] != '\0' ? ", " : "", peer->origin.from, words);
}

static void handshake_too_slow(lws_sorted_usec_list_t *timer)
{
    struct connection *connection = lws_container_of(timer, struct connection, deadline);
    hd_log(HD_LOG_DEBUG, "%s: no request within %d s", connection->peer.origin.from,
           HD_LISTEN_HANDSHAKE_SECONDS);
    if (connection->relay != NULL)
        hd_relay_cut(connection->relay);
}

struct counts {
    size_t served;
    size_t remote;  /* of those */
    size_t of_peer; /* of those */
    size_t refused;
};

static struct counts count_connections(const struct hd_listen *listen, const struct hd_peer *peer)
{
    struct counts counts = { 0 };
    for (const struct connection *connection = listen->connections; connection != NULL;
         connection = connection->next) {
        if (connection->full) {
            counts.refused++;
            continue;
        }
        counts.served++;
        counts.remote += connection->peer.local ? 0 : 1;
        counts.of_peer += strcmp(connection->peer.key, peer->key) == 0 ? 1 : 0;
    }
    return counts;
}

static bool is_full(const struct counts *counts, const struct hd_peer *peer)
{
    return counts->served >= HD_LISTEN_MAX || counts->of_peer >= HD_LISTEN_MAX_PER_PEER ||
           (!peer->local && counts->remote >= HD_LISTEN_MAX_REMOTE);
}

/* Takes the server's end of the relay. */
static int serve(struct connection *connection, int server_end, struct hd_error *err)
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

static int open_connection_take(struct connection *connection, int socket, struct hd_error *err)
{
    struct hd_listen *listen = connection->listener->listen;
    int server_end = -1;
    if (hd_relay_open_take(listen->loop, socket, relay_ended, connection, &server_end,
                           &connection->relay, err) != 0)
        return -1;
    if (serve(connection, server_end, err) != 0)
        hd_relay_cut(connection->relay); /* whose end forgets the connection */
    else
        hd_loop_timer_set(listen->loop, &connection->deadline, handshake_too_slow,
                          HANDSHAKE_MS);
    return 0;
}

static void admit_take(struct listener *listener, int socket, const struct hd_peer *peer, bool full)
{
    struct hd_listen *listen = listener->listen;
    struct hd_error err = HD_ERROR_INIT;
    struct connection *connection = hd_alloc_zeroed(1, sizeof *connection);
    if (connection == NULL) {
        close(socket);
        return;
    }
    connection->listener = listener;
    connection->peer = *peer;
    connection->full = full;
    connection->next = listen->connections;
    listen->connections = connection;
    if (open_connection_take(connection, socket, &err) != 0)
        forget(connection);
    if (hd_error_is_set(&err))
        log_refusal(listen, peer, err.text);
}

/* ---- accepting ------------------------------------------------------------------------------- */

static void consider_take(struct listener *listener, int socket)
{
    struct hd_listen *listen = listener->listen;
    struct hd_peer peer;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_peer_of(socket, &peer, &err) != 0) {
        close(socket);
        return;
    }
    struct counts counts = count_connections(listen, &peer);
    bool full = is_full(&counts, &peer);
    if (peer.local && peer.uid != hd_loop_jvm(listen->loop)->user && peer.uid != 0) {
        log_refusal(listen, &peer, "only this JVM's own user and root are let in here");
        close(socket);
        return;
    }
    if (full && counts.refused >= HD_LISTEN_MAX_REFUSED) {
        log_refusal(listen, &peer, "too many connections are open");
        close(socket);
        return;
    }
    int one = 1;
    if (!peer.local)
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    admit_take(listener, socket, &peer, full);
}

static void accept_waiting(void *context);

static void resume_accepting(lws_sorted_usec_list_t *timer)
{
    struct listener *listener = lws_container_of(timer, struct listener, resume);
    struct hd_loop *loop = listener->listen->loop;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_loop_watch(loop, listener->endpoint.descriptor, accept_waiting, listener,
                      &listener->watch, &err) != 0)
        hd_loop_timer_set(loop, timer, resume_accepting, PAUSE_MS);
}

/* Without a descriptor to spare the socket stays readable, and the loop would spin. */
static void pause_accepting(struct listener *listener, int errno_value)
{
    struct hd_peer next = { .origin = { .from = "the next peer" } };
    struct hd_error err = HD_ERROR_INIT;
    hd_error_set_errno(&err, errno_value, "accept");
    log_refusal(listener->listen, &next, err.text);
    hd_loop_unwatch(listener->watch);
    listener->watch = NULL;
    hd_loop_timer_set(listener->listen->loop, &listener->resume, resume_accepting, PAUSE_MS);
}

static bool is_exhaustion(int errno_value)
{
    return errno_value == EMFILE || errno_value == ENFILE || errno_value == ENOBUFS ||
           errno_value == ENOMEM;
}

static void accept_waiting(void *context)
{
    struct listener *listener = context;
    for (unsigned i = 0; i < ACCEPTED_AT_ONCE; i++) {
        int socket =
            accept4(listener->endpoint.descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket >= 0) {
            consider_take(listener, socket);
        } else if (is_exhaustion(errno)) {
            pause_accepting(listener, errno);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

/* The values of headers, copied out one behind the other. */
struct head {
    char text[4096];
    size_t used;
};

/* NULL: not there. A header that comes more than once, or is too long, reads as "", which no rule
 * accepts. */
static const char *header(struct lws *wsi, enum lws_token_indexes token, struct head *head)
{
    int length = lws_hdr_total_length(wsi, token);
    if (length <= 0)
        return NULL;
    char *value = head->text + head->used;
    size_t room = sizeof head->text - head->used;
    if (lws_hdr_fragment_length(wsi, token, 1) > 0 || (size_t)length + 1 >= room ||
        lws_hdr_copy(wsi, value, (int)room, token) < 0)
        return "";
    head->used += strlen(value) + 1;
    return value;
}

static const char reason_for_peer[] = "hotdrop: ";

/* Status and words as plain text, then the end of the connection. */
static void answer_refusal(struct lws *wsi, unsigned status, const char *words)
{
    unsigned char head[LWS_PRE + 512];
    unsigned char *at = head + LWS_PRE;
    unsigned char *end = head + sizeof head - 1;
    char body[LWS_PRE + WORDS_SIZE];
    int length = snprintf(body + LWS_PRE, WORDS_SIZE, "%s%s\n", reason_for_peer, words);
    static const unsigned char bearer[] = "Bearer";
    if (lws_add_http_common_headers(wsi, status, "text/plain", (lws_filepos_t)length, &at, end))
        return;
    if (status == HTTP_STATUS_UNAUTHORIZED &&
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_WWW_AUTHENTICATE, bearer,
                                     sizeof bearer - 1, &at, end) != 0)
        return;
    if (lws_finalize_write_http_header(wsi, head + LWS_PRE, &at, end) == 0)
        lws_write(wsi, (unsigned char *)body + LWS_PRE, (size_t)length, LWS_WRITE_HTTP_FINAL);
}

int hd_listen_judge(struct hd_listen *listen, struct lws *wsi)
{
    struct connection *connection = find(listen, wsi);
    if (connection == NULL)
        return -1;
    const char *token_file =
        connection->peer.local ? NULL : hd_loop_options(listen->loop)->token_file;
    struct head head = { .used = 0 };
    struct hd_handshake request = {
        .target = header(wsi, WSI_TOKEN_GET_URI, &head),
        .host = header(wsi, WSI_TOKEN_HOST, &head),
        .upgrade = header(wsi, WSI_TOKEN_UPGRADE, &head),
        .version = header(wsi, WSI_TOKEN_VERSION, &head),
        .protocols = header(wsi, WSI_TOKEN_PROTOCOL, &head),
        .origin = header(wsi, WSI_TOKEN_ORIGIN, &head),
        .authorization = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, &head),
    };
    struct hd_handshake_rules rules = { &connection->listener->endpoint.address, token_file,
                                        connection->full };
    struct hd_error err = HD_ERROR_INIT;
    unsigned status = 0;
    if (hd_handshake_judge(&request, &rules, &status, &err) != 0) {
        log_refusal(listen, &connection->peer, err.text);
        bool internal = status == HTTP_STATUS_INTERNAL_SERVER_ERROR;
        answer_refusal(wsi, status, internal ? "the agent's token cannot be read" : err.text);
        return -1;
    }
    if (!connection->peer.local)
        snprintf(connection->peer.origin.who, sizeof connection->peer.origin.who, "token:%s",
                 token_file);
    return 0;
}

const struct hd_origin *hd_listen_established(struct hd_listen *listen, const struct lws *wsi)
{
    struct connection *connection = find(listen, wsi);
    if (connection == NULL)
        return NULL;
    hd_loop_timer_cancel(&connection->deadline);
    return &connection->peer.origin;
}

/* ---- doors ----------------------------------------------------------------------------------- */

static int prepare_token(const struct hd_listen *listen, struct hd_error *err)
{
    const char *path = hd_loop_options(listen->loop)->token_file;
    bool readable_by_others = false;
    if (hd_token_prepare(path, &readable_by_others, err) != 0)
        return -1;
    if (readable_by_others)
        hd_log(HD_LOG_WARN, "token=%s: others than its owner can read it; chmod 600 it", path);
    return 0;
}

static int open_listener(struct listener *listener, struct hd_error *err)
{
    struct hd_listen *listen = listener->listen;
    if (listener->wanted.kind == HD_ADDRESS_WS && prepare_token(listen, err) != 0)
        return -1;
    if (hd_endpoint_open(&listener->wanted, &listener->endpoint, err) != 0)
        return -1;
    if (hd_loop_watch(listen->loop, listener->endpoint.descriptor, accept_waiting, listener,
                      &listener->watch, err) == 0)
        return 0;
    hd_endpoint_close(&listener->endpoint);
    return -1;
}

static void open_and_tell(struct listener *listener)
{
    char name[300];
    struct hd_error err = HD_ERROR_INIT;
    if (open_listener(listener, &err) != 0) {
        hd_endpoint_describe(&listener->wanted, name, sizeof name);
        hd_log(HD_LOG_ERROR, "listen=%s: %s; nobody can connect there", name, err.text);
        return;
    }
    hd_endpoint_describe(&listener->endpoint.address, name, sizeof name);
    hd_log(HD_LOG_INFO, "listening on %s", name);
    if (listener->wanted.kind == HD_ADDRESS_WS && !hd_address_is_loopback(&listener->wanted))
        hd_log(HD_LOG_WARN,
               "listen=%s can be reached from other machines and is not encrypted: token and code "
               "can be read and changed on the way; better listen on 127.0.0.1, behind ssh -L",
               name);
}

void hd_listen_open(struct hd_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        if (!hd_endpoint_needs_lookup(&listen->listeners[i].wanted))
            open_and_tell(&listen->listeners[i]);
    }
}

void hd_listen_open_names(struct hd_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        if (hd_endpoint_needs_lookup(&listen->listeners[i].wanted))
            open_and_tell(&listen->listeners[i]);
    }
}

void hd_listen_close(struct hd_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        struct listener *listener = &listen->listeners[i];
        hd_loop_timer_cancel(&listener->resume);
        hd_loop_unwatch(listener->watch);
        listener->watch = NULL;
        hd_endpoint_close(&listener->endpoint);
    }
}

static int add(struct hd_listen *listen, const char *address, struct hd_error *err)
{
    struct listener *listener = &listen->listeners[listen->count];
    *listener = (struct listener){ .listen = listen, .endpoint = HD_ENDPOINT_INIT };
    if (hd_address_parse(address, &listener->wanted, err) != 0)
        return -1;
    if (listener->wanted.kind != HD_ADDRESS_NONE)
        listen->count++;
    return 0;
}

static int add_all(struct hd_listen *listen, struct hd_error *err)
{
    const struct hd_string_list *wanted = &hd_loop_options(listen->loop)->listens;
    size_t count = wanted->count > 0 ? wanted->count : 1;
    listen->listeners = hd_alloc_zeroed(count, sizeof *listen->listeners);
    if (listen->listeners == NULL)
        return hd_error_set_memory(err);
    if (wanted->count == 0) {
        char address[64];
        snprintf(address, sizeof address, "unix:/tmp/.hotdrop_pid%d",
                 hd_loop_jvm(listen->loop)->pid);
        return add(listen, address, err);
    }
    for (size_t i = 0; i < wanted->count; i++) {
        if (add(listen, wanted->items[i], err) != 0)
            return -1;
    }
    return 0;
}

int hd_listen_new(struct hd_loop *loop, struct hd_listen **out, struct hd_error *err)
{
    struct hd_listen *listen = hd_alloc_zeroed(1, sizeof *listen);
    if (listen == NULL)
        return hd_error_set_memory(err);
    listen->loop = loop;
    if (hd_rate_init(&listen->refusals, REFUSALS_LOGGED_PER_MINUTE, err) != 0 ||
        add_all(listen, err) != 0) {
        hd_listen_free(listen);
        return -1;
    }
    *out = listen;
    return 0;
}

void hd_listen_free(struct hd_listen *listen)
{
    if (listen == NULL)
        return;
    hd_rate_close(&listen->refusals);
    hd_free(listen->listeners);
    hd_free(listen);
}
