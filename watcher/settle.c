/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher/settle.h"

#define MILLISECOND    UINT64_C(1000)
#define SHARE_OF_BURST 4

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most_quiet(const struct hd_settle *settle)
{
    return larger(settle->base, HD_SETTLE_MAX_QUIET);
}

void hd_settle_init(struct hd_settle *settle, uint64_t milliseconds, bool learns)
{
    uint64_t asked = smaller(milliseconds, HD_SETTLE_MAX_BURST / MILLISECOND) * MILLISECOND;
    *settle = (struct hd_settle){ .base = asked, .patience = asked, .learns = learns };
    if (learns)
        settle->patience = smaller(asked * HD_SETTLE_FIRST_PATIENCE, most_quiet(settle));
}

static void begin(struct hd_settle *settle, uint64_t now)
{
    uint64_t pause = now - settle->last;
    if (settle->learns && settle->had_one && pause < HD_SETTLE_LATE)
        settle->patience = smaller(larger(settle->patience, 2 * pause), most_quiet(settle));
    settle->first = now;
    settle->longest = 0;
    settle->active = true;
}

void hd_settle_touch(struct hd_settle *settle, uint64_t now)
{
    if (!settle->active)
        begin(settle, now);
    else
        settle->longest = larger(settle->longest, now - settle->last);
    settle->last = now;
}

static uint64_t quiet_time(const struct hd_settle *settle)
{
    uint64_t quiet = settle->base + (settle->last - settle->first) / SHARE_OF_BURST;
    if (settle->learns)
        quiet = larger(quiet, larger(settle->patience, 2 * settle->longest));
    return smaller(quiet, most_quiet(settle));
}

uint64_t hd_settle_deadline(const struct hd_settle *settle)
{
    if (!settle->active)
        return UINT64_MAX;
    return smaller(settle->last + quiet_time(settle), settle->first + HD_SETTLE_MAX_BURST);
}

void hd_settle_end(struct hd_settle *settle)
{
    if (settle->active && settle->learns) {
        uint64_t calmer = settle->patience - settle->patience / 5;
        uint64_t seen = smaller(2 * settle->longest, most_quiet(settle));
        settle->patience = larger(settle->base, larger(calmer, seen));
    }
    settle->had_one = settle->had_one || settle->active;
    settle->active = false;
}
