/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of hotdrop.v1 that travel as JSON text (docs/protocol.md): requests from client to
 * agent, taken apart with every length and type checked.
 *
 * A request is one JSON object in one text message:
 * {"type":"push","id":1,"size":N,"name":"app.jar", …options}. For push and check, exactly size
 * bytes of jar follow in binary messages. Answers carry the request's id:
 * {"type":"progress"|"report"|"status"|"history"|"show"|"error","id":1, …}. On connecting the agent
 * speaks first: {"type":"hello", …}.
 */
#ifndef HD_CORE_MESSAGE_H
#define HD_CORE_MESSAGE_H

#include "core/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define HD_PROTOCOL_NAME    "hotdrop.v1"
#define HD_MESSAGE_MAX      65536 /* bytes of a request's text */
#define HD_MESSAGE_MAX_NAME 255   /* bytes of what a bundle is called */

/* Of the secret that a client may send. */
enum {
    HD_TOKEN_MIN = 16,  /* shorter ones can be guessed */
    HD_TOKEN_MAX = 1024 /* longer ones do not fit into the head of a request next to the rest */
};

enum hd_request_type {
    HD_REQUEST_PUSH,
    HD_REQUEST_CHECK,
    HD_REQUEST_STATUS,
    HD_REQUEST_HISTORY,
    HD_REQUEST_SHOW,
    HD_REQUEST_ROLLBACK,
    HD_REQUEST_CONFIRM,
    HD_REQUEST_KEEP
};

struct hd_request {
    enum hd_request_type type;
    uint64_t id;
    /* push, check */
    uint64_t size;
    char *name;   /* what people call the bundle; 1 to 255 bytes */
    char *loader; /* NULL, or part of a label; 1 to 1,000 bytes; not together with all_loaders */
    bool all_loaders;
    bool best_effort;
    char *message; /* NULL, or 1 to 4,000 bytes */
    /* push: rolled back by the agent unless confirmed within so many milliseconds; 0: no trial */
    uint64_t confirm_within;
    /* push, rollback: refused unless this state is live; NULL: whatever is live; 1 to 64 bytes */
    char *expect;
    /* show; confirm: 0: the one that is on trial */
    uint64_t deployment;
    /* rollback: undo this deployment, provided that it is on trial; 0: not asked. Not with "to" */
    uint64_t trial;
    bool blocking;   /* status: with the stacks that hold old code */
    char *emergency; /* push: NULL, or why one signature must do; 1 to 1,000 bytes */
    bool keep;       /* push: and what is live then survives a restart; not on trial */
    /* rollback, keep: the state right after deployment "to" (0: as started); else to the one before */
    bool to_given;
    uint64_t to;
};

/* text needs no NUL. HD_E_FORMAT names what is wrong with which key; unknown keys are an error for
 * push and check (an option that is not understood must not be skipped), as are duplicate keys. On
 * success closed with hd_request_close. */
HD_CHECKED int hd_request_parse(const char *text, size_t length, struct hd_request *out,
                                struct hd_error *err);
/* Its JSON object, for the client. NULL when memory is out. */
json_t *hd_request_to_json(const struct hd_request *request);
void hd_request_close(struct hd_request *request);

/* Serialises compactly into hd_alloc memory with a NUL byte; length without it. */
HD_CHECKED int hd_message_write(const json_t *json, char **text, size_t *length,
                                struct hd_error *err);

/* {"type":"error","id":id (null for 0),"reason","message","remedy"}. reason_word: a word of
 * core/reason.h, or "bad-request", "busy". */
json_t *hd_message_error(uint64_t id, const char *reason_word, const char *message,
                         const char *remedy);

#endif
