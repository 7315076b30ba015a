/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/token.h"

#include "core/alloc.h"
#include "core/digest.h"
#include "core/random.h"
#include "core/text.h"
#include "core/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RANDOM_BYTES = 32 };

struct secret {
    char text[HD_TOKEN_MAX + 64]; /* room for the white space around it */
    size_t length;
};

static bool is_white(char character)
{
    return hd_text_is_blank(character) || character == '\n';
}

static void trim(struct secret *secret)
{
    size_t begin = 0;
    while (secret->length > 0 && is_white(secret->text[secret->length - 1]))
        secret->length--;
    while (begin < secret->length && is_white(secret->text[begin]))
        begin++;
    secret->length -= begin;
    memmove(secret->text, secret->text + begin, secret->length);
}

/* What a header can carry (RFC 6750 §2.1 allows less; a blank inside would be cut by clients). */
static bool is_printable(const struct secret *secret)
{
    for (size_t i = 0; i < secret->length; i++) {
        if (secret->text[i] <= ' ' || secret->text[i] > '~')
            return false;
    }
    return true;
}

static int read_secret(const char *path, int descriptor, struct secret *out, struct hd_error *err)
{
    ssize_t got;
    out->length = 0;
    while ((got = read(descriptor, out->text + out->length, sizeof out->text - out->length)) > 0)
        out->length += (size_t)got;
    if (got < 0)
        return hd_error_set_errno(err, errno, "%s: cannot be read", path);
    trim(out);
    if (out->length < HD_TOKEN_MIN || out->length > HD_TOKEN_MAX || !is_printable(out))
        return hd_error_set(err, HD_E_FORMAT,
                            "%s: expected one line of %d to %d printable characters without blanks",
                            path, HD_TOKEN_MIN, HD_TOKEN_MAX);
    return 0;
}

static int load(const char *path, struct secret *out, bool *readable_by_others,
                struct hd_error *err)
{
    int descriptor = hd_trusted_file_open(path, readable_by_others, err);
    if (descriptor < 0)
        return -1;
    int result = read_secret(path, descriptor, out, err);
    close(descriptor);
    return result;
}

static int random_line(char line[2 * RANDOM_BYTES + 2], struct hd_error *err)
{
    uint8_t bytes[RANDOM_BYTES];
    if (hd_random_fill(bytes, sizeof bytes, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(line + 2 * i, 3, "%02x", bytes[i]);
    line[2 * sizeof bytes] = '\n';
    OPENSSL_cleanse(bytes, sizeof bytes);
    return 0;
}

static int write_line(int descriptor, const char *path, struct hd_error *err)
{
    char line[2 * RANDOM_BYTES + 2];
    if (random_line(line, err) != 0)
        return -1;
    size_t length = 2 * RANDOM_BYTES + 1;
    ssize_t put = write(descriptor, line, length);
    OPENSSL_cleanse(line, sizeof line);
    if (put != (ssize_t)length)
        return hd_error_set_errno(err, put < 0 ? errno : ENOSPC, "%s: cannot be written", path);
    return 0;
}

/* Complete before it has its name: two JVMs that start together share one file, and neither ever
 * reads half a token. The one that comes second takes what the first made. */
static int make_whole(const char *path, const char *draft, struct hd_error *err)
{
    int descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return hd_error_set_errno(err, errno, "%s: the token file cannot be made", path);
    int result = write_line(descriptor, path, err);
    close(descriptor);
    if (result == 0 && link(draft, path) != 0 && errno != EEXIST)
        result = hd_error_set_errno(err, errno, "%s: the token file cannot be made", path);
    unlink(draft);
    return result;
}

static int make(const char *path, struct hd_error *err)
{
    unsigned suffix = 0;
    if (hd_random_fill(&suffix, sizeof suffix, err) != 0)
        return -1;
    char *draft = hd_asprintf("%s.%08x.tmp", path, suffix);
    if (draft == NULL)
        return hd_error_set_memory(err);
    int result = make_whole(path, draft, err);
    hd_free(draft);
    return result;
}

int hd_token_prepare(const char *path, bool *readable_by_others, struct hd_error *err)
{
    if (access(path, F_OK) != 0 && errno == ENOENT && make(path, err) != 0)
        return -1;
    struct secret secret;
    bool readable = false;
    int result = load(path, &secret, &readable, err);
    OPENSSL_cleanse(&secret, sizeof secret);
    if (result == 0)
        *readable_by_others = readable;
    return result;
}

/* Over digests, so that neither the place of the first difference nor the secret's length shows in
 * the time taken. */
static int compare(const struct secret *secret, const char *presented, size_t length,
                   struct hd_error *err)
{
    struct hd_digest expected;
    struct hd_digest given;
    if (hd_digest_of(secret->text, secret->length, &expected, err) != 0 ||
        hd_digest_of(presented, length, &given, err) != 0)
        return -1;
    if (CRYPTO_memcmp(expected.bytes, given.bytes, sizeof expected.bytes) != 0)
        return hd_error_set(err, HD_E_DENIED, "the token is not the agent's");
    return 0;
}

int hd_token_verify(const char *path, const char *presented, size_t length, struct hd_error *err)
{
    struct secret secret;
    bool readable = false;
    int result = load(path, &secret, &readable, err);
    if (result == 0)
        result = compare(&secret, presented, length, err);
    else if (err->code == HD_E_DENIED) /* to us, not to who presents something */
        err->code = HD_E_SYSTEM;
    OPENSSL_cleanse(&secret, sizeof secret);
    return result;
}
