/* SPDX-License-Identifier: Apache-2.0 */
#include "client/frame.h"

#include <string.h>

enum {
    FINAL_BINARY = 0x82,
    MASK_BIT = 0x80,
    LENGTH_MAX_IN_HEAD = 125,
    LENGTH_IN_2_BYTES = 126,
    LENGTH_IN_8_BYTES = 127
};

static uint8_t *put_length(uint8_t *out, uint64_t length)
{
    unsigned bytes = length <= LENGTH_MAX_IN_HEAD ? 0 : length <= UINT16_MAX ? 2 : 8;
    unsigned form = bytes == 0   ? (unsigned)length
                    : bytes == 2 ? LENGTH_IN_2_BYTES
                                 : LENGTH_IN_8_BYTES;
    *out++ = (uint8_t)(MASK_BIT | form);
    while (bytes > 0)
        *out++ = (uint8_t)(length >> (8 * --bytes));
    return out;
}

static void put_masked(uint8_t *out, const uint8_t *payload, size_t length, const uint8_t *mask)
{
    uint64_t wide_mask, word;
    size_t at = 0;
    memcpy(&wide_mask, mask, HD_FRAME_MASK_BYTES);
    memcpy((uint8_t *)&wide_mask + HD_FRAME_MASK_BYTES, mask, HD_FRAME_MASK_BYTES);
    for (; length - at >= sizeof word; at += sizeof word) {
        memcpy(&word, payload + at, sizeof word);
        word ^= wide_mask;
        memcpy(out + at, &word, sizeof word);
    }
    for (; at < length; at++)
        out[at] = payload[at] ^ mask[at % HD_FRAME_MASK_BYTES];
}

size_t hd_frame_binary(const void *payload, size_t length, const uint8_t mask[HD_FRAME_MASK_BYTES],
                       uint8_t *out)
{
    uint8_t *at = out;
    *at++ = FINAL_BINARY;
    at = put_length(at, length);
    memcpy(at, mask, HD_FRAME_MASK_BYTES);
    at += HD_FRAME_MASK_BYTES;
    put_masked(at, payload, length, mask);
    return (size_t)(at - out) + length;
}
