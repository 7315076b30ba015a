/* SPDX-License-Identifier: Apache-2.0 */
#include "client/conn.h"

#include "client/frame.h"
#include "client/tunnel.h"
#include "core/alloc.h"
#include "core/random.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECT_SECONDS 5
#define SILENCE_SECONDS 60
#define CHUNK_BYTES     32768 /* as much as the agent reads at once */
#define ANSWER_MAX      (UINT64_C(256) << 20)

struct hd_conn {
    const struct hd_target *target;
    struct hd_tunnel *tunnel; /* NULL: not over TLS */
    struct lws_context *context;
    struct lws *wsi;
    lws_sorted_usec_list_t timer;
    bool timed_out;
    bool closed;
    struct hd_error failure;   /* why closed */
    struct hd_buffer incoming; /* the message that is arriving */
    json_t *message;           /* the last whole one, until taken */
    json_t *hello;
    char token[HD_TOKEN_MAX + 1]; /* "": none */
    char *text;                   /* to be sent */
    size_t text_length;
    struct hd_bytes jar;
    size_t jar_sent;
    bool everything_sent;
    const struct hd_conn_progress *progress;
    lws_sorted_usec_list_t second; /* while an answer is waited for */
    json_t *last_progress;         /* NULL: the agent has said nothing of it yet */
    uint8_t *chunk;                /* a frame of CHUNK_BYTES */
};

static void fail(struct hd_conn *conn, enum hd_error_code code, const char *text)
{
    hd_error_set(&conn->failure, code, "%s: %s", conn->target->title, text);
    conn->closed = true;
}

/* Named by its path, another user's socket is the one that was meant where only that user and root
 * could have put it there. */
static bool is_guarded(const char *path, uid_t uid)
{
    struct stat place;
    char directory[sizeof((struct hd_address *)0)->path];
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1,
             slash != NULL ? path : ".");
    return stat(directory, &place) == 0 && (place.st_uid == uid || place.st_uid == 0) &&
           (place.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* A local socket is trusted only if it belongs to the JVM that was meant. */
static bool peer_is_meant(struct hd_conn *conn, struct lws *wsi)
{
    const struct hd_target *target = conn->target;
    if (target->address.kind != HD_ADDRESS_UNIX)
        return true;
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        fail(conn, HD_E_DENIED, "the peer of the socket cannot be told");
        return false;
    }
    bool meant = target->expected_pid != 0
                     ? peer.pid == target->expected_pid && peer.uid == target->expected_uid
                     : peer.uid == geteuid() || peer.uid == 0 || geteuid() == 0 ||
                           is_guarded(target->address.path, peer.uid);
    if (!meant) {
        hd_error_set(&conn->failure, HD_E_DENIED,
                     "%s: the socket belongs to process %d of uid %u, not to the JVM that was "
                     "meant; nothing was sent",
                     target->title, (int)peer.pid, (unsigned)peer.uid);
        conn->closed = true;
    }
    return meant;
}

/* libwebsockets does not tell why it could not connect. */
static bool may_not_connect(const struct hd_target *target)
{
    return target->address.kind == HD_ADDRESS_UNIX &&
           faccessat(AT_FDCWD, target->address.path, W_OK, AT_EACCESS) != 0 && errno == EACCES;
}

static void could_not_connect(struct hd_conn *conn, const char *words)
{
    if (may_not_connect(conn->target))
        fail(conn, HD_E_DENIED, "the socket is not for this user, but for the JVM's own and root");
    else
        fail(conn, HD_E_CONNECTION, words);
}

static void refused_handshake(struct hd_conn *conn, struct lws *wsi, const char *words)
{
    unsigned status = lws_http_client_http_response(wsi);
    if (status == 401 && conn->token[0] == '\0')
        fail(conn, HD_E_DENIED, "the agent wants --cert FILE and --key FILE, or --token FILE");
    else if (status == 401)
        fail(conn, HD_E_DENIED, "the agent does not accept this token");
    else if (status == 403)
        fail(conn, HD_E_DENIED,
             "the agent does not let this connection in: who comes here has no role there "
             "(authorized=), or asked for a host that the agent is not");
    else if (status == 500)
        fail(
            conn, HD_E_DENIED,
            "the agent cannot tell who comes here: its token file cannot be used, and its log says "
            "why");
    else if (status == 503)
        fail(conn, HD_E_CONNECTION, "the agent has too many connections; try again");
    else
        could_not_connect(conn, words != NULL ? words : "connection refused");
}

static int add_authorization(struct hd_conn *conn, struct lws *wsi, unsigned char **position,
                             unsigned char *end)
{
    if (conn->token[0] == '\0')
        return 0;
    char value[sizeof conn->token + 8];
    int length = snprintf(value, sizeof value, "Bearer %s", conn->token);
    return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, (unsigned char *)value,
                                        length, position, end);
}

static int receive(struct hd_conn *conn, struct lws *wsi, const void *data, size_t length)
{
    struct hd_error err = HD_ERROR_INIT;
    if (conn->incoming.length + length > ANSWER_MAX) {
        fail(conn, HD_E_CONNECTION, "the answer is too long");
        return -1;
    }
    if (hd_buffer_append(&conn->incoming, data, length, &err) != 0) {
        fail(conn, HD_E_MEMORY, err.text);
        return -1;
    }
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
        return 0;
    json_error_t reason;
    json_decref(conn->message);
    conn->message =
        json_loadb((const char *)conn->incoming.data, conn->incoming.length, 0, &reason);
    conn->incoming.length = 0;
    if (!json_is_object(conn->message)) {
        fail(conn, HD_E_CONNECTION, "it does not speak hotdrop.v1: its answer is no JSON object");
        return -1;
    }
    return 0;
}

static int send_text(struct hd_conn *conn, struct lws *wsi)
{
    uint8_t *framed = hd_alloc(LWS_PRE + conn->text_length);
    if (framed == NULL)
        return -1;
    memcpy(framed + LWS_PRE, conn->text, conn->text_length);
    int written = lws_write(wsi, framed + LWS_PRE, conn->text_length, LWS_WRITE_TEXT);
    hd_free(framed);
    hd_free(conn->text);
    conn->text = NULL;
    return written < 0 ? -1 : 0;
}

/* libwebsockets calls timers before it waits, and would go on to wait for something else. */
static void on_timer(lws_sorted_usec_list_t *timer)
{
    struct hd_conn *conn = lws_container_of(timer, struct hd_conn, timer);
    conn->timed_out = true;
    lws_cancel_service(conn->context);
}

static void start_timer(struct hd_conn *conn, unsigned seconds)
{
    conn->timed_out = false;
    lws_sul_schedule(conn->context, 0, &conn->timer, on_timer,
                     (lws_usec_t)seconds * LWS_USEC_PER_SEC);
}

static void say_that_we_wait(struct hd_conn *conn)
{
    if (conn->progress != NULL && conn->progress->waiting != NULL)
        conn->progress->waiting(conn->last_progress, conn->progress->context);
}

/* The agent speaks every few seconds only; who looks on should see that the wait goes on. */
static void on_second(lws_sorted_usec_list_t *second)
{
    struct hd_conn *conn = lws_container_of(second, struct hd_conn, second);
    if (conn->everything_sent)
        say_that_we_wait(conn);
    lws_sul_schedule(conn->context, 0, &conn->second, on_second, LWS_USEC_PER_SEC);
}

static int send_chunk(struct hd_conn *conn, struct lws *wsi)
{
    start_timer(conn, SILENCE_SECONDS);
    uint8_t mask[HD_FRAME_MASK_BYTES];
    size_t length = conn->jar.length - conn->jar_sent;
    if (length > CHUNK_BYTES)
        length = CHUNK_BYTES;
    if (hd_random_fill(mask, sizeof mask, NULL) != 0)
        return -1;
    size_t framed = hd_frame_binary(conn->jar.data + conn->jar_sent, length, mask, conn->chunk);
    conn->jar_sent += length;
    if (lws_write(wsi, conn->chunk, framed, LWS_WRITE_RAW) < 0)
        return -1;
    if (conn->progress != NULL && conn->progress->sent != NULL)
        conn->progress->sent(conn->jar_sent, conn->jar.length, conn->progress->context);
    return 0;
}

static int send_next(struct hd_conn *conn, struct lws *wsi)
{
    int result = 0;
    if (conn->text != NULL)
        result = send_text(conn, wsi);
    else if (conn->jar_sent < conn->jar.length)
        result = send_chunk(conn, wsi);
    if (result != 0) {
        fail(conn, HD_E_CONNECTION, "the connection was lost while sending");
        return -1;
    }
    if (conn->text == NULL && conn->jar_sent == conn->jar.length)
        conn->everything_sent = true;
    else
        lws_callback_on_writable(wsi);
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    (void)user;
    if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED)
        return 0; /* where nobody listens, wsi has been freed by then (4.1.6) */
    struct hd_conn *conn = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
        unsigned char **position = in;
        return peer_is_meant(conn, wsi) ? add_authorization(conn, wsi, position, *position + length)
                                        : -1;
    }
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        refused_handshake(conn, wsi, in);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(conn, wsi, in, length);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return send_next(conn, wsi);
    case LWS_CALLBACK_CLIENT_CLOSED:
        fail(conn, HD_E_CONNECTION, "the connection was closed by the agent");
        return 0;
    default:
        return 0;
    }
}

static void drop_log(int level, const char *line)
{
    (void)level;
    (void)line;
}

static const struct lws_protocols protocols[] = {
    { .name = HD_PROTOCOL_NAME, .callback = on_event, .rx_buffer_size = CHUNK_BYTES },
    { .name = NULL },
};

static int make_context(struct hd_conn *conn, struct hd_error *err)
{
    lws_set_log_level(0, drop_log);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .user = conn,
        .fd_limit_per_thread = 16,
        .pt_serv_buf_size = CHUNK_BYTES, /* what is read at once */
    };
    conn->context = lws_create_context(&info);
    if (conn->context == NULL)
        return hd_error_set(err, HD_E_SYSTEM, "libwebsockets could not be started");
    return 0;
}

static void start_connecting(struct hd_conn *conn)
{
    const struct hd_address *address = &conn->target->address;
    char unix_address[sizeof address->path + 1];
    bool is_unix = address->kind == HD_ADDRESS_UNIX || conn->tunnel != NULL;
    snprintf(unix_address, sizeof unix_address, "+%s",
             conn->tunnel != NULL ? hd_tunnel_path(conn->tunnel) : address->path);
    struct lws_client_connect_info info = {
        .context = conn->context,
        .address = is_unix ? unix_address : address->host,
        .port = is_unix ? 0 : address->port,
        .host = address->kind == HD_ADDRESS_UNIX ? "localhost" : address->host,
        .path = "/",
        .protocol = HD_PROTOCOL_NAME,
        .local_protocol_name = HD_PROTOCOL_NAME,
        .pwsi = &conn->wsi,
    };
    if (lws_client_connect_via_info(&info) == NULL && !conn->closed)
        could_not_connect(conn, "nobody answers there");
}

/* Serves until a message is there; it is handed over. */
static int wait_for_message(struct hd_conn *conn, unsigned seconds, json_t **out,
                            struct hd_error *err)
{
    start_timer(conn, seconds);
    while (conn->message == NULL && !conn->closed && !conn->timed_out)
        if (lws_service(conn->context, 0) < 0)
            fail(conn, HD_E_CONNECTION, "the connection broke");
    lws_sul_cancel(&conn->timer);
    if (conn->message != NULL) {
        *out = conn->message;
        conn->message = NULL;
        return 0;
    }
    if (conn->tunnel != NULL && hd_tunnel_has_failed(conn->tunnel, err))
        return hd_error_prefix(err, "%s", conn->target->title);
    if (conn->timed_out)
        return hd_error_set(err, HD_E_CONNECTION, "%s: no answer for %u seconds",
                            conn->target->title, seconds);
    return hd_error_set(err, conn->failure.code, "%s", conn->failure.text);
}

/* One line; the white space around it does not count. */
static int read_token(const char *path, char out[HD_TOKEN_MAX + 1], struct hd_error *err)
{
    char text[HD_TOKEN_MAX + 64];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return hd_error_set(err, HD_E_USAGE, "the token file %s cannot be read: %s", path,
                            strerror(errno));
    ssize_t length = read(file, text, sizeof text);
    close(file);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    if (length <= 0)
        return hd_error_set(err, HD_E_USAGE, "the token file %s is empty", path);
    if (length > HD_TOKEN_MAX)
        return hd_error_set(err, HD_E_USAGE,
                            "the token file %s holds more than the %d characters "
                            "of the longest token",
                            path, HD_TOKEN_MAX);
    for (ssize_t i = 0; i < length; i++)
        if (!isgraph((unsigned char)text[i]))
            return hd_error_set(
                err, HD_E_USAGE,
                "the token file %s holds more than one word of printable characters", path);
    memcpy(out, text, (size_t)length);
    out[length] = '\0';
    return 0;
}

static bool greets(const json_t *message)
{
    const char *type = json_string_value(json_object_get(message, "type"));
    const char *protocol = json_string_value(json_object_get(message, "protocol"));
    return type != NULL && strcmp(type, "hello") == 0 && protocol != NULL &&
           strcmp(protocol, HD_PROTOCOL_NAME) == 0;
}

static int await_hello(struct hd_conn *conn, struct hd_error *err)
{
    json_t *message = NULL;
    if (conn->hello != NULL)
        return 0;
    if (wait_for_message(conn, CONNECT_SECONDS, &message, err) != 0)
        return -1;
    if (!greets(message)) {
        json_decref(message);
        return hd_error_set(err, HD_E_CONNECTION, "%s: it does not greet as hotdrop.v1",
                            conn->target->title);
    }
    conn->hello = message;
    return 0;
}

int hd_conn_open(const struct hd_target *target, struct hd_conn **out, struct hd_error *err)
{
    struct hd_conn *conn = hd_alloc_zeroed(1, sizeof *conn);
    if (conn == NULL)
        return hd_error_set_memory(err);
    conn->target = target;
    conn->chunk = hd_alloc(HD_FRAME_HEAD_MAX + CHUNK_BYTES);
    if (conn->chunk == NULL) {
        hd_error_set_memory(err);
        goto out;
    }
    if (target->token_file[0] != '\0' && read_token(target->token_file, conn->token, err) != 0)
        goto out;
    if (target->address.kind == HD_ADDRESS_WSS &&
        hd_tunnel_open(target, CONNECT_SECONDS, &conn->tunnel, err) != 0) {
        hd_error_prefix(err, "%s", target->title);
        goto out;
    }
    if (make_context(conn, err) != 0)
        goto out;
    start_connecting(conn);
    *out = conn;
    return 0;
out:
    hd_conn_close(conn);
    return -1;
}

void hd_conn_close(struct hd_conn *conn)
{
    if (conn == NULL)
        return;
    if (conn->context != NULL)
        lws_context_destroy(conn->context);
    hd_tunnel_close(conn->tunnel);
    json_decref(conn->message);
    json_decref(conn->last_progress);
    json_decref(conn->hello);
    hd_buffer_close(&conn->incoming);
    hd_free(conn->text);
    hd_free(conn->chunk);
    hd_free(conn);
}

const json_t *hd_conn_hello(struct hd_conn *conn)
{
    struct hd_error ignored = HD_ERROR_INIT;
    return await_hello(conn, &ignored) == 0 ? conn->hello : NULL;
}

bool hd_conn_sent_everything(const struct hd_conn *conn)
{
    return conn->everything_sent;
}

static int write_request(struct hd_conn *conn, const struct hd_request *request,
                         struct hd_error *err)
{
    json_t *json = hd_request_to_json(request);
    if (json == NULL)
        return hd_error_set_memory(err);
    int result = hd_message_write(json, &conn->text, &conn->text_length, err);
    json_decref(json);
    return result;
}

static bool is_progress(const json_t *message)
{
    const char *type = json_string_value(json_object_get(message, "type"));
    return type != NULL && strcmp(type, "progress") == 0;
}

static int wait_for_answer(struct hd_conn *conn, json_t **answer, struct hd_error *err)
{
    for (;;) {
        json_t *message = NULL;
        if (wait_for_message(conn, SILENCE_SECONDS, &message, err) != 0)
            return -1;
        if (!is_progress(message)) {
            *answer = message;
            return 0;
        }
        json_decref(conn->last_progress);
        conn->last_progress = message;
        say_that_we_wait(conn);
    }
}

int hd_conn_request(struct hd_conn *conn, const struct hd_request *request, struct hd_bytes jar,
                    const struct hd_conn_progress *progress, json_t **answer, struct hd_error *err)
{
    if (await_hello(conn, err) != 0 || write_request(conn, request, err) != 0)
        return -1;
    conn->jar = jar;
    conn->jar_sent = 0;
    conn->everything_sent = false;
    conn->progress = progress;
    lws_callback_on_writable(conn->wsi);

    on_second(&conn->second);
    int result = wait_for_answer(conn, answer, err);
    lws_sul_cancel(&conn->second);
    return result;
}
