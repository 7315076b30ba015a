/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.3 (RFC 8446) between bytes and bytes: what came from the wire goes in, what belongs on the
 * wire comes out, and whoever owns the socket moves them. So nothing here waits, and no signal can
 * come of it. Agent and client end their TLS here; libwebsockets sees plain text only.
 *
 * No session is ever resumed (no tickets, no early data), nothing is compressed, and nothing older
 * than TLS 1.3 is spoken. A context may serve many streams; each belongs to one thread at a time.
 */
#ifndef HD_CORE_TLS_H
#define HD_CORE_TLS_H

#include "core/buffer.h"

#include <stdbool.h>

#define HD_TLS_FILE_MAX  ((size_t)1 << 20) /* bytes of a PEM file */
#define HD_TLS_NAMES_MAX 32                /* that are read from one certificate */

/* PEM files (RFC 7468). */
struct hd_tls_files {
    const char *cert; /* one's own, and the chain behind it; NULL: none (client only) */
    const char *key;  /* of cert; not encrypted */
    /* whom to believe. Server: who issues clients' certificates; NULL: none are asked for. Client:
     * who issues servers'; NULL: whom this system believes */
    const char *ca;
};

struct hd_tls_context;
struct hd_tls_stream;

/* *key_is_readable: others than its owner may read the key's file. HD_E_FORMAT: not what it claims
 * to be, or cert and key do not belong together; as well as the errors of hd_trusted_file_read.
 * Texts begin with the file's path. */
HD_CHECKED int hd_tls_server_new(const struct hd_tls_files *files, struct hd_tls_context **out,
                                 bool *key_is_readable, struct hd_error *err);
HD_CHECKED int hd_tls_client_new(const struct hd_tls_files *files, struct hd_tls_context **out,
                                 struct hd_error *err);
/* Streams that were made with it go on. Accepts NULL. */
void hd_tls_context_free(struct hd_tls_context *context);

/* The server's end of one connection. */
HD_CHECKED int hd_tls_accept(struct hd_tls_context *context, struct hd_tls_stream **out,
                             struct hd_error *err);
/* The client's end; the server's certificate must be for host (a name or an IP address, among its
 * subject alternative names: RFC 9525). The first bytes for the wire are there at once. */
HD_CHECKED int hd_tls_connect(struct hd_tls_context *context, const char *host,
                              struct hd_tls_stream **out, struct hd_error *err);
/* Accepts NULL. */
void hd_tls_stream_free(struct hd_tls_stream *stream);

/* Bytes from the wire; what they say is appended to plain. -1: the connection is over, and err says
 * why; there may still be an alert for the wire. HD_E_DENIED: one side does not believe the other;
 * HD_E_CONNECTION: it is not TLS 1.3, or broken. */
HD_CHECKED int hd_tls_receive(struct hd_tls_stream *stream, const uint8_t *wire, size_t length,
                              struct hd_buffer *plain, struct hd_error *err);
/* Only once the stream is secured. */
HD_CHECKED int hd_tls_send(struct hd_tls_stream *stream, const uint8_t *plain, size_t length,
                           struct hd_error *err);
/* Says that nothing more comes (close_notify). */
void hd_tls_end(struct hd_tls_stream *stream);
/* Moves what belongs on the wire to the end of wire. */
HD_CHECKED int hd_tls_take(struct hd_tls_stream *stream, struct hd_buffer *wire,
                           struct hd_error *err);

/* The handshake is done, and the other side is who it says it is. */
bool hd_tls_is_secured(const struct hd_tls_stream *stream);
/* The other side said that nothing more comes from it. */
bool hd_tls_has_ended(const struct hd_tls_stream *stream);

/* The common names of the peer's certificate's subject, and its alternative names (DNS, e-mail,
 * URI); those with control characters or NUL bytes inside are left out. */
struct hd_tls_names {
    char *items[HD_TLS_NAMES_MAX];
    size_t count;
};
/* None where it has no certificate, or none that was verified. */
HD_CHECKED int hd_tls_peer_names(const struct hd_tls_stream *stream, struct hd_tls_names *out,
                                 struct hd_error *err);
void hd_tls_names_close(struct hd_tls_names *names);

#endif
