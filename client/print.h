/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people see: tables (libsmartcols), colour where it is a terminal (NO_COLOR honoured), a
 * progress line where a wait passes a second. Main thread. Texts from an agent are escaped before
 * they reach the terminal.
 */
#ifndef HD_CLIENT_PRINT_H
#define HD_CLIENT_PRINT_H

#include "client/conn.h"
#include "core/manifest.h"

#include <jansson.h>
#include <stdio.h>

/* One JSON document and a newline on stdout. */
void hd_print_json(const json_t *document);

/* The answer to push or check: a row per class and loader (unchanged ones only counted), then
 * the summary line. seconds: as the user waited. */
void hd_print_report(const json_t *report, bool is_check, double seconds);

/* A table with a header; cells is row-major, columns a row, NULL cells are empty. highlight (may
 * be NULL) names a colour per row or NULL. */
void hd_print_table(const char *const *headers, size_t columns, const char *const *cells,
                    size_t rows, const char *const *highlight);

/* "hotdrop: TEXT" on stderr. With json, the contract's document with error and no classes on
 * stdout too. Returns status. */
int hd_print_failure(bool json, int status, const struct hd_error *err);

/* The same for a connection that was lost when the agent had the whole request. Returns
 * HD_EXIT_UNKNOWN. */
int hd_print_lost(bool json, struct hd_error *err);

/* An "error" of the agent's, or the member of that name: its reason, message and remedy. */
void hd_print_error(const json_t *error);
/* The contract's document for an answer that is an "error": a new reference, NULL when memory is
 * out. */
json_t *hd_report_of_error(const json_t *answer);
/* One of the two on stdout. */
void hd_print_refusal(bool json, const json_t *answer);

/* Progress on stderr, from the first second on, where stderr is a terminal. */
struct hd_progress_line {
    struct hd_conn_progress hooks;
    int64_t started_at;
    bool shown;
};
void hd_progress_line_init(struct hd_progress_line *line);
/* Wipes what is shown. */
void hd_progress_line_end(struct hd_progress_line *line);

/* What a manifest says, in a line. */
void hd_print_manifest(FILE *stream, const struct hd_manifest *manifest);

/* A string member of an object, "" where it is missing, null or no string. A borrow. */
const char *hd_answer_text(const json_t *object, const char *key);
/* The same where it is one of the protocol's own words, a digest or a time, and safe for a terminal;
 * "?" for what cannot be one. */
const char *hd_answer_word(const json_t *object, const char *key);

#endif
