/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hook has told and the engine has not heard yet, in its order. An engine that an
 * application's class loader holds up must not make the hook fill the JVM's memory: what says the
 * same of the same class again is told once, and beyond HD_NEWS_MAX nothing more is taken.
 *
 * The caller keeps threads apart.
 */
#ifndef HD_AGENT_NEWS_H
#define HD_AGENT_NEWS_H

#include "agent/hook.h"
#include "core/map.h"

#define HD_NEWS_MAX 100000

/* Opened by hd_news_open. */
struct hd_news {
    struct hd_hook_event *first;
    struct hd_hook_event **end;
    size_t count;
    uint64_t lost; /* since the last hd_news_take_all */
    /* Of a class that is edited or redefined by others again and again, by patch. */
    struct hd_map edited;
    struct hd_map redefined;
};

void hd_news_open(struct hd_news *news);
/* Takes the event. What is not needed (any more) comes back, for the caller to free: that needs the
 * JVM. NULL: nothing. */
struct hd_hook_event *hd_news_add_take(struct hd_news *news, struct hd_hook_event *event);
/* The events, now the caller's; NULL: none. */
struct hd_hook_event *hd_news_take_all(struct hd_news *news);

#endif
