/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a websocket client may send, byte by byte, in front of libwebsockets, which does not look at
 * all of it. The head of its request must be bounded, begin with GET, ask in HTTP/1.1 (RFC 6455
 * §4.1), have no control characters, end its lines in CRLF (RFC 9112 §2.2: what two parsers take
 * for the end of the head must be the same place), and each of its headers must be a name, a colon
 * and a value on one line of bounded length (§5). Every frame behind it must be masked, without
 * reserved bits, its length in the shortest form, and, if it is a control frame, short and whole;
 * what a close says must be whole, a code that may be sent, and UTF-8 (§5.1, §5.2, §5.5, §7.4).
 * After a close nothing more is heard (§5.5.1).
 *
 * Pure; no allocation; one thread at a time.
 */
#ifndef HD_AGENT_WSGUARD_H
#define HD_AGENT_WSGUARD_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

#define HD_WSGUARD_HEAD_MAX 8192 /* bytes of the request's head, the empty line included */
#define HD_WSGUARD_LINE_MAX 4096 /* bytes of one of its headers */
/* The head of a frame, and the payload of a control frame. */
#define HD_WSGUARD_HELD  (14 + 125)
#define HD_WSGUARD_EXTRA HD_WSGUARD_HELD /* how much longer than its input an output can be */

enum hd_wsguard_verdict {
    HD_WSGUARD_GOOD,
    HD_WSGUARD_BAD_HEAD,  /* not the head of such a request: nothing can be answered */
    HD_WSGUARD_BAD_FRAME, /* the output ends in a close of our own, which the server answers with
                             the code that the peer is to hear: 1002, or 1007 */
    HD_WSGUARD_CLOSED     /* the peer has said that nothing more comes */
};

enum hd_wsguard_state { HD_WSGUARD_HEAD, HD_WSGUARD_FRAME, HD_WSGUARD_PAYLOAD };

struct hd_wsguard {
    enum hd_wsguard_state state;
    enum hd_wsguard_verdict verdict; /* the first that is not good stays */
    size_t head_length;
    unsigned line_end;             /* how much of CR LF CR LF the head has just shown */
    char line_tail[9];             /* the last bytes of its first line so far, as a ring */
    bool first_line_done;          /* and it was good */
    size_t line_length;            /* of a header so far */
    bool line_named;               /* its colon has come */
    uint8_t held[HD_WSGUARD_HELD]; /* of a frame that is not known to be good yet */
    size_t held_length;
    uint64_t payload; /* bytes of payload still to come */
};

#define HD_WSGUARD_INIT                                                                            \
    {                                                                                              \
        .state = HD_WSGUARD_HEAD                                                                   \
    }

/* Passes what is good of in to out, which has room for length + HD_WSGUARD_EXTRA bytes, and returns
 * how many bytes that is. Once the verdict is not good nothing passes any more. */
size_t hd_wsguard_pass(struct hd_wsguard *guard, const uint8_t *in, size_t length, uint8_t *out);

#endif
