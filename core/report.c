/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report.h"

#include "core/alloc.h"
#include "core/text.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* The count stands behind the public part, where nobody outside can touch it. */
struct counted_deployment {
    struct hd_deployment deployment;
    atomic_uint references;
};

static struct counted_deployment *counted(struct hd_deployment *deployment)
{
    return (struct counted_deployment *)deployment;
}

const char *hd_way_word(enum hd_way way)
{
    static const char *const words[] = {
        [HD_WAY_DROP] = "drop",           [HD_WAY_WATCH] = "watch", [HD_WAY_LOCAL_SOCKET] = "local",
        [HD_WAY_WEBSOCKET] = "websocket", [HD_WAY_AGENT] = "agent",
    };
    return (unsigned)way < sizeof words / sizeof words[0] ? words[way] : NULL;
}

struct hd_deployment *hd_deployment_new(enum hd_deployment_kind kind,
                                        const struct hd_origin *origin)
{
    struct counted_deployment *made = hd_alloc_zeroed(1, sizeof *made);
    if (made == NULL)
        return NULL;
    atomic_init(&made->references, 1);
    made->deployment.kind = kind;
    made->deployment.origin = *origin;
    made->deployment.old_frames_complete = true;
    return &made->deployment;
}

struct hd_deployment *hd_deployment_share(struct hd_deployment *deployment)
{
    atomic_fetch_add_explicit(&counted(deployment)->references, 1, memory_order_relaxed);
    return deployment;
}

static void close_row(struct hd_row *row)
{
    hd_free(row->class_name);
    hd_free(row->loader);
    hd_free(row->message);
    hd_free(row->remedy);
}

void hd_deployment_release(struct hd_deployment *deployment)
{
    if (deployment == NULL)
        return;
    if (atomic_fetch_sub_explicit(&counted(deployment)->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < deployment->row_count; i++)
        close_row(&deployment->rows[i]);
    hd_free(deployment->rows);
    hd_free(deployment->undone);
    hd_free(deployment->message);
    hd_free(deployment->bundle_name);
    hd_free(deployment->error_message);
    hd_free(deployment->error_remedy);
    hd_free(deployment->keep_error);
    json_decref(deployment->sealed);
    hd_free(deployment->emergency);
    hd_free(counted(deployment));
}

static bool has_room_for_row(struct hd_deployment *deployment)
{
    if (deployment->row_count < deployment->row_capacity)
        return true;
    size_t capacity = deployment->row_capacity > 0 ? deployment->row_capacity * 2 : 16;
    struct hd_row *grown = hd_realloc_array(deployment->rows, capacity, sizeof *grown);
    if (grown == NULL)
        return false;
    deployment->rows = grown;
    deployment->row_capacity = capacity;
    return true;
}

struct hd_row *hd_deployment_add_row(struct hd_deployment *deployment, const char *class_name,
                                     const char *loader)
{
    if (!has_room_for_row(deployment))
        return NULL;
    struct hd_row row = {
        .class_name = hd_strdup(class_name),
        .loader = hd_strdup(loader),
        .outcome = HD_OUTCOME_UNCHANGED,
    };
    if (row.class_name == NULL || row.loader == NULL) {
        close_row(&row);
        return NULL;
    }
    struct hd_row *added = &deployment->rows[deployment->row_count++];
    *added = row;
    return added;
}

/* NULL for want of memory. */
static char *format_text(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        return NULL;
    char *text = hd_alloc((size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

void hd_row_refuse(struct hd_row *row, enum hd_reason reason, const char *format, ...)
{
    hd_free(row->message);
    row->outcome = HD_OUTCOME_REFUSED;
    row->reason = reason;
    va_list arguments;
    va_start(arguments, format);
    row->message = format_text(format, arguments);
    va_end(arguments);
}

void hd_deployment_fail(struct hd_deployment *deployment, enum hd_reason reason, const char *format,
                        ...)
{
    if (deployment->error_reason != HD_REASON_NONE)
        return;
    deployment->error_reason = reason;
    va_list arguments;
    va_start(arguments, format);
    deployment->error_message = format_text(format, arguments);
    va_end(arguments);
}

size_t hd_deployment_count(const struct hd_deployment *deployment, enum hd_outcome outcome)
{
    size_t count = 0;
    for (size_t i = 0; i < deployment->row_count; i++)
        count += deployment->rows[i].outcome == outcome;
    return count;
}

bool hd_deployment_is_good(const struct hd_deployment *deployment)
{
    return deployment->error_reason == HD_REASON_NONE &&
           hd_deployment_count(deployment, HD_OUTCOME_REFUSED) == 0 &&
           hd_deployment_count(deployment, HD_OUTCOME_WITHHELD) == 0;
}
