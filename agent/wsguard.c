/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/wsguard.h"

#include "core/text.h"

#include <ctype.h>
#include <string.h>

/* RFC 6455 §5.2 */
enum {
    FINAL_BIT = 0x80,
    RESERVED_BITS = 0x70,
    OPCODE_BITS = 0x0F,
    CONTROL_BIT = 0x08,
    CLOSE = 0x08,
    CONTROL_MAX = 125,
    MASK_BIT = 0x80,
    LENGTH_BITS = 0x7F,
    LENGTH_IN_2_BYTES = 126,
    LENGTH_IN_8_BYTES = 127,
    MASK_BYTES = 4
};

/* RFC 6455 §7.4.1 */
enum { NO_ERROR = 0, PROTOCOL_ERROR = 1002, NOT_UTF8 = 1007 };

/* ---- the head -------------------------------------------------------------------------------- */

static const uint8_t end_of_head[] = { '\r', '\n', '\r', '\n' };

static bool is_control(uint8_t byte)
{
    return (byte < 0x20 && byte != '\t') || byte == 0x7F;
}

/* "GET " at its beginning, " HTTP/1.1" at its end. */
static bool pass_first_line_byte(struct hd_wsguard *guard, uint8_t byte)
{
    static const char method[] = "GET ", protocol[] = " HTTP/1.1";
    size_t at = guard->head_length - 1;
    if (at < sizeof method - 1 && byte != (uint8_t)method[at])
        return false;
    if (byte != '\r') {
        guard->line_tail[at % sizeof guard->line_tail] = (char)byte;
        return true;
    }
    for (size_t i = 0; i < sizeof guard->line_tail; i++) {
        if (guard->line_tail[(at + i) % sizeof guard->line_tail] != protocol[i])
            return false;
    }
    guard->first_line_done = true;
    return true;
}

/* RFC 9110 §5.6.2 */
static bool is_token(uint8_t byte)
{
    return isalnum(byte) || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

/* "Name: value" (RFC 9112 §5): nothing before the colon but the name, and no line that goes on in
 * the next. */
static bool pass_header_byte(struct hd_wsguard *guard, uint8_t byte)
{
    if (byte == '\r')
        return guard->line_length == 0 || guard->line_named;
    if (byte == '\n') {
        guard->line_length = 0;
        guard->line_named = false;
        return true;
    }
    if (++guard->line_length > HD_WSGUARD_LINE_MAX)
        return false;
    if (guard->line_named || is_token(byte))
        return true;
    guard->line_named = byte == ':' && guard->line_length > 1;
    return guard->line_named;
}

static bool pass_head_byte(struct hd_wsguard *guard, uint8_t byte)
{
    bool (*pass)(struct hd_wsguard *, uint8_t) =
        guard->first_line_done ? pass_header_byte : pass_first_line_byte;
    bool expected = byte == end_of_head[guard->line_end];
    bool inside_line_break = guard->line_end % 2 == 1;
    if (++guard->head_length > HD_WSGUARD_HEAD_MAX || (inside_line_break && !expected) ||
        (is_control(byte) && !expected) || !pass(guard, byte))
        return false;
    guard->line_end = expected ? guard->line_end + 1 : 0;
    if (guard->line_end == sizeof end_of_head)
        guard->state = HD_WSGUARD_FRAME;
    return true;
}

/* ---- the head of a frame --------------------------------------------------------------------- */

static bool is_bad_start(const uint8_t held[2])
{
    bool control = (held[0] & CONTROL_BIT) != 0;
    return (held[1] & MASK_BIT) == 0 || (held[0] & RESERVED_BITS) != 0 ||
           (control && ((held[0] & FINAL_BIT) == 0 || (held[1] & LENGTH_BITS) > CONTROL_MAX));
}

static size_t length_bytes(const struct hd_wsguard *guard)
{
    unsigned length = guard->held[1] & LENGTH_BITS;
    return length == LENGTH_IN_2_BYTES ? 2 : length == LENGTH_IN_8_BYTES ? 8 : 0;
}

/* False where a shorter form would have done, or the highest bit is set. */
static bool read_length(struct hd_wsguard *guard)
{
    size_t bytes = length_bytes(guard);
    uint64_t length = 0;
    for (size_t i = 0; i < bytes; i++)
        length = length << 8 | guard->held[2 + i];
    guard->payload = bytes == 0 ? guard->held[1] & LENGTH_BITS : length;
    return bytes == 0 ||
           (bytes == 2 ? length > CONTROL_MAX : length > UINT16_MAX && length <= INT64_MAX);
}

static bool is_close(const struct hd_wsguard *guard)
{
    return (guard->held[0] & OPCODE_BITS) == CLOSE;
}

/* ---- a close --------------------------------------------------------------------------------- */

/* RFC 6455 §7.4, and the registry that it began: 1012 to 1014 were added since. */
static bool may_be_sent(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

/* What is wrong with the close that is held. */
static unsigned judge_close(const struct hd_wsguard *guard)
{
    const uint8_t *mask = guard->held + 2;
    const uint8_t *masked = mask + MASK_BYTES;
    size_t length = guard->held[1] & LENGTH_BITS;
    uint8_t said[CONTROL_MAX];
    for (size_t i = 0; i < length; i++)
        said[i] = masked[i] ^ mask[i % MASK_BYTES];
    if (length == 0)
        return NO_ERROR;
    if (length == 1 || !may_be_sent((unsigned)said[0] << 8 | said[1]))
        return PROTOCOL_ERROR;
    return hd_text_is_utf8(said + 2, length - 2) ? NO_ERROR : NOT_UTF8;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* The server answers a close with the code that it brings, so this is how the peer hears of it. */
static size_t refuse(struct hd_wsguard *guard, unsigned code, uint8_t *out)
{
    const uint8_t frame[] = { FINAL_BIT | CLOSE,    MASK_BIT | 2, 0, 0, 0, 0,
                              (uint8_t)(code >> 8), (uint8_t)code };
    memcpy(out, frame, sizeof frame);
    guard->verdict = HD_WSGUARD_BAD_FRAME;
    return sizeof frame;
}

static size_t release(struct hd_wsguard *guard, uint8_t *out)
{
    size_t count = guard->held_length;
    memcpy(out, guard->held, count);
    guard->held_length = 0;
    return count;
}

static size_t end_close(struct hd_wsguard *guard, uint8_t *out)
{
    unsigned code = judge_close(guard);
    if (code != NO_ERROR)
        return refuse(guard, code, out);
    guard->verdict = HD_WSGUARD_CLOSED;
    return release(guard, out);
}

/* Bytes written to out for one byte of a frame's head, or of a close. */
static size_t pass_frame_byte(struct hd_wsguard *guard, uint8_t byte, uint8_t *out)
{
    guard->held[guard->held_length++] = byte;
    if (guard->held_length < 2)
        return 0;
    size_t before_mask = 2 + length_bytes(guard);
    size_t head = before_mask + MASK_BYTES;
    if (guard->held_length == 2 && is_bad_start(guard->held))
        return refuse(guard, PROTOCOL_ERROR, out);
    if (guard->held_length == before_mask && !read_length(guard))
        return refuse(guard, PROTOCOL_ERROR, out);
    if (guard->held_length < head ||
        (is_close(guard) && guard->held_length < head + guard->payload))
        return 0;
    if (is_close(guard))
        return end_close(guard, out);
    guard->state = guard->payload > 0 ? HD_WSGUARD_PAYLOAD : HD_WSGUARD_FRAME;
    return release(guard, out);
}

static size_t pass_payload(struct hd_wsguard *guard, const uint8_t *in, size_t length, uint8_t *out)
{
    size_t count = guard->payload < length ? (size_t)guard->payload : length;
    memcpy(out, in, count);
    guard->payload -= count;
    if (guard->payload == 0)
        guard->state = HD_WSGUARD_FRAME;
    return count;
}

size_t hd_wsguard_pass(struct hd_wsguard *guard, const uint8_t *in, size_t length, uint8_t *out)
{
    size_t written = 0;
    size_t at = 0;
    while (at < length && guard->verdict == HD_WSGUARD_GOOD) {
        if (guard->state == HD_WSGUARD_HEAD) {
            if (!pass_head_byte(guard, in[at])) {
                guard->verdict = HD_WSGUARD_BAD_HEAD;
                return 0;
            }
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
