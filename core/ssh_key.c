/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh_key.h"

#include "core/crypto.h"
#include "core/digest.h"
#include "core/ssh_wire.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <limits.h>

#define ED25519_KEY_SIZE 32
#define LEAST_RSA_BITS   2048
#define MOST_RSA_BITS    16384
#define USER_PRESENT     0x01 /* PROTOCOL.u2f: a flag of the authenticator */

/* A kind of key, and how its signatures are made. */
struct kind {
    const char *name;
    const char *curve;  /* RFC 5656's name of it, NULL for others than ECDSA */
    const char *group;  /* OpenSSL's name of it */
    const char *digest; /* NULL: the signature says (RSA) or needs none (Ed25519) */
    EVP_PKEY *(*read)(const struct kind *kind, struct hd_ssh_reader *reader);
    bool on_hardware;
};

/* A key on its way through. */
struct key {
    const struct kind *kind;
    EVP_PKEY *pkey;
    struct hd_bytes application; /* of a hardware key */
};

/* ---- keys ------------------------------------------------------------------------------------ */

static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM *parameters)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (context == NULL || parameters == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(context);
    return pkey;
}

static EVP_PKEY *read_ed25519(const struct kind *kind, struct hd_ssh_reader *reader)
{
    (void)kind;
    struct hd_bytes raw;
    if (!hd_ssh_read_string(reader, &raw) || raw.length != ED25519_KEY_SIZE)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw.data, raw.length);
}

static EVP_PKEY *read_ecdsa(const struct kind *kind, struct hd_ssh_reader *reader)
{
    struct hd_bytes curve, point;
    if (!hd_ssh_read_string(reader, &curve) || !hd_ssh_is(curve, kind->curve) ||
        !hd_ssh_read_string(reader, &point))
        return NULL;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)kind->group,
                                         0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.data,
                                          point.length),
        OSSL_PARAM_construct_end(),
    };
    return from_parameters("EC", parameters);
}

static BIGNUM *to_number(struct hd_bytes mpint)
{
    if (mpint.length == 0 || mpint.length > MOST_RSA_BITS / 8 + 1 || (mpint.data[0] & 0x80) != 0)
        return NULL;
    return BN_bin2bn(mpint.data, (int)mpint.length, NULL);
}

static EVP_PKEY *read_rsa(const struct kind *kind, struct hd_ssh_reader *reader)
{
    (void)kind;
    struct hd_bytes exponent, modulus;
    if (!hd_ssh_read_string(reader, &exponent) || !hd_ssh_read_string(reader, &modulus))
        return NULL;
    BIGNUM *e = to_number(exponent), *n = to_number(modulus);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *parameters = NULL;
    if (e != NULL && n != NULL && builder != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY *pkey = from_parameters("RSA", parameters);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    BN_free(e);
    BN_free(n);
    return pkey;
}

static const struct kind kinds[] = {
    { "ssh-ed25519", NULL, NULL, NULL, read_ed25519, false },
    { "sk-ssh-ed25519@openssh.com", NULL, NULL, NULL, read_ed25519, true },
    { "ecdsa-sha2-nistp256", "nistp256", "P-256", "SHA256", read_ecdsa, false },
    { "ecdsa-sha2-nistp384", "nistp384", "P-384", "SHA384", read_ecdsa, false },
    { "ecdsa-sha2-nistp521", "nistp521", "P-521", "SHA512", read_ecdsa, false },
    { "sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", "P-256", "SHA256", read_ecdsa, true },
    { "ssh-rsa", NULL, NULL, NULL, read_rsa, false },
};

static const struct kind *find_kind(struct hd_bytes name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (hd_ssh_is(name, kinds[i].name))
            return &kinds[i];
    }
    return NULL;
}

static int read_key(struct hd_bytes bytes, struct key *out, struct hd_error *err)
{
    struct hd_ssh_reader reader = { bytes };
    struct hd_bytes name;
    const struct kind *kind = hd_ssh_read_string(&reader, &name) ? find_kind(name) : NULL;
    if (kind == NULL)
        return hd_error_set(err, HD_E_FORMAT,
                            "a kind of key that is not known; ed25519, ecdsa and rsa are");
    hd_crypto_begin();
    struct key key = { kind, kind->read(kind, &reader), { NULL, 0 } };
    bool whole = key.pkey != NULL &&
                 (!kind->on_hardware || hd_ssh_read_string(&reader, &key.application)) &&
                 reader.rest.length == 0;
    if (!whole) {
        EVP_PKEY_free(key.pkey);
        return hd_error_set(err, HD_E_FORMAT, "the %s key is damaged", kind->name);
    }
    *out = key;
    return 0;
}

/* ---- signatures ------------------------------------------------------------------------------ */

/* RFC 5656 §3.1.2's two mpints, as the DER that libcrypto wants. The caller frees with
 * OPENSSL_free; 0: they are not that. */
static int ecdsa_to_der(struct hd_bytes blob, unsigned char **der)
{
    struct hd_ssh_reader reader = { blob };
    struct hd_bytes r, s;
    if (!hd_ssh_read_string(&reader, &r) || !hd_ssh_read_string(&reader, &s) ||
        reader.rest.length != 0)
        return 0;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r_number = to_number(r), *s_number = to_number(s);
    int length = 0;
    if (signature != NULL && r_number != NULL && s_number != NULL &&
        ECDSA_SIG_set0(signature, r_number, s_number) == 1) {
        length = i2d_ECDSA_SIG(signature, der);
        r_number = s_number = NULL; /* the signature's */
    }
    BN_free(r_number);
    BN_free(s_number);
    ECDSA_SIG_free(signature);
    return length > 0 ? length : 0;
}

static bool fits(const struct key *key, const char *digest, struct hd_bytes signature,
                 struct hd_bytes data)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context != NULL &&
        EVP_DigestVerifyInit_ex(context, NULL, digest, NULL, NULL, key->pkey, NULL) == 1 &&
        EVP_DigestVerify(context, signature.data, signature.length, data.data, data.length) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool ecdsa_fits(const struct key *key, struct hd_bytes blob, struct hd_bytes data)
{
    unsigned char *der = NULL;
    int length = ecdsa_to_der(blob, &der);
    bool good =
        length > 0 && fits(key, key->kind->digest, (struct hd_bytes){ der, (size_t)length }, data);
    OPENSSL_free(der);
    return good;
}

/* RFC 8332; ssh-rsa by itself means SHA-1, and that is no signature any more. */
static int verify_rsa(const struct key *key, struct hd_bytes algorithm, struct hd_bytes blob,
                      struct hd_bytes data, struct hd_error *err)
{
    const char *digest = hd_ssh_is(algorithm, "rsa-sha2-512")   ? "SHA512"
                         : hd_ssh_is(algorithm, "rsa-sha2-256") ? "SHA256"
                                                                : NULL;
    if (digest == NULL)
        return hd_error_set(err, HD_E_DENIED,
                            "an RSA signature with another digest than SHA-256 or SHA-512");
    int bits = EVP_PKEY_get_bits(key->pkey);
    if (bits < LEAST_RSA_BITS || bits > MOST_RSA_BITS)
        return hd_error_set(err, HD_E_DENIED, "an RSA key of %d bits; at least %d are needed", bits,
                            LEAST_RSA_BITS);
    if (!fits(key, digest, blob, data))
        return hd_error_set(err, HD_E_DENIED, "the signature does not fit");
    return 0;
}

/* PROTOCOL.u2f: what the authenticator signs. */
static int hardware_data(const struct key *key, struct hd_ssh_reader *tail, struct hd_bytes data,
                         struct hd_buffer *out, struct hd_error *err)
{
    struct hd_bytes flags_and_counter;
    struct hd_digest application, message;
    if (!hd_ssh_read_bytes(tail, 5, &flags_and_counter) || tail->rest.length != 0)
        return hd_error_set(err, HD_E_FORMAT, "the hardware key's signature is damaged");
    if ((flags_and_counter.data[0] & USER_PRESENT) == 0)
        return hd_error_set(err, HD_E_DENIED, "nobody touched the hardware key");
    if (hd_digest_of(key->application.data, key->application.length, &application, err) != 0 ||
        hd_digest_of(data.data, data.length, &message, err) != 0 ||
        hd_buffer_append(out, application.bytes, sizeof application.bytes, err) != 0 ||
        hd_buffer_append(out, flags_and_counter.data, flags_and_counter.length, err) != 0)
        return -1;
    return hd_buffer_append(out, message.bytes, sizeof message.bytes, err);
}

static int verify_others(const struct key *key, struct hd_bytes algorithm, struct hd_bytes blob,
                         struct hd_bytes data, struct hd_error *err)
{
    if (!hd_ssh_is(algorithm, key->kind->name))
        return hd_error_set(err, HD_E_DENIED, "a signature of another kind than its %s key",
                            key->kind->name);
    bool good =
        key->kind->curve != NULL ? ecdsa_fits(key, blob, data) : fits(key, NULL, blob, data);
    return good ? 0 : hd_error_set(err, HD_E_DENIED, "the signature does not fit");
}

static int verify_hardware(const struct key *key, struct hd_bytes algorithm, struct hd_bytes blob,
                           struct hd_ssh_reader *tail, struct hd_bytes data, struct hd_error *err)
{
    struct hd_buffer signed_data = HD_BUFFER_INIT;
    int status = hardware_data(key, tail, data, &signed_data, err);
    if (status == 0)
        status = verify_others(key, algorithm, blob, hd_buffer_view(&signed_data), err);
    hd_buffer_close(&signed_data);
    return status;
}

int hd_ssh_key_verify(struct hd_bytes key_bytes, struct hd_bytes signature, struct hd_bytes data,
                      struct hd_error *err)
{
    struct hd_ssh_reader reader = { signature };
    struct hd_bytes algorithm, blob;
    struct key key = { 0 };
    if (!hd_ssh_read_string(&reader, &algorithm) || !hd_ssh_read_string(&reader, &blob))
        return hd_error_set(err, HD_E_FORMAT, "the signature is damaged");
    if (read_key(key_bytes, &key, err) != 0)
        return -1;
    int status;
    if (key.kind->on_hardware)
        status = verify_hardware(&key, algorithm, blob, &reader, data, err);
    else if (reader.rest.length != 0)
        status = hd_error_set(err, HD_E_FORMAT, "the signature is damaged");
    else if (key.kind->read == read_rsa)
        status = verify_rsa(&key, algorithm, blob, data, err);
    else
        status = verify_others(&key, algorithm, blob, data, err);
    EVP_PKEY_free(key.pkey);
    return status;
}

void hd_ssh_key_fingerprint(struct hd_bytes key, char out[HD_SSH_FINGERPRINT_SIZE])
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_digest digest;
    unsigned char text[4 * ((HD_DIGEST_SIZE + 2) / 3) + 1];
    out[0] = '\0';
    if (hd_digest_of(key.data, key.length, &digest, &ignored) != 0)
        return;
    int length = EVP_EncodeBlock(text, digest.bytes, sizeof digest.bytes);
    while (length > 0 && text[length - 1] == '=')
        length--;
    memcpy(out, "SHA256:", 7);
    memcpy(out + 7, text, (size_t)length);
    out[7 + length] = '\0';
}
