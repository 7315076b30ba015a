/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on their way to one client, sent a chunk at a time whenever its socket takes more, so
 * that a report of ten thousand rows neither blocks the loop nor is held twice. Loop thread only.
 */
#ifndef HD_AGENT_OUTBOX_H
#define HD_AGENT_OUTBOX_H

#include "core/error.h"

#include <jansson.h>
#include <stddef.h>

struct hd_outbox {
    struct hd_outgoing *first;
    struct hd_outgoing *last;
    size_t bytes; /* not sent yet, over all messages */
};

#define HD_OUTBOX_CHUNK ((size_t)16 << 10)
#define HD_OUTBOX_MAX                                                                              \
    ((size_t)128 << 20) /* bytes; a client that reads nothing must not fill the JVM's memory */

/* Appends the message as text; consumes one reference to it, also on failure. NULL counts as a
 * message that could not be made (HD_E_MEMORY). HD_E_LIMIT: the client does not read. */
HD_CHECKED int hd_outbox_add_take(struct hd_outbox *outbox, json_t *message, struct hd_error *err);

/* A piece of the first message: at most HD_OUTBOX_CHUNK bytes. begins and ends say which part of
 * the message it is. Valid until the outbox is changed. False when there is nothing. */
struct hd_outbox_chunk {
    const char *data;
    size_t length;
    bool begins;
    bool ends;
};
bool hd_outbox_next(const struct hd_outbox *outbox, struct hd_outbox_chunk *out);
/* That piece was sent. */
void hd_outbox_sent(struct hd_outbox *outbox, const struct hd_outbox_chunk *chunk);

void hd_outbox_close(struct hd_outbox *outbox);

#endif
