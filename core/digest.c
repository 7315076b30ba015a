/* SPDX-License-Identifier: Apache-2.0 */
#include "core/digest.h"

#include "core/alloc.h"
#include "core/crypto.h"

#include <openssl/evp.h>

#include <string.h>

struct hd_digester {
    EVP_MD_CTX *context;
    bool
        begun; /* only when there is something to digest, so that a failure is never of the one before */
    bool failed;
};

static void begin(struct hd_digester *digester)
{
    if (digester->begun)
        return;
    digester->begun = true;
    digester->failed = EVP_DigestInit_ex(digester->context, EVP_sha256(), NULL) != 1;
}

struct hd_digester *hd_digester_new(void)
{
    struct hd_digester *digester = hd_alloc_zeroed(1, sizeof *digester);
    if (digester == NULL)
        return NULL;
    hd_crypto_begin();
    digester->context = EVP_MD_CTX_new();
    if (digester->context == NULL) {
        hd_digester_free(digester);
        return NULL;
    }
    return digester;
}

void hd_digester_add(struct hd_digester *digester, const void *data, size_t length)
{
    begin(digester);
    if (length == 0 || digester->failed)
        return;
    digester->failed = EVP_DigestUpdate(digester->context, data, length) != 1;
}

int hd_digester_finish(struct hd_digester *digester, struct hd_digest *out, struct hd_error *err)
{
    struct hd_digest digest;
    begin(digester);
    bool failed =
        digester->failed || EVP_DigestFinal_ex(digester->context, digest.bytes, NULL) != 1;
    digester->begun = false;
    if (failed)
        return hd_error_set(err, HD_E_SYSTEM, "the digest library failed");
    *out = digest;
    return 0;
}

void hd_digester_free(struct hd_digester *digester)
{
    if (digester == NULL)
        return;
    EVP_MD_CTX_free(digester->context);
    hd_free(digester);
}

int hd_digest_of(const void *data, size_t length, struct hd_digest *out, struct hd_error *err)
{
    struct hd_digester *digester = hd_digester_new();
    if (digester == NULL)
        return hd_error_set_memory(err);
    hd_digester_add(digester, data, length);
    int result = hd_digester_finish(digester, out, err);
    hd_digester_free(digester);
    return result;
}

void hd_digest_to_hex(const struct hd_digest *digest, char out[HD_DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < HD_DIGEST_SIZE; i++) {
        out[2 * i] = digits[digest->bytes[i] >> 4];
        out[2 * i + 1] = digits[digest->bytes[i] & 0xF];
    }
    out[HD_DIGEST_HEX_SIZE - 1] = '\0';
}

static int nibble(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool hd_digest_from_hex(const char *hex, struct hd_digest *out)
{
    struct hd_digest digest;
    if (hex == NULL || strlen(hex) != HD_DIGEST_HEX_SIZE - 1)
        return false;
    for (size_t i = 0; i < HD_DIGEST_SIZE; i++) {
        int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        digest.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = digest;
    return true;
}

bool hd_digest_equal(const struct hd_digest *a, const struct hd_digest *b)
{
    return memcmp(a->bytes, b->bytes, HD_DIGEST_SIZE) == 0;
}
