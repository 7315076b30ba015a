/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this request become a hotdrop.v1 connection? Judged from the head of the HTTP request alone,
 * before anything is upgraded.
 *
 * Pure but for reading the token file. Loop thread.
 */
#ifndef HD_AGENT_HANDSHAKE_H
#define HD_AGENT_HANDSHAKE_H

#include "core/options.h"

/* What the request says; NULL for a header it does not have. */
struct hd_handshake {
    const char *target; /* "/" */
    const char *host;
    const char *upgrade;
    const char *version;   /* Sec-WebSocket-Version */
    const char *protocols; /* Sec-WebSocket-Protocol */
    const char *origin;
    const char *authorization;
};

struct hd_handshake_rules {
    const struct hd_address *address; /* where it arrived */
    const char *token_file; /* NULL: who is there was told by the kernel already (a local socket) */
    bool full;              /* too many connections are open */
};

/* 0: it may. -1: *status is the HTTP status to refuse it with (400, 401, 403, 404, 426, 500 or
 * 503), err says why, in words fit for the peer. */
HD_CHECKED int hd_handshake_judge(const struct hd_handshake *request,
                                  const struct hd_handshake_rules *rules, unsigned *status,
                                  struct hd_error *err);

#endif
