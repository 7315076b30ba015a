/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tls.h"

#include "core/alloc.h"
#include "core/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { PIECE = 16 * 1024 }; /* the most that one record carries (RFC 8446 §5.1) */

struct hd_tls_stream {
    SSL *ssl;
    BIO *from_wire; /* both belong to ssl */
    BIO *to_wire;
    const char *peer_word; /* "client", "server" */
    bool secured;
    bool ended;
};

/* ---- beginning and end ----------------------------------------------------------------------- */

static int give_wires(struct hd_tls_stream *stream, struct hd_error *err)
{
    stream->from_wire = BIO_new(BIO_s_mem());
    stream->to_wire = BIO_new(BIO_s_mem());
    if (stream->from_wire == NULL || stream->to_wire == NULL) {
        BIO_free(stream->from_wire);
        BIO_free(stream->to_wire);
        return hd_error_set_memory(err);
    }
    SSL_set_bio(stream->ssl, stream->from_wire, stream->to_wire);
    return 0;
}

static int new_stream(struct hd_tls_context *context, const char *peer_word,
                      struct hd_tls_stream **out, struct hd_error *err)
{
    struct hd_tls_stream *stream = hd_alloc_zeroed(1, sizeof *stream);
    if (stream == NULL)
        return hd_error_set_memory(err);
    stream->peer_word = peer_word;
    stream->ssl = SSL_new(context->ssl);
    if (stream->ssl == NULL)
        hd_error_set_memory(err);
    if (stream->ssl == NULL || give_wires(stream, err) != 0) {
        hd_tls_stream_free(stream);
        return -1;
    }
    *out = stream;
    return 0;
}

int hd_tls_accept(struct hd_tls_context *context, struct hd_tls_stream **out, struct hd_error *err)
{
    struct hd_tls_stream *stream = NULL;
    if (new_stream(context, "client", &stream, err) != 0)
        return -1;
    SSL_set_accept_state(stream->ssl);
    *out = stream;
    return 0;
}

static bool is_ip(const char *host)
{
    struct in6_addr ignored;
    return inet_pton(AF_INET, host, &ignored) == 1 || inet_pton(AF_INET6, host, &ignored) == 1;
}

/* Of the subject's common name nothing is believed (RFC 9525 §2). */
static bool expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (is_ip(host))
        return X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1;
    return X509_VERIFY_PARAM_set1_host(wanted, host, 0) == 1 &&
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    (void *)(uintptr_t)host) == 1; /* the macro for it casts const away */
}

int hd_tls_connect(struct hd_tls_context *context, const char *host, struct hd_tls_stream **out,
                   struct hd_error *err)
{
    struct hd_tls_stream *stream = NULL;
    if (new_stream(context, "server", &stream, err) != 0)
        return -1;
    if (!expect_host(stream->ssl, host)) {
        hd_tls_stream_free(stream);
        return hd_tls_fail(err, HD_E_USAGE, host);
    }
    SSL_set_connect_state(stream->ssl);
    (void)SSL_do_handshake(stream->ssl); /* only begins: nothing has come from the wire */
    ERR_clear_error();
    *out = stream;
    return 0;
}

void hd_tls_stream_free(struct hd_tls_stream *stream)
{
    if (stream == NULL)
        return;
    SSL_free(stream->ssl);
    hd_free(stream);
}

/* ---- what went wrong ------------------------------------------------------------------------- */

/* The other side says that it does not believe us. */
static bool is_about_certificates(int reason)
{
    static const int reasons[] = {
        SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,     SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
        SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
        SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, SSL_R_TLSV1_ALERT_UNKNOWN_CA,
        SSL_R_TLSV1_ALERT_ACCESS_DENIED,       SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
        SSL_R_TLSV1_ALERT_DECRYPT_ERROR,
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i] == reason)
            return true;
    }
    return false;
}

static int explain(const struct hd_tls_stream *stream, struct hd_error *err)
{
    long verdict = SSL_get_verify_result(stream->ssl);
    if (!stream->secured && verdict != X509_V_OK) {
        ERR_clear_error();
        return hd_error_set(err, HD_E_DENIED, "the %s's certificate is not believed: %s",
                            stream->peer_word, X509_verify_cert_error_string(verdict));
    }
    unsigned long first = ERR_peek_error();
    if (is_about_certificates(ERR_GET_REASON(first)))
        return hd_tls_fail(err, HD_E_DENIED,
                           stream->peer_word[0] == 's'
                               ? "the agent does not accept this certificate"
                               : "the client does not accept the agent's certificate");
    if (ERR_GET_REASON(first) == ERR_R_MALLOC_FAILURE) {
        ERR_clear_error();
        return hd_error_set_memory(err);
    }
    return hd_tls_fail(err, HD_E_CONNECTION, "no TLS 1.3 with the other side");
}

/* True when all that can be done now is done, or the stream is over. */
static bool must_wait(struct hd_tls_stream *stream, int result)
{
    int why = SSL_get_error(stream->ssl, result);
    stream->ended = stream->ended || why == SSL_ERROR_ZERO_RETURN;
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_ZERO_RETURN;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static int shake_hands(struct hd_tls_stream *stream, struct hd_error *err)
{
    int result = SSL_do_handshake(stream->ssl);
    if (result != 1)
        return must_wait(stream, result) ? 0 : explain(stream, err);
    stream->secured = true;
    return 0;
}

static int read_plain(struct hd_tls_stream *stream, struct hd_buffer *plain, struct hd_error *err)
{
    for (;;) {
        if (hd_buffer_reserve(plain, PIECE, err) != 0)
            return -1;
        int got = SSL_read(stream->ssl, plain->data + plain->length, PIECE);
        if (got <= 0)
            return must_wait(stream, got) ? 0 : explain(stream, err);
        plain->length += (size_t)got;
    }
}

int hd_tls_receive(struct hd_tls_stream *stream, const uint8_t *wire, size_t length,
                   struct hd_buffer *plain, struct hd_error *err)
{
    ERR_clear_error();
    if (stream->ended || length == 0)
        return 0;
    if (length > INT32_MAX || BIO_write(stream->from_wire, wire, (int)length) != (int)length)
        return hd_error_set_memory(err);
    if (!stream->secured && shake_hands(stream, err) != 0)
        return -1;
    return stream->secured ? read_plain(stream, plain, err) : 0;
}

int hd_tls_send(struct hd_tls_stream *stream, const uint8_t *plain, size_t length,
                struct hd_error *err)
{
    ERR_clear_error();
    if (!stream->secured)
        return hd_error_set(err, HD_E_CONNECTION, "nothing is sent before the handshake is done");
    size_t written = 0;
    if (length > 0 && SSL_write_ex(stream->ssl, plain, length, &written) != 1)
        return explain(stream, err);
    return 0;
}

void hd_tls_end(struct hd_tls_stream *stream)
{
    if (stream->secured)
        (void)SSL_shutdown(stream->ssl);
    ERR_clear_error();
}

int hd_tls_take(struct hd_tls_stream *stream, struct hd_buffer *wire, struct hd_error *err)
{
    size_t waiting = BIO_ctrl_pending(stream->to_wire);
    if (waiting == 0)
        return 0;
    if (hd_buffer_reserve(wire, waiting, err) != 0)
        return -1;
    int got = BIO_read(stream->to_wire, wire->data + wire->length, (int)waiting);
    wire->length += got > 0 ? (size_t)got : 0;
    return 0;
}

const SSL *hd_tls_ssl(const struct hd_tls_stream *stream)
{
    return stream->ssl;
}

bool hd_tls_is_secured(const struct hd_tls_stream *stream)
{
    return stream->secured;
}

bool hd_tls_has_ended(const struct hd_tls_stream *stream)
{
    return stream->ended;
}
