/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's end of hotdrop.v1 (docs/protocol.md): one websocket connection, used like a phone
 * call. Main thread; libwebsockets' loop runs inside these calls only.
 */
#ifndef HD_CLIENT_CONN_H
#define HD_CLIENT_CONN_H

#include "client/target.h"
#include "core/buffer.h"
#include "core/message.h"

struct hd_conn;

/* How far a request is, for whoever shows it; called often. */
struct hd_conn_progress {
    void (*sent)(uint64_t bytes, uint64_t of, void *context);
    /* every second while the answer is waited for: the last "progress" message; NULL: there was none */
    void (*waiting)(const json_t *message, void *context);
    void *context;
};

/* Begins to connect, and checks who the peer of a local socket is; how that went is known from the
 * next call on, which waits for the agent's hello (5 s). HD_E_CONNECTION: nobody there or no Hotdrop;
 * HD_E_DENIED: refused by the agent, or the peer is not the JVM that was meant. */
HD_CHECKED int hd_conn_open(const struct hd_target *target, struct hd_conn **out,
                            struct hd_error *err);
void hd_conn_close(struct hd_conn *conn);

/* A borrow, as long as the connection. NULL: it did not come. */
const json_t *hd_conn_hello(struct hd_conn *conn);

/* Sends the request (and the jar's bytes, for push and check), and waits for its answer: report,
 * status, history, show, or error. *answer is a new reference. Gives up with HD_E_CONNECTION
 * when the agent says nothing for 60 s. */
HD_CHECKED int hd_conn_request(struct hd_conn *conn, const struct hd_request *request,
                               struct hd_bytes jar, const struct hd_conn_progress *progress,
                               json_t **answer, struct hd_error *err);

/* True once the last byte of the last request was handed to the kernel: from then on a lost
 * connection means "outcome unknown". */
bool hd_conn_sent_everything(const struct hd_conn *conn);

#endif
