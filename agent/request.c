/* SPDX-License-Identifier: Apache-2.0 */
/* A request that wants to become a conversation: who asks, and may they? */
#include "agent/handshake.h"
#include "agent/listen_state.h"
#include "core/alloc.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_SIZE = 1200 };

/* The values of headers, copied out one behind the other. */
struct head {
    char text[4096];
    size_t used;
};

/* NULL: not there. A header that comes more than once, or is too long, reads as "", which no rule
 * accepts. */
static const char *header(struct lws *wsi, enum lws_token_indexes token, struct head *head)
{
    int length = lws_hdr_total_length(wsi, token);
    if (length <= 0)
        return NULL;
    char *value = head->text + head->used;
    size_t room = sizeof head->text - head->used;
    if (lws_hdr_fragment_length(wsi, token, 1) > 0 || (size_t)length + 1 >= room ||
        lws_hdr_copy(wsi, value, (int)room, token) < 0)
        return "";
    head->used += strlen(value) + 1;
    return value;
}

static const char reason_for_peer[] = "hotdrop: ";

enum { UPGRADE_REQUIRED = 426 };

/* RFC 6455 §4.4, and RFC 9110 §15.5.22. */
static int add_upgrade(struct lws *wsi, unsigned char **at, unsigned char *end)
{
    static const unsigned char version[] = "13", websocket[] = "websocket";
    return lws_add_http_header_by_token(wsi, WSI_TOKEN_VERSION, version, sizeof version - 1, at,
                                        end) != 0 ||
                   lws_add_http_header_by_token(wsi, WSI_TOKEN_UPGRADE, websocket,
                                                sizeof websocket - 1, at, end) != 0
               ? -1
               : 0;
}

/* Status and words as plain text, then the end of the connection. */
static void answer_refusal(struct lws *wsi, unsigned status, const char *words)
{
    unsigned char head[LWS_PRE + 512];
    unsigned char *at = head + LWS_PRE;
    unsigned char *end = head + sizeof head - 1;
    char body[LWS_PRE + WORDS_SIZE];
    int length = snprintf(body + LWS_PRE, WORDS_SIZE, "%s%s\n", reason_for_peer, words);
    static const unsigned char bearer[] = "Bearer";
    if (lws_add_http_common_headers(wsi, status, "text/plain", (lws_filepos_t)length, &at, end))
        return;
    if (status == HTTP_STATUS_UNAUTHORIZED &&
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_WWW_AUTHENTICATE, bearer,
                                     sizeof bearer - 1, &at, end) != 0)
        return;
    if (status == UPGRADE_REQUIRED && add_upgrade(wsi, &at, end) != 0)
        return;
    if (lws_finalize_write_http_header(wsi, head + LWS_PRE, &at, end) == 0)
        lws_write(wsi, (unsigned char *)body + LWS_PRE, (size_t)length, LWS_WRITE_HTTP_FINAL);
}

/* ---- who ------------------------------------------------------------------------------------- */

static int learn_names(struct hd_connection *connection, struct hd_error *err)
{
    struct hd_identity *identity = &connection->identity;
    const struct hd_tls_stream *tls =
        connection->relay != NULL ? hd_relay_tls(connection->relay) : NULL;
    if (tls == NULL || identity->names.count > 0)
        return 0;
    return hd_tls_peer_names(tls, &identity->names, err);
}

/* A certificate's holder needs no token, but one that is shown must be right. */
static int learn_token(struct hd_connection *connection, const struct hd_handshake *request,
                       struct hd_access *access, unsigned *status, struct hd_error *err)
{
    const char *token = NULL;
    if (request->authorization == NULL && connection->identity.names.count > 0)
        return 0;
    bool secure = connection->listener->wanted.kind == HD_ADDRESS_WSS;
    if (hd_handshake_bearer(request, secure, &token, status, err) != 0)
        return -1;
    if (hd_access_find_token(access, token, strlen(token), &connection->identity.token_file, err) ==
        0)
        return 0;
    *status =
        err->code == HD_E_DENIED ? HTTP_STATUS_UNAUTHORIZED : HTTP_STATUS_INTERNAL_SERVER_ERROR;
    return -1;
}

static int learn_identity(struct hd_connection *connection, const struct hd_handshake *request,
                          struct hd_access *access, unsigned *status, struct hd_error *err)
{
    connection->identity.local = connection->peer.local;
    connection->identity.uid = connection->peer.uid;
    if (connection->peer.local)
        return 0;
    *status = HTTP_STATUS_INTERNAL_SERVER_ERROR;
    return learn_names(connection, err) != 0
               ? -1
               : learn_token(connection, request, access, status, err);
}

/* ---- may they -------------------------------------------------------------------------------- */

static int judge(struct hd_connection *connection, const struct hd_handshake *request,
                 unsigned *status, struct hd_error *err)
{
    struct hd_access *access = hd_loop_access(connection->listener->listen->loop);
    struct hd_origin *origin = &connection->peer.origin;
    const struct hd_handshake_rules rules = { &connection->listener->endpoint.address,
                                              connection->full };
    if (hd_handshake_judge(request, &rules, status, err) != 0 ||
        learn_identity(connection, request, access, status, err) != 0)
        return -1;
    char *who = connection->peer.local ? NULL : origin->who;
    if (hd_access_of(access, &connection->identity, who, sizeof origin->who) != HD_ROLE_NONE)
        return 0;
    *status = HTTP_STATUS_FORBIDDEN;
    return hd_error_set(err, HD_E_DENIED,
                        "not-authorised: %s has no role here; viewer, deployer or operator is "
                        "needed (authorized=FILE)",
                        origin->who);
}

int hd_listen_judge(struct hd_listen *listen, struct lws *wsi)
{
    struct hd_connection *connection = hd_connection_find(listen, wsi);
    if (connection == NULL)
        return -1;
    struct head head = { .used = 0 };
    const struct hd_handshake request = {
        .target = header(wsi, WSI_TOKEN_GET_URI, &head),
        .host = header(wsi, WSI_TOKEN_HOST, &head),
        .upgrade = header(wsi, WSI_TOKEN_UPGRADE, &head),
        .connection = header(wsi, WSI_TOKEN_CONNECTION, &head),
        .key = header(wsi, WSI_TOKEN_KEY, &head),
        .version = header(wsi, WSI_TOKEN_VERSION, &head),
        .protocols = header(wsi, WSI_TOKEN_PROTOCOL, &head),
        .origin = header(wsi, WSI_TOKEN_ORIGIN, &head),
        .authorization = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, &head),
    };
    struct hd_error err = HD_ERROR_INIT;
    unsigned status = 0;
    if (judge(connection, &request, &status, &err) == 0)
        return 0;
    if (status == HTTP_STATUS_UNAUTHORIZED || status == HTTP_STATUS_FORBIDDEN)
        hd_listen_refuse(listen, &connection->peer, err.text);
    else
        hd_listen_log_refusal(listen, &connection->peer, err.text);
    bool internal = status == HTTP_STATUS_INTERNAL_SERVER_ERROR;
    answer_refusal(wsi, status, internal ? "the agent's token cannot be read" : err.text);
    return -1;
}
