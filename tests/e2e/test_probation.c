/* SPDX-License-Identifier: Apache-2.0 */
/* A push on trial: whoever does not confirm it in time has it rolled back, by the agent itself. */
#include "tests/e2e/trials.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EDITS_WHEN_TOLD "-javaagent:" HD_E2E_BINARY "/editing-agent.jar="

/* ---- --confirm-within ------------------------------------------------------------------------ */

static void what_nobody_confirms_is_rolled_back_by_the_agent(void **state)
{
    struct e2e *e2e = *state;
    trial_start(e2e, "");
    trial_push_on_trial(e2e, "one", "1500ms");
    e2e_expect(e2e, "call demo.Shop run", "one");
    e2e_await(e2e, "call demo.Shop run", "start");
    e2e_await_log(e2e, "deployment 1 was rolled back by hotdrop agent");
    json_t *rollback = trial_shown(e2e, "2");
    trial_expect_text(rollback, "kind", "rollback");
    trial_expect_text(rollback, "way", "agent");
    trial_expect_text(rollback, "who", "hotdrop agent");
    trial_expect_text(rollback, "message", "deployment 1 by uid:");
    trial_expect_text(rollback, "message", "was not confirmed within 1.5 s");
    e2e_expect_row(rollback, "demo.Shop", "rolled-back", NULL);
    json_decref(rollback);
    trial_expect_end(e2e, "1", "rolled-back", 2, "hotdrop agent");
}

static void what_is_confirmed_stays(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    trial_start(e2e, "");
    trial_push_on_trial(e2e, "one", "1s");
    trial_command(e2e, &answer, "confirm", NULL);
    assert_int_equal(answer.status, 0);
    trial_expect_number(answer.json, "deployment", 1);
    assert_true(json_is_false(json_object_get(answer.json, "already")));
    e2e_answer_close(&answer);
    trial_command(e2e, &answer, "confirm", "1");
    assert_int_equal(answer.status, 0);
    assert_true(json_is_true(json_object_get(answer.json, "already")));
    e2e_answer_close(&answer);
    trial_expect_end(e2e, "1", "confirmed", 0, "uid:");
    poll(NULL, 0, 1200); /* nothing is to happen when the time would have been over */
    e2e_expect(e2e, "call demo.Shop run", "one");
    trial_command(e2e, &answer, "history", NULL);
    assert_int_equal(json_array_size(json_object_get(answer.json, "deployments")), 1);
    e2e_answer_close(&answer);
}

static void a_confirmation_that_cannot_be_says_why(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    trial_start(e2e, "");
    trial_command(e2e, &answer, "confirm", NULL);
    trial_expect_error(&answer, "no-trial", "nothing is on trial");
    e2e_answer_close(&answer);
    trial_push_on_trial(e2e, "one", "1s");
    trial_command(e2e, &answer, "confirm", "7");
    trial_expect_error(&answer, "no-trial", "deployment 7 is not on trial; deployment 1 by uid:");
    e2e_answer_close(&answer);
    e2e_await_log(e2e, "deployment 1 was rolled back");
    trial_command(e2e, &answer, "confirm", NULL);
    trial_expect_error(&answer, "no-trial", "rolled back already by hotdrop agent: deployment 2");
    e2e_answer_close(&answer);
    trial_command(e2e, &answer, "confirm", "1");
    trial_expect_error(&answer, "no-trial", "rolled back already by hotdrop agent: deployment 2");
    e2e_answer_close(&answer);
}

static void while_a_trial_is_open_nothing_else_is_deployed(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    trial_start(e2e, "");
    trial_push_on_trial(e2e, "one", "2min");
    trial_compile(e2e, "two", "other");
    e2e_deploy(e2e, &answer, "push", "other");
    trial_expect_error(&answer, "trial-open", "deployment 1 by uid:");
    trial_expect_error(&answer, "trial-open", "s left to confirm it");
    e2e_answer_close(&answer);
    e2e_deploy(e2e, &answer, "check", "other");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_drop(e2e, "other/demo/Shop.class", "Shop.class");
    json_t *report = e2e_await_report(e2e, ".refused", 3);
    trial_expect_text(json_object_get(report, "error"), "reason", "trial-open");
    json_decref(report);
    e2e_expect(e2e, "call demo.Shop run", "one");
    trial_command(e2e, &answer, "status", NULL);
    const json_t *trial = json_object_get(answer.json, "trial");
    trial_expect_number(trial, "deployment", 1);
    trial_expect_text(trial, "who", "uid:");
    double left = json_number_value(json_object_get(trial, "seconds_left"));
    assert_true(left > 60 && left <= 120);
    e2e_answer_close(&answer);
}

static void a_rollback_by_hand_ends_the_trial(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    trial_start(e2e, "");
    trial_push_on_trial(e2e, "one", "2min");
    trial_command(e2e, &answer, "rollback", NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    trial_expect_end(e2e, "1", "rolled-back", 2, "uid:");
    e2e_expect(e2e, "call demo.Shop run", "start");
    trial_command(e2e, &answer, "status", NULL);
    assert_true(json_is_null(json_object_get(answer.json, "trial")));
    e2e_answer_close(&answer);
    trial_push_on_trial(e2e, "three", "2min");
}

static void what_changes_nothing_is_on_no_trial(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    trial_start(e2e, "");
    trial_push(e2e, &answer, "start", "--confirm-within", "1s");
    e2e_expect_row(answer.json, "demo.Shop", "unchanged", NULL);
    assert_null(json_object_get(answer.json, "trial"));
    e2e_answer_close(&answer);
    trial_push(e2e, &answer, "one", "--message", "no trial");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
}

static void what_could_not_be_rolled_back_gets_no_trial(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    trial_start(e2e, "");
    assert_int_equal(unlink(e2e_path(e2e, "classes/demo/Shop.class")), 0);
    trial_push(e2e, &answer, "one", "--confirm-within", "1s");
    e2e_expect_row(answer.json, "demo.Shop", "refused", "no-way-back");
    assert_int_equal(answer.status, 1);
    e2e_answer_close(&answer);
    trial_push(e2e, &answer, "one", "--smoke", "true");
    e2e_expect_row(answer.json, "demo.Shop", "refused", "no-way-back");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
    trial_push(e2e, &answer, "one", "--message", "never mind");
    e2e_expect_row(answer.json, "demo.Shop", "redefined", NULL);
    assert_true(e2e_has_warning(e2e_row(answer.json, "demo.Shop", NULL), "no-way-back"));
    e2e_answer_close(&answer);
}

static void a_compile_that_came_during_the_trial_is_deployed_after_it(void **state)
{
    struct e2e *e2e = *state;
    char options[256];
    trial_compile(e2e, "start", "tree");
    snprintf(options, sizeof options, "watch=%s", e2e_path(e2e, "tree"));
    trial_start(e2e, options);
    trial_push_on_trial(e2e, "one", "2500ms");
    trial_compile(e2e, "compiled", "tree");
    e2e_await_log(e2e, "deployment 2 refused");
    e2e_expect(e2e, "call demo.Shop run", "one");
    e2e_await(e2e, "call demo.Shop run", "compiled");
    trial_expect_end(e2e, "1", "rolled-back", 3, "hotdrop agent");
}

static void a_way_back_that_is_refused_is_told_loudly_and_ends_the_trial(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char agent[256];
    snprintf(agent, sizeof agent, EDITS_WHEN_TOLD "%s", e2e_path(e2e, "edit"));
    const char *const options[] = { agent, NULL };
    trial_compile(e2e, "start", e2e->classes);
    e2e_start(e2e, "", options);
    e2e_expect(e2e, "call demo.Shop run", "start");
    trial_push_on_trial(e2e, "one", "1s");
    e2e_write(e2e, "edit", ""); /* from now on that agent adds a method, which no JVM takes */
    e2e_await_log(e2e, "ERROR deployment 1 was not confirmed in time, and rolling it back was "
                       "refused");
    trial_expect_end(e2e, "1", "rollback-refused", 2, "hotdrop agent");
    json_t *rollback = trial_shown(e2e, "2");
    assert_int_equal(e2e_count_rows(rollback, "refused"), 1);
    json_decref(rollback);
    trial_command(e2e, &answer, "status", NULL);
    trial_expect_text(json_object_get(answer.json, "trial"), "ended", "rollback-refused");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "one");
    assert_int_equal(unlink(e2e_path(e2e, "edit")), 0);
    trial_push_on_trial(e2e, "two", "2min");
    e2e_expect(e2e, "call demo.Shop run", "two");
}

/* ---- --expect -------------------------------------------------------------------------------- */

static void what_was_made_for_another_state_is_refused(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char live[32];
    trial_start(e2e, "");
    trial_push(e2e, &answer, "one", "--expect", "0123456789abcdef");
    trial_expect_error(&answer, "wrong-base", "not 0123456789abcdef");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
    trial_command(e2e, &answer, "status", NULL);
    snprintf(live, sizeof live, "%s", json_string_value(json_object_get(answer.json, "state")));
    e2e_answer_close(&answer);
    trial_push(e2e, &answer, "one", "--expect", live);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "rollback", "--json", "--pid", trial_pid(e2e), "--expect", live, NULL);
    trial_expect_error(&answer, "wrong-base", live);
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "push", "--pid", trial_pid(e2e), "--expect", "State", "x", NULL);
    assert_int_equal(answer.status, 2);
    e2e_answer_close(&answer);
}

/* ---- what status tells ----------------------------------------------------------------------- */

static size_t count_forced(const json_t *object)
{
    return json_array_size(json_object_get(object, "forced"));
}

static void expect_live_forced(const struct e2e *e2e, size_t count)
{
    struct e2e_answer answer;
    trial_command(e2e, &answer, "status", NULL);
    assert_int_equal(count_forced(e2e_row(answer.json, "demo.Shop", NULL)), count);
    e2e_answer_close(&answer);
}

static void what_was_forced_stays_marked_however_it_is_live_again(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    trial_start(e2e, "");
    trial_compile(e2e, "one", "after");
    e2e_client(e2e, &answer, "push", "--json", "--pid", trial_pid(e2e), "--all-loaders",
               "--best-effort", e2e_path(e2e, "after"), NULL);
    assert_int_equal(count_forced(answer.json), 2);
    e2e_answer_close(&answer);
    expect_live_forced(e2e, 2);
    trial_push(e2e, &answer, "two", "--message", "in the ordinary way");
    assert_int_equal(count_forced(answer.json), 0);
    e2e_answer_close(&answer);
    expect_live_forced(e2e, 0);
    trial_command(e2e, &answer, "rollback", NULL);
    e2e_answer_close(&answer);
    expect_live_forced(e2e, 2);
    json_t *shown = trial_shown(e2e, "1");
    assert_int_equal(count_forced(shown), 2);
    json_decref(shown);
}

static json_int_t held(const struct e2e *e2e, const char *what)
{
    struct e2e_answer answer;
    trial_command(e2e, &answer, "status", NULL);
    const json_t *memory = json_object_get(answer.json, "memory");
    json_int_t bytes = json_integer_value(json_object_get(memory, what));
    assert_true(json_is_integer(json_object_get(memory, what)));
    e2e_answer_close(&answer);
    return bytes;
}

static json_int_t size_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return (json_int_t)status.st_size;
}

static void what_the_way_back_costs_is_as_much_as_was_changed(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    trial_start(e2e, "");
    assert_int_equal(held(e2e, "originals"), 0);
    assert_int_equal(held(e2e, "history"), 0);
    trial_push(e2e, &answer, "one", "--message", "first");
    e2e_answer_close(&answer);
    assert_int_equal(held(e2e, "originals"), size_of(e2e_path(e2e, "classes/demo/Shop.class")));
    assert_int_equal(held(e2e, "patches"), size_of(e2e_path(e2e, "after/demo/Shop.class")));
    json_int_t history = held(e2e, "history");
    assert_true(history > 0 && history < 8192);
    trial_push(e2e, &answer, "two", "--message", "second");
    e2e_answer_close(&answer);
    assert_int_equal(held(e2e, "originals"), size_of(e2e_path(e2e, "classes/demo/Shop.class")));
    assert_int_equal(held(e2e, "patches"), 2 * size_of(e2e_path(e2e, "after/demo/Shop.class")));
    assert_true(held(e2e, "history") > history);
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
        E2E_CASE(what_was_forced_stays_marked_however_it_is_live_again),
        E2E_CASE(what_the_way_back_costs_is_as_much_as_was_changed),
    };
    return E2E_RUN(tests);
}
