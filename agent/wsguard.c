/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/wsguard.h"

#include <string.h>

/* RFC 6455 §5.2 */
enum {
    FINAL_BIT = 0x80,
    RESERVED_BITS = 0x70,
    CONTROL_BIT = 0x08,
    CONTROL_MAX = 125,
    MASK_BIT = 0x80,
    LENGTH_BITS = 0x7F,
    LENGTH_IN_2_BYTES = 126,
    LENGTH_IN_8_BYTES = 127,
    MASK_BYTES = 4,
    RESERVED_FRAME = 0x8F /* FIN, opcode 0xF: "the receiving endpoint MUST fail the connection" */
};

static const uint8_t end_of_head[] = { '\r', '\n', '\r', '\n' };

static bool pass_head_byte(struct hd_wsguard *guard, uint8_t byte)
{
    bool expected = byte == end_of_head[guard->line_end];
    bool line_break = byte == '\r' || byte == '\n';
    bool inside_line_break = guard->line_end % 2 == 1;
    if (++guard->head_length > HD_WSGUARD_HEAD_MAX || (inside_line_break && !expected) ||
        (line_break && !expected))
        return false;
    guard->line_end = expected ? guard->line_end + 1 : 0;
    if (guard->line_end == sizeof end_of_head)
        guard->state = HD_WSGUARD_OPCODE;
    return true;
}

/* What libwebsockets lets pass, or answers by hanging up without a word. */
static bool is_bad_frame(uint8_t opcode_byte, uint8_t length_byte)
{
    bool control = (opcode_byte & CONTROL_BIT) != 0;
    return (length_byte & MASK_BIT) == 0 || (opcode_byte & RESERVED_BITS) != 0 ||
           (control &&
            ((opcode_byte & FINAL_BIT) == 0 || (length_byte & LENGTH_BITS) > CONTROL_MAX));
}

static void begin_payload(struct hd_wsguard *guard)
{
    guard->state = guard->payload > 0 ? HD_WSGUARD_PAYLOAD : HD_WSGUARD_OPCODE;
}

static void begin_mask(struct hd_wsguard *guard)
{
    guard->state = HD_WSGUARD_MASK;
    guard->expected = MASK_BYTES;
}

static void take_length_byte(struct hd_wsguard *guard, uint8_t byte)
{
    unsigned length = byte & LENGTH_BITS;
    guard->payload = 0;
    guard->state = HD_WSGUARD_EXTENDED;
    if (length == LENGTH_IN_2_BYTES) {
        guard->expected = 2;
    } else if (length == LENGTH_IN_8_BYTES) {
        guard->expected = 8;
    } else {
        guard->payload = length;
        begin_mask(guard);
    }
}

/* How many of the bytes at hand belong to the payload. */
static size_t payload_in(const struct hd_wsguard *guard, size_t length)
{
    return guard->payload < length ? (size_t)guard->payload : length;
}

static size_t refuse(struct hd_wsguard *guard, enum hd_wsguard_verdict verdict)
{
    guard->verdict = verdict;
    return 0;
}

/* Bytes written to out for one byte of a frame's head. */
static size_t pass_frame_byte(struct hd_wsguard *guard, uint8_t byte, uint8_t *out)
{
    switch (guard->state) {
    case HD_WSGUARD_OPCODE:
        guard->opcode_byte = byte;
        guard->state = HD_WSGUARD_LENGTH;
        return 0;
    case HD_WSGUARD_LENGTH:
        if (is_bad_frame(guard->opcode_byte, byte)) {
            out[0] = RESERVED_FRAME;
            guard->verdict = HD_WSGUARD_BAD_FRAME;
            return 1;
        }
        take_length_byte(guard, byte);
        out[0] = guard->opcode_byte;
        out[1] = byte;
        return 2;
    case HD_WSGUARD_EXTENDED:
        guard->payload = guard->payload << 8 | byte;
        if (--guard->expected == 0)
            begin_mask(guard);
        break;
    default:
        if (--guard->expected == 0)
            begin_payload(guard);
        break;
    }
    out[0] = byte;
    return 1;
}

static size_t pass_payload(struct hd_wsguard *guard, const uint8_t *in, size_t length, uint8_t *out)
{
    size_t count = payload_in(guard, length);
    memcpy(out, in, count);
    guard->payload -= count;
    begin_payload(guard);
    return count;
}

size_t hd_wsguard_pass(struct hd_wsguard *guard, const uint8_t *in, size_t length, uint8_t *out)
{
    size_t written = 0;
    size_t at = 0;
    while (at < length && guard->verdict == HD_WSGUARD_GOOD) {
        if (guard->state == HD_WSGUARD_HEAD) {
            if (!pass_head_byte(guard, in[at]))
                return refuse(guard, HD_WSGUARD_BAD_HEAD);
            out[written++] = in[at++];
        } else if (guard->state == HD_WSGUARD_PAYLOAD) {
            size_t count = pass_payload(guard, in + at, length - at, out + written);
            written += count;
            at += count;
        } else {
            written += pass_frame_byte(guard, in[at++], out + written);
        }
    }
    return written;
}
