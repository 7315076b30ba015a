/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a websocket client may send, byte by byte, in front of libwebsockets, which does not look at
 * it: the head of its request must be bounded and end its lines in CRLF (RFC 9112 §2.2: what two
 * parsers take for the end of the head must be the same place), and every frame behind it must be
 * masked, without reserved bits, and, if it is a control frame, short and whole (RFC 6455 §5.1,
 * §5.2, §5.5).
 *
 * Pure; no allocation; one thread at a time.
 */
#ifndef HD_AGENT_WSGUARD_H
#define HD_AGENT_WSGUARD_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

#define HD_WSGUARD_HEAD_MAX 8192 /* bytes of the request's head, the empty line included */
#define HD_WSGUARD_EXTRA    1    /* how much longer than its input an output can be */

enum hd_wsguard_verdict {
    HD_WSGUARD_GOOD,
    HD_WSGUARD_BAD_HEAD, /* too long, or a bare CR or LF: not HTTP, nothing can be answered */
    HD_WSGUARD_BAD_FRAME /* the output ends in a reserved one, so that the server closes with 1002 */
};

enum hd_wsguard_state {
    HD_WSGUARD_HEAD,
    HD_WSGUARD_OPCODE,
    HD_WSGUARD_LENGTH,
    HD_WSGUARD_EXTENDED,
    HD_WSGUARD_MASK,
    HD_WSGUARD_PAYLOAD
};

struct hd_wsguard {
    enum hd_wsguard_state state;
    enum hd_wsguard_verdict verdict; /* the first bad one stays */
    size_t head_length;
    unsigned line_end;   /* how much of CR LF CR LF the head has just shown */
    uint8_t opcode_byte; /* held back until the byte with the mask bit is seen */
    unsigned expected;   /* bytes of the extended length or of the mask still to come */
    uint64_t payload;    /* bytes of payload still to come */
};

#define HD_WSGUARD_INIT     { .state = HD_WSGUARD_HEAD }

/* Passes what is good of in to out, which has room for length + HD_WSGUARD_EXTRA bytes, and returns
 * how many bytes that is. After the first bad verdict nothing passes any more. */
size_t hd_wsguard_pass(struct hd_wsguard *guard, const uint8_t *in, size_t length, uint8_t *out);

#endif
