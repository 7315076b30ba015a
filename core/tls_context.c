/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tls_context.h"

#include "core/alloc.h"
#include "core/trusted_file.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { MAX_CHAIN = 16, MAX_VERIFY_DEPTH = 8, MAX_PEER_CHAIN_BYTES = 64 * 1024 };

int hd_tls_fail(struct hd_error *err, enum hd_error_code code, const char *what)
{
    unsigned long first = ERR_get_error();
    const char *words = first != 0 ? ERR_reason_error_string(first) : NULL;
    ERR_clear_error();
    return hd_error_set(err, code, "%s: %s", what, words != NULL ? words : "OpenSSL says no");
}

/* ---- PEM files ------------------------------------------------------------------------------- */

/* OpenSSL's own callback would ask at the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

struct pem {
    const char *path;
    struct hd_buffer text;
    BIO *bio;
    bool readable_by_others;
};

static int open_pem(struct pem *pem, const char *path, struct hd_error *err)
{
    *pem = (struct pem){ .path = path };
    if (hd_trusted_file_read(path, HD_TLS_FILE_MAX, &pem->text, &pem->readable_by_others, err) != 0)
        return -1;
    pem->bio = BIO_new_mem_buf(pem->text.data, (int)pem->text.length);
    return pem->bio != NULL ? 0 : hd_error_set_memory(err);
}

static void close_pem(struct pem *pem)
{
    BIO_free(pem->bio);
    if (pem->text.data != NULL)
        OPENSSL_cleanse(pem->text.data, pem->text.capacity);
    hd_buffer_close(&pem->text);
}

/* NULL at the end, or where something is no certificate: that is told. */
static X509 *next_certificate(struct pem *pem, struct hd_error *err)
{
    X509 *certificate = PEM_read_bio_X509(pem->bio, NULL, no_passphrase, NULL);
    if (certificate != NULL)
        return certificate;
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        hd_tls_fail(err, HD_E_FORMAT, pem->path);
    ERR_clear_error();
    return NULL;
}

/* ---- one's own certificate ------------------------------------------------------------------- */

static int use_chain(SSL_CTX *ssl, struct pem *pem, struct hd_error *err)
{
    X509 *own = next_certificate(pem, err);
    if (own == NULL)
        return hd_error_set(err, HD_E_FORMAT, "%s: there is no certificate in it (PEM)", pem->path);
    int used = SSL_CTX_use_certificate(ssl, own);
    X509_free(own);
    if (used != 1)
        return hd_tls_fail(err, HD_E_FORMAT, pem->path);
    for (unsigned i = 0; i < MAX_CHAIN; i++) {
        X509 *issuer = next_certificate(pem, err);
        if (issuer == NULL)
            return hd_error_is_set(err) ? -1 : 0;
        if (SSL_CTX_add0_chain_cert(ssl, issuer) != 1) {
            X509_free(issuer);
            return hd_tls_fail(err, HD_E_FORMAT, pem->path);
        }
    }
    return hd_error_set(err, HD_E_LIMIT, "%s: more than %d certificates behind the first",
                        pem->path, MAX_CHAIN);
}

static int use_key(SSL_CTX *ssl, struct pem *pem, const char *cert, struct hd_error *err)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem->bio, NULL, no_passphrase, NULL);
    if (key == NULL) {
        ERR_clear_error();
        return hd_error_set(err, HD_E_FORMAT,
                            "%s: there is no private key in it that can be read without a "
                            "passphrase (PEM)",
                            pem->path);
    }
    int used = SSL_CTX_use_PrivateKey(ssl, key);
    EVP_PKEY_free(key);
    if (used == 1 && SSL_CTX_check_private_key(ssl) == 1)
        return 0;
    ERR_clear_error();
    return hd_error_set(err, HD_E_FORMAT, "%s: this is not the key of %s", pem->path, cert);
}

static int use_own(SSL_CTX *ssl, const struct hd_tls_files *files, bool *key_is_readable,
                   struct hd_error *err)
{
    struct pem pem;
    int result = open_pem(&pem, files->cert, err);
    if (result == 0)
        result = use_chain(ssl, &pem, err);
    close_pem(&pem);
    if (result != 0)
        return -1;
    result = open_pem(&pem, files->key, err);
    if (result == 0)
        result = use_key(ssl, &pem, files->cert, err);
    *key_is_readable = pem.readable_by_others;
    close_pem(&pem);
    return result;
}

/* ---- whom to believe ------------------------------------------------------------------------- */

/* names: also told to clients, so that they can choose among their certificates. */
static int believe_one(SSL_CTX *ssl, X509 *issuer, bool names, const char *path,
                       struct hd_error *err)
{
    bool added = X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), issuer) == 1 &&
                 (!names || SSL_CTX_add_client_CA(ssl, issuer) == 1);
    X509_free(issuer);
    return added ? 0 : hd_tls_fail(err, HD_E_FORMAT, path);
}

static int believe_all(SSL_CTX *ssl, struct pem *pem, bool names, struct hd_error *err)
{
    size_t count = 0;
    for (X509 *issuer; (issuer = next_certificate(pem, err)) != NULL; count++) {
        if (believe_one(ssl, issuer, names, pem->path, err) != 0)
            return -1;
    }
    if (hd_error_is_set(err))
        return -1;
    return count > 0 ? 0
                     : hd_error_set(err, HD_E_FORMAT, "%s: there is no certificate in it (PEM)",
                                    pem->path);
}

static int believe(SSL_CTX *ssl, const char *ca, bool names, struct hd_error *err)
{
    struct pem pem;
    int result = open_pem(&pem, ca, err);
    if (result == 0)
        result = believe_all(ssl, &pem, names, err);
    close_pem(&pem);
    return result;
}

/* ---- contexts -------------------------------------------------------------------------------- */

static SSL_CTX *new_ssl(const SSL_METHOD *method)
{
    /* First of all, or OpenSSL registers an atexit handler and reads somebody's configuration. */
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return NULL;
    SSL_CTX *ssl = SSL_CTX_new(method);
    if (ssl == NULL)
        return NULL;
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(ssl, MAX_PEER_CHAIN_BYTES);
    SSL_CTX_set_verify_depth(ssl, MAX_VERIFY_DEPTH);
    if (SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) == 1 &&
        SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1 &&
        SSL_CTX_set_num_tickets(ssl, 0) == 1)
        return ssl;
    SSL_CTX_free(ssl);
    return NULL;
}

static int new_context(const SSL_METHOD *method, struct hd_tls_context **out, struct hd_error *err)
{
    struct hd_tls_context *context = hd_alloc_zeroed(1, sizeof *context);
    if (context == NULL)
        return hd_error_set_memory(err);
    context->ssl = new_ssl(method);
    if (context->ssl == NULL) {
        hd_free(context);
        return hd_tls_fail(err, HD_E_SYSTEM, "TLS cannot be started");
    }
    *out = context;
    return 0;
}

int hd_tls_server_new(const struct hd_tls_files *files, struct hd_tls_context **out,
                      bool *key_is_readable, struct hd_error *err)
{
    struct hd_tls_context *context = NULL;
    if (new_context(TLS_server_method(), &context, err) != 0)
        return -1;
    int result = use_own(context->ssl, files, key_is_readable, err);
    if (result == 0 && files->ca != NULL) {
        /* Whoever has none may still know a token. */
        SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
        result = believe(context->ssl, files->ca, true, err);
    }
    if (result != 0)
        hd_tls_context_free(context);
    else
        *out = context;
    return result;
}

int hd_tls_client_new(const struct hd_tls_files *files, struct hd_tls_context **out,
                      struct hd_error *err)
{
    struct hd_tls_context *context = NULL;
    bool ignored = false;
    if (new_context(TLS_client_method(), &context, err) != 0)
        return -1;
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
    int result = 0;
    if (files->ca != NULL)
        result = believe(context->ssl, files->ca, false, err);
    else if (SSL_CTX_set_default_verify_paths(context->ssl) != 1)
        result = hd_tls_fail(err, HD_E_SYSTEM, "the certificates that this system believes");
    if (result == 0 && files->cert != NULL)
        result = use_own(context->ssl, files, &ignored, err);
    if (result != 0)
        hd_tls_context_free(context);
    else
        *out = context;
    return result;
}

void hd_tls_context_free(struct hd_tls_context *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->ssl);
    hd_free(context);
}
