/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/status.h"

#include "core/alloc.h"
#include "core/json.h"
#include "core/map.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

/* The entries that people should see, in the order in which they are shown. */
struct listing {
    struct hd_live **items;
    size_t count;
};

static void list_one(struct hd_live *live, void *context)
{
    struct listing *listing = context;
    if (live->state == HD_LIVE_PENDING || live->state == HD_LIVE_WRONG_BASE ||
        live->state == HD_LIVE_FOREIGN || hd_live_differs_from_base(live))
        listing->items[listing->count++] = live;
}

/* By name as bytes, so that the state is the same everywhere. */
static int by_name_and_label(const void *a, const void *b)
{
    const struct hd_live *left = *(struct hd_live *const *)a;
    const struct hd_live *right = *(struct hd_live *const *)b;
    int order = strcmp(left->internal_name, right->internal_name);
    return order != 0 ? order : strcmp(left->label, right->label);
}

/* False when memory is out. The caller frees items. */
static bool list(const struct hd_registry *registry, struct listing *listing)
{
    size_t count = hd_registry_count(registry);
    *listing = (struct listing){ hd_alloc_zeroed(count, sizeof(struct hd_live *)), 0 };
    if (listing->items == NULL)
        return false;
    hd_registry_each(registry, list_one, listing);
    qsort(listing->items, listing->count, sizeof(struct hd_live *), by_name_and_label);
    return true;
}

/* ---- the state ------------------------------------------------------------------------------- */

static void add_line(struct hd_digester *digester, const struct hd_live *live)
{
    static const struct hd_digest none;
    char hex[HD_DIGEST_HEX_SIZE];
    hd_digester_add(digester, live->internal_name, strlen(live->internal_name) + 1);
    hd_digester_add(digester, live->label, strlen(live->label) + 1);
    hd_digest_to_hex(live->base != NULL ? &live->base->digest : &none, hex);
    hd_digester_add(digester, hex, sizeof hex);
    hd_digest_to_hex(&live->file->digest, hex);
    hd_digester_add(digester, hex, sizeof hex - 1);
    hd_digester_add(digester, "\n", 1);
}

static int digest_listing(const struct listing *listing, struct hd_digester *digester,
                          struct hd_digest *out, struct hd_error *err)
{
    for (size_t i = 0; i < listing->count; i++) {
        const struct hd_live *live = listing->items[i];
        if (live->state != HD_LIVE_PENDING && hd_live_differs_from_base(live))
            add_line(digester, live);
    }
    return hd_digester_finish(digester, out, err);
}

static void write_state(const struct hd_digest *digest, char state[HD_STATE_SIZE])
{
    char hex[HD_DIGEST_HEX_SIZE];
    hd_digest_to_hex(digest, hex);
    memcpy(state, hex, HD_STATE_SIZE - 1);
    state[HD_STATE_SIZE - 1] = '\0';
}

void hd_status_digest(struct hd_registry *registry, char state[HD_STATE_SIZE])
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_digest digest;
    struct listing listing;
    struct hd_digester *digester = hd_digester_new();
    state[0] = '\0';
    if (list(registry, &listing) && digester != NULL &&
        digest_listing(&listing, digester, &digest, &ignored) == 0)
        write_state(&digest, state);
    hd_free(listing.items);
    hd_digester_free(digester);
}

/* ---- the document ---------------------------------------------------------------------------- */

static const char *live_word(enum hd_live_state state)
{
    static const char *const words[] = {
        [HD_LIVE_REDEFINED] = "redefined", [HD_LIVE_DEFINED] = "defined",
        [HD_LIVE_PENDING] = "pending",     [HD_LIVE_FOREIGN] = "foreign-changed",
        [HD_LIVE_WRONG_BASE] = "original",
    };
    return words[state];
}

static uint32_t threads_in(const struct hd_old_frames *frames, const struct hd_map *index,
                           const char *internal_name)
{
    size_t at;
    if (frames == NULL || !hd_map_find(index, hd_map_key(internal_name), &at))
        return 0;
    return frames->class_threads[at];
}

static json_t *row_to_json(const struct hd_live *live, unsigned forced, uint32_t threads)
{
    char when[HD_TEXT_TIME_SIZE];
    hd_text_utc(live->when, when);
    char *name = hd_text_class_name(hd_map_key(live->internal_name));
    json_t *row =
        name == NULL
            ? NULL
            : json_pack("{s:s, s:o, s:s, s:I, s:o, s:s, s:I, s:o}", "class", name, "loader",
                        hd_json_text(live->label), "live", live_word(live->state), "deployment",
                        (json_int_t)live->deployment, "who", hd_json_text(live->who), "when", when,
                        "threads_in_old_code", (json_int_t)threads, "forced",
                        hd_forced_to_json(forced));
    hd_free(name);
    if (row != NULL && live->state == HD_LIVE_WRONG_BASE)
        (void)json_object_set_new(row, "reason", json_string(hd_reason_word(HD_REASON_WRONG_BASE)));
    return row;
}

static json_t *rows_to_json(const struct listing *listing, const struct hd_forced_marks *forced,
                            const struct hd_old_frames *frames)
{
    struct hd_map index = HD_MAP_INIT;
    struct hd_error ignored = HD_ERROR_INIT;
    json_t *rows = json_array();
    bool complete = rows != NULL;
    for (size_t i = 0; complete && frames != NULL && i < frames->class_count; i++)
        complete = hd_map_put(&index, hd_map_key(frames->class_names[i]), i, &ignored) == 0;
    for (size_t i = 0; complete && i < listing->count; i++) {
        const struct hd_live *live = listing->items[i];
        uint32_t threads = threads_in(frames, &index, live->internal_name);
        unsigned bits = hd_forced_of(forced, &live->file->digest);
        complete = json_array_append_new(rows, row_to_json(live, bits, threads)) == 0;
    }
    hd_map_close(&index);
    if (complete)
        return rows;
    json_decref(rows);
    return NULL;
}

json_t *hd_status_to_json(const struct hd_jvm *jvm, struct hd_registry *registry,
                          const struct hd_forced_marks *forced, const struct hd_old_frames *frames)
{
    struct listing listing;
    char state[HD_STATE_SIZE];
    hd_status_digest(registry, state);
    if (!list(registry, &listing))
        return NULL;
    json_t *rows = rows_to_json(&listing, forced, frames);
    hd_free(listing.items);
    if (rows == NULL)
        return NULL;
    return json_pack("{s:i, s:s, s:s, s:n, s:o, s:b}", "pid", jvm->pid, "jdk", jvm->version,
                     "state", state, "busy", "classes", rows, "old_frames_complete",
                     frames == NULL || frames->complete);
}
