/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/status.h"

#include "core/alloc.h"
#include "core/buffer.h"
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

static int add_line(struct hd_digester *digester, const struct hd_live *live, struct hd_error *err)
{
    struct hd_digest base = { { 0 } }, file;
    char hex[HD_DIGEST_HEX_SIZE];
    if ((live->base != NULL && hd_blob_digest(live->base, &base, err) != 0) ||
        hd_blob_digest(live->file, &file, err) != 0)
        return -1;
    hd_digester_add(digester, live->internal_name, strlen(live->internal_name) + 1);
    hd_digester_add(digester, live->label, strlen(live->label) + 1);
    hd_digest_to_hex(&base, hex);
    hd_digester_add(digester, hex, sizeof hex);
    hd_digest_to_hex(&file, hex);
    hd_digester_add(digester, hex, sizeof hex - 1);
    hd_digester_add(digester, "\n", 1);
    return 0;
}

static int digest_listing(const struct listing *listing, struct hd_digester *digester,
                          struct hd_digest *out, struct hd_error *err)
{
    for (size_t i = 0; i < listing->count; i++) {
        const struct hd_live *live = listing->items[i];
        bool counts = live->state != HD_LIVE_PENDING && hd_live_differs_from_base(live);
        if (counts && add_line(digester, live, err) != 0)
            return -1;
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

static void digest_state(const struct listing *listing, char state[HD_STATE_SIZE])
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_digest digest;
    struct hd_digester *digester = hd_digester_new();
    state[0] = '\0';
    if (digester != NULL && digest_listing(listing, digester, &digest, &ignored) == 0)
        write_state(&digest, state);
    hd_digester_free(digester);
}

void hd_status_digest(struct hd_registry *registry, char state[HD_STATE_SIZE])
{
    struct listing listing;
    state[0] = '\0';
    if (list(registry, &listing))
        digest_state(&listing, state);
    hd_free(listing.items);
}

/* ---- the snapshot ---------------------------------------------------------------------------- */

/* Its words are in the snapshot's text, each with its NUL. */
struct row {
    size_t class_name; /* internal */
    size_t label;
    size_t who;
    enum hd_live_state live;
    uint64_t deployment;
    int64_t when;
    unsigned forced;
    uint32_t threads;
};

struct hd_status {
    struct row *rows; /* sorted */
    size_t count;
    struct hd_buffer text;
    char state[HD_STATE_SIZE];
    bool frames_complete;
    json_t *fields; /* what the road puts beside the rows */
};

static int add_text(struct hd_status *status, const char *text, size_t *at, struct hd_error *err)
{
    *at = status->text.length;
    return hd_buffer_append(&status->text, text, strlen(text) + 1, err);
}

static const char *text_at(const struct hd_status *status, size_t at)
{
    return (const char *)status->text.data + at;
}

/* In most rows it is whose the row before is. */
static int add_who(struct hd_status *status, const char *who, size_t *at, struct hd_error *err)
{
    if (status->count > 0) {
        *at = status->rows[status->count - 1].who;
        if (strcmp(text_at(status, *at), who) == 0)
            return 0;
    }
    return add_text(status, who, at, err);
}

static uint32_t threads_in(const struct hd_old_frames *frames, const struct hd_map *index,
                           const char *internal_name)
{
    size_t at;
    if (frames == NULL || !hd_map_find(index, hd_map_key(internal_name), &at))
        return 0;
    return frames->class_threads[at];
}

static int add_row(struct hd_status *status, const struct hd_live *live, unsigned forced,
                   uint32_t threads, struct hd_error *err)
{
    struct row row = { .live = live->state,
                       .deployment = live->deployment,
                       .when = live->when,
                       .forced = forced,
                       .threads = threads };
    if (add_text(status, live->internal_name, &row.class_name, err) != 0 ||
        add_text(status, live->label, &row.label, err) != 0 ||
        add_who(status, live->who, &row.who, err) != 0)
        return -1;
    status->rows[status->count++] = row;
    return 0;
}

static int add_rows(struct hd_status *status, const struct listing *listing,
                    const struct hd_forced_marks *forced, const struct hd_old_frames *frames)
{
    struct hd_map index = HD_MAP_INIT;
    struct hd_error err = HD_ERROR_INIT;
    int result = 0;
    for (size_t i = 0; result == 0 && frames != NULL && i < frames->class_count; i++)
        result = hd_map_put(&index, hd_map_key(frames->class_names[i]), i, &err);
    for (size_t i = 0; result == 0 && i < listing->count; i++) {
        const struct hd_live *live = listing->items[i];
        unsigned bits = 0;
        result = hd_forced_of(forced, live->file, &bits, &err);
        if (result == 0)
            result =
                add_row(status, live, bits, threads_in(frames, &index, live->internal_name), &err);
    }
    hd_map_close(&index);
    return result;
}

static struct hd_status *from_listing(const struct listing *listing,
                                      const struct hd_forced_marks *forced,
                                      const struct hd_old_frames *frames)
{
    struct hd_status *status = hd_alloc_zeroed(1, sizeof *status);
    if (status == NULL)
        return NULL;
    status->frames_complete = frames == NULL || frames->complete;
    status->rows = hd_alloc_zeroed(listing->count, sizeof *status->rows);
    digest_state(listing, status->state);
    if (status->rows != NULL && add_rows(status, listing, forced, frames) == 0)
        return status;
    hd_status_free(status);
    return NULL;
}

struct hd_status *hd_status_new_take(struct hd_registry *registry,
                                     const struct hd_forced_marks *forced,
                                     const struct hd_old_frames *frames, json_t *fields)
{
    struct listing listing = { NULL, 0 };
    struct hd_status *status = NULL;
    if (fields != NULL && list(registry, &listing))
        status = from_listing(&listing, forced, frames);
    hd_free(listing.items);
    if (status != NULL)
        status->fields = fields;
    else
        json_decref(fields);
    return status;
}

void hd_status_free(struct hd_status *status)
{
    if (status == NULL)
        return;
    hd_free(status->rows);
    hd_buffer_close(&status->text);
    json_decref(status->fields);
    hd_free(status);
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

static json_t *row_to_json(const struct hd_status *status, const struct row *row)
{
    char when[HD_TEXT_TIME_SIZE];
    hd_text_utc(row->when, when);
    char *name = hd_text_class_name(hd_map_key(text_at(status, row->class_name)));
    json_t *json = name == NULL
                       ? NULL
                       : json_pack("{s:s, s:o, s:s, s:I, s:o, s:s, s:I, s:o}", "class", name,
                                   "loader", hd_json_text(text_at(status, row->label)), "live",
                                   live_word(row->live), "deployment", (json_int_t)row->deployment,
                                   "who", hd_json_text(text_at(status, row->who)), "when", when,
                                   "threads_in_old_code", (json_int_t)row->threads, "forced",
                                   hd_forced_to_json(row->forced));
    hd_free(name);
    if (json != NULL && row->live == HD_LIVE_WRONG_BASE)
        (void)json_object_set_new(json, "reason",
                                  json_string(hd_reason_word(HD_REASON_WRONG_BASE)));
    return json;
}

static json_t *rows_to_json(const struct hd_status *status)
{
    json_t *rows = json_array();
    bool complete = rows != NULL;
    for (size_t i = 0; complete && i < status->count; i++)
        complete = json_array_append_new(rows, row_to_json(status, &status->rows[i])) == 0;
    if (complete)
        return rows;
    json_decref(rows);
    return NULL;
}

json_t *hd_status_to_json(const struct hd_status *status, const struct hd_jvm *jvm)
{
    json_t *rows = rows_to_json(status);
    if (rows == NULL)
        return NULL;
    json_t *document = json_pack("{s:i, s:s, s:s, s:n, s:o, s:b}", "pid", jvm->pid, "jdk",
                                 jvm->version, "state", status->state, "busy", "classes", rows,
                                 "old_frames_complete", (int)status->frames_complete);
    if (document != NULL && json_object_update(document, status->fields) == 0)
        return document;
    json_decref(document);
    return NULL;
}
