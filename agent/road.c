/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/road.h"

#include "agent/blocking.h"
#include "agent/figures.h"
#include "agent/status.h"
#include "core/json.h"
#include "core/log.h"
#include "core/text.h"

#include <stdarg.h>
#include <time.h>

void hd_road_doing(const struct hd_road *road, const char *format, ...)
{
    if (road->doing == NULL)
        return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    hd_text_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    road->doing(road->doing_context, text);
}

int64_t hd_road_clock(void)
{
    struct timespec now = { 0, 0 };
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int hd_road_check_open(const struct hd_road *road, struct hd_error *err)
{
    if (!atomic_load_explicit(&road->closing, memory_order_acquire))
        return 0;
    return hd_error_set(err, HD_E_JVM, "the JVM is shutting down");
}

bool hd_road_content_in(const struct hd_road *road, JNIEnv *jni, uint64_t state,
                        const struct hd_live *live, struct hd_blob **content)
{
    jobject loader = live->loader != NULL ? (*jni)->NewLocalRef(jni, live->loader) : NULL;
    if (live->loader != NULL && loader == NULL)
        return false;
    const struct hd_states_place place = { .internal_name = live->internal_name,
                                           .loader = loader,
                                           .label = live->label,
                                           .base = live->base,
                                           .family = live->family };
    *content = hd_states_find_content(road->states, jni, state, &place);
    (*jni)->DeleteLocalRef(jni, loader);
    return true;
}

static bool is_stopped(void *labels, JNIEnv *jni, jobject loader)
{
    return hd_labels_is_stopped(labels, jni, loader);
}

static bool is_in_effect(void *context, uint64_t deployment)
{
    const struct hd_road *road = context;
    struct hd_error ignored = HD_ERROR_INIT;
    uint64_t state;
    return hd_states_find(road->states, deployment, &state, &ignored) == 0 &&
           hd_states_is_ancestor(road->states, state, hd_states_current(road->states));
}

void hd_road_sweep(struct hd_road *road, JNIEnv *jni)
{
    hd_registry_sweep(road->registry, jni, is_stopped, road->labels);
    hd_registry_drop_wrong_bases(road->registry, jni, is_in_effect, road);
}

void hd_road_count_old_frames(struct hd_road *road, JNIEnv *jni)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_old_frames frames = { .complete = true };
    if (hd_registry_count(road->registry) > 0 &&
        hd_frames_find(road->jvm, jni, &frames, &err) != 0) {
        frames = (struct hd_old_frames){ .complete = false };
        hd_log(HD_LOG_WARN, "threads in old code could not be counted: %s", err.text);
    }
    hd_old_frames_close(&road->frames);
    road->frames = frames;
}

struct hd_status *hd_road_status(struct hd_road *road)
{
    json_t *fields = json_object();
    const json_t *kept = hd_archive_kept(road->archive);
    bool complete =
        hd_json_put(fields, "kept", kept != NULL ? json_deep_copy(kept) : json_null()) &&
        hd_json_put(fields, "old_frames", hd_json_number(road->frames.threads)) &&
        hd_json_put(fields, "memory", hd_figures_of_memory(road->registry, road->loaded));
    return hd_status_new_take(road->registry, road->forced, &road->frames,
                              hd_json_finish(fields, complete));
}

json_t *hd_road_list_blocking(struct hd_road *road, JNIEnv *jni)
{
    struct hd_error err = HD_ERROR_INIT;
    json_t *stacks = NULL;
    if (hd_registry_count(road->registry) == 0)
        return json_pack("{s:[], s:i}", "threads", "more", 0);
    if (hd_blocking_list(road->jvm, jni, &stacks, &err) == 0)
        return stacks;
    hd_log(HD_LOG_WARN, "the stacks that hold old code could not be listed: %s", err.text);
    return NULL;
}
