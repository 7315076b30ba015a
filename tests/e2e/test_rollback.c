/* SPDX-License-Identifier: Apache-2.0 */
/* Every swap has a way back: rollback to the state before, to any earlier one, and to the start. */
#include "tests/e2e/harness.h"

#include <stdio.h>
#include <string.h>

static void compile_shop(const struct e2e *e2e, const char *answer, const char *classes)
{
    char source[512];
    snprintf(source, sizeof source,
             "package demo; public class Shop { static String run() { return \"%s\"; } "
             "@Deprecated void sell(int amount) { } "
             "static String shape() throws Exception { java.lang.reflect.Method m = "
             "Shop.class.getDeclaredMethod(\"sell\", int.class); return "
             "m.getParameters()[0].getName() + m.getAnnotations().length; } }",
             answer);
    e2e_write(e2e, "source/demo/Shop.java", source);
    e2e_compile(e2e, "source", classes, "-parameters");
}

static void push(const struct e2e *e2e, const char *word)
{
    struct e2e_answer answer;
    compile_shop(e2e, word, "after");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
}

/* number NULL: the last one. */
static void roll_back(const struct e2e *e2e, struct e2e_answer *answer, const char *number)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, answer, "rollback", "--json", "--pid", pid, number, NULL);
    assert_non_null(answer->json);
}

static void expect_rollback(const struct e2e *e2e, const char *number, const char *class_name)
{
    struct e2e_answer answer;
    roll_back(e2e, &answer, number);
    assert_int_equal(answer.status, 0);
    assert_true(json_is_true(json_object_get(answer.json, "applied")));
    e2e_expect_row(answer.json, class_name, "rolled-back", NULL);
    e2e_answer_close(&answer);
}

static void start_with_shop(struct e2e *e2e)
{
    compile_shop(e2e, "start", e2e->classes);
    e2e_start(e2e, "", NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void going_back_is_never_too_early(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_shop(e2e, "start", e2e->classes);
    e2e_start(e2e, "max-rate=1/min", NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
    push(e2e, "one");
    e2e_expect(e2e, "call demo.Shop run", "one");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_not_equal(answer.status, 0);
    assert_non_null(strstr(answer.output, "rate-limited"));
    e2e_answer_close(&answer);
    expect_rollback(e2e, NULL, "demo.Shop");
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void a_rollback_undoes_the_last_deployment_and_again_the_one_before(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e);
    push(e2e, "one");
    push(e2e, "two");
    expect_rollback(e2e, NULL, "demo.Shop");
    e2e_expect(e2e, "call demo.Shop run", "one");
    expect_rollback(e2e, NULL, "demo.Shop");
    e2e_expect(e2e, "call demo.Shop run", "start");
    roll_back(e2e, &answer, NULL);
    assert_int_equal(answer.status, 1);
    assert_non_null(strstr(answer.output, "no-way-back"));
    e2e_expect(e2e, "call demo.Shop run", "start");
    e2e_answer_close(&answer);
}

static void a_rollback_returns_to_any_earlier_state(void **state)
{
    struct e2e *e2e = *state;
    start_with_shop(e2e);
    push(e2e, "one");                       /* 1 */
    push(e2e, "two");                       /* 2 */
    push(e2e, "three");                     /* 3 */
    expect_rollback(e2e, "1", "demo.Shop"); /* 4 */
    e2e_expect(e2e, "call demo.Shop run", "one");
    expect_rollback(e2e, "3", "demo.Shop"); /* 5: forward again */
    e2e_expect(e2e, "call demo.Shop run", "three");
    expect_rollback(e2e, "4", "demo.Shop"); /* 6: right after the rollback: one */
    e2e_expect(e2e, "call demo.Shop run", "one");
    expect_rollback(e2e, "0", "demo.Shop");
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void what_is_live_after_going_back_is_as_if_nothing_had_been(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char pid[16];
    start_with_shop(e2e);
    e2e_expect(e2e, "call demo.Shop shape", "amount1");
    push(e2e, "one");
    expect_rollback(e2e, "0", "demo.Shop");
    e2e_expect(e2e, "call demo.Shop shape", "amount1");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "status", "--json", "--pid", pid, NULL);
    assert_int_equal(json_array_size(json_object_get(answer.json, "classes")), 0);
    e2e_answer_close(&answer);
    push(e2e, "one again");
    e2e_expect(e2e, "call demo.Shop run", "one again");
    expect_rollback(e2e, NULL, "demo.Shop");
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void what_a_rollback_undoes_is_named(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e);
    push(e2e, "one");
    push(e2e, "two");
    roll_back(e2e, &answer, "0");
    const json_t *undone = json_object_get(answer.json, "undone");
    assert_int_equal(json_array_size(undone), 2);
    assert_int_equal(json_integer_value(json_array_get(undone, 0)), 2);
    assert_int_equal(json_integer_value(json_array_get(undone, 1)), 1);
    assert_int_equal(json_integer_value(json_object_get(answer.json, "deployment")), 3);
    e2e_answer_close(&answer);
}

static void a_defined_class_stays_and_the_report_says_so(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e);
    compile_shop(e2e, "one", "after");
    e2e_compile_class(e2e, "Price", "package demo; class Price { }", "after");
    e2e_deploy(e2e, &answer, "push", "after");
    e2e_expect_row(answer.json, "demo.Price", "defined", NULL);
    e2e_answer_close(&answer);
    roll_back(e2e, &answer, NULL);
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Shop", "rolled-back", NULL);
    e2e_expect_row(answer.json, "demo.Price", "unchanged", NULL);
    assert_non_null(strstr(answer.output, "stays"));
    e2e_expect(e2e, "call demo.Shop run", "start");
    e2e_answer_close(&answer);
}

static void a_pending_patch_is_taken_back(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_shop(e2e, "start", e2e->classes);
    e2e_start(e2e, "", NULL);
    compile_shop(e2e, "one", "after");
    e2e_deploy(e2e, &answer, "push", "after");
    e2e_expect_row(answer.json, "demo.Shop", "pending", NULL);
    e2e_answer_close(&answer);
    expect_rollback(e2e, NULL, "demo.Shop");
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void every_loader_goes_back_to_its_own_code(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char pid[16];
    compile_shop(e2e, "old one", "one");
    compile_shop(e2e, "old two", "two");
    e2e_start(e2e, "", NULL);
    e2e_add_loader(e2e, "one", "one");
    e2e_add_loader(e2e, "two", "two");
    e2e_expect(e2e, "call-in one demo.Shop run", "old one");
    e2e_expect(e2e, "call-in two demo.Shop run", "old two");
    compile_shop(e2e, "new", "after");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--json", "--pid", pid, "--all-loaders",
               e2e_path(e2e, "after"), NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call-in two demo.Shop run", "new");
    expect_rollback(e2e, NULL, "demo.Shop");
    e2e_expect(e2e, "call-in one demo.Shop run", "old one");
    e2e_expect(e2e, "call-in two demo.Shop run", "old two");
}

static void a_state_that_never_was_is_refused(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e);
    push(e2e, "one");
    roll_back(e2e, &answer, "17");
    assert_int_equal(answer.status, 1);
    assert_non_null(strstr(answer.output, "17"));
    e2e_expect(e2e, "call demo.Shop run", "one");
    e2e_answer_close(&answer);
}

static void a_state_that_never_was_takes_no_number(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_shop(e2e);
    push(e2e, "one");
    roll_back(e2e, &answer, "2"); /* not even the number that it would have itself */
    assert_int_equal(answer.status, 1);
    assert_true(json_is_null(json_object_get(answer.json, "deployment")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(answer.json, "error"), "reason")),
        "no-way-back");
    e2e_answer_close(&answer);
    push(e2e, "two");
    roll_back(e2e, &answer, "1");
    assert_int_equal(json_integer_value(json_object_get(answer.json, "deployment")), 3);
    e2e_answer_close(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(going_back_is_never_too_early),
        E2E_CASE(a_rollback_undoes_the_last_deployment_and_again_the_one_before),
        E2E_CASE(a_rollback_returns_to_any_earlier_state),
        E2E_CASE(what_is_live_after_going_back_is_as_if_nothing_had_been),
        E2E_CASE(what_a_rollback_undoes_is_named),
        E2E_CASE(a_defined_class_stays_and_the_report_says_so),
        E2E_CASE(a_pending_patch_is_taken_back),
        E2E_CASE(every_loader_goes_back_to_its_own_code),
        E2E_CASE(a_state_that_never_was_is_refused),
        E2E_CASE(a_state_that_never_was_takes_no_number),
    };
    return E2E_RUN(tests);
}
