/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this request become a hotdrop.v1 connection? Judged from the head of the HTTP request alone,
 * before anything is upgraded.
 *
 * Pure; loop thread.
 */
#ifndef HD_AGENT_HANDSHAKE_H
#define HD_AGENT_HANDSHAKE_H

#include "core/options.h"

/* What the request says; NULL for a header it does not have. */
struct hd_handshake {
    const char *target; /* "/" */
    const char *host;
    const char *upgrade;
    const char *connection;
    const char *key;       /* Sec-WebSocket-Key */
    const char *version;   /* Sec-WebSocket-Version */
    const char *protocols; /* Sec-WebSocket-Protocol */
    const char *origin;
    const char *authorization;
};

struct hd_handshake_rules {
    const struct hd_address *address; /* where it arrived */
    bool full;                        /* too many connections are open */
};

/* 0: it may. -1: *status is the HTTP status to refuse it with (400, 403, 404, 426 or 503), err
 * says why, in words fit for the peer. */
HD_CHECKED int hd_handshake_judge(const struct hd_handshake *request,
                                  const struct hd_handshake_rules *rules, unsigned *status,
                                  struct hd_error *err);

/* The token that the request carries (RFC 6750 §2.1); a borrow. -1: *status is 401. secure: a
 * client's certificate would do as well. */
HD_CHECKED int hd_handshake_bearer(const struct hd_handshake *request, bool secure,
                                   const char **token, unsigned *status, struct hd_error *err);

#endif
