/* SPDX-License-Identifier: Apache-2.0 */
#include "client/tunnel.h"

#include "core/alloc.h"
#include "core/buffer.h"
#include "core/text.h"
#include "core/tls.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HIGH_WATER = 256 * 1024, CHUNK = 32 * 1024 };

/* Bytes on their way to a socket. */
struct flow {
    struct hd_buffer waiting;
    size_t written; /* of waiting */
};

struct hd_tunnel {
    struct hd_tls_context *context;
    struct hd_tls_stream *tls;
    int network;  /* -1: closed */
    int listener; /* -1: libwebsockets has come, or never will */
    int local;    /* -1: libwebsockets has not come yet, or is gone */
    int stop;     /* an eventfd */
    struct flow to_network;
    struct flow to_local;
    bool over; /* nothing more comes from the network */
    char directory[32];
    char path[48];
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    struct hd_error failure; /* under the lock */
};

static size_t unwritten(const struct flow *flow)
{
    return flow->waiting.length - flow->written;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static int left_of(int64_t deadline)
{
    int64_t left = (deadline - hd_text_now()) / 1000;
    return left > 0 ? (int)left : 0;
}

static bool is_connected(int socket, int64_t deadline)
{
    struct pollfd ready = { .fd = socket, .events = POLLOUT };
    socklen_t length = sizeof(int);
    int problem = 0;
    if (poll(&ready, 1, left_of(deadline)) != 1) {
        errno = ETIMEDOUT;
        return false;
    }
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &problem, &length) != 0)
        return false;
    errno = problem;
    return problem == 0;
}

/* -1 with errno. */
static int connect_to(const struct addrinfo *where, int64_t deadline)
{
    int one = 1;
    int made = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return -1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(made, where->ai_addr, where->ai_addrlen) == 0 ||
        (errno == EINPROGRESS && is_connected(made, deadline)))
        return made;
    int problem = errno;
    close(made);
    errno = problem;
    return -1;
}

static int reach(struct hd_tunnel *tunnel, const struct hd_address *address, int64_t deadline,
                 struct hd_error *err)
{
    char port[8];
    snprintf(port, sizeof port, "%u", address->port);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    int problem = getaddrinfo(address->host, port, &hints, &found);
    if (problem != 0)
        return hd_error_set(err, HD_E_CONNECTION, "no such host: %s", gai_strerror(problem));
    for (struct addrinfo *at = found; at != NULL && tunnel->network < 0; at = at->ai_next)
        tunnel->network = connect_to(at, deadline);
    int last = errno;
    freeaddrinfo(found);
    if (tunnel->network < 0)
        return hd_error_set(err, HD_E_CONNECTION, "nobody answers there: %s", strerror(last));
    return 0;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* -1: the socket is broken. */
static int flush(int socket, struct flow *flow)
{
    if (unwritten(flow) == 0)
        return 0;
    ssize_t put = send(socket, flow->waiting.data + flow->written, unwritten(flow), MSG_NOSIGNAL);
    if (put < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    flow->written += (size_t)put;
    if (unwritten(flow) == 0) {
        hd_buffer_close(&flow->waiting);
        flow->written = 0;
    } else if (flow->written > flow->waiting.length / 2) {
        hd_buffer_drop(&flow->waiting,
                       flow->written); /* or it grows as long as it is never empty */
        flow->written = 0;
    }
    return 0;
}

static int lost(struct hd_error *err)
{
    return hd_error_set(err, HD_E_CONNECTION, "the connection was lost: %s",
                        errno != 0 ? strerror(errno) : "it ended without a word");
}

static int read_network(struct hd_tunnel *tunnel, struct hd_error *err)
{
    uint8_t chunk[CHUNK];
    errno = 0;
    ssize_t got = recv(tunnel->network, chunk, sizeof chunk, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0)
        return lost(err);
    int result = hd_tls_receive(tunnel->tls, chunk, (size_t)got, &tunnel->to_local.waiting, err);
    struct hd_error ignored = HD_ERROR_INIT;
    (void)!hd_tls_take(tunnel->tls, &tunnel->to_network.waiting, &ignored);
    tunnel->over = hd_tls_has_ended(tunnel->tls);
    return result;
}

static int read_local(struct hd_tunnel *tunnel, struct hd_error *err)
{
    uint8_t chunk[CHUNK];
    ssize_t got = recv(tunnel->local, chunk, sizeof chunk, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0) { /* libwebsockets hangs up */
        hd_tls_end(tunnel->tls);
        close(tunnel->local);
        tunnel->local = -1;
        tunnel->over = true;
    } else if (hd_tls_send(tunnel->tls, chunk, (size_t)got, err) != 0) {
        return -1;
    }
    return hd_tls_take(tunnel->tls, &tunnel->to_network.waiting, err);
}

static int shake_hands(struct hd_tunnel *tunnel, int64_t deadline, struct hd_error *err)
{
    int result = hd_tls_take(tunnel->tls, &tunnel->to_network.waiting, err);
    while (result == 0 && !hd_tls_is_secured(tunnel->tls)) {
        short out = unwritten(&tunnel->to_network) > 0 ? POLLOUT : 0;
        struct pollfd ready = { .fd = tunnel->network, .events = (short)(POLLIN | out) };
        if (poll(&ready, 1, left_of(deadline)) == 0)
            return hd_error_set(err, HD_E_CONNECTION, "no TLS with it in time");
        if ((ready.revents & ~POLLOUT) != 0)
            result = read_network(tunnel, err);
        if (flush(tunnel->network, &tunnel->to_network) != 0 && result == 0)
            result = lost(err);
    }
    return result;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void forget_name(struct hd_tunnel *tunnel)
{
    if (tunnel->listener < 0)
        return;
    close(tunnel->listener);
    tunnel->listener = -1;
    unlink(tunnel->path);
    rmdir(tunnel->directory);
}

enum { STOP, LISTENER, NETWORK, LOCAL, WATCHED };

static void choose(const struct hd_tunnel *tunnel, struct pollfd watched[WATCHED])
{
    bool to_network = unwritten(&tunnel->to_network) > 0;
    bool to_local = unwritten(&tunnel->to_local) > 0;
    bool read_network = !tunnel->over && unwritten(&tunnel->to_local) < HIGH_WATER;
    bool read_local = unwritten(&tunnel->to_network) < HIGH_WATER;
    watched[STOP] = (struct pollfd){ .fd = tunnel->stop, .events = POLLIN };
    watched[LISTENER] = (struct pollfd){ .fd = tunnel->listener, .events = POLLIN };
    watched[NETWORK] = (struct pollfd){
        .fd = tunnel->network,
        .events = (short)((read_network ? POLLIN : 0) | (to_network ? POLLOUT : 0)),
    };
    watched[LOCAL] = (struct pollfd){
        .fd = tunnel->local,
        .events = (short)((read_local ? POLLIN : 0) | (to_local ? POLLOUT : 0)),
    };
}

static int move_bytes(struct hd_tunnel *tunnel, const struct pollfd watched[WATCHED],
                      struct hd_error *err)
{
    if (watched[LISTENER].revents != 0) {
        tunnel->local = accept4(tunnel->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        forget_name(tunnel);
    }
    if (watched[NETWORK].revents != 0 && !tunnel->over && read_network(tunnel, err) != 0)
        return -1;
    if (watched[LOCAL].revents != 0 && tunnel->local >= 0 && read_local(tunnel, err) != 0)
        return -1;
    if (tunnel->local >= 0 && flush(tunnel->local, &tunnel->to_local) != 0) {
        close(tunnel->local);
        tunnel->local = -1;
        tunnel->over = true;
    }
    return flush(tunnel->network, &tunnel->to_network) != 0 ? lost(err) : 0;
}

/* Both sides have got what there was for them. */
static bool is_done(const struct hd_tunnel *tunnel)
{
    return tunnel->over && unwritten(&tunnel->to_network) == 0 &&
           (tunnel->local < 0 || unwritten(&tunnel->to_local) == 0);
}

static void pump(struct hd_tunnel *tunnel, struct hd_error *err)
{
    struct pollfd watched[WATCHED];
    while (!is_done(tunnel)) {
        choose(tunnel, watched);
        if (poll(watched, WATCHED, -1) < 0 && errno != EINTR)
            return;
        if (watched[STOP].revents != 0 || move_bytes(tunnel, watched, err) != 0)
            return;
    }
}

/* Where the other side hung up first, libwebsockets is let in all the same, and hears then that it
 * ended: with nobody to connect to, version 4.1.6 goes on with memory that it has freed. */
static void let_local_in(struct hd_tunnel *tunnel)
{
    struct pollfd watched[] = { { .fd = tunnel->stop, .events = POLLIN },
                                { .fd = tunnel->listener, .events = POLLIN } };
    if (tunnel->listener < 0)
        return;
    while (poll(watched, 2, -1) < 0 && errno == EINTR)
        ;
    if (watched[1].revents != 0)
        tunnel->local = accept4(tunnel->listener, NULL, NULL, SOCK_CLOEXEC);
}

/* Why it failed is there before libwebsockets hears that it ended. */
static void *run(void *argument)
{
    struct hd_tunnel *tunnel = argument;
    struct hd_error err = HD_ERROR_INIT;
    pump(tunnel, &err);
    pthread_mutex_lock(&tunnel->lock);
    tunnel->failure = err;
    pthread_mutex_unlock(&tunnel->lock);
    (void)flush(tunnel->network, &tunnel->to_network);
    let_local_in(tunnel);
    forget_name(tunnel);
    if (tunnel->local >= 0)
        close(tunnel->local);
    tunnel->local = -1;
    return NULL;
}

/* Signals are for the main thread. */
static int start(struct hd_tunnel *tunnel, struct hd_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(&tunnel->thread, NULL, run, tunnel);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    tunnel->running = problem == 0;
    return problem == 0 ? 0 : hd_error_set_errno(err, problem, "no thread for TLS");
}

/* ---- open and close -------------------------------------------------------------------------- */

/* mkdtemp makes it 0700. */
static int listen_privately(struct hd_tunnel *tunnel, struct hd_error *err)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    snprintf(tunnel->directory, sizeof tunnel->directory, "/tmp/hotdrop-XXXXXX");
    if (mkdtemp(tunnel->directory) == NULL)
        return hd_error_set_errno(err, errno, "no directory below /tmp");
    snprintf(tunnel->path, sizeof tunnel->path, "%s/s", tunnel->directory);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", tunnel->path);
    tunnel->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (tunnel->listener >= 0 &&
        bind(tunnel->listener, (const struct sockaddr *)&name, sizeof name) == 0 &&
        listen(tunnel->listener, 1) == 0)
        return 0;
    hd_error_set_errno(err, errno, "no socket for TLS");
    rmdir(tunnel->directory);
    return -1;
}

static int open_all(struct hd_tunnel *tunnel, const struct hd_target *target, unsigned seconds,
                    struct hd_error *err)
{
    const struct hd_tls_files files = {
        .cert = target->cert_file[0] != '\0' ? target->cert_file : NULL,
        .key = target->key_file[0] != '\0' ? target->key_file : NULL,
        .ca = target->ca_file[0] != '\0' ? target->ca_file : NULL,
    };
    int64_t deadline = hd_text_now() + (int64_t)seconds * 1000000;
    tunnel->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (tunnel->stop < 0)
        return hd_error_set_errno(err, errno, "eventfd");
    if (hd_tls_client_new(&files, &tunnel->context, err) != 0 ||
        hd_tls_connect(tunnel->context, target->address.host, &tunnel->tls, err) != 0 ||
        reach(tunnel, &target->address, deadline, err) != 0 ||
        shake_hands(tunnel, deadline, err) != 0 || listen_privately(tunnel, err) != 0)
        return -1;
    return start(tunnel, err);
}

int hd_tunnel_open(const struct hd_target *target, unsigned seconds, struct hd_tunnel **out,
                   struct hd_error *err)
{
    struct hd_tunnel *tunnel = hd_alloc_zeroed(1, sizeof *tunnel);
    if (tunnel == NULL)
        return hd_error_set_memory(err);
    tunnel->network = tunnel->listener = tunnel->local = tunnel->stop = -1;
    pthread_mutex_init(&tunnel->lock, NULL);
    if (open_all(tunnel, target, seconds, err) != 0) {
        hd_tunnel_close(tunnel);
        return -1;
    }
    *out = tunnel;
    return 0;
}

const char *hd_tunnel_path(const struct hd_tunnel *tunnel)
{
    return tunnel->path;
}

bool hd_tunnel_has_failed(struct hd_tunnel *tunnel, struct hd_error *err)
{
    pthread_mutex_lock(&tunnel->lock);
    struct hd_error failure = tunnel->failure;
    pthread_mutex_unlock(&tunnel->lock);
    if (!hd_error_is_set(&failure))
        return false;
    hd_error_set(err, failure.code, "%s", failure.text);
    return true;
}

void hd_tunnel_close(struct hd_tunnel *tunnel)
{
    if (tunnel == NULL)
        return;
    if (tunnel->running) {
        (void)!eventfd_write(tunnel->stop, 1);
        pthread_join(tunnel->thread, NULL);
    }
    forget_name(tunnel);
    if (tunnel->network >= 0)
        close(tunnel->network);
    if (tunnel->stop >= 0)
        close(tunnel->stop);
    hd_buffer_close(&tunnel->to_network.waiting);
    hd_buffer_close(&tunnel->to_local.waiting);
    hd_tls_stream_free(tunnel->tls);
    hd_tls_context_free(tunnel->context);
    pthread_mutex_destroy(&tunnel->lock);
    hd_free(tunnel);
}
