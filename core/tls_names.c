/* SPDX-License-Identifier: Apache-2.0 */
/* Who a certificate says its holder is. */
#include "core/alloc.h"
#include "core/tls_context.h"

#include <openssl/x509v3.h>
#include <string.h>

/* What is not one line of text is no name: it could look like another one. */
static bool is_name(const unsigned char *text, int length)
{
    for (int i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] == 0x7F)
            return false;
    }
    return length > 0;
}

static int add(struct hd_tls_names *names, const unsigned char *text, int length,
               struct hd_error *err)
{
    if (!is_name(text, length) || names->count == HD_TLS_NAMES_MAX)
        return 0;
    char *copy = hd_strndup((const char *)text, (size_t)length);
    if (copy == NULL)
        return hd_error_set_memory(err);
    names->items[names->count++] = copy;
    return 0;
}

static int add_common_names(struct hd_tls_names *names, const X509 *certificate,
                            struct hd_error *err)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int result = 0;
    int at = -1;
    while (result == 0 && (at = X509_NAME_get_index_by_NID((X509_NAME *)(uintptr_t)subject,
                                                           NID_commonName, at)) >= 0) {
        unsigned char *text = NULL;
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, at);
        int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
        if (length >= 0)
            result = add(names, text, length, err);
        OPENSSL_free(text);
    }
    return result;
}

/* RFC 5280 §4.2.1.6: these three are IA5 strings. */
static const ASN1_IA5STRING *text_of(const GENERAL_NAME *name)
{
    switch (name->type) {
    case GEN_DNS:
        return name->d.dNSName;
    case GEN_EMAIL:
        return name->d.rfc822Name;
    case GEN_URI:
        return name->d.uniformResourceIdentifier;
    default:
        return NULL;
    }
}

static int add_alternative_names(struct hd_tls_names *names, const X509 *certificate,
                                 struct hd_error *err)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int result = 0;
    for (int i = 0; result == 0 && i < sk_GENERAL_NAME_num(all); i++) {
        const ASN1_IA5STRING *text = text_of(sk_GENERAL_NAME_value(all, i));
        if (text != NULL)
            result = add(names, ASN1_STRING_get0_data(text), ASN1_STRING_length(text), err);
    }
    GENERAL_NAMES_free(all);
    return result;
}

int hd_tls_peer_names(const struct hd_tls_stream *stream, struct hd_tls_names *out,
                      struct hd_error *err)
{
    struct hd_tls_names names = { .count = 0 };
    const SSL *ssl = hd_tls_ssl(stream);
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    bool verified = hd_tls_is_secured(stream) && certificate != NULL &&
                    (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0 &&
                    SSL_get_verify_result(ssl) == X509_V_OK;
    if (verified && (add_common_names(&names, certificate, err) != 0 ||
                     add_alternative_names(&names, certificate, err) != 0)) {
        hd_tls_names_close(&names);
        return -1;
    }
    *out = names;
    return 0;
}

void hd_tls_names_close(struct hd_tls_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        hd_free(names->items[i]);
    names->count = 0;
}
