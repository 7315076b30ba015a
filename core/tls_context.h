/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tls.c and tls_context.c share. Nobody else includes this.
 */
#ifndef HD_CORE_TLS_CONTEXT_H
#define HD_CORE_TLS_CONTEXT_H

#include "core/tls.h"

#include <openssl/ssl.h>

struct hd_tls_context {
    SSL_CTX *ssl;
};

/* The oldest entry of OpenSSL's queue of errors, in its words; empties the queue. */
int hd_tls_fail(struct hd_error *err, enum hd_error_code code, const char *what);

/* A borrow, as long as the stream. */
const SSL *hd_tls_ssl(const struct hd_tls_stream *stream);

#endif
