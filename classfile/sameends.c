/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/sameends.h"

#include <string.h>

enum { STRIDE = 128 }; /* what is compared in one call */

static size_t same_head(const uint8_t *before, const uint8_t *after, size_t length)
{
    size_t same = 0;
    while (length - same >= STRIDE && memcmp(before + same, after + same, STRIDE) == 0)
        same += STRIDE;
    while (same < length && before[same] == after[same])
        same++;
    return same;
}

/* Both point behind the last byte. */
static size_t same_tail(const uint8_t *before, const uint8_t *after, size_t length)
{
    size_t same = 0;
    while (length - same >= STRIDE &&
           memcmp(before - same - STRIDE, after - same - STRIDE, STRIDE) == 0)
        same += STRIDE;
    while (same < length && *(before - same - 1) == *(after - same - 1))
        same++;
    return same;
}

struct hd_same_ends hd_same_ends_find(struct hd_bytes before, struct hd_bytes after)
{
    struct hd_same_ends ends = { .before = before, .after = after };
    size_t shorter = before.length < after.length ? before.length : after.length;
    if (shorter == 0)
        return ends;
    ends.head = same_head(before.data, after.data, shorter);
    if (ends.head < shorter)
        ends.tail =
            same_tail(before.data + before.length, after.data + after.length, shorter - ends.head);
    return ends;
}
