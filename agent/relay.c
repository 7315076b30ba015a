/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/relay.h"

#include "agent/wsguard.h"
#include "core/alloc.h"
#include "core/buffer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes that may wait in one direction before the other side is no longer read, and one write. */
enum {
    HIGH_WATER = 256 * 1024,
    LOW_WATER = 64 * 1024,
    MOST_WAITING = 2 * HIGH_WATER,
    CHUNK = 64 * 1024,
    FLUSH_SECONDS = 10,
    LINGER_SECONDS = 2 /* for a peer to read why TLS failed */
};

struct end {
    struct hd_relay *relay;
    struct end *other;
    struct lws *wsi;          /* NULL: closed */
    struct hd_buffer waiting; /* to be written here */
    size_t written;           /* of waiting */
    bool last;                /* nothing more comes: close when waiting is written */
    bool paused;              /* not read, until the other end has written what waits there */
};

struct hd_relay {
    struct end outer;
    struct end inner;
    struct hd_wsguard guard;
    struct hd_tls_stream *tls; /* NULL: the peer speaks plain */
    bool tls_failed;           /* what still comes from the peer is thrown away */
    struct hd_relay_owner owner;
};

static size_t unwritten(const struct end *end)
{
    return end->waiting.length - end->written;
}

static void cut(struct end *end)
{
    if (end->wsi != NULL)
        lws_set_timeout(end->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

static void pause_reading(struct end *end, bool pause)
{
    if (end->wsi == NULL || end->paused == pause)
        return;
    end->paused = pause;
    lws_rx_flow_control(end->wsi, pause ? 0 : 1);
}

/* Reserved here, so that the guard can write into it. */
static int queue_guarded(struct hd_relay *relay, const uint8_t *data, size_t length,
                         struct hd_error *err)
{
    struct hd_buffer *waiting = &relay->inner.waiting;
    if (length == 0)
        return 0;
    if (hd_buffer_reserve(waiting, length + HD_WSGUARD_EXTRA, err) != 0)
        return -1;
    waiting->length +=
        hd_wsguard_pass(&relay->guard, data, length, waiting->data + waiting->length);
    return 0;
}

/* What TLS has to say waits at the outer end; a peer that makes it say more than it reads is cut.
 */
static int queue_wire(struct hd_relay *relay, struct hd_error *err)
{
    struct end *outer = &relay->outer;
    if (hd_tls_take(relay->tls, &outer->waiting, err) != 0)
        return -1;
    if (unwritten(outer) > MOST_WAITING)
        return hd_error_set(err, HD_E_LIMIT, "the peer does not read what it asks for");
    if (unwritten(outer) > 0 && outer->wsi != NULL)
        lws_callback_on_writable(outer->wsi);
    return 0;
}

/* The alert that says why goes out before the end. */
static int fail_tls(struct hd_relay *relay, const struct hd_error *why)
{
    struct end *outer = &relay->outer;
    struct hd_error err = HD_ERROR_INIT;
    bool was_secured = hd_tls_is_secured(relay->tls);
    relay->tls_failed = true;
    if (!was_secured && relay->owner.failed != NULL)
        relay->owner.failed(relay->owner.owner, why->text);
    cut(&relay->inner);
    if (was_secured || queue_wire(relay, &err) != 0 || unwritten(outer) == 0)
        return -1;
    outer->last = true;
    lws_set_timeout(outer->wsi, PENDING_FLUSH_STORED_SEND_BEFORE_CLOSE, LINGER_SECONDS);
    return 0;
}

static int receive_tls(struct hd_relay *relay, const uint8_t *data, size_t length,
                       struct hd_error *err)
{
    struct hd_buffer plain = HD_BUFFER_INIT;
    struct hd_error why = HD_ERROR_INIT;
    int result = hd_tls_receive(relay->tls, data, length, &plain, &why);
    if (result != 0)
        result = fail_tls(relay, &why);
    else if (queue_wire(relay, err) != 0 ||
             queue_guarded(relay, plain.data, plain.length, err) != 0)
        result = -1;
    hd_buffer_close(&plain);
    return result == 0 && hd_tls_has_ended(relay->tls) ? -1 : result;
}

static int queue(struct end *from, const uint8_t *data, size_t length, struct hd_error *err)
{
    struct hd_relay *relay = from->relay;
    if (from == &relay->outer)
        return relay->tls != NULL ? receive_tls(relay, data, length, err)
                                  : queue_guarded(relay, data, length, err);
    if (relay->tls == NULL)
        return hd_buffer_append(&relay->outer.waiting, data, length, err);
    return hd_tls_send(relay->tls, data, length, err) != 0 ? -1 : queue_wire(relay, err);
}

static void tell_owner(const struct hd_relay *relay, const struct hd_error *why)
{
    if (hd_error_is_set(why) && relay->owner.failed != NULL)
        relay->owner.failed(relay->owner.owner, why->text);
}

/* Past libwebsockets, which would take what the socket does not, and would want to be asked when it
 * may be written to: a whole round of its loop more for each piece. */
static int write_chunk(struct end *end)
{
    size_t length = unwritten(end) < CHUNK ? unwritten(end) : CHUNK;
    if (length == 0)
        return 0;
    ssize_t sent = send(lws_get_socket_fd(end->wsi), end->waiting.data + end->written, length,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    end->written += (size_t)sent;
    if (unwritten(end) == 0) {
        hd_buffer_close(&end->waiting);
        end->written = 0;
    } else if (end->written > end->waiting.length / 2) {
        hd_buffer_drop(&end->waiting, end->written); /* or it grows as long as it is never empty */
        end->written = 0;
    }
    return 0;
}

/* What the socket does not take now, or an end that is not there any more, is the loop's. */
static void write_at_once(struct end *end)
{
    if (end->wsi == NULL || unwritten(end) == 0)
        return;
    if (write_chunk(end) != 0 || unwritten(end) > 0)
        lws_callback_on_writable(end->wsi);
}

/* -1: this end is to be closed. */
static int receive(struct end *from, const uint8_t *data, size_t length)
{
    struct hd_error err = HD_ERROR_INIT;
    struct end *to = from->other;
    if (from->relay->tls_failed)
        return 0;
    if (to->wsi == NULL)
        return -1;
    if (queue(from, data, length, &err) != 0) {
        tell_owner(from->relay, &err);
        return -1;
    }
    if (from->relay->guard.verdict == HD_WSGUARD_BAD_HEAD)
        return -1;
    write_at_once(to);
    if (unwritten(to) > HIGH_WATER)
        pause_reading(from, true);
    return 0;
}

static int write_what_waits(struct end *end)
{
    if (write_chunk(end) != 0)
        return -1;
    if (unwritten(end) <= LOW_WATER)
        pause_reading(end->other, false);
    if (unwritten(end) > 0) {
        lws_callback_on_writable(end->wsi);
        return 0;
    }
    if (end->last && end->relay->tls_failed) {
        /* Closed with unread bytes, the peer's kernel would throw the alert away (RFC 9293
         * §3.10.7.4, RST); so it is told that nothing more comes, and has a moment to read. */
        shutdown(lws_get_socket_fd(end->wsi), SHUT_WR);
        return 0;
    }
    return end->last ? -1 : 0;
}

static void free_relay(struct hd_relay *relay)
{
    hd_buffer_close(&relay->outer.waiting);
    hd_buffer_close(&relay->inner.waiting);
    hd_tls_stream_free(relay->tls);
    hd_free(relay);
}

/* Nothing more comes from the server: TLS says so, too. */
static void say_goodbye(struct hd_relay *relay)
{
    struct hd_error err = HD_ERROR_INIT;
    if (relay->tls == NULL || relay->tls_failed)
        return;
    hd_tls_end(relay->tls);
    (void)!queue_wire(relay, &err);
}

static void closed(struct end *end)
{
    struct end *other = end->other;
    struct hd_relay *relay = end->relay;
    end->wsi = NULL;
    if (other->wsi == NULL) {
        if (relay->owner.ended != NULL)
            relay->owner.ended(relay->owner.owner);
        free_relay(relay);
        return;
    }
    if (end == &relay->inner)
        say_goodbye(relay);
    other->last = true;
    if (relay->tls_failed)
        return; /* the outer end has its own time */
    if (unwritten(other) == 0) {
        cut(other);
        return;
    }
    lws_set_timeout(other->wsi, PENDING_FLUSH_STORED_SEND_BEFORE_CLOSE, FLUSH_SECONDS);
    lws_callback_on_writable(other->wsi);
}

/* Only for reasons that come with a connection of ours: others come with a stand-in that has no
 * user data. */
static struct end *end_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

int hd_relay_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t length)
{
    (void)user;
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1; /* a client asked for this as if it were its subprotocol */
    case LWS_CALLBACK_RAW_RX:
        return receive(end_of(wsi), in, length);
    case LWS_CALLBACK_RAW_WRITEABLE:
        return write_what_waits(end_of(wsi));
    case LWS_CALLBACK_RAW_CLOSE:
        if (end_of(wsi) != NULL) /* else it was closed while it was adopted */
            closed(end_of(wsi));
        return 0;
    default:
        return 0;
    }
}

/* Takes descriptor, even on failure. */
static int adopt(struct hd_loop *loop, struct end *end, int descriptor, struct hd_error *err)
{
    lws_adopt_desc_t info = {
        .vh = hd_loop_vhost(loop),
        .type = LWS_ADOPT_SOCKET,
        .fd = { .sockfd = descriptor },
        .vh_prot_name = HD_LWS_RELAY,
    };
    end->wsi = lws_adopt_descriptor_vhost_via_info(&info);
    if (end->wsi == NULL)
        return hd_error_set(err, HD_E_SYSTEM, "libwebsockets does not take the connection");
    lws_set_opaque_user_data(end->wsi, end);
    return 0;
}

/* Takes tls only where it succeeds. */
static struct hd_relay *new_relay(struct hd_tls_stream *tls, const struct hd_relay_owner *owner)
{
    struct hd_relay *relay = hd_alloc_zeroed(1, sizeof *relay);
    if (relay == NULL)
        return NULL;
    relay->guard = (struct hd_wsguard)HD_WSGUARD_INIT;
    relay->tls = tls;
    relay->owner = *owner;
    relay->outer = (struct end){ .relay = relay, .other = &relay->inner };
    relay->inner = (struct end){ .relay = relay, .other = &relay->outer };
    return relay;
}

/* Takes both sockets and the relay, even on failure. */
static int adopt_ends(struct hd_loop *loop, struct hd_relay *relay, int socket, int inner,
                      struct hd_error *err)
{
    if (adopt(loop, &relay->outer, socket, err) != 0) {
        free_relay(relay);
        close(inner);
        return -1;
    }
    if (adopt(loop, &relay->inner, inner, err) != 0) {
        relay->owner = (struct hd_relay_owner){ 0 }; /* it was never open for the owner; */
        cut(&relay->outer);                          /* its outer end frees it */
        return -1;
    }
    return 0;
}

int hd_relay_open_take(struct hd_loop *loop, int socket, struct hd_tls_stream *tls,
                       const struct hd_relay_owner *owner, int *server_end, struct hd_relay **out,
                       struct hd_error *err)
{
    int pair[2];
    struct hd_relay *relay = new_relay(tls, owner);
    if (relay == NULL) {
        hd_tls_stream_free(tls);
        close(socket);
        return hd_error_set_memory(err);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        hd_error_set_errno(err, errno, "no socket pair");
        free_relay(relay);
        close(socket);
        return -1;
    }
    if (adopt_ends(loop, relay, socket, pair[0], err) != 0) {
        close(pair[1]);
        return -1;
    }
    *server_end = pair[1];
    *out = relay;
    return 0;
}

const struct hd_tls_stream *hd_relay_tls(const struct hd_relay *relay)
{
    return relay->tls;
}

void hd_relay_cut(struct hd_relay *relay)
{
    cut(&relay->outer);
    cut(&relay->inner);
}
