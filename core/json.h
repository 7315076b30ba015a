/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reports and messages share when they build JSON with jansson. Any thread; a json_t belongs
 * to one thread at a time.
 */
#ifndef HD_CORE_JSON_H
#define HD_CORE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A JSON string, or JSON null for NULL. Bytes that are not UTF-8 (a directory's name, say) are
 * escaped as \xNN rather than lost. NULL when memory is out. */
json_t *hd_json_text(const char *text);
/* RFC 8259 leaves larger numbers to chance: beyond INT64_MAX this is INT64_MAX. NULL when memory is
 * out. */
json_t *hd_json_number(uint64_t number);
/* As hd_json_number, but 0 becomes JSON null. */
json_t *hd_json_number_or_null(uint64_t number);
/* Sets object[key] and consumes value, which may be NULL (the maker ran out of memory, as object's
 * may have): then, as on any failure, false. */
bool hd_json_put(json_t *object, const char *key, json_t *value);
/* The end of a chain of puts: json when it is complete, else NULL and json is gone. */
json_t *hd_json_finish(json_t *json, bool complete);

/* Makes jansson allocate through core/alloc.h, for the whole process: only before the first use of
 * jansson, and only where jansson is the caller's own (inside the agent, where it is linked in and
 * hidden, and in tests). */
void hd_json_use_hd_alloc(void);

#endif
