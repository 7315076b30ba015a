/* SPDX-License-Identifier: Apache-2.0 */
#include "client/after_push.h"

#include "client/conn.h"
#include "client/exit.h"
#include "client/print.h"
#include "client/query.h"
#include "client/smoke.h"
#include "core/alloc.h"
#include "core/reason.h"
#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SMOKE_MS UINT64_C(60000)
/* No event says that a frame of old code is left, so the agent is asked, first soon and then ever
 * more seldom. */
enum { FIRST_LOOK_MS = 50, LAST_LOOK_MS = 1000, MESSAGE_SIZE = 2048 };

struct after {
    const struct hd_invocation *invocation;
    const struct hd_target *target;
    json_t *report;
    uint64_t deployment;
    uint64_t milliseconds; /* of the trial */
    int64_t since;         /* the report came; hd_text_now */
};

uint64_t hd_trial_milliseconds(const struct hd_invocation *invocation)
{
    if (invocation->confirm_within_ms > 0)
        return invocation->confirm_within_ms;
    return invocation->smoke != NULL ? SMOKE_MS : 0;
}

static HD_PRINTF(2, 3) void tell(const struct after *after, const char *format, ...)
{
    va_list arguments;
    if (after->invocation->json)
        return;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    fflush(stdout);
}

/* ---- questions ------------------------------------------------------------------------------- */

static json_t *ask_show(const struct after *after, uint64_t deployment)
{
    struct hd_error ignored = HD_ERROR_INIT;
    const struct hd_request request = { .type = HD_REQUEST_SHOW,
                                        .id = 1,
                                        .deployment = deployment };
    json_t *answer = NULL;
    return hd_query_ask(after->target, &request, &answer, &ignored) == 0 ? answer : NULL;
}

/* The JVM as it is numbered here; where that is not known, as it numbers itself. */
static long find_pid(const struct after *after)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_conn *conn = NULL;
    if (after->target->expected_pid != 0)
        return after->target->expected_pid;
    if (hd_conn_open(after->target, &conn, &ignored) != 0)
        return 0;
    long pid = (long)json_integer_value(json_object_get(hd_conn_hello(conn), "pid"));
    hd_conn_close(conn);
    return pid;
}

/* ---- how the trial ended --------------------------------------------------------------------- */

static HD_PRINTF(3, 4) void set_error(const struct after *after, const char *remedy,
                                      const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    json_t *error = json_pack("{s:s, s:s, s:s}", "reason", hd_reason_word(HD_REASON_SMOKE_FAILED),
                              "message", message, "remedy", remedy);
    json_object_set_new(after->report, "error", error);
    if (!after->invocation->json)
        hd_print_error(error);
}

/* The document says what holds in the end: the rows are the rollback's, the push's own are beside
 * them. */
static void take_over_rollback(const struct after *after, const json_t *rollback)
{
    static const char *const keys[] = { "classes", "state", "old_frames", "old_frames_complete" };
    json_t *report = after->report;
    json_object_set(report, "pushed", json_object_get(report, "classes"));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        json_object_set(report, keys[i], json_object_get(rollback, keys[i]));
    json_object_set(report, "rollback", json_object_get(rollback, "deployment"));
    bool undone = json_is_true(json_object_get(rollback, "applied"));
    json_object_set_new(report, "applied", json_boolean(!undone));
    if (!after->invocation->json)
        hd_print_report(rollback, false,
                        (double)json_integer_value(json_object_get(rollback, "micros")) / 1e6);
}

/* What the history says of the trial, whoever ended it. Returns the rollback's number, 0 where
 * there is none. */
static uint64_t note_trial(const struct after *after)
{
    json_t *shown = ask_show(after, after->deployment);
    json_t *trial = json_object_get(shown, "trial");
    uint64_t rollback = (uint64_t)json_integer_value(json_object_get(trial, "rollback"));
    if (trial != NULL)
        json_object_set(after->report, "trial", trial);
    json_decref(shown);
    return rollback;
}

static bool is_trial(const struct after *after, const char *end)
{
    const json_t *trial = json_object_get(after->report, "trial");
    return strcmp(hd_answer_text(trial, "ended"), end) == 0;
}

/* words: why it should not be live. */
static int conclude_failed(const struct after *after, const char *words)
{
    const char *remedy = "Look at \"hotdrop status\" and \"hotdrop history\".";
    uint64_t number = note_trial(after);
    json_t *rollback = number != 0 ? ask_show(after, number) : NULL;
    bool undone = is_trial(after, "rolled-back");
    if (rollback != NULL)
        take_over_rollback(after, rollback);
    json_decref(rollback);
    if (undone)
        set_error(after, hd_reason_remedy(HD_REASON_SMOKE_FAILED),
                  "%s; deployment %llu rolled it back", words, (unsigned long long)number);
    else if (is_trial(after, "confirmed"))
        set_error(after, "Undo it with \"hotdrop rollback\".",
                  "%s, but it was confirmed by %s and is live", words,
                  hd_answer_text(json_object_get(after->report, "trial"), "who"));
    else
        set_error(after, remedy, "%s, and it could not be rolled back: it is live", words);
    return HD_EXIT_REFUSED;
}

/* The agent does by itself, in time, what it cannot be asked for now. */
static int conclude_unknown(const struct after *after, const char *words,
                            const struct hd_error *why)
{
    set_error(after, "Look at \"hotdrop status\" and \"hotdrop history\".",
              "%s, and the agent cannot be told (%s); it rolls back by itself when the trial is "
              "over",
              words, why->text);
    return HD_EXIT_UNKNOWN;
}

static int roll_back(const struct after *after, const char *words)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_request request = { .type = HD_REQUEST_ROLLBACK,
                                  .id = 1,
                                  .trial = after->deployment,
                                  .message = hd_asprintf("%.1000s", words) };
    json_t *answer = NULL;
    int result = hd_query_ask(after->target, &request, &answer, &err);
    hd_request_close(&request);
    json_decref(answer);
    return result == 0 ? conclude_failed(after, words) : conclude_unknown(after, words, &err);
}

static int confirm(const struct after *after, int status)
{
    struct hd_error err = HD_ERROR_INIT;
    const struct hd_request request = { .type = HD_REQUEST_CONFIRM,
                                        .id = 1,
                                        .deployment = after->deployment };
    json_t *answer = NULL;
    if (hd_query_ask(after->target, &request, &answer, &err) != 0)
        return conclude_unknown(after, "the smoke test passed", &err);
    bool confirmed = json_is_true(json_object_get(answer, "confirmed"));
    if (confirmed)
        json_object_set(after->report, "trial", json_object_get(answer, "trial"));
    json_decref(answer);
    if (!confirmed)
        return conclude_failed(after, "the smoke test passed, but too late");
    tell(after, "The smoke test passed: deployment %llu is confirmed.\n",
         (unsigned long long)after->deployment);
    return status;
}

/* ---- the smoke test -------------------------------------------------------------------------- */

static void note_smoke(const struct after *after, const struct hd_smoke_result *result)
{
    json_object_set_new(
        after->report, "smoke",
        json_pack("{s:s, s:o, s:o, s:b, s:b}", "command", after->invocation->smoke, "exit",
                  result->exit >= 0 ? json_integer(result->exit) : json_null(), "signal",
                  result->signal != 0 ? json_integer(result->signal) : json_null(), "timed_out",
                  result->timed_out, "interrupted", result->interrupted));
}

static uint64_t time_left(const struct after *after)
{
    int64_t passed = (hd_text_now() - after->since) / 1000;
    return passed >= 0 && (uint64_t)passed < after->milliseconds
               ? after->milliseconds - (uint64_t)passed
               : 0;
}

static int smoke(const struct after *after, int status)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_smoke_result result = { .exit = -1 };
    char words[400], verdict[120];
    tell(after, "Smoke test: %s\n", after->invocation->smoke);
    long pid = find_pid(after);
    if (hd_smoke_run(after->invocation->smoke, after->deployment, pid, time_left(after), &result,
                     &err) != 0)
        return roll_back(after, err.text);
    note_smoke(after, &result);
    if (hd_smoke_passed(&result))
        return confirm(after, status);
    hd_smoke_describe(&result, after->milliseconds, verdict, sizeof verdict);
    snprintf(words, sizeof words, "the smoke test (%.150s) %s", after->invocation->smoke, verdict);
    return roll_back(after, words);
}

/* ---- old code -------------------------------------------------------------------------------- */

static void sleep_ms(unsigned milliseconds)
{
    struct timespec time = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };
    nanosleep(&time, NULL);
}

/* *threads as of now; untouched while the agent is busy with something else. */
static int count_old_threads(const struct after *after, struct hd_conn *conn, json_int_t *threads,
                             struct hd_error *err)
{
    const struct hd_request request = { .type = HD_REQUEST_STATUS, .id = 1 };
    json_t *answer = NULL;
    if (hd_conn_request(conn, &request, (struct hd_bytes){ NULL, 0 }, NULL, &answer, err) != 0)
        return -1;
    if (!json_is_string(json_object_get(answer, "busy"))) {
        *threads = json_integer_value(json_object_get(answer, "old_frames"));
        json_object_set(after->report, "old_frames", json_object_get(answer, "old_frames"));
        json_object_set(after->report, "old_frames_complete",
                        json_object_get(answer, "old_frames_complete"));
    }
    json_decref(answer);
    return 0;
}

/* -1 with the error where nobody answers. */
static int watch_old_threads(const struct after *after, struct hd_conn *conn, json_int_t *threads,
                             struct hd_error *err)
{
    int64_t until = hd_text_now() + (int64_t)after->invocation->wait_drained_ms * 1000;
    unsigned pause = FIRST_LOOK_MS;
    for (;;) {
        if (count_old_threads(after, conn, threads, err) != 0)
            return -1;
        int64_t left = (until - hd_text_now()) / 1000;
        if (*threads == 0 || left <= 0)
            return 0;
        sleep_ms(left < pause ? (unsigned)left : pause);
        pause = pause * 2 < LAST_LOOK_MS ? pause * 2 : LAST_LOOK_MS;
    }
}

static int conclude_drained(const struct after *after, json_int_t threads, int status)
{
    bool complete = json_is_true(json_object_get(after->report, "old_frames_complete"));
    json_object_set_new(after->report, "drained", json_boolean(threads == 0));
    if (threads == 0) {
        tell(after, "No thread is in old code%s.\n",
             complete ? "" : " (virtual threads not counted)");
        return status;
    }
    tell(after,
         "%lld %s still in old code after %.12g s; what was pushed is live. 'hotdrop status "
         "--blocking' shows the stacks.\n",
         (long long)threads, threads == 1 ? "thread is" : "threads are",
         (double)after->invocation->wait_drained_ms / 1000);
    return status == HD_EXIT_GOOD ? HD_EXIT_NOT_DRAINED : status;
}

static int wait_drained(const struct after *after, int status)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_conn *conn = NULL;
    json_int_t threads = json_integer_value(json_object_get(after->report, "old_frames"));
    int result = hd_conn_open(after->target, &conn, &err);
    if (result == 0)
        result = watch_old_threads(after, conn, &threads, &err);
    hd_conn_close(conn);
    if (result == 0)
        return conclude_drained(after, threads, status);
    json_object_set_new(after->report, "drained", json_null());
    fprintf(stderr, "hotdrop: whether a thread is still in old code cannot be told any more: %s\n",
            err.text);
    return HD_EXIT_UNKNOWN;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool is_on_trial(const json_t *report)
{
    const json_t *trial = json_object_get(report, "trial");
    return json_is_object(trial) && json_is_null(json_object_get(trial, "ended"));
}

int hd_after_push(const struct hd_invocation *invocation, const struct hd_target *target,
                  json_t *report, int status)
{
    const struct after after = {
        .invocation = invocation,
        .target = target,
        .report = report,
        .deployment = (uint64_t)json_integer_value(json_object_get(report, "deployment")),
        .milliseconds = hd_trial_milliseconds(invocation),
        .since = hd_text_now(),
    };
    if (invocation->smoke != NULL && is_on_trial(report))
        status = smoke(&after, status);
    else if (invocation->smoke != NULL)
        tell(&after, "Nothing was changed, so the smoke test was not run.\n");
    bool live = json_is_true(json_object_get(report, "applied"));
    return invocation->wait_drained_ms > 0 && live ? wait_drained(&after, status) : status;
}
