/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/relay.h"

#include "agent/wsguard.h"
#include "core/alloc.h"
#include "core/buffer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes that may wait in one direction before the other side is no longer read, and one write. */
enum { HIGH_WATER = 256 * 1024, LOW_WATER = 64 * 1024, CHUNK = 64 * 1024, FLUSH_SECONDS = 10 };

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
    hd_loop_callback ended;
    void *owner;
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
static int queue(struct end *to, const uint8_t *data, size_t length, struct hd_error *err)
{
    if (hd_buffer_reserve(&to->waiting, length + HD_WSGUARD_EXTRA, err) != 0)
        return -1;
    uint8_t *room = to->waiting.data + to->waiting.length;
    struct hd_relay *relay = to->relay;
    if (to == &relay->inner) {
        to->waiting.length += hd_wsguard_pass(&relay->guard, data, length, room);
        return 0;
    }
    return hd_buffer_append(&to->waiting, data, length, err);
}

/* -1: this end is to be closed. */
static int receive(struct end *from, const uint8_t *data, size_t length)
{
    struct hd_error err = HD_ERROR_INIT;
    struct end *to = from->other;
    if (to->wsi == NULL || queue(to, data, length, &err) != 0)
        return -1;
    if (from->relay->guard.verdict == HD_WSGUARD_BAD_HEAD)
        return -1;
    if (unwritten(to) > HIGH_WATER)
        pause_reading(from, true);
    if (unwritten(to) > 0)
        lws_callback_on_writable(to->wsi);
    return 0;
}

static int write_chunk(struct end *end)
{
    size_t length = unwritten(end) < CHUNK ? unwritten(end) : CHUNK;
    if (length == 0)
        return 0;
    if (lws_write(end->wsi, end->waiting.data + end->written, length, LWS_WRITE_RAW) < 0)
        return -1;
    end->written += length;
    if (unwritten(end) == 0) {
        hd_buffer_close(&end->waiting);
        end->written = 0;
    }
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
    return end->last ? -1 : 0;
}

static void close_buffers(struct hd_relay *relay)
{
    hd_buffer_close(&relay->outer.waiting);
    hd_buffer_close(&relay->inner.waiting);
}

static void closed(struct end *end)
{
    struct end *other = end->other;
    struct hd_relay *relay = end->relay;
    end->wsi = NULL;
    if (other->wsi == NULL) {
        if (relay->ended != NULL)
            relay->ended(relay->owner);
        close_buffers(relay);
        hd_free(relay);
        return;
    }
    other->last = true;
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

static struct hd_relay *new_relay(hd_loop_callback ended, void *owner)
{
    struct hd_relay *relay = hd_alloc_zeroed(1, sizeof *relay);
    if (relay == NULL)
        return NULL;
    relay->guard = (struct hd_wsguard)HD_WSGUARD_INIT;
    relay->ended = ended;
    relay->owner = owner;
    relay->outer = (struct end){ .relay = relay, .other = &relay->inner };
    relay->inner = (struct end){ .relay = relay, .other = &relay->outer };
    return relay;
}

int hd_relay_open_take(struct hd_loop *loop, int socket, hd_loop_callback ended, void *owner,
                       int *server_end, struct hd_relay **out, struct hd_error *err)
{
    int pair[2];
    struct hd_relay *relay = new_relay(ended, owner);
    if (relay == NULL ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        if (relay == NULL)
            hd_error_set_memory(err);
        else
            hd_error_set_errno(err, errno, "no socket pair");
        hd_free(relay);
        close(socket);
        return -1;
    }
    if (adopt(loop, &relay->outer, socket, err) != 0) {
        hd_free(relay);
        close(pair[0]);
        close(pair[1]);
        return -1;
    }
    if (adopt(loop, &relay->inner, pair[0], err) != 0) {
        relay->ended = NULL; /* it was never open for the owner; its outer end frees it */
        cut(&relay->outer);
        close(pair[1]);
        return -1;
    }
    *server_end = pair[1];
    *out = relay;
    return 0;
}

void hd_relay_cut(struct hd_relay *relay)
{
    cut(&relay->outer);
    cut(&relay->inner);
}
