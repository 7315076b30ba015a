/* SPDX-License-Identifier: Apache-2.0 */
#include "core/signers.h"

#include "core/alloc.h"
#include "core/ssh_key.h"
#include "core/ssh_signature.h"

#include <openssl/evp.h>

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_LINE_BYTES 16384
#define ALWAYS          INT64_MAX

struct signer {
    char *principal;  /* the first */
    char *namespaces; /* comma-separated patterns; NULL: any */
    int64_t valid_after;
    int64_t valid_before;
    uint8_t *key;
    size_t key_length;
};

struct hd_signers {
    struct signer *items;
    size_t count;
};

static void close_signer(struct signer *signer)
{
    hd_free(signer->principal);
    hd_free(signer->namespaces);
    hd_free(signer->key);
}

void hd_signers_free(struct hd_signers *signers)
{
    if (signers == NULL)
        return;
    for (size_t i = 0; i < signers->count; i++)
        close_signer(&signers->items[i]);
    hd_free(signers->items);
    hd_free(signers);
}

/* ---- a line ---------------------------------------------------------------------------------- */

/* Cuts the next field off *line: up to white space that is not within double quotes. NULL: no more.
 */
static char *next_field(char **line)
{
    char *field = *line + strspn(*line, " \t");
    if (*field == '\0')
        return NULL;
    char *end = field;
    for (bool quoted = false; *end != '\0' && (quoted || (*end != ' ' && *end != '\t')); end++)
        quoted ^= *end == '"';
    *line = *end == '\0' ? end : end + 1;
    *end = '\0';
    return field;
}

/* Cuts the next option off *options: up to a comma that is not within double quotes. */
static char *next_option(char **options)
{
    char *option = *options;
    if (*option == '\0')
        return NULL;
    char *end = option;
    for (bool quoted = false; *end != '\0' && (quoted || *end != ','); end++)
        quoted ^= *end == '"';
    *options = *end == '\0' ? end : end + 1;
    *end = '\0';
    return option;
}

/* The text between the quotes, or the text itself. */
static char *unquote(char *text)
{
    size_t length = strlen(text);
    if (length < 2 || text[0] != '"' || text[length - 1] != '"')
        return text;
    text[length - 1] = '\0';
    return text + 1;
}

/* YYYYMMDD[HHMM[SS]][Z], as ssh-keygen reads it: without the Z in the local time zone. */
static int read_time(const char *text, int64_t *out, struct hd_error *err)
{
    size_t digits = strspn(text, "0123456789");
    bool utc = strcmp(text + digits, "Z") == 0 || strcmp(text + digits, "z") == 0;
    const char *format = digits == 8    ? "%Y%m%d"
                         : digits == 12 ? "%Y%m%d%H%M"
                         : digits == 14 ? "%Y%m%d%H%M%S"
                                        : NULL;
    struct tm tm = { .tm_isdst = -1 };
    bool known = format != NULL && (utc || text[digits] == '\0') &&
                 strptime(text, format, &tm) == text + digits;
    time_t time = known ? (utc ? timegm(&tm) : mktime(&tm)) : (time_t)-1;
    if (time == (time_t)-1)
        return hd_error_set(err, HD_E_FORMAT, "\"%s\" is no time; YYYYMMDD or YYYYMMDDHHMMZ is",
                            text);
    *out = (int64_t)time;
    return 0;
}

static int read_option(char *option, struct signer *signer, struct hd_error *err)
{
    char *equals = strchr(option, '=');
    char *value = equals != NULL ? unquote(equals + 1) : NULL;
    if (equals != NULL)
        *equals = '\0';
    if (value != NULL && strcasecmp(option, "valid-after") == 0)
        return read_time(value, &signer->valid_after, err);
    if (value != NULL && strcasecmp(option, "valid-before") == 0)
        return read_time(value, &signer->valid_before, err);
    if (value == NULL || strcasecmp(option, "namespaces") != 0 || signer->namespaces != NULL)
        return hd_error_set(err, HD_E_FORMAT,
                            "the option %s is not known here; namespaces=, valid-after= and "
                            "valid-before= are",
                            option);
    signer->namespaces = hd_strdup(value);
    return signer->namespaces != NULL ? 0 : hd_error_set_memory(err);
}

static bool is_key_type(const char *field)
{
    return strncmp(field, "ssh-", 4) == 0 || strncmp(field, "ecdsa-", 6) == 0 ||
           strncmp(field, "sk-", 3) == 0;
}

static int read_key(const char *text, struct signer *signer, struct hd_error *err)
{
    size_t length = strlen(text);
    size_t padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    signer->key = hd_alloc(length + 1);
    if (signer->key == NULL)
        return hd_error_set_memory(err);
    int decoded = length > 0 && length % 4 == 0
                      ? EVP_DecodeBlock(signer->key, (const unsigned char *)text, (int)length)
                      : -1;
    if (decoded < 4)
        return hd_error_set(err, HD_E_FORMAT, "the key is not base64");
    signer->key_length = (size_t)decoded - padding;
    return 0;
}

static int read_fields(char *line, struct signer *signer, struct hd_error *err)
{
    char *principals = next_field(&line);
    char *field = next_field(&line);
    if (principals != NULL && field != NULL && !is_key_type(field)) {
        char *options = field;
        for (char *option = next_option(&options); option != NULL; option = next_option(&options)) {
            if (read_option(option, signer, err) != 0)
                return -1;
        }
        field = next_field(&line);
    }
    char *key = field != NULL && is_key_type(field) ? next_field(&line) : NULL;
    if (principals == NULL || key == NULL)
        return hd_error_set(err, HD_E_FORMAT, "not \"PRINCIPALS [OPTIONS] KEYTYPE KEY\"");
    principals = unquote(principals);
    principals[strcspn(principals, ",")] = '\0';
    signer->principal = hd_strdup(principals);
    if (signer->principal == NULL)
        return hd_error_set_memory(err);
    return read_key(key, signer, err);
}

/* ---- the file -------------------------------------------------------------------------------- */

static int add(struct hd_signers *signers, const struct signer *signer, struct hd_error *err)
{
    struct signer *grown =
        hd_realloc_array(signers->items, signers->count + 1, sizeof *signers->items);
    if (grown == NULL)
        return hd_error_set_memory(err);
    signers->items = grown;
    grown[signers->count++] = *signer;
    return 0;
}

static int read_line(struct hd_signers *signers, struct hd_bytes bytes, struct hd_error *err)
{
    if (bytes.length > MOST_LINE_BYTES || memchr(bytes.data, '\0', bytes.length) != NULL)
        return hd_error_set(err, HD_E_FORMAT, "too long, or not text");
    struct signer signer = { .valid_after = 0, .valid_before = ALWAYS };
    char *line = hd_strndup((const char *)bytes.data, bytes.length);
    if (line == NULL)
        return hd_error_set_memory(err);
    line[strcspn(line, "\r")] = '\0';
    const char *first = line + strspn(line, " \t");
    int status = 0;
    if (*first != '\0' && *first != '#') {
        status = read_fields(line, &signer, err);
        if (status == 0)
            status = add(signers, &signer, err);
        if (status != 0)
            close_signer(&signer);
    }
    hd_free(line);
    return status;
}

int hd_signers_read(struct hd_bytes text, struct hd_signers **out, struct hd_error *err)
{
    struct hd_signers *signers = hd_alloc_zeroed(1, sizeof *signers);
    if (signers == NULL)
        return hd_error_set_memory(err);
    for (unsigned long number = 1; text.length > 0; number++) {
        const uint8_t *newline = memchr(text.data, '\n', text.length);
        size_t length = newline != NULL ? (size_t)(newline - text.data) : text.length;
        if (read_line(signers, (struct hd_bytes){ text.data, length }, err) != 0) {
            hd_signers_free(signers);
            return err->code == HD_E_MEMORY ? -1 : hd_error_prefix(err, "line %lu", number);
        }
        size_t taken = newline != NULL ? length + 1 : length;
        text = (struct hd_bytes){ text.data + taken, text.length - taken };
    }
    *out = signers;
    return 0;
}

/* ---- whose key ------------------------------------------------------------------------------- */

/* ssh-keygen's patterns have '*' and '?', and no more; a namespace has no brackets. */
static bool fits_namespace(const char *pattern)
{
    return strpbrk(pattern, "[\\") == NULL && fnmatch(pattern, HD_SSH_NAMESPACE, 0) == 0;
}

/* As ssh-keygen reads the list: one negated pattern that fits outweighs all others. A pattern that
 * is too long to be looked at never lets anybody in. */
static bool is_for_us(const struct signer *signer)
{
    bool allowed = false;
    const char *rest = signer->namespaces;
    if (rest == NULL)
        return true;
    for (;;) {
        char pattern[256];
        size_t length = strcspn(rest, ",");
        bool negated = *rest == '!';
        snprintf(pattern, sizeof pattern, "%.*s", (int)length, rest);
        bool fits = length < sizeof pattern ? fits_namespace(pattern + (negated ? 1 : 0)) : negated;
        if (fits && negated)
            return false;
        allowed = allowed || fits;
        if (rest[length] == '\0')
            return allowed;
        rest += length + 1;
    }
}

static bool has_key(const struct signer *signer, struct hd_bytes key)
{
    return signer->key_length == key.length && memcmp(signer->key, key.data, key.length) == 0;
}

int hd_signers_find(const struct hd_signers *signers, struct hd_bytes key, int64_t now,
                    const char **principal, struct hd_error *err)
{
    const struct signer *barred = NULL;
    for (size_t i = 0; i < signers->count; i++) {
        const struct signer *signer = &signers->items[i];
        if (!has_key(signer, key))
            continue;
        if (is_for_us(signer) && now >= signer->valid_after && now < signer->valid_before) {
            *principal = signer->principal;
            return 0;
        }
        barred = signer;
    }
    char fingerprint[HD_SSH_FINGERPRINT_SIZE];
    hd_ssh_key_fingerprint(key, fingerprint);
    if (barred == NULL)
        return hd_error_set(err, HD_E_DENIED, "the key %s is not among the allowed signers",
                            fingerprint);
    return hd_error_set(err, HD_E_DENIED, "the key %s of %s is not allowed to sign %s", fingerprint,
                        barred->principal,
                        is_for_us(barred) ? "at this time" : "in the namespace " HD_SSH_NAMESPACE);
}
