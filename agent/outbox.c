/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/outbox.h"

#include "core/alloc.h"
#include "core/message.h"

struct hd_outgoing {
    struct hd_outgoing *next;
    char *text;
    size_t length;
    size_t sent;
};

static void free_outgoing(struct hd_outgoing *outgoing)
{
    hd_free(outgoing->text);
    hd_free(outgoing);
}

static void append(struct hd_outbox *outbox, struct hd_outgoing *outgoing)
{
    if (outbox->last != NULL)
        outbox->last->next = outgoing;
    else
        outbox->first = outgoing;
    outbox->last = outgoing;
    outbox->bytes += outgoing->length;
}

static int add(struct hd_outbox *outbox, const json_t *message, struct hd_error *err)
{
    struct hd_outgoing *outgoing = hd_alloc_zeroed(1, sizeof *outgoing);
    if (outgoing == NULL || message == NULL) {
        hd_free(outgoing);
        return hd_error_set_memory(err);
    }
    if (hd_message_write(message, &outgoing->text, &outgoing->length, err) != 0) {
        hd_free(outgoing);
        return -1;
    }
    if (outgoing->length > HD_OUTBOX_MAX - outbox->bytes) {
        free_outgoing(outgoing);
        return hd_error_set(err, HD_E_LIMIT, "%zu bytes of answers wait to be read", outbox->bytes);
    }
    append(outbox, outgoing);
    return 0;
}

int hd_outbox_add_take(struct hd_outbox *outbox, json_t *message, struct hd_error *err)
{
    int result = add(outbox, message, err);
    json_decref(message);
    return result;
}

bool hd_outbox_next(const struct hd_outbox *outbox, struct hd_outbox_chunk *out)
{
    const struct hd_outgoing *first = outbox->first;
    if (first == NULL)
        return false;
    size_t rest = first->length - first->sent;
    out->data = first->text + first->sent;
    out->length = rest < HD_OUTBOX_CHUNK ? rest : HD_OUTBOX_CHUNK;
    out->begins = first->sent == 0;
    out->ends = out->length == rest;
    return true;
}

static void drop_first(struct hd_outbox *outbox)
{
    struct hd_outgoing *first = outbox->first;
    outbox->first = first->next;
    if (outbox->first == NULL)
        outbox->last = NULL;
    free_outgoing(first);
}

void hd_outbox_sent(struct hd_outbox *outbox, const struct hd_outbox_chunk *chunk)
{
    outbox->first->sent += chunk->length;
    outbox->bytes -= chunk->length;
    if (chunk->ends)
        drop_first(outbox);
}

void hd_outbox_close(struct hd_outbox *outbox)
{
    while (outbox->first != NULL)
        drop_first(outbox);
    *outbox = (struct hd_outbox){ 0 };
}
