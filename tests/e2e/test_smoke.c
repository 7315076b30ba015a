/* SPDX-License-Identifier: Apache-2.0 */
/* What a push does after its report: a smoke test that decides, and the wait for threads in old
 * code. */
#include "tests/e2e/trials.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- --smoke --------------------------------------------------------------------------------- */

static void smoke(const struct e2e *e2e, struct e2e_answer *answer, const char *word,
                  const char *test)
{
    trial_push(e2e, answer, word, "--smoke", test);
}

static void a_smoke_test_that_passes_confirms(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char test[256], line[64] = "";
    trial_start(e2e, "");
    snprintf(test, sizeof test, "echo not JSON; echo $HOTDROP_DEPLOYMENT $HOTDROP_PID > %s",
             e2e_path(e2e, "seen"));
    smoke(e2e, &answer, "one", test);
    assert_int_equal(answer.status, 0);
    trial_expect_text(json_object_get(answer.json, "trial"), "ended", "confirmed");
    trial_expect_number(json_object_get(answer.json, "smoke"), "exit", 0);
    e2e_expect_row(answer.json, "demo.Shop", "redefined", NULL);
    e2e_answer_close(&answer);
    FILE *seen = fopen(e2e_path(e2e, "seen"), "re");
    assert_non_null(fgets(line, sizeof line, seen));
    fclose(seen);
    snprintf(test, sizeof test, "1 %s\n", trial_pid(e2e));
    assert_string_equal(line, test);
    e2e_expect(e2e, "call demo.Shop run", "one");
    trial_expect_end(e2e, "1", "confirmed", 0, "uid:");
}

static void expect_smoke_failed(struct e2e *e2e, const char *test, const char *words,
                                json_int_t rollback)
{
    struct e2e_answer answer;
    smoke(e2e, &answer, "one", test);
    trial_expect_error(&answer, "smoke-failed", words);
    e2e_expect_row(answer.json, "demo.Shop", "rolled-back", NULL);
    const json_t *pushed = json_object_get(answer.json, "pushed");
    trial_expect_text(json_array_get(pushed, 0), "outcome", "redefined");
    assert_true(json_is_false(json_object_get(answer.json, "applied")));
    trial_expect_number(answer.json, "deployment", rollback - 1);
    trial_expect_number(answer.json, "rollback", rollback);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void a_smoke_test_that_does_not_pass_rolls_back(void **state)
{
    struct e2e *e2e = *state;
    trial_start(e2e, "");
    expect_smoke_failed(e2e, "exit 3", "exited with 3; deployment 2 rolled it back", 2);
    expect_smoke_failed(e2e, "kill -9 $$", "was ended by signal 9", 4);
    expect_smoke_failed(e2e, "/no/such/program", "exited with 127", 6);
    json_t *rollback = trial_shown(e2e, "2");
    trial_expect_text(rollback, "message", "the smoke test (exit 3) exited with 3");
    json_decref(rollback);
}

static void a_smoke_test_that_takes_too_long_is_ended_and_rolled_back(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char test[256];
    trial_start(e2e, "");
    trial_compile(e2e, "one", "after");
    snprintf(test, sizeof test, "sleep 100 & echo $! > %s; wait", e2e_path(e2e, "child"));
    e2e_client(e2e, &answer, "push", "--json", "--pid", trial_pid(e2e), "--confirm-within", "700ms",
               "--smoke", test, e2e_path(e2e, "after"), NULL);
    trial_expect_error(&answer, "smoke-failed", "did not end within 0.7 s");
    e2e_expect_row(answer.json, "demo.Shop", "rolled-back", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
    char line[64] = "";
    FILE *child = fopen(e2e_path(e2e, "child"), "re");
    assert_non_null(fgets(line, sizeof line, child));
    fclose(child);
    pid_t pid = (pid_t)strtol(line, NULL, 10);
    assert_true(pid > 1);
    for (int i = 0; i < 6000 && kill(pid, 0) == 0; i++)
        poll(NULL, 0, 10); /* until somebody has reaped it */
    assert_int_equal(kill(pid, 0), -1);
}

static void start_client(const struct e2e *e2e, struct e2e_process *client, const char *time)
{
    trial_compile(e2e, "one", "after");
    const char *const arguments[] = { HD_E2E_CLIENT,
                                      "push",
                                      "--json",
                                      "--pid",
                                      trial_pid(e2e),
                                      "--confirm-within",
                                      time,
                                      "--smoke",
                                      "echo begun; sleep 100",
                                      e2e_path(e2e, "after"),
                                      NULL };
    e2e_process_start(client, arguments, NULL, e2e_path(e2e, "client.err"));
}

static void a_client_that_dies_during_the_test_leaves_it_to_the_agent(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_process client = { 0 };
    trial_start(e2e, "");
    start_client(e2e, &client, "1500ms");
    e2e_await(e2e, "call demo.Shop run", "one");
    e2e_process_end(&client);
    e2e_await(e2e, "call demo.Shop run", "start");
    trial_expect_end(e2e, "1", "rolled-back", 2, "hotdrop agent");
}

static void a_client_that_is_interrupted_rolls_back_at_once(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_process client = { 0 };
    int status = 0;
    trial_start(e2e, "");
    start_client(e2e, &client, "2min");
    e2e_await_file(e2e, "client.err");
    e2e_await(e2e, "call demo.Shop run", "one");
    char line[64] = "";
    for (int i = 0; i < 6000 && strstr(line, "begun") == NULL; i++) {
        FILE *errors = fopen(e2e_path(e2e, "client.err"), "re");
        if (fgets(line, sizeof line, errors) == NULL)
            poll(NULL, 0, 10);
        fclose(errors);
    }
    kill(client.pid, SIGINT);
    char *output = e2e_process_finish(&client, 90, &status);
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
    trial_start(e2e, "");
    snprintf(test, sizeof test, "%s rollback --pid %s --message \"not this one\" > %s",
             HD_E2E_CLIENT, trial_pid(e2e), e2e_path(e2e, "output"));
    smoke(e2e, &answer, "one", test);
    trial_expect_error(&answer, "smoke-failed",
                       "passed, but too late; deployment 2 rolled it back");
    e2e_expect_row(answer.json, "demo.Shop", "rolled-back", NULL);
    e2e_answer_close(&answer);
}

static void what_changes_nothing_needs_no_smoke_test(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    trial_start(e2e, "");
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
    e2e_client(e2e, answer, "push", "--json", "--pid", trial_pid(e2e), "--wait-drained", time,
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
    trial_expect_number(answer.json, "old_frames", 1);
    e2e_expect_row(answer.json, "demo.Shop", "redefined", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "one");
    trial_command(e2e, &answer, "status", "--blocking");
    const json_t *blocking = json_object_get(answer.json, "blocking");
    const json_t *threads = json_object_get(blocking, "threads");
    assert_int_equal(json_array_size(threads), 1);
    trial_expect_number(blocking, "more", 0);
    trial_expect_text(json_array_get(threads, 0), "thread", "held");
    const json_t *frames = json_object_get(json_array_get(threads, 0), "frames");
    size_t index, old = 0;
    json_t *frame;
    json_array_foreach(frames, index, frame)
    {
        if (!json_is_true(json_object_get(frame, "old")))
            continue;
        old++;
        trial_expect_text(frame, "class", "demo.Shop");
        trial_expect_text(frame, "method", "hold");
        trial_expect_number(frame, "at", (json_int_t)index);
    }
    assert_int_equal(old, 1);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "release", "ok");
    trial_command(e2e, &answer, "status", "--blocking");
    blocking = json_object_get(answer.json, "blocking");
    assert_int_equal(json_array_size(json_object_get(blocking, "threads")), 0);
    trial_expect_number(answer.json, "old_frames", 0);
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
    const char *const arguments[] = {
        HD_E2E_CLIENT,          "push", "--json", "--pid", trial_pid(e2e), "--wait-drained", "20s",
        e2e_path(e2e, "after"), NULL
    };
    e2e_process_start(&client, arguments, NULL, e2e_path(e2e, "client.err"));
    e2e_await(e2e, "call demo.Shop run", "one");
    e2e_expect(e2e, "release", "ok");
    char *output = e2e_process_finish(&client, 90, &status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(output, "\"drained\":true"));
    free(output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
