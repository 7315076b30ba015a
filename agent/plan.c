/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plan.h"

#include "core/alloc.h"
#include "core/map.h"
#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_java_name(const void *a, const void *b)
{
    const struct hd_plan_class *left = a, *right = b;
    return strcmp(left->java_name, right->java_name);
}

static int name_classes(struct hd_plan *plan, struct hd_error *err)
{
    for (size_t i = 0; i < plan->class_count; i++) {
        struct hd_plan_class *class = &plan->classes[i];
        class->from = hd_bundle_class_at(plan->job->bundle, i);
        class->java_name = hd_text_class_name(hd_map_key(class->from->name));
        if (class->java_name == NULL)
            return hd_error_set_memory(err);
    }
    qsort(plan->classes, plan->class_count, sizeof *plan->classes, by_java_name);
    for (size_t i = 0; i < plan->class_count; i++)
        plan->names[i] = plan->classes[i].from->name;
    return 0;
}

int hd_plan_open(struct hd_plan *plan, struct hd_road *road, JNIEnv *jni, const struct hd_job *job,
                 struct hd_error *err)
{
    size_t count = hd_bundle_class_count(job->bundle);
    *plan = (struct hd_plan){
        .road = road,
        .jni = jni,
        .job = job,
        .deployment = job->deployment,
        .classes = hd_alloc_zeroed(count, sizeof *plan->classes),
        .class_count = count,
        .names = hd_alloc_zeroed(count, sizeof *plan->names),
    };
    int status = -1;
    if (plan->classes == NULL || plan->names == NULL)
        hd_error_set_memory(err);
    else
        status = name_classes(plan, err);
    if (status != 0)
        hd_plan_close(plan);
    return status;
}

struct hd_bytes hd_plan_class_bytes(const struct hd_plan_class *class)
{
    struct hd_bytes file = class->from->file;
    const uint8_t *ordered = class->prepared.ordered;
    return ordered != NULL ? (struct hd_bytes){ ordered, file.length } : file;
}

static void close_class(struct hd_plan_class *class)
{
    hd_free(class->java_name);
    hd_free(class->message);
    hd_prepared_close(&class->prepared);
}

static void close_target(struct hd_target *target, JNIEnv *jni)
{
    hd_class_free(target->live);
    hd_base_close(&target->base);
    hd_live_free(target->entry, jni);
    if (target->own_loader != NULL)
        (*jni)->DeleteGlobalRef(jni, target->own_loader);
}

void hd_plan_close(struct hd_plan *plan)
{
    for (size_t i = 0; i < plan->target_count; i++)
        close_target(&plan->targets[i], plan->jni);
    for (size_t i = 0; plan->classes != NULL && i < plan->class_count; i++)
        close_class(&plan->classes[i]);
    hd_trials_free(plan->trials);
    hd_resolution_close(&plan->resolution, plan->jni);
    hd_free(plan->targets);
    hd_free(plan->classes);
    hd_free(plan->names);
    hd_way_back_free(plan->way_back, plan->class_count, plan->jni);
    hd_restart_free(plan->restart);
    *plan = (struct hd_plan){ .jni = NULL };
}

struct hd_row *hd_plan_row(const struct hd_plan *plan, const struct hd_target *target)
{
    return &plan->deployment->rows[target - plan->targets];
}

struct hd_target *hd_plan_add_target(struct hd_plan *plan, struct hd_plan_class *class,
                                     const char *label, struct hd_error *err)
{
    if (plan->target_count == plan->target_capacity) {
        size_t capacity = plan->target_capacity > 0 ? plan->target_capacity * 2 : 16;
        struct hd_target *grown = hd_realloc_array(plan->targets, capacity, sizeof *grown);
        if (grown == NULL) {
            hd_error_set_memory(err);
            return NULL;
        }
        plan->targets = grown;
        plan->target_capacity = capacity;
    }
    struct hd_target *added = &plan->targets[plan->target_count++];
    *added = (struct hd_target){ .class = class, .label = label };
    return added;
}

bool hd_plan_wants_loader(const struct hd_plan *plan, const char *label)
{
    const char *wanted = plan->job->loader;
    if (wanted == NULL)
        return true;
    return plan->loader_is_whole ? strcmp(label, wanted) == 0 : strstr(label, wanted) != NULL;
}

/* A file that our check does not understand is as good as none to compare with. */
static int parse_foreign(const uint8_t *file, size_t length, struct hd_class **out,
                         struct hd_error *err)
{
    struct hd_error own = HD_ERROR_INIT;
    if (hd_class_parse(file, length, out, &own) == 0)
        return 0;
    return own.code == HD_E_MEMORY ? hd_error_set_memory(err) : 0;
}

/* What a deployment put there was checked then; what another agent gave, never. */
static int parse_known(struct hd_target *target, struct hd_error *err)
{
    struct hd_bytes file = target->known->file->bytes;
    if (target->known->state == HD_LIVE_FOREIGN)
        return parse_foreign(file.data, file.length, &target->live, err);
    return hd_class_parse_again(file.data, file.length, &target->live, err);
}

int hd_target_live_class(struct hd_target *target, const struct hd_class **out,
                         struct hd_error *err)
{
    const struct hd_live *known = target->known;
    struct hd_base *base = &target->base;
    if (known != NULL && target->live == NULL && parse_known(target, err) != 0)
        return -1;
    if (known == NULL && base->file != NULL && base->class_file == NULL &&
        parse_foreign(base->file, base->length, &base->class_file, err) != 0)
        return -1;
    *out = known != NULL ? target->live : base->class_file;
    return 0;
}

enum hd_base_standing hd_target_standing(const struct hd_target *target)
{
    return target->known != NULL ? target->known->standing : target->base.standing;
}

void hd_plan_refuse(struct hd_plan *plan, struct hd_target *target, enum hd_reason reason,
                    const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    hd_text_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    target->action = HD_ACTION_NONE;
    hd_plan_row(plan, target)->warnings = 0;
    hd_row_refuse(hd_plan_row(plan, target), reason, "%s", text);
}

size_t hd_plan_class_end(const struct hd_plan *plan, size_t first)
{
    size_t end = first + 1;
    while (end < plan->target_count && plan->targets[end].class == plan->targets[first].class)
        end++;
    return end;
}

#define LISTED_LOADERS 10

char *hd_plan_list_loaders(const struct hd_plan *plan, size_t first, size_t count)
{
    char text[1024] = "";
    size_t at = 0;
    for (size_t i = 0; i < count && i < LISTED_LOADERS; i++) {
        int written = snprintf(text + at, sizeof text - at, "%s%s", i > 0 ? ", " : "",
                               plan->targets[first + i].label);
        if (written < 0 || (size_t)written >= sizeof text - at)
            break;
        at += (size_t)written;
    }
    if (count > LISTED_LOADERS)
        return hd_asprintf("%s and %zu more", text, count - LISTED_LOADERS);
    return hd_strdup(text);
}
