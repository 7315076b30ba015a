/* SPDX-License-Identifier: Apache-2.0 */
#include "client/print.h"

#include "client/exit.h"
#include "core/alloc.h"
#include "core/reason.h"
#include "core/text.h"

#include <ctype.h>
#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CELL_MAX 2048

const char *hd_answer_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

const char *hd_answer_word(const json_t *object, const char *key)
{
    const char *text = hd_answer_text(object, key);
    for (const char *c = text; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c))
            return "?";
    return text;
}

void hd_print_json(const json_t *document)
{
    json_dumpf(document, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
}

static bool use_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0');
}

static bool is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

static void fill_row(struct libscols_table *table, const char *const *cells, size_t columns,
                     const char *colour)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    if (line == NULL)
        return;
    if (colour != NULL)
        scols_line_set_color(line, colour);
    for (size_t i = 0; i < columns; i++) {
        char text[CELL_MAX];
        hd_text_escape(cells[i] != NULL ? cells[i] : "", text, sizeof text);
        if (!is_ascii(text))
            setlocale(LC_CTYPE, ""); /* it knows how wide that is; words and numbers are English */
        scols_line_set_data(line, i, text);
    }
}

void hd_print_table(const char *const *headers, size_t columns, const char *const *cells,
                    size_t rows, const char *const *highlight)
{
    struct libscols_table *table = scols_new_table();
    if (table == NULL)
        return;
    bool coloured = use_colour();
    scols_table_enable_colors(table, coloured);
    scols_table_enable_noencoding(table, 1); /* the cells are escaped */
    for (size_t i = 0; i < columns; i++)
        scols_table_new_column(table, headers[i], 0.1,
                               i + 1 == columns && isatty(STDOUT_FILENO) ? SCOLS_FL_WRAP : 0);
    for (size_t i = 0; i < rows; i++)
        fill_row(table, cells + i * columns, columns,
                 coloured && highlight != NULL ? highlight[i] : NULL);
    scols_print_table(table);
    scols_unref_table(table);
}

static const char *colour_of(const char *outcome)
{
    if (strcmp(outcome, "redefined") == 0 || strcmp(outcome, "defined") == 0 ||
        strcmp(outcome, "rolled-back") == 0)
        return "green";
    if (strcmp(outcome, "refused") == 0)
        return "red";
    return "yellow";
}

static void add_text(char *out, size_t capacity, const char *separator, const char *text)
{
    size_t used = strlen(out);
    if (text[0] != '\0' && used < capacity)
        snprintf(out + used, capacity - used, "%s%s", used > 0 ? separator : "", text);
}

/* "method-added: method added: bar(int). Restart the JVM, or …; warning: old-frames" */
static char *explain_row(const json_t *row)
{
    char text[CELL_MAX] = "";
    add_text(text, sizeof text, "", hd_answer_text(row, "reason"));
    add_text(text, sizeof text, ": ", hd_answer_text(row, "message"));
    add_text(text, sizeof text, ". ", hd_answer_text(row, "remedy"));
    size_t index;
    json_t *warning;
    json_array_foreach(json_object_get(row, "warnings"), index, warning)
    {
        const char *word = json_string_value(warning);
        add_text(text, sizeof text, "; ", index == 0 ? "warning" : "");
        add_text(text, sizeof text, index == 0 ? " " : ", ", word != NULL ? word : "");
    }
    return hd_strdup(text);
}

static void print_rows(const json_t *classes)
{
    static const char *const headers[] = { "CLASS", "LOADER", "OUTCOME", "WHY" };
    size_t count = json_array_size(classes), shown = 0;
    const char **cells = hd_alloc_zeroed(count * 4, sizeof *cells);
    const char **colours = hd_alloc_zeroed(count, sizeof *colours);
    size_t index;
    json_t *row;
    json_array_foreach(classes, index, row)
    {
        const char *outcome = hd_answer_text(row, "outcome");
        bool only_counted = strcmp(outcome, "unchanged") == 0 &&
                            json_array_size(json_object_get(row, "warnings")) == 0;
        if (cells == NULL || colours == NULL || only_counted)
            continue;
        cells[shown * 4] = hd_answer_text(row, "class");
        cells[shown * 4 + 1] = hd_answer_text(row, "loader");
        cells[shown * 4 + 2] = outcome;
        cells[shown * 4 + 3] = explain_row(row);
        colours[shown++] = colour_of(outcome);
    }
    if (shown > 0)
        hd_print_table(headers, 4, cells, shown, colours);
    for (size_t i = 0; i < shown; i++)
        hd_free((void *)(uintptr_t)cells[i * 4 + 3]);
    hd_free(cells);
    hd_free(colours);
}

static void print_counts(const json_t *classes)
{
    size_t counts[HD_OUTCOME_COUNT] = { 0 };
    size_t index;
    json_t *row;
    json_array_foreach(classes, index, row)
    {
        enum hd_outcome outcome;
        if (hd_outcome_from_word(hd_answer_text(row, "outcome"), &outcome))
            counts[outcome]++;
    }
    size_t total = json_array_size(classes);
    printf("%zu %s", total, total == 1 ? "row" : "rows");
    const char *separator = ": ";
    for (int outcome = 0; outcome < HD_OUTCOME_COUNT; outcome++) {
        if (counts[outcome] == 0)
            continue;
        printf("%s%zu %s", separator, counts[outcome], hd_outcome_word((enum hd_outcome)outcome));
        separator = ", ";
    }
}

static void print_old_frames(const json_t *report)
{
    json_int_t threads = json_integer_value(json_object_get(report, "old_frames"));
    if (threads > 0)
        printf("%lld %s still in old code%s.\n", (long long)threads,
               threads == 1 ? "thread is" : "threads are",
               json_is_false(json_object_get(report, "old_frames_complete"))
                   ? " (virtual threads not counted)"
                   : "");
}

void hd_print_error(const json_t *error)
{
    char message[CELL_MAX], remedy[CELL_MAX];
    hd_text_escape(hd_answer_text(error, "message"), message, sizeof message);
    hd_text_escape(hd_answer_text(error, "remedy"), remedy, sizeof remedy);
    printf("%s: %s%s%s\n", hd_answer_word(error, "reason"), message, remedy[0] != '\0' ? "\n" : "",
           remedy);
}

/* How its trial ended, or until when it lasts. */
static void print_trial(const json_t *report)
{
    const json_t *trial = json_object_get(report, "trial");
    long long number = (long long)json_integer_value(json_object_get(report, "deployment"));
    long long rollback = (long long)json_integer_value(json_object_get(trial, "rollback"));
    const char *ended = hd_answer_text(trial, "ended"), *when = hd_answer_word(trial, "when");
    char who[CELL_MAX];
    hd_text_escape(hd_answer_text(trial, "who"), who, sizeof who);
    if (!json_is_object(trial))
        return;
    if (ended[0] == '\0')
        printf("On trial: unless 'hotdrop confirm %lld' comes within %.12g s, the agent rolls it "
               "back.\n",
               number, json_number_value(json_object_get(trial, "milliseconds")) / 1000);
    else if (strcmp(ended, "confirmed") == 0)
        printf("Trial: confirmed by %s at %s.\n", who, when);
    else if (strcmp(ended, "rolled-back") == 0)
        printf("Trial: rolled back by %s at %s, deployment %lld.\n", who, when, rollback);
    else if (strcmp(ended, "jvm-ended") == 0)
        printf("Trial: the JVM ended before it was confirmed.\n");
    else
        printf("Trial: not confirmed in time, and its rollback, deployment %lld, was refused: it "
               "stayed live.\n",
               rollback);
}

/* What a restart of the JVM will bring, where that is not what is live. */
static void print_keeping(const json_t *report)
{
    const json_t *kept = json_object_get(report, "kept");
    const json_t *state = json_object_get(report, "kept_state");
    char error[CELL_MAX];
    hd_text_escape(hd_answer_text(report, "keep_error"), error, sizeof error);
    if (json_is_true(kept))
        printf("Kept: a restart with this store brings it back.\n");
    else if (error[0] != '\0')
        printf("Not kept, though it is live: %s\n", error);
    if (json_is_integer(state))
        printf("What is kept did not change: a restart brings back the state after deployment "
               "%lld. 'hotdrop keep' makes what is live now permanent.\n",
               (long long)json_integer_value(state));
}

void hd_print_report(const json_t *report, bool is_check, double seconds)
{
    const json_t *classes = json_object_get(report, "classes");
    const json_t *error = json_object_get(report, "error");
    const json_t *number = json_object_get(report, "deployment");
    const json_t *left_out = json_object_get(report, "classes_left_out");
    print_rows(classes);
    if (json_is_integer(left_out))
        printf("%lld more rows were too many for one answer.\n",
               (long long)json_integer_value(left_out));
    if (json_is_object(error))
        hd_print_error(error);
    print_old_frames(report);
    if (json_is_integer(number))
        printf("Deployment %lld: ", (long long)json_integer_value(number));
    else if (is_check)
        printf("Check: ");
    print_counts(classes);
    if (is_check)
        printf("; nothing was changed");
    else if (!json_is_true(json_object_get(report, "applied")))
        printf("; nothing was applied");
    printf(" (%.1f ms).\n", seconds * 1000);
    print_trial(report);
    print_keeping(report);
    fflush(stdout);
}

static json_t *failure_document(const struct hd_error *err, int status)
{
    static const char *const reasons[] = {
        [2] = "usage", [3] = "no-agent", [4] = "not-authorised", [5] = "outcome-unknown"
    };
    const char *reason = status >= 2 && status <= 5 ? reasons[status] : "error";
    return json_pack("{s:n,s:b,s:n,s:{s:s,s:s,s:n},s:[],s:i,s:b}", "deployment", "applied", 0,
                     "state", "error", "reason", reason, "message", err->text, "remedy", "classes",
                     "old_frames", 0, "old_frames_complete", 0);
}

int hd_print_failure(bool json, int status, const struct hd_error *err)
{
    fprintf(stderr, "hotdrop: %s\n", err->text);
    if (json) {
        json_t *document = failure_document(err, status);
        hd_print_json(document);
        json_decref(document);
    }
    return status;
}

int hd_print_lost(bool json, struct hd_error *err)
{
    hd_error_prefix(err, "the outcome is unknown, 'hotdrop history' tells");
    return hd_print_failure(json, HD_EXIT_UNKNOWN, err);
}

json_t *hd_report_of_error(const json_t *answer)
{
    return json_pack("{s:n,s:b,s:n,s:{s:s,s:s,s:s},s:[],s:i,s:b}", "deployment", "applied", 0,
                     "state", "error", "reason", hd_answer_text(answer, "reason"), "message",
                     hd_answer_text(answer, "message"), "remedy", hd_answer_text(answer, "remedy"),
                     "classes", "old_frames", 0, "old_frames_complete", 0);
}

void hd_print_refusal(bool json, const json_t *answer)
{
    json_t *document = json ? hd_report_of_error(answer) : NULL;
    if (json)
        hd_print_json(document);
    else
        hd_print_error(answer);
    json_decref(document);
}

static bool is_time_to_show(const struct hd_progress_line *line)
{
    return isatty(STDERR_FILENO) && hd_text_now() - line->started_at >= 1000000;
}

static void show_sent(uint64_t bytes, uint64_t of, void *context)
{
    struct hd_progress_line *line = context;
    if (!is_time_to_show(line))
        return;
    int filled = of > 0 ? (int)(bytes * 30 / of) : 30;
    fprintf(stderr, "\r\033[K[%.*s%*s] %.1f of %.1f MiB", filled, "##############################",
            30 - filled, "", (double)bytes / 1048576, (double)of / 1048576);
    line->shown = true;
}

/* "queued" behind others, else the JVM is at it; what it is at is told from some seconds on. */
static void show_waiting(const json_t *message, void *context)
{
    struct hd_progress_line *line = context;
    if (!is_time_to_show(line))
        return;
    char doing[256];
    hd_text_escape(hd_answer_text(message, "doing"), doing, sizeof doing);
    bool queued = strcmp(hd_answer_text(message, "stage"), "queued") == 0;
    fprintf(stderr, "\r\033[KWaiting for %s%s%s, %lld s …",
            queued ? "deployments before this one" : "the JVM", doing[0] != '\0' ? ": " : "", doing,
            (long long)((hd_text_now() - line->started_at) / 1000000));
    line->shown = true;
}

void hd_progress_line_init(struct hd_progress_line *line)
{
    *line = (struct hd_progress_line){
        .hooks = { .sent = show_sent, .waiting = show_waiting, .context = line },
        .started_at = hd_text_now(),
    };
}

void hd_progress_line_end(struct hd_progress_line *line)
{
    if (line->shown)
        fputs("\r\033[K", stderr);
    line->shown = false;
}

/* ---- manifests ------------------------------------------------------------------------------- */

/* A member in words, where it is given. */
static void print_member(FILE *stream, const char *before, const char *text)
{
    char shown[160];
    if (text == NULL)
        return;
    hd_text_escape(text, shown, sizeof shown);
    fprintf(stream, "%s%s", before, shown);
}

static void print_time(FILE *stream, const char *before, int64_t seconds)
{
    char utc[HD_TEXT_TIME_SIZE];
    hd_text_utc(seconds * 1000000, utc);
    fprintf(stream, "%s%s", before, utc);
}

void hd_print_manifest(FILE *stream, const struct hd_manifest *manifest)
{
    fprintf(stream, "%zu %s, sequence %llu", manifest->class_count,
            manifest->class_count == 1 ? "class" : "classes",
            (unsigned long long)manifest->sequence);
    print_member(stream, ", name ", manifest->name);
    print_member(stream, ", version ", manifest->version);
    print_member(stream, ", for ", manifest->target != NULL ? manifest->target : "any application");
    if (manifest->not_before != INT64_MIN)
        print_time(stream, ", not before ", manifest->not_before);
    if (manifest->expires != INT64_MAX)
        print_time(stream, ", until ", manifest->expires);
    else
        fputs(", without an end", stream);
    fputs(".\n", stream);
}
