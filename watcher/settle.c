/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher/settle.h"

#define MILLISECOND    UINT64_C(1000)
#define SHARE_OF_BURST 4

void hd_settle_init(struct hd_settle *settle, uint64_t milliseconds)
{
    uint64_t longest = HD_SETTLE_MAX_BURST / MILLISECOND;
    uint64_t asked = milliseconds < longest ? milliseconds : longest;
    *settle = (struct hd_settle){ .base = asked * MILLISECOND };
}

void hd_settle_touch(struct hd_settle *settle, uint64_t now)
{
    if (!settle->active)
        settle->first = now;
    settle->last = now;
    settle->active = true;
}

static uint64_t quiet_time(const struct hd_settle *settle)
{
    uint64_t grown = settle->base + (settle->last - settle->first) / SHARE_OF_BURST;
    uint64_t most = settle->base > HD_SETTLE_MAX_QUIET ? settle->base : HD_SETTLE_MAX_QUIET;
    return grown < most ? grown : most;
}

uint64_t hd_settle_deadline(const struct hd_settle *settle)
{
    if (!settle->active)
        return UINT64_MAX;
    uint64_t quiet = settle->last + quiet_time(settle);
    uint64_t cut = settle->first + HD_SETTLE_MAX_BURST;
    return quiet < cut ? quiet : cut;
}

void hd_settle_end(struct hd_settle *settle)
{
    settle->active = false;
}
