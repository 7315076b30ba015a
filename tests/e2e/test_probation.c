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
    };
    return E2E_RUN(tests);
}
