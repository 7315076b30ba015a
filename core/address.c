/* SPDX-License-Identifier: Apache-2.0 */
#include "core/options.h"

#include "core/text.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define UNIX_PREFIX     "unix:"
#define WS_PREFIX       "ws://"
#define WSS_PREFIX      "wss://"
#define SHOWN_TEXT_SIZE 160

static int bad_address(const char *text, const char *complaint, struct hd_error *err)
{
    char shown[SHOWN_TEXT_SIZE];
    hd_text_escape(text, shown, sizeof shown);
    return hd_error_set(err, HD_E_USAGE, "address \"%s\": %s", shown, complaint);
}

static int parse_unix(const char *text, struct hd_address *out, struct hd_error *err)
{
    const char *path = text + strlen(UNIX_PREFIX);
    size_t length = strlen(path);
    if (length == 0)
        return bad_address(text, "the path behind unix: is empty", err);
    if (length >= sizeof out->path)
        return bad_address(
            text, "the path of a unix socket has at most 107 bytes (unix(7)); choose a shorter one",
            err);
    *out = (struct hd_address){ .kind = HD_ADDRESS_UNIX };
    memcpy(out->path, path, length + 1);
    return 0;
}

/* Finds where the host begins, how long it is, and the text of the port; NULL when there is no
 * ":PORT". */
static const char *split_host(const char *authority, const char **host, size_t *host_length)
{
    bool bracketed = authority[0] == '[';
    *host = authority + (bracketed ? 1 : 0);
    *host_length = strcspn(*host, bracketed ? "]" : ":");
    const char *rest = *host + *host_length;
    if (bracketed && *rest == ']')
        rest++;
    return *rest == ':' ? rest + 1 : NULL;
}

static bool is_host(const char *host, bool bracketed)
{
    static const char name_characters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    struct in6_addr ignored;
    if (bracketed)
        return inet_pton(AF_INET6, host, &ignored) == 1;
    return host[0] != '\0' && host[strspn(host, name_characters)] == '\0';
}

static int parse_tcp(const char *text, enum hd_address_kind kind, struct hd_address *out,
                     struct hd_error *err)
{
    static const char expected[] =
        "expected ws://HOST:PORT or wss://HOST:PORT, with brackets around an IPv6 address";
    const char *authority = strstr(text, "://") + strlen("://");
    const char *host = NULL;
    size_t host_length = 0;
    const char *port_text = split_host(authority, &host, &host_length);
    struct hd_address address = { .kind = kind };
    if (port_text == NULL || host_length >= sizeof address.host)
        return bad_address(text, expected, err);
    memcpy(address.host, host, host_length);
    if (!is_host(address.host, authority[0] == '['))
        return bad_address(text, expected, err);

    uint64_t port;
    struct hd_error cause = HD_ERROR_INIT;
    if (hd_text_parse_number(port_text, 1, UINT16_MAX, &port, &cause) != 0)
        return bad_address(text, "the port behind the last colon is a number from 1 to 65535", err);
    address.port = (uint16_t)port;
    *out = address;
    return 0;
}

int hd_address_parse(const char *text, struct hd_address *out, struct hd_error *err)
{
    if (strcmp(text, "none") == 0) {
        *out = (struct hd_address){ .kind = HD_ADDRESS_NONE };
        return 0;
    }
    if (hd_text_starts_with(text, UNIX_PREFIX))
        return parse_unix(text, out, err);
    if (hd_text_starts_with(text, WS_PREFIX))
        return parse_tcp(text, HD_ADDRESS_WS, out, err);
    if (hd_text_starts_with(text, WSS_PREFIX))
        return parse_tcp(text, HD_ADDRESS_WSS, out, err);
    return bad_address(text, "expected unix:PATH, ws://HOST:PORT or wss://HOST:PORT", err);
}

bool hd_address_is_tcp(const struct hd_address *address)
{
    return address->kind == HD_ADDRESS_WS || address->kind == HD_ADDRESS_WSS;
}

bool hd_address_is_ip(const char *host)
{
    struct in6_addr ignored;
    return inet_pton(AF_INET, host, &ignored) == 1 || inet_pton(AF_INET6, host, &ignored) == 1;
}

bool hd_address_is_loopback(const struct hd_address *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (!hd_address_is_tcp(address))
        return false;
    if (strcasecmp(address->host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, address->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
