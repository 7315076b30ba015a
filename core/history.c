/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history.h"

#include "core/alloc.h"
#include "core/json.h"

#include <string.h>

static int make_room(struct hd_history *history, struct hd_error *err)
{
    if (history->count < history->capacity)
        return 0;
    size_t capacity = history->capacity > 0 ? history->capacity * 2 : 16;
    struct hd_deployment **grown = hd_realloc_array(history->items, capacity, sizeof *grown);
    if (grown == NULL)
        return hd_error_set_memory(err);
    history->items = grown;
    history->capacity = capacity;
    return 0;
}

static uint64_t size_of_text(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static uint64_t size_of_deployment(const struct hd_deployment *deployment)
{
    uint64_t size = sizeof *deployment + deployment->row_capacity * sizeof *deployment->rows +
                    size_of_text(deployment->message) + size_of_text(deployment->bundle_name) +
                    size_of_text(deployment->error_message);
    for (size_t i = 0; i < deployment->row_count; i++) {
        const struct hd_row *row = &deployment->rows[i];
        size += size_of_text(row->class_name) + size_of_text(row->loader) +
                size_of_text(row->message) + size_of_text(row->remedy);
    }
    return size;
}

static void drop_oldest(struct hd_history *history)
{
    history->row_total -= history->items[0]->row_count;
    history->bytes -= size_of_deployment(history->items[0]);
    hd_deployment_release(history->items[0]);
    history->count--;
    history->dropped++;
    memmove(history->items, history->items + 1, history->count * sizeof *history->items);
}

static bool is_over_bound(const struct hd_history *history)
{
    return history->count > HD_HISTORY_MAX_DEPLOYMENTS ||
           history->row_total > HD_HISTORY_MAX_ROWS || history->bytes > HD_HISTORY_MAX_BYTES;
}

int hd_history_add(struct hd_history *history, struct hd_deployment *deployment,
                   struct hd_error *err)
{
    if (make_room(history, err) != 0)
        return -1;
    history->items[history->count++] = hd_deployment_share(deployment);
    history->row_total += deployment->row_count;
    history->bytes += size_of_deployment(deployment);
    while (history->count > 1 && is_over_bound(history))
        drop_oldest(history);
    return 0;
}

const struct hd_deployment *hd_history_find(const struct hd_history *history, uint64_t number)
{
    for (size_t i = 0; i < history->count && number != 0; i++) {
        if (history->items[i]->number == number)
            return history->items[i];
    }
    return NULL;
}

uint64_t hd_history_size(const struct hd_history *history)
{
    return history->capacity * sizeof *history->items + history->bytes;
}

json_t *hd_history_to_json(const struct hd_history *history)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (size_t i = history->count; i > 0 && complete; i--)
        complete =
            json_array_append_new(array, hd_deployment_summary_to_json(history->items[i - 1])) == 0;
    if (complete && history->past != NULL)
        complete = hd_past_append_to(history->past, array);
    return hd_json_finish(array, complete);
}

json_t *hd_history_show(const struct hd_history *history, uint64_t number)
{
    const struct hd_deployment *deployment = hd_history_find(history, number);
    if (deployment != NULL)
        return hd_deployment_full_to_json(deployment);
    return history->past != NULL ? hd_past_find(history->past, number) : NULL;
}

uint64_t hd_history_dropped(const struct hd_history *history)
{
    return history->dropped + (history->past != NULL ? hd_past_dropped(history->past) : 0);
}

uint64_t hd_history_total(const struct hd_history *history)
{
    size_t before = history->past != NULL ? hd_past_count(history->past) : 0;
    return history->count + before + hd_history_dropped(history);
}

void hd_history_close(struct hd_history *history)
{
    for (size_t i = 0; i < history->count; i++)
        hd_deployment_release(history->items[i]);
    hd_free(history->items);
    hd_past_free(history->past);
    *history = (struct hd_history){ 0 };
}
