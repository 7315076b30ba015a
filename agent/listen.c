/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/listen.h"

#include "agent/listen_state.h"
#include "agent/token.h"
#include "core/alloc.h"
#include "core/refusals.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTED_AT_ONCE = 16, PAUSE_MS = 1000, REFUSALS_LOGGED_PER_MINUTE = 20 };
/* A door that does not open is tried again after a second, two, four … at most so many; one whose
 * name must be looked up only so often, because that may hold up the loop. */
enum { LONGEST_PATIENCE_S = 60, LOOKUPS_MAX = 6 };

void hd_listen_log_refusal(struct hd_listen *listen, const struct hd_peer *peer, const char *words)
{
    unsigned ignored;
    enum hd_log_level level =
        hd_rate_admit(&listen->refusals, lws_now_usecs(), &ignored) ? HD_LOG_WARN : HD_LOG_DEBUG;
    hd_log(level, "refused a connection from %s%s%s: %s", peer->origin.who,
           peer->origin.who[0] != '\0' ? ", " : "", peer->origin.from, words);
}

void hd_listen_refuse(struct hd_listen *listen, const struct hd_peer *peer, const char *words)
{
    const struct hd_refusal refusal = { .origin = &peer->origin,
                                        .peer = peer->key,
                                        .what = "connect",
                                        .why = words,
                                        .role = HD_ROLE_NONE,
                                        .needed = HD_ROLE_VIEWER };
    hd_listen_log_refusal(listen, peer, words);
    hd_loop_refused(listen->loop, &refusal);
}

/* ---- connections ----------------------------------------------------------------------------- */

void hd_listen_gone(struct hd_listen *listen, const struct lws *wsi)
{
    struct hd_connection *connection = hd_connection_find(listen, wsi);
    if (connection != NULL)
        hd_connection_server_gone(connection);
}

const struct hd_origin *hd_listen_established(struct hd_listen *listen, const struct lws *wsi)
{
    struct hd_connection *connection = hd_connection_find(listen, wsi);
    if (connection == NULL)
        return NULL;
    hd_loop_timer_cancel(&connection->deadline);
    connection->established = true;
    return &connection->peer.origin;
}

enum hd_role hd_listen_role(struct hd_listen *listen, const struct lws *wsi)
{
    struct hd_connection *connection = hd_connection_find(listen, wsi);
    if (connection == NULL)
        return HD_ROLE_NONE;
    return hd_access_of(hd_loop_access(listen->loop), &connection->identity, NULL, 0);
}

const char *hd_listen_peer(const struct hd_listen *listen, const struct lws *wsi)
{
    const struct hd_connection *connection = hd_connection_find(listen, wsi);
    return connection != NULL ? connection->peer.key : "";
}

/* ---- accepting ------------------------------------------------------------------------------- */

static void consider_take(struct hd_listener *listener, int socket)
{
    struct hd_peer peer;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_peer_of(socket, &peer, &err) != 0) {
        close(socket);
        return;
    }
    int one = 1;
    if (!peer.local)
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    hd_connection_admit_take(listener, socket, &peer);
}

static void accept_waiting(void *context);

static void resume_accepting(lws_sorted_usec_list_t *timer)
{
    struct hd_listener *listener = lws_container_of(timer, struct hd_listener, resume);
    struct hd_loop *loop = listener->listen->loop;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_loop_watch(loop, listener->endpoint.descriptor, accept_waiting, listener,
                      &listener->watch, &err) != 0)
        hd_loop_timer_set(loop, timer, resume_accepting, PAUSE_MS);
}

/* Without a descriptor to spare the socket stays readable, and the loop would spin. */
static void pause_accepting(struct hd_listener *listener, int errno_value)
{
    struct hd_peer next = { .origin = { .from = "the next peer" } };
    struct hd_error err = HD_ERROR_INIT;
    hd_error_set_errno(&err, errno_value, "accept");
    hd_listen_log_refusal(listener->listen, &next, err.text);
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
    struct hd_listener *listener = context;
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

static int prepare_tls(struct hd_listen *listen, struct hd_error *err)
{
    const struct hd_options *options = hd_loop_options(listen->loop);
    if (hd_certificates_open(&listen->certificates, options, err) != 0)
        return -1;
    if (options->tls_client_ca != NULL && options->authorized == NULL)
        hd_log(HD_LOG_WARN,
               "tls-client-ca=%s: a certificate alone opens nothing here; "
               "authorized=FILE says who may do what (deployer cert:NAME)",
               options->tls_client_ca);
    return options->token_file != NULL ? prepare_token(listen, err) : 0;
}

static int prepare(struct hd_listener *listener, struct hd_error *err)
{
    if (listener->wanted.kind == HD_ADDRESS_WSS)
        return prepare_tls(listener->listen, err);
    return listener->wanted.kind == HD_ADDRESS_WS ? prepare_token(listener->listen, err) : 0;
}

/* Where others are authorised, they must be able to knock; who they are is judged then. */
static mode_t mode_of_sockets(const struct hd_listen *listen)
{
    return hd_loop_options(listen->loop)->authorized != NULL ? 0666 : 0600;
}

static int open_listener(struct hd_listener *listener, struct hd_error *err)
{
    struct hd_listen *listen = listener->listen;
    if (prepare(listener, err) != 0 ||
        hd_endpoint_open(&listener->wanted, mode_of_sockets(listen), &listener->endpoint, err) != 0)
        return -1;
    if (hd_loop_watch(listen->loop, listener->endpoint.descriptor, accept_waiting, listener,
                      &listener->watch, err) == 0)
        return 0;
    hd_endpoint_close(&listener->endpoint);
    return -1;
}

static void try_again(lws_sorted_usec_list_t *timer);

static void arrange_to_try_again(struct hd_listener *listener, const char *name)
{
    unsigned doublings = listener->failures++;
    unsigned seconds = doublings < 6 ? 1u << doublings : LONGEST_PATIENCE_S;
    if (hd_endpoint_needs_lookup(&listener->wanted) && listener->failures >= LOOKUPS_MAX) {
        hd_log(HD_LOG_ERROR, "listen=%s: not tried again", name);
        return;
    }
    hd_log(listener->failures == 1 ? HD_LOG_INFO : HD_LOG_DEBUG, "listen=%s: tried again in %u s",
           name, seconds);
    hd_loop_timer_set(listener->listen->loop, &listener->again, try_again,
                      (uint64_t)seconds * 1000);
}

static void tell_dangers(const struct hd_listener *listener, const char *name)
{
    if (listener->wanted.kind == HD_ADDRESS_WS && !hd_address_is_loopback(&listener->wanted))
        hd_log(HD_LOG_WARN,
               "listen=%s can be reached from other machines and is not encrypted: token and code "
               "can be read and changed on the way; better listen on wss://, or on 127.0.0.1 "
               "behind ssh -L",
               name);
}

static void open_and_tell(struct hd_listener *listener)
{
    char name[300];
    struct hd_error err = HD_ERROR_INIT;
    if (open_listener(listener, &err) != 0) {
        hd_endpoint_describe(&listener->wanted, name, sizeof name);
        hd_log(listener->failures == 0 ? HD_LOG_ERROR : HD_LOG_DEBUG,
               "listen=%s: %s; nobody can connect there", name, err.text);
        arrange_to_try_again(listener, name);
        return;
    }
    listener->is_open = true;
    hd_endpoint_describe(&listener->endpoint.address, name, sizeof name);
    hd_log(HD_LOG_INFO, "listening on %s", name);
    tell_dangers(listener, name);
}

static void try_again(lws_sorted_usec_list_t *timer)
{
    open_and_tell(lws_container_of(timer, struct hd_listener, again));
}

void hd_listen_open(struct hd_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        if (!hd_endpoint_needs_lookup(&listen->listeners[i].wanted))
            open_and_tell(&listen->listeners[i]);
    }
}

bool hd_listen_is_shut(const struct hd_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        const struct hd_listener *listener = &listen->listeners[i];
        if (listener->is_open || hd_endpoint_needs_lookup(&listener->wanted))
            return false;
    }
    return listen->count > 0;
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
        struct hd_listener *listener = &listen->listeners[i];
        hd_loop_timer_cancel(&listener->resume);
        hd_loop_timer_cancel(&listener->again);
        hd_loop_unwatch(listener->watch);
        listener->watch = NULL;
        hd_endpoint_close(&listener->endpoint);
    }
}

static int add(struct hd_listen *listen, const char *address, struct hd_error *err)
{
    struct hd_listener *listener = &listen->listeners[listen->count];
    *listener = (struct hd_listener){ .listen = listen, .endpoint = HD_ENDPOINT_INIT };
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
    hd_certificates_close(&listen->certificates);
    hd_free(listen->listeners);
    hd_free(listen);
}
