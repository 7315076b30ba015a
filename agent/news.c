/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/news.h"

void hd_news_open(struct hd_news *news)
{
    *news = (struct hd_news){ .edited = HD_MAP_INIT, .redefined = HD_MAP_INIT };
    news->end = &news->first;
}

/* NULL: every one of its kind tells something of its own. */
static struct hd_map *map_of(struct hd_news *news, enum hd_hook_event_kind kind)
{
    if (kind == HD_HOOK_EDITED)
        return &news->edited;
    return kind == HD_HOOK_FOREIGN ? &news->redefined : NULL;
}

/* A patch of a loaded class is of one loader. The bytes are the event's as long as it is queued. */
static struct hd_bytes key_of(const struct hd_hook_event *event)
{
    return (struct hd_bytes){ (const uint8_t *)&event->patch, sizeof event->patch };
}

static struct hd_hook_event *find_earlier(struct hd_map *map, const struct hd_hook_event *event)
{
    size_t found;
    bool known = map != NULL && hd_map_find(map, key_of(event), &found);
    return known ? (struct hd_hook_event *)(uintptr_t)found : NULL;
}

/* The last file is what the class may have become. */
static struct hd_hook_event *join(struct hd_hook_event *earlier, struct hd_hook_event *event)
{
    struct hd_blob *file = earlier->file;
    earlier->file = event->file;
    event->file = file;
    return event;
}

struct hd_hook_event *hd_news_add_take(struct hd_news *news, struct hd_hook_event *event)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_map *map = map_of(news, event->kind);
    struct hd_hook_event *earlier = find_earlier(map, event);
    if (earlier != NULL)
        return join(earlier, event);
    if (news->count == HD_NEWS_MAX ||
        (map != NULL && hd_map_put(map, key_of(event), (size_t)(uintptr_t)event, &ignored) != 0)) {
        news->lost++;
        return event;
    }
    event->next = NULL;
    *news->end = event;
    news->end = &event->next;
    news->count++;
    return NULL;
}

struct hd_hook_event *hd_news_take_all(struct hd_news *news)
{
    struct hd_hook_event *first = news->first;
    hd_map_close(&news->edited);
    hd_map_close(&news->redefined);
    hd_news_open(news);
    return first;
}
