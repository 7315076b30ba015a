/* SPDX-License-Identifier: Apache-2.0 */
#include "core/refusals.h"

#include "core/json.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

#define PERIOD ((int64_t)HD_REFUSALS_SECONDS * 1000000)

/* ---- remembering ----------------------------------------------------------------------------- */

static bool is_same(const struct hd_refusal_line *line, const struct hd_refusal *refusal)
{
    return line->count > 0 && line->role == refusal->role && line->needed == refusal->needed &&
           line->origin.way == refusal->origin->way &&
           strcmp(line->origin.who, refusal->origin->who) == 0 &&
           strcmp(line->peer, refusal->peer) == 0 && strcmp(line->what, refusal->what) == 0;
}

/* The same one, else a free one, else that of all the others. */
static struct hd_refusal_line *find_line(struct hd_refusals *refusals,
                                         const struct hd_refusal *refusal)
{
    struct hd_refusal_line *free_line = &refusals->others;
    for (size_t i = HD_REFUSALS_KINDS; i-- > 0;) {
        struct hd_refusal_line *line = &refusals->lines[i];
        if (is_same(line, refusal))
            return line;
        if (line->count == 0)
            free_line = line;
    }
    return free_line;
}

static void fill(struct hd_refusal_line *line, const struct hd_refusal *refusal, int64_t when)
{
    *line = (struct hd_refusal_line){
        .origin = *refusal->origin, .role = refusal->role, .needed = refusal->needed, .when = when
    };
    snprintf(line->peer, sizeof line->peer, "%s", refusal->peer);
    snprintf(line->what, sizeof line->what, "%s", refusal->what);
    hd_text_escape(refusal->why, line->why, sizeof line->why);
}

void hd_refusals_add(struct hd_refusals *refusals, const struct hd_refusal *refusal, int64_t when)
{
    struct hd_refusal_line *line = find_line(refusals, refusal);
    if (line->count == 0)
        fill(line, refusal, when);
    line->count++;
}

bool hd_refusals_any(const struct hd_refusals *refusals)
{
    for (size_t i = 0; i < HD_REFUSALS_KINDS; i++) {
        if (refusals->lines[i].count > 0)
            return true;
    }
    return refusals->others.count > 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void free_what_is_due(struct hd_refusals *refusals, int64_t now)
{
    int64_t periods = (now - refusals->freed_at) / PERIOD;
    if (refusals->spent == 0 || periods >= (int64_t)refusals->spent) {
        refusals->spent = 0;
        refusals->freed_at = now;
    } else if (periods > 0) {
        refusals->spent -= (unsigned)periods;
        refusals->freed_at += periods * PERIOD;
    }
}

static struct hd_refusal_line *oldest(struct hd_refusals *refusals)
{
    struct hd_refusal_line *found = refusals->others.count > 0 ? &refusals->others : NULL;
    for (size_t i = 0; i < HD_REFUSALS_KINDS; i++) {
        struct hd_refusal_line *line = &refusals->lines[i];
        if (line->count > 0 && (found == NULL || line->when < found->when))
            found = line;
    }
    return found;
}

static bool put_who(json_t *json, const struct hd_refusal_line *line)
{
    return hd_json_put(json, "who", hd_json_text(line->origin.who)) &&
           hd_json_put(json, "from", hd_json_text(line->origin.from)) &&
           hd_json_put(json, "way", hd_json_text(hd_way_word(line->origin.way))) &&
           hd_json_put(json, "what", hd_json_text(line->what)) &&
           hd_json_put(json, "role", hd_json_text(hd_role_word(line->role))) &&
           hd_json_put(json, "needed", hd_json_text(hd_role_word(line->needed))) &&
           hd_json_put(json, "why", hd_json_text(line->why));
}

static json_t *to_json(const struct hd_refusal_line *line, bool others)
{
    char utc[HD_TEXT_TIME_SIZE];
    json_t *json = json_object();
    hd_text_utc(line->when, utc);
    bool complete = (others || put_who(json, line)) &&
                    hd_json_put(json, "count", hd_json_number(line->count)) &&
                    hd_json_put(json, "when", hd_json_text(utc));
    return hd_json_finish(json, complete);
}

json_t *hd_refusals_take(struct hd_refusals *refusals, int64_t now)
{
    free_what_is_due(refusals, now);
    json_t *array = json_array();
    struct hd_refusal_line *line = oldest(refusals);
    while (array != NULL && line != NULL && refusals->spent < HD_REFUSALS_BURST) {
        if (json_array_append_new(array, to_json(line, line == &refusals->others)) != 0)
            break;
        line->count = 0;
        refusals->spent++;
        line = oldest(refusals);
    }
    if (json_array_size(array) > 0)
        return array;
    json_decref(array);
    return NULL;
}

int64_t hd_refusals_wait(const struct hd_refusals *refusals, int64_t now)
{
    int64_t left = refusals->freed_at + PERIOD - now;
    return refusals->spent < HD_REFUSALS_BURST || left < 0 ? 0 : left;
}
