/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deployments of earlier JVMs, as the journal of their store tells them, in memory with a
 * bound: the oldest go first. A deployment that has begun and has no end was interrupted.
 *
 * Each is kept as the text of its document, so that whatever a report says (also what a newer
 * version says in it) is shown again as it was. One thread at a time.
 */
#ifndef HD_CORE_PAST_H
#define HD_CORE_PAST_H

#include "core/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define HD_PAST_MAX_DEPLOYMENTS 1000
#define HD_PAST_MAX_BYTES       ((size_t)16 << 20)

struct hd_past;

/* NULL when memory is out. */
struct hd_past *hd_past_new(void);
void hd_past_free(struct hd_past *past);

/* One line of the journal; context is the struct hd_past. Fit to be given to hd_journal_read. Lines
 * that tell of no deployment are skipped. Fails only for want of memory. */
HD_CHECKED int hd_past_visit(const json_t *entry, void *context, struct hd_error *err);

size_t hd_past_count(const struct hd_past *past);
/* How many there were before the oldest of them: numbers begin at 1. */
uint64_t hd_past_dropped(const struct hd_past *past);
/* As hd_deployment_full_to_json gave it; a new reference. NULL when there is none of that number,
 * or memory is out. */
json_t *hd_past_find(const struct hd_past *past, uint64_t number);
/* Appends as hd_deployment_summary_to_json gave them, newest first. False when memory is out. */
bool hd_past_append_to(const struct hd_past *past, json_t *array);

#endif
