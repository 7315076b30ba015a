/* SPDX-License-Identifier: Apache-2.0 */
#include "core/past.h"

#include "core/alloc.h"
#include "core/json.h"
#include "core/message.h"
#include "core/reason.h"

#include <string.h>

struct item {
    uint64_t number;
    bool ended;
    char *summary; /* JSON */
    size_t summary_length;
    char *full; /* JSON; NULL as long as it has not ended */
    size_t full_length;
};

struct hd_past {
    struct item *items; /* in the order of the journal */
    size_t count;
    size_t capacity;
    size_t bytes;
};

/* What a report has and a line of history has not. */
static const char *const report_keys[] = {
    "state",  "classes", "classes_left_out", "old_frames", "old_frames_complete", "returns_to",
    "undone", "kept",    "keep_error",       "kept_state"
};
/* What the journal puts around it. */
static const char *const journal_keys[] = { "n", "prev", "at", "event" };

struct hd_past *hd_past_new(void)
{
    return hd_alloc_zeroed(1, sizeof(struct hd_past));
}

static void close_item(struct item *item)
{
    hd_free(item->summary);
    hd_free(item->full);
}

void hd_past_free(struct hd_past *past)
{
    if (past == NULL)
        return;
    for (size_t i = 0; i < past->count; i++)
        close_item(&past->items[i]);
    hd_free(past->items);
    hd_free(past);
}

static size_t bytes_of(const struct item *item)
{
    return sizeof *item + item->summary_length + item->full_length;
}

static void delete_keys(json_t *object, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_object_del(object, keys[i]);
}

static int write_item(const json_t *entry, struct item *item, struct hd_error *err)
{
    json_t *document = json_copy((json_t *)(uintptr_t)entry);
    if (document == NULL)
        return hd_error_set_memory(err);
    delete_keys(document, journal_keys, sizeof journal_keys / sizeof journal_keys[0]);
    int result = 0;
    if (item->ended)
        result = hd_message_write(document, &item->full, &item->full_length, err);
    delete_keys(document, report_keys, sizeof report_keys / sizeof report_keys[0]);
    if (result == 0)
        result = hd_message_write(document, &item->summary, &item->summary_length, err);
    json_decref(document);
    if (result != 0)
        close_item(item);
    return result;
}

static struct item *find(const struct hd_past *past, uint64_t number)
{
    for (size_t i = past->count; i-- > 0;) {
        if (past->items[i].number == number)
            return &past->items[i];
    }
    return NULL;
}

static void drop_oldest(struct hd_past *past)
{
    past->bytes -= bytes_of(&past->items[0]);
    close_item(&past->items[0]);
    past->count--;
    memmove(past->items, past->items + 1, past->count * sizeof *past->items);
}

static int make_room(struct hd_past *past, struct hd_error *err)
{
    if (past->count < past->capacity)
        return 0;
    size_t capacity = past->capacity > 0 ? past->capacity * 2 : 16;
    struct item *grown = hd_realloc_array(past->items, capacity, sizeof *grown);
    if (grown == NULL)
        return hd_error_set_memory(err);
    past->items = grown;
    past->capacity = capacity;
    return 0;
}

static int put_take(struct hd_past *past, struct item *item, struct hd_error *err)
{
    struct item *known = find(past, item->number);
    if (known == NULL && make_room(past, err) != 0) {
        close_item(item);
        return -1;
    }
    if (known != NULL) {
        past->bytes -= bytes_of(known);
        close_item(known);
    } else {
        known = &past->items[past->count++];
    }
    *known = *item;
    past->bytes += bytes_of(item);
    while (past->count > 1 &&
           (past->count > HD_PAST_MAX_DEPLOYMENTS || past->bytes > HD_PAST_MAX_BYTES))
        drop_oldest(past);
    return 0;
}

/* ---- how a trial ended ------------------------------------------------------------------------ */

static bool is_open_trial(const json_t *document)
{
    const json_t *trial = json_object_get(document, "trial");
    return json_is_object(trial) && json_is_null(json_object_get(trial, "ended"));
}

static bool put_trial_end(json_t *document, const char *word, const json_t *entry)
{
    json_t *trial = json_object_get(document, "trial");
    json_int_t rollback = json_integer_value(json_object_get(entry, "deployment"));
    bool is_rollback = json_object_get(entry, "undone") != NULL;
    return hd_json_put(trial, "ended", hd_json_text(word)) &&
           hd_json_put(trial, "who", json_copy(json_object_get(entry, "who"))) &&
           hd_json_put(trial, "when", json_copy(json_object_get(entry, "at"))) &&
           (!is_rollback || hd_json_put(trial, "rollback", json_integer(rollback)));
}

/* The text is another one then. */
static int end_trial_in(char **text, size_t *length, const char *word, const json_t *entry,
                        struct hd_error *err)
{
    char *written = NULL;
    json_t *document = json_loadb(*text, *length, 0, NULL);
    int result = document != NULL ? 0 : hd_error_set_memory(err);
    bool open = result == 0 && is_open_trial(document);
    if (open && !put_trial_end(document, word, entry))
        result = hd_error_set_memory(err);
    if (open && result == 0)
        result = hd_message_write(document, &written, length, err);
    json_decref(document);
    if (written != NULL) {
        hd_free(*text);
        *text = written;
    }
    return result;
}

static int end_trial(struct hd_past *past, uint64_t number, const char *word, const json_t *entry,
                     struct hd_error *err)
{
    struct item *item = find(past, number);
    if (item == NULL || !item->ended)
        return 0;
    past->bytes -= bytes_of(item);
    int result = end_trial_in(&item->summary, &item->summary_length, word, entry, err);
    if (result == 0)
        result = end_trial_in(&item->full, &item->full_length, word, entry, err);
    past->bytes += bytes_of(item);
    return result;
}

static int end_undone_trials(struct hd_past *past, const json_t *entry, struct hd_error *err)
{
    size_t index;
    json_t *number;
    if (!json_is_true(json_object_get(entry, "applied")))
        return 0;
    json_array_foreach(json_object_get(entry, "undone"), index, number)
    {
        if (end_trial(past, (uint64_t)json_integer_value(number), "rolled-back", entry, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

int hd_past_visit(const json_t *entry, void *context, struct hd_error *err)
{
    const char *event = json_string_value(json_object_get(entry, "event"));
    json_int_t number = json_integer_value(json_object_get(entry, "deployment"));
    if (event == NULL || number <= 0)
        return 0;
    if (strcmp(event, "confirm") == 0)
        return end_trial(context, (uint64_t)number, "confirmed", entry, err);
    bool ended = strcmp(event, "end") == 0;
    if (!ended && strcmp(event, "begin") != 0)
        return 0;
    struct item item = { .number = (uint64_t)number, .ended = ended };
    if (write_item(entry, &item, err) != 0)
        return -1;
    if (put_take(context, &item, err) != 0)
        return -1;
    return ended ? end_undone_trials(context, entry, err) : 0;
}

size_t hd_past_count(const struct hd_past *past)
{
    return past->count;
}

uint64_t hd_past_dropped(const struct hd_past *past)
{
    return past->count > 0 ? past->items[0].number - 1 : 0;
}

/* Nobody knows how far it came: what it was going to do must not be read as done. */
static bool say_interrupted(json_t *document)
{
    json_t *error = json_object();
    bool complete =
        hd_json_put(error, "reason", hd_json_text(hd_reason_word(HD_REASON_INTERRUPTED))) &&
        hd_json_put(error, "message", hd_json_text(hd_reason_sentence(HD_REASON_INTERRUPTED))) &&
        hd_json_put(error, "remedy", hd_json_text(hd_reason_remedy(HD_REASON_INTERRUPTED)));
    return hd_json_put(document, "applied", json_false()) &&
           hd_json_put(document, "outcomes", json_object()) &&
           hd_json_put(document, "error", hd_json_finish(error, complete));
}

/* A trial that was still open ended with its JVM. */
static json_t *load(const char *text, size_t length)
{
    json_t *document = json_loadb(text, length, 0, NULL);
    if (!is_open_trial(document) ||
        hd_json_put(json_object_get(document, "trial"), "ended", hd_json_text("jvm-ended")))
        return document;
    json_decref(document);
    return NULL;
}

static json_t *summary_of(const struct item *item)
{
    json_t *document = load(item->summary, item->summary_length);
    if (document == NULL || item->ended || say_interrupted(document))
        return document;
    json_decref(document);
    return NULL;
}

static json_t *interrupted_in_full(const struct item *item)
{
    json_t *document = summary_of(item);
    bool complete = document != NULL && hd_json_put(document, "state", hd_json_text("")) &&
                    hd_json_put(document, "classes", json_array()) &&
                    hd_json_put(document, "old_frames", json_integer(0)) &&
                    hd_json_put(document, "old_frames_complete", json_false());
    return hd_json_finish(document, complete);
}

json_t *hd_past_find(const struct hd_past *past, uint64_t number)
{
    const struct item *item = find(past, number);
    if (item == NULL)
        return NULL;
    return item->ended ? load(item->full, item->full_length) : interrupted_in_full(item);
}

bool hd_past_append_to(const struct hd_past *past, json_t *array)
{
    for (size_t i = past->count; i-- > 0;) {
        if (json_array_append_new(array, summary_of(&past->items[i])) != 0)
            return false;
    }
    return true;
}
