/* SPDX-License-Identifier: Apache-2.0 */
/* A push on trial: whoever does not confirm it in time has it rolled back, by the agent itself. */
#include "tests/e2e/harness.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EDITS_WHEN_TOLD "-javaagent:" HD_E2E_BINARY "/editing-agent.jar="

static void compile_shop(const struct e2e *e2e, const char *answer, const char *classes)
{
    char source[256];
    snprintf(source, sizeof source,
             "package demo; public class Shop { public static String run() { return \"%s\"; } }",
             answer);
    e2e_write(e2e, "source/demo/Shop.java", source);
    e2e_compile(e2e, "source", classes, "");
}

static const char *pid_of(const struct e2e *e2e)
{
    static char text[16];
    snprintf(text, sizeof text, "%d", (int)e2e->jvm.pid);
    return text;
}

/* hotdrop COMMAND --json --pid <jvm> [argument]; the caller closes the answer. */
static void command(const struct e2e *e2e, struct e2e_answer *answer, const char *name,
                    const char *argument)
{
    e2e_client(e2e, answer, name, "--json", "--pid", pid_of(e2e), argument, NULL);
    if (answer->json == NULL)
        fail_msg("%s: %s", name, answer->output);
}

static json_t *shown(const struct e2e *e2e, const char *number)
{
    struct e2e_answer answer;
    command(e2e, &answer, "show", number);
    json_t *document = json_incref(answer.json);
    e2e_answer_close(&answer);
    return document;
}

static void expect_text(const json_t *object, const char *key, const char *text)
{
    const char *found = json_string_value(json_object_get(object, key));
    if (found == NULL || strstr(found, text) == NULL)
        fail_msg("%s is \"%s\", not \"%s\"", key, found != NULL ? found : "(none)", text);
}

static void expect_number(const json_t *object, const char *key, json_int_t number)
{
    assert_int_equal(json_integer_value(json_object_get(object, key)), number);
}

/* How the trial of that deployment ended, by which rollback (0: none), and who ended it. */
static void expect_end(const struct e2e *e2e, const char *deployment, const char *how,
                       json_int_t rollback, const char *who)
{
    json_t *document = shown(e2e, deployment);
    const json_t *trial = json_object_get(document, "trial");
    expect_text(trial, "ended", how);
    expect_text(trial, "who", who);
    expect_number(trial, "rollback", rollback);
    json_decref(document);
}

static void expect_error(const struct e2e_answer *answer, const char *reason, const char *words)
{
    const json_t *error = json_object_get(answer->json, "error");
    if (!json_is_object(error))
        fail_msg("no error: %s", answer->output);
    assert_string_equal(json_string_value(json_object_get(error, "reason")), reason);
    expect_text(error, "message", words);
    assert_int_equal(answer->status, 1);
}

static void start_with_shop(struct e2e *e2e, const char *agent_options)
{
    compile_shop(e2e, "start", e2e->classes);
    e2e_start(e2e, agent_options, NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

/* The option and its value stand before the path. */
static void push_with(const struct e2e *e2e, struct e2e_answer *answer, const char *word,
                      const char *option, const char *value)
{
    compile_shop(e2e, word, "after");
    e2e_client(e2e, answer, "push", "--json", "--pid", pid_of(e2e), option, value,
               e2e_path(e2e, "after"), NULL);
    assert_non_null(answer->json);
}

static void push_on_trial(const struct e2e *e2e, const char *word, const char *time)
{
    struct e2e_answer answer;
    push_with(e2e, &answer, word, "--confirm-within", time);
    if (answer.status != 0)
        fail_msg("%s", answer.output);
    assert_true(json_is_null(
        json_object_get(json_object_get(answer.json, "trial"), "ended")));
    e2e_answer_close(&answer);
}

/* ---- --confirm-within ------------------------------------------------------------------------ */

static void what_nobody_confirms_is_rolled_back_by_the_agent(void **state)
{
    struct e2e *e2e = *state;
    start_with_shop(e2e, "");
    push_on_trial(e2e, "one", "1500ms");
    e2e_expect(e2e, "call demo.Shop run", "one");
    e2e_await(e2e, "call demo.Shop run", "start");
    e2e_await_log(e2e, "deployment 1 was rolled back by hotdrop agent");
    json_t *rollback = shown(e2e, "2");
    expect_text(rollback, "kind", "rollback");
    expect_text(rollback, "way", "agent");
    expect_text(rollback, "who", "hotdrop agent");
    expect_text(rollback, "message", "deployment 1 by uid:");
    expect_text(rollback, "message", "was not confirmed within 1.5 s");
    e2e_expect_row(rollback, "demo.Shop", "rolled-back", NULL);
    json_decref(rollback);
    expect_end(e2e, "1", "rolled-back", 2, "hotdrop agent");
}

static void what_is_confirmed_stays(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e, "");
    push_on_trial(e2e, "one", "1s");
    command(e2e, &answer, "confirm", NULL);
    assert_int_equal(answer.status, 0);
    expect_number(answer.json, "deployment", 1);
    assert_true(json_is_false(json_object_get(answer.json, "already")));
    e2e_answer_close(&answer);
    command(e2e, &answer, "confirm", "1");
    assert_int_equal(answer.status, 0);
    assert_true(json_is_true(json_object_get(answer.json, "already")));
    e2e_answer_close(&answer);
    expect_end(e2e, "1", "confirmed", 0, "uid:");
    poll(NULL, 0, 1200); /* nothing is to happen when the time would have been over */
    e2e_expect(e2e, "call demo.Shop run", "one");
    command(e2e, &answer, "history", NULL);
    assert_int_equal(json_array_size(json_object_get(answer.json, "deployments")), 1);
    e2e_answer_close(&answer);
}

static void a_confirmation_that_cannot_be_says_why(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e, "");
    command(e2e, &answer, "confirm", NULL);
    expect_error(&answer, "no-trial", "nothing is on trial");
    e2e_answer_close(&answer);
    push_on_trial(e2e, "one", "1s");
    command(e2e, &answer, "confirm", "7");
    expect_error(&answer, "no-trial", "deployment 7 is not on trial; deployment 1 by uid:");
    e2e_answer_close(&answer);
    e2e_await_log(e2e, "deployment 1 was rolled back");
    command(e2e, &answer, "confirm", NULL);
    expect_error(&answer, "no-trial", "rolled back already by hotdrop agent: deployment 2");
    e2e_answer_close(&answer);
    command(e2e, &answer, "confirm", "1");
    expect_error(&answer, "no-trial", "rolled back already by hotdrop agent: deployment 2");
    e2e_answer_close(&answer);
}

static void while_a_trial_is_open_nothing_else_is_deployed(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e, "");
    push_on_trial(e2e, "one", "2min");
    compile_shop(e2e, "two", "other");
    e2e_deploy(e2e, &answer, "push", "other");
    expect_error(&answer, "trial-open", "deployment 1 by uid:");
    expect_error(&answer, "trial-open", "s left to confirm it");
    e2e_answer_close(&answer);
    e2e_deploy(e2e, &answer, "check", "other");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_drop(e2e, "other/demo/Shop.class", "Shop.class");
    json_t *report = e2e_await_report(e2e, ".refused", 3);
    expect_text(json_object_get(report, "error"), "reason", "trial-open");
    json_decref(report);
    e2e_expect(e2e, "call demo.Shop run", "one");
    command(e2e, &answer, "status", NULL);
    const json_t *trial = json_object_get(answer.json, "trial");
    expect_number(trial, "deployment", 1);
    expect_text(trial, "who", "uid:");
    double left = json_number_value(json_object_get(trial, "seconds_left"));
    assert_true(left > 60 && left <= 120);
    e2e_answer_close(&answer);
}

static void a_rollback_by_hand_ends_the_trial(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e, "");
    push_on_trial(e2e, "one", "2min");
    command(e2e, &answer, "rollback", NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    expect_end(e2e, "1", "rolled-back", 2, "uid:");
    e2e_expect(e2e, "call demo.Shop run", "start");
    command(e2e, &answer, "status", NULL);
    assert_true(json_is_null(json_object_get(answer.json, "trial")));
    e2e_answer_close(&answer);
    push_on_trial(e2e, "three", "2min");
}

static void what_changes_nothing_is_on_no_trial(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e, "");
    push_with(e2e, &answer, "start", "--confirm-within", "1s");
    e2e_expect_row(answer.json, "demo.Shop", "unchanged", NULL);
    assert_null(json_object_get(answer.json, "trial"));
    e2e_answer_close(&answer);
    push_with(e2e, &answer, "one", "--message", "no trial");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
}

static void what_could_not_be_rolled_back_gets_no_trial(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e, "");
    assert_int_equal(unlink(e2e_path(e2e, "classes/demo/Shop.class")), 0);
    push_with(e2e, &answer, "one", "--confirm-within", "1s");
    e2e_expect_row(answer.json, "demo.Shop", "refused", "no-way-back");
    assert_int_equal(answer.status, 1);
    e2e_answer_close(&answer);
    push_with(e2e, &answer, "one", "--smoke", "true");
    e2e_expect_row(answer.json, "demo.Shop", "refused", "no-way-back");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
    push_with(e2e, &answer, "one", "--message", "never mind");
    e2e_expect_row(answer.json, "demo.Shop", "redefined", NULL);
    assert_true(e2e_has_warning(e2e_row(answer.json, "demo.Shop", NULL), "no-way-back"));
    e2e_answer_close(&answer);
}

static void a_compile_that_came_during_the_trial_is_deployed_after_it(void **state)
{
    struct e2e *e2e = *state;
    char options[256];
    compile_shop(e2e, "start", "tree");
    snprintf(options, sizeof options, "watch=%s", e2e_path(e2e, "tree"));
    start_with_shop(e2e, options);
    push_on_trial(e2e, "one", "2500ms");
    compile_shop(e2e, "compiled", "tree");
    e2e_await_log(e2e, "deployment 2 refused");
    e2e_expect(e2e, "call demo.Shop run", "one");
    e2e_await(e2e, "call demo.Shop run", "compiled");
    expect_end(e2e, "1", "rolled-back", 3, "hotdrop agent");
}

static void a_way_back_that_is_refused_is_told_loudly_and_ends_the_trial(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char agent[256];
    snprintf(agent, sizeof agent, EDITS_WHEN_TOLD "%s", e2e_path(e2e, "edit"));
    const char *const options[] = { agent, NULL };
    compile_shop(e2e, "start", e2e->classes);
    e2e_start(e2e, "", options);
    e2e_expect(e2e, "call demo.Shop run", "start");
    push_on_trial(e2e, "one", "1s");
    e2e_write(e2e, "edit", ""); /* from now on that agent adds a method, which no JVM takes */
    e2e_await_log(e2e, "ERROR deployment 1 was not confirmed in time, and rolling it back was "
                       "refused");
    expect_end(e2e, "1", "rollback-refused", 2, "hotdrop agent");
    json_t *rollback = shown(e2e, "2");
    assert_int_equal(e2e_count_rows(rollback, "refused"), 1);
    json_decref(rollback);
    command(e2e, &answer, "status", NULL);
    expect_text(json_object_get(answer.json, "trial"), "ended", "rollback-refused");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "one");
    assert_int_equal(unlink(e2e_path(e2e, "edit")), 0);
    push_on_trial(e2e, "two", "2min");
    e2e_expect(e2e, "call demo.Shop run", "two");
}

/* ---- --expect -------------------------------------------------------------------------------- */

static void what_was_made_for_another_state_is_refused(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char live[32];
    start_with_shop(e2e, "");
    push_with(e2e, &answer, "one", "--expect", "0123456789abcdef");
    expect_error(&answer, "wrong-base", "not 0123456789abcdef");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
    command(e2e, &answer, "status", NULL);
    snprintf(live, sizeof live, "%s", json_string_value(json_object_get(answer.json, "state")));
    e2e_answer_close(&answer);
    push_with(e2e, &answer, "one", "--expect", live);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "rollback", "--json", "--pid", pid_of(e2e), "--expect", live, NULL);
    expect_error(&answer, "wrong-base", live);
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "push", "--pid", pid_of(e2e), "--expect", "State", "x", NULL);
    assert_int_equal(answer.status, 2);
    e2e_answer_close(&answer);
}

/* ---- --smoke --------------------------------------------------------------------------------- */

static void smoke(const struct e2e *e2e, struct e2e_answer *answer, const char *word,
                  const char *test)
{
    push_with(e2e, answer, word, "--smoke", test);
}

static void a_smoke_test_that_passes_confirms(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char test[256], line[64] = "";
    start_with_shop(e2e, "");
    snprintf(test, sizeof test, "echo not JSON; echo $HOTDROP_DEPLOYMENT $HOTDROP_PID > %s",
             e2e_path(e2e, "seen"));
    smoke(e2e, &answer, "one", test);
    assert_int_equal(answer.status, 0);
    expect_text(json_object_get(answer.json, "trial"), "ended", "confirmed");
    expect_number(json_object_get(answer.json, "smoke"), "exit", 0);
    e2e_expect_row(answer.json, "demo.Shop", "redefined", NULL);
    e2e_answer_close(&answer);
    FILE *seen = fopen(e2e_path(e2e, "seen"), "re");
    assert_non_null(fgets(line, sizeof line, seen));
    fclose(seen);
    snprintf(test, sizeof test, "1 %s\n", pid_of(e2e));
    assert_string_equal(line, test);
    e2e_expect(e2e, "call demo.Shop run", "one");
    expect_end(e2e, "1", "confirmed", 0, "uid:");
}

static void expect_smoke_failed(struct e2e *e2e, const char *test, const char *words,
                                json_int_t rollback)
{
    struct e2e_answer answer;
    smoke(e2e, &answer, "one", test);
    expect_error(&answer, "smoke-failed", words);
    e2e_expect_row(answer.json, "demo.Shop", "rolled-back", NULL);
    expect_text(json_array_get(json_object_get(answer.json, "pushed"), 0), "outcome", "redefined");
    assert_true(json_is_false(json_object_get(answer.json, "applied")));
    expect_number(answer.json, "deployment", rollback - 1);
    expect_number(answer.json, "rollback", rollback);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void a_smoke_test_that_does_not_pass_rolls_back(void **state)
{
    struct e2e *e2e = *state;
    start_with_shop(e2e, "");
    expect_smoke_failed(e2e, "exit 3", "exited with 3; deployment 2 rolled it back", 2);
    expect_smoke_failed(e2e, "kill -9 $$", "was ended by signal 9", 4);
    expect_smoke_failed(e2e, "/no/such/program", "exited with 127", 6);
    json_t *rollback = shown(e2e, "2");
    expect_text(rollback, "message", "the smoke test (exit 3) exited with 3");
    json_decref(rollback);
}

static void a_smoke_test_that_takes_too_long_is_ended_and_rolled_back(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char test[256];
    start_with_shop(e2e, "");
    compile_shop(e2e, "one", "after");
    snprintf(test, sizeof test, "sleep 100 & echo $! > %s; wait", e2e_path(e2e, "child"));
    e2e_client(e2e, &answer, "push", "--json", "--pid", pid_of(e2e), "--confirm-within", "700ms",
               "--smoke", test, e2e_path(e2e, "after"), NULL);
    expect_error(&answer, "smoke-failed", "did not end within 0.7 s");
    e2e_expect_row(answer.json, "demo.Shop", "rolled-back", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
    char line[64] = "";
    FILE *child = fopen(e2e_path(e2e, "child"), "re");
    assert_non_null(fgets(line, sizeof line, child));
    fclose(child);
    pid_t pid = (pid_t)strtol(line, NULL, 10);
    assert_true(pid > 1);
    for (int i = 0; i < 500 && kill(pid, 0) == 0; i++)
        poll(NULL, 0, 10); /* until somebody has reaped it */
    assert_int_equal(kill(pid, 0), -1);
}

static void start_client(const struct e2e *e2e, struct e2e_process *client, const char *time)
{
    compile_shop(e2e, "one", "after");
    const char *const arguments[] = { HD_E2E_CLIENT,      "push",    "--json",
                                      "--pid",            pid_of(e2e), "--confirm-within",
                                      time,               "--smoke", "echo begun; sleep 100",
                                      e2e_path(e2e, "after"), NULL };
    e2e_process_start(client, arguments, NULL, e2e_path(e2e, "client.err"));
}

static void a_client_that_dies_during_the_test_leaves_it_to_the_agent(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_process client = { 0 };
    start_with_shop(e2e, "");
    start_client(e2e, &client, "1500ms");
    e2e_await(e2e, "call demo.Shop run", "one");
    e2e_process_end(&client);
    e2e_await(e2e, "call demo.Shop run", "start");
    expect_end(e2e, "1", "rolled-back", 2, "hotdrop agent");
}

static void a_client_that_is_interrupted_rolls_back_at_once(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_process client = { 0 };
    int status = 0;
    start_with_shop(e2e, "");
    start_client(e2e, &client, "2min");
    e2e_await_file(e2e, "client.err");
    e2e_await(e2e, "call demo.Shop run", "one");
    char line[64] = "";
    for (int i = 0; i < 1000 && strstr(line, "begun") == NULL; i++) {
        FILE *errors = fopen(e2e_path(e2e, "client.err"), "re");
        if (fgets(line, sizeof line, errors) == NULL)
            poll(NULL, 0, 10);
        fclose(errors);
    }
    kill(client.pid, SIGINT);
    char *output = e2e_process_finish(&client, 20, &status);
    assert_non_null(strstr(output, "was interrupted; deployment 2 rolled it back"));
    free(output);
    assert_int_equal(status, 1 << 8);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void a_test_that_passes_too_late_says_so(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char test[400];
    start_with_shop(e2e, "");
    snprintf(test, sizeof test, "%s rollback --pid %s --message \"not this one\" > %s",
             HD_E2E_CLIENT, pid_of(e2e), e2e_path(e2e, "output"));
    smoke(e2e, &answer, "one", test);
    expect_error(&answer, "smoke-failed", "passed, but too late; deployment 2 rolled it back");
    e2e_expect_row(answer.json, "demo.Shop", "rolled-back", NULL);
    e2e_answer_close(&answer);
}

static void what_changes_nothing_needs_no_smoke_test(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e, "");
    smoke(e2e, &answer, "start", "exit 3");
    assert_int_equal(answer.status, 0);
    assert_null(json_object_get(answer.json, "smoke"));
    e2e_answer_close(&answer);
}

/* ---- old code -------------------------------------------------------------------------------- */

static void compile_waiter(const struct e2e *e2e, const char *word, const char *classes)
{
    char source[600];
    snprintf(source, sizeof source,
             "package demo; import java.util.concurrent.CountDownLatch; public class Shop { "
             "public static String run() { return \"%s\"; } "
             "static void hold(CountDownLatch in, CountDownLatch out) throws Exception { "
             "in.countDown(); out.await(); if (run() == \"%s?\") throw new Exception(); } }",
             word, word);
    e2e_write(e2e, "source/demo/Shop.java", source);
    e2e_compile(e2e, "source", classes, "");
}

static void push_while_held(struct e2e *e2e, struct e2e_answer *answer, const char *time)
{
    compile_waiter(e2e, "start", e2e->classes);
    e2e_start(e2e, "", NULL);
    e2e_expect(e2e, "hold demo.Shop hold", "ok");
    compile_waiter(e2e, "one", "after");
    e2e_client(e2e, answer, "push", "--json", "--pid", pid_of(e2e), "--wait-drained", time,
               e2e_path(e2e, "after"), NULL);
    assert_non_null(answer->json);
}

static void threads_that_hold_out_are_named_with_their_stacks(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    push_while_held(e2e, &answer, "300ms");
    assert_int_equal(answer.status, 6);
    assert_true(json_is_false(json_object_get(answer.json, "drained")));
    expect_number(answer.json, "old_frames", 1);
    e2e_expect_row(answer.json, "demo.Shop", "redefined", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "one");
    command(e2e, &answer, "status", "--blocking");
    const json_t *blocking = json_object_get(answer.json, "blocking");
    const json_t *threads = json_object_get(blocking, "threads");
    assert_int_equal(json_array_size(threads), 1);
    expect_number(blocking, "more", 0);
    expect_text(json_array_get(threads, 0), "thread", "held");
    const json_t *frames = json_object_get(json_array_get(threads, 0), "frames");
    size_t index, old = 0;
    json_t *frame;
    json_array_foreach(frames, index, frame)
    {
        if (!json_is_true(json_object_get(frame, "old")))
            continue;
        old++;
        expect_text(frame, "class", "demo.Shop");
        expect_text(frame, "method", "hold");
        expect_number(frame, "at", (json_int_t)index);
    }
    assert_int_equal(old, 1);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "release", "ok");
    command(e2e, &answer, "status", "--blocking");
    blocking = json_object_get(answer.json, "blocking");
    assert_int_equal(json_array_size(json_object_get(blocking, "threads")), 0);
    expect_number(answer.json, "old_frames", 0);
    e2e_answer_close(&answer);
}

static void a_push_can_wait_until_nobody_is_in_old_code(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_process client = { 0 };
    int status = 0;
    compile_waiter(e2e, "start", e2e->classes);
    e2e_start(e2e, "", NULL);
    e2e_expect(e2e, "hold demo.Shop hold", "ok");
    compile_waiter(e2e, "one", "after");
    const char *const arguments[] = { HD_E2E_CLIENT,    "push", "--json",
                                      "--pid",          pid_of(e2e), "--wait-drained",
                                      "20s",            e2e_path(e2e, "after"), NULL };
    e2e_process_start(&client, arguments, NULL, e2e_path(e2e, "client.err"));
    e2e_await(e2e, "call demo.Shop run", "one");
    e2e_expect(e2e, "release", "ok");
    char *output = e2e_process_finish(&client, 20, &status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(output, "\"drained\":true"));
    free(output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(what_nobody_confirms_is_rolled_back_by_the_agent),
        E2E_CASE(what_is_confirmed_stays),
        E2E_CASE(a_confirmation_that_cannot_be_says_why),
        E2E_CASE(while_a_trial_is_open_nothing_else_is_deployed),
        E2E_CASE(a_rollback_by_hand_ends_the_trial),
        E2E_CASE(what_changes_nothing_is_on_no_trial),
        E2E_CASE(what_could_not_be_rolled_back_gets_no_trial),
        E2E_CASE(a_compile_that_came_during_the_trial_is_deployed_after_it),
        E2E_CASE(a_way_back_that_is_refused_is_told_loudly_and_ends_the_trial),
        E2E_CASE(what_was_made_for_another_state_is_refused),
        E2E_CASE(a_smoke_test_that_passes_confirms),
        E2E_CASE(a_smoke_test_that_does_not_pass_rolls_back),
        E2E_CASE(a_smoke_test_that_takes_too_long_is_ended_and_rolled_back),
        E2E_CASE(a_client_that_dies_during_the_test_leaves_it_to_the_agent),
        E2E_CASE(a_client_that_is_interrupted_rolls_back_at_once),
        E2E_CASE(a_test_that_passes_too_late_says_so),
        E2E_CASE(what_changes_nothing_needs_no_smoke_test),
        E2E_CASE(threads_that_hold_out_are_named_with_their_stacks),
        E2E_CASE(a_push_can_wait_until_nobody_is_in_old_code),
    };
    return E2E_RUN(tests);
}
