/* SPDX-License-Identifier: Apache-2.0 */
/* The main road, end to end: one class by push and by drop, the rows, the exit statuses. */
#include "tests/e2e/harness.h"

#include <string.h>

static const char *const greeter_one =
    "package demo; public class Greeter { public static String greet() { return \"one\"; } }";
static const char *const greeter_two =
    "package demo; public class Greeter { public static String greet() { return \"two\"; } }";
static const char *const greeter_with_method =
    "package demo; public class Greeter { public static String greet() { return more(1); }"
    " public static String more(int x) { return \"more\"; } }";

static void start_with_greeter(struct e2e *e2e)
{
    e2e_compile_class(e2e, "Greeter", greeter_one, e2e->classes);
    e2e_start(e2e, "", NULL);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static void a_pushed_class_is_live(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_greeter(e2e);
    e2e_compile_class(e2e, "Greeter", greeter_two, "after");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Greeter", "redefined", NULL);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    e2e_answer_close(&answer);
}

static void a_check_changes_nothing(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_greeter(e2e);
    e2e_compile_class(e2e, "Greeter", greeter_two, "after");
    e2e_deploy(e2e, &answer, "check", "after");
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Greeter", "redefined", NULL);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    e2e_answer_close(&answer);
}

static void the_same_class_again_is_unchanged(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_greeter(e2e);
    e2e_compile_class(e2e, "Greeter", greeter_two, "after");
    e2e_deploy(e2e, &answer, "push", "after");
    e2e_answer_close(&answer);
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Greeter", "unchanged", NULL);
    e2e_answer_close(&answer);
}

static void an_added_method_is_refused_in_words(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_greeter(e2e);
    e2e_compile_class(e2e, "Greeter", greeter_with_method, "after");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "demo.Greeter", "refused", "method-added");
    const json_t *row = e2e_row(answer.json, "demo.Greeter", "app");
    assert_non_null(strstr(json_string_value(json_object_get(row, "message")), "more(int)"));
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    e2e_answer_close(&answer);
}

static void a_dropped_class_is_live_and_moves_with_its_report(void **state)
{
    struct e2e *e2e = *state;
    start_with_greeter(e2e);
    e2e_compile_class(e2e, "Greeter", greeter_two, "after");
    e2e_drop(e2e, "after/demo/Greeter.class", "Greeter.class");
    json_t *report = e2e_await_report(e2e, ".done", 1);
    e2e_expect_row(report, "demo.Greeter", "redefined", NULL);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    json_decref(report);
}

static void a_dropped_class_that_cannot_be_swapped_is_refused_with_a_report(void **state)
{
    struct e2e *e2e = *state;
    start_with_greeter(e2e);
    e2e_compile_class(e2e, "Greeter", greeter_with_method, "after");
    e2e_drop(e2e, "after/demo/Greeter.class", "Greeter.class");
    json_t *report = e2e_await_report(e2e, ".refused", 1);
    e2e_expect_row(report, "demo.Greeter", "refused", "method-added");
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    json_decref(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(a_pushed_class_is_live),
        E2E_CASE(a_check_changes_nothing),
        E2E_CASE(the_same_class_again_is_unchanged),
        E2E_CASE(an_added_method_is_refused_in_words),
        E2E_CASE(a_dropped_class_is_live_and_moves_with_its_report),
        E2E_CASE(a_dropped_class_that_cannot_be_swapped_is_refused_with_a_report),
    };
    return E2E_RUN(tests);
}
