/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh_signature.h"

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/ssh_key.h"
#include "core/ssh_wire.h"

#include <openssl/evp.h>

#include <ctype.h>

#define BEGIN             "-----BEGIN SSH SIGNATURE-----"
#define END               "-----END SSH SIGNATURE-----"
#define MAGIC             "SSHSIG"
#define VERSION           1
#define MOST_ARMOUR_BYTES 16384 /* an RSA key of 16,384 bits and its signature have 6,000 */

static struct hd_bytes skip_space(struct hd_bytes text)
{
    while (text.length > 0 && isspace(text.data[0])) {
        text.data++;
        text.length--;
    }
    return text;
}

/* The text between the two lines; *rest is what follows. */
static bool cut_armour(struct hd_bytes text, struct hd_bytes *body, struct hd_bytes *rest)
{
    const size_t begin = strlen(BEGIN), end = strlen(END);
    if (text.length < begin || memcmp(text.data, BEGIN, begin) != 0)
        return false;
    const uint8_t *from = text.data + begin;
    const uint8_t *to = memmem(from, text.length - begin, END, end);
    if (to == NULL || to - from > MOST_ARMOUR_BYTES)
        return false;
    *body = (struct hd_bytes){ from, (size_t)(to - from) };
    *rest = (struct hd_bytes){ to + end, text.length - (size_t)(to + end - text.data) };
    return true;
}

static int decode(struct hd_bytes body, struct hd_buffer *out, struct hd_error *err)
{
    EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
    if (context == NULL || hd_buffer_reserve(out, body.length + 4, err) != 0) {
        EVP_ENCODE_CTX_free(context);
        return hd_error_set_memory(err);
    }
    int length = 0, last = 0;
    EVP_DecodeInit(context);
    bool good = EVP_DecodeUpdate(context, out->data, &length, body.data, (int)body.length) >= 0 &&
                EVP_DecodeFinal(context, out->data + length, &last) == 1;
    EVP_ENCODE_CTX_free(context);
    if (!good)
        return hd_error_set(err, HD_E_FORMAT, "the SSH signature is not base64");
    out->length = (size_t)length + (size_t)last;
    return 0;
}

static int read_blob(struct hd_ssh_signature *signature, struct hd_error *err)
{
    struct hd_ssh_reader reader = { hd_buffer_view(&signature->blob) };
    struct hd_bytes magic;
    uint32_t version;
    bool whole = hd_ssh_read_bytes(&reader, strlen(MAGIC), &magic) && hd_ssh_is(magic, MAGIC) &&
                 hd_ssh_read_u32(&reader, &version) && version == VERSION &&
                 hd_ssh_read_string(&reader, &signature->key) &&
                 hd_ssh_read_string(&reader, &signature->name_space) &&
                 hd_ssh_read_string(&reader, &signature->reserved) &&
                 hd_ssh_read_string(&reader, &signature->hash_algorithm) &&
                 hd_ssh_read_string(&reader, &signature->signature) && reader.rest.length == 0;
    if (!whole)
        return hd_error_set(err, HD_E_FORMAT, "the SSH signature is damaged");
    return 0;
}

int hd_ssh_signature_next(struct hd_bytes *text, struct hd_ssh_signature *out, struct hd_error *err)
{
    struct hd_bytes body, rest, armour = skip_space(*text);
    struct hd_ssh_signature signature = HD_SSH_SIGNATURE_INIT;
    if (armour.length == 0)
        return 0;
    if (!cut_armour(armour, &body, &rest))
        return hd_error_set(err, HD_E_FORMAT,
                            "what should be an SSH signature does not stand "
                            "between its BEGIN and END lines");
    if (decode(body, &signature.blob, err) != 0 || read_blob(&signature, err) != 0) {
        hd_ssh_signature_close(&signature);
        return -1;
    }
    *out = signature;
    *text = rest;
    return 1;
}

void hd_ssh_signature_close(struct hd_ssh_signature *signature)
{
    hd_buffer_close(&signature->blob);
}

/* ---- what was signed ------------------------------------------------------------------------- */

static int digest_message(struct hd_bytes algorithm, struct hd_bytes message,
                          unsigned char digest[EVP_MAX_MD_SIZE], unsigned *length,
                          struct hd_error *err)
{
    hd_crypto_begin();
    const EVP_MD *md = hd_ssh_is(algorithm, "sha512")   ? EVP_sha512()
                       : hd_ssh_is(algorithm, "sha256") ? EVP_sha256()
                                                        : NULL;
    if (md == NULL)
        return hd_error_set(err, HD_E_FORMAT, "the SSH signature uses a digest that is not known");
    if (EVP_Digest(message.data, message.length, digest, length, md, NULL) != 1)
        return hd_error_set(err, HD_E_SYSTEM, "the digest library failed");
    return 0;
}

static int signed_data(const struct hd_ssh_signature *signature, struct hd_bytes message,
                       struct hd_buffer *out, struct hd_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (digest_message(signature->hash_algorithm, message, digest, &length, err) != 0 ||
        hd_buffer_append(out, MAGIC, strlen(MAGIC), err) != 0 ||
        hd_ssh_append_string(out, signature->name_space, err) != 0 ||
        hd_ssh_append_string(out, signature->reserved, err) != 0 ||
        hd_ssh_append_string(out, signature->hash_algorithm, err) != 0)
        return -1;
    return hd_ssh_append_string(out, (struct hd_bytes){ digest, length }, err);
}

int hd_ssh_signature_verify(const struct hd_ssh_signature *signature, struct hd_bytes message,
                            struct hd_error *err)
{
    if (!hd_ssh_is(signature->name_space, HD_SSH_NAMESPACE))
        return hd_error_set(err, HD_E_DENIED,
                            "the signature was made for something else: its namespace is not "
                            "\"" HD_SSH_NAMESPACE "\"");
    struct hd_buffer data = HD_BUFFER_INIT;
    int status = signed_data(signature, message, &data, err);
    if (status == 0)
        status =
            hd_ssh_key_verify(signature->key, signature->signature, hd_buffer_view(&data), err);
    hd_buffer_close(&data);
    return status;
}
