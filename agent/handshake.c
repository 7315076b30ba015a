/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/handshake.h"

#include "core/message.h"

#include <string.h>
#include <strings.h>

enum {
    BAD_REQUEST = 400,
    UNAUTHORIZED = 401,
    FORBIDDEN = 403,
    NOT_FOUND = 404,
    UPGRADE_REQUIRED = 426,
    SERVICE_UNAVAILABLE = 503
};

#define BEARER "Bearer "

static int refuse(unsigned *status, unsigned code, struct hd_error *err, const char *words)
{
    *status = code;
    return hd_error_set(err, HD_E_DENIED, "%s", words);
}

/* Cuts "HOST", "HOST:PORT", "[V6]:PORT" down to the host. False when it is longer than any name can
 * be. */
static bool host_of(const char *authority, char *out, size_t capacity)
{
    bool bracketed = authority[0] == '[';
    const char *begin = authority + (bracketed ? 1 : 0);
    size_t length = strcspn(begin, bracketed ? "]" : ":");
    if (length >= capacity)
        return false;
    memcpy(out, begin, length);
    out[length] = '\0';
    return true;
}

/* A web page can make a browser ask any address under a name of its own (DNS rebinding); it cannot
 * make the browser say that it asked for an address, for localhost, or for the name the agent was
 * told to listen on. Over TLS the browser has already seen that the certificate is not for its
 * name. */
static bool is_our_host(const char *authority, const struct hd_address *address)
{
    char host[256];
    if (address->kind == HD_ADDRESS_WSS)
        return true;
    if (!host_of(authority, host, sizeof host))
        return false;
    if (strcasecmp(host, "localhost") == 0 || hd_address_is_ip(host))
        return true;
    return address->kind == HD_ADDRESS_WS && strcasecmp(host, address->host) == 0;
}

/* Is the word in a comma-separated list? */
static bool lists(const char *list, const char *word,
                  int (*compare)(const char *a, const char *b, size_t length))
{
    while (*list != '\0') {
        list += strspn(list, " \t,");
        size_t length = strcspn(list, " \t,");
        if (length == strlen(word) && compare(list, word, length) == 0)
            return true;
        list += length;
    }
    return false;
}

/* Base64 of 16 bytes (RFC 6455 §4.2.1, 5). */
static bool is_key(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return strspn(text, digits) == 22 && strcmp(text + 22, "==") == 0;
}

static int judge_upgrade(const struct hd_handshake *request, unsigned *status, struct hd_error *err)
{
    if (request->upgrade == NULL || strcasecmp(request->upgrade, "websocket") != 0)
        return refuse(status, UPGRADE_REQUIRED, err, "only websocket connections are served here");
    if (request->version == NULL || strcmp(request->version, "13") != 0)
        return refuse(status, UPGRADE_REQUIRED, err,
                      "only websocket version 13 is served here (RFC 6455)");
    if (request->connection == NULL || !lists(request->connection, "upgrade", strncasecmp))
        return refuse(status, BAD_REQUEST, err, "Connection does not say Upgrade");
    if (request->key == NULL || !is_key(request->key))
        return refuse(status, BAD_REQUEST, err, "Sec-WebSocket-Key is not that of one handshake");
    if (request->protocols == NULL || !lists(request->protocols, HD_PROTOCOL_NAME, strncmp))
        return refuse(status, BAD_REQUEST, err, "the subprotocol is " HD_PROTOCOL_NAME);
    return 0;
}

int hd_handshake_judge(const struct hd_handshake *request, const struct hd_handshake_rules *rules,
                       unsigned *status, struct hd_error *err)
{
    if (request->target == NULL || strcmp(request->target, "/") != 0)
        return refuse(status, NOT_FOUND, err, "the only target here is /");
    if (request->host == NULL)
        return refuse(status, BAD_REQUEST, err, "the request has no Host");
    if (!is_our_host(request->host, rules->address))
        return refuse(status, FORBIDDEN, err,
                      "the Host is neither this address nor a loopback name");
    if (request->origin != NULL)
        return refuse(status, FORBIDDEN, err,
                      "browsers are not let in (the request has an Origin)");
    if (judge_upgrade(request, status, err) != 0)
        return -1;
    if (rules->full)
        return refuse(status, SERVICE_UNAVAILABLE, err,
                      "too many connections are open; try again later");
    return 0;
}

int hd_handshake_bearer(const struct hd_handshake *request, bool secure, const char **token,
                        unsigned *status, struct hd_error *err)
{
    const char *given = request->authorization;
    if (given == NULL || strncasecmp(given, BEARER, strlen(BEARER)) != 0)
        return refuse(status, UNAUTHORIZED, err,
                      secure ? "this address wants a client's certificate, or \"Authorization: "
                               "Bearer TOKEN\""
                             : "this address wants \"Authorization: Bearer TOKEN\"");
    given += strlen(BEARER);
    *token = given + strspn(given, " ");
    return 0;
}
