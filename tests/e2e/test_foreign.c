/* SPDX-License-Identifier: Apache-2.0 */
/* Another agent in the JVM edits the classes that are swapped: one that edits whatever comes, and JaCoCo, which edits a class only as it loads. */
#include "tests/e2e/application.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JACOCO HD_E2E_BINARY "/jacoco"

enum arrangement { HOTDROP_FIRST, HOTDROP_LAST, HOTDROP_ATTACHED };

static const char *const greeter_one =
    "package demo; public class Greeter { public static String greet() { return \"one\"; } }";
static const char *const greeter_two =
    "package demo; public class Greeter { public static String greet() { return \"two\"; } }";
static const char *const greeter_with_field =
    "package demo; public class Greeter { static int extra; public static String greet() { return "
    "\"two\" + extra; } }";
static const char *const greeter_with_method =
    "package demo; public class Greeter { public static String greet() { return more(); }"
    " public static String more() { return \"more\"; } }";

/* With the class as it is on disk, loaded only where the test asks it. */
static void start(struct e2e *e2e, enum arrangement arrangement, const char *other,
                  const char *more)
{
    char ours[512];
    snprintf(ours, sizeof ours, "-agentpath:%s=log=%s,log-level=debug", HD_E2E_AGENT, e2e->log);
    const char *const first[] = { ours, other, more, NULL };
    const char *const last[] = { other, ours, more, NULL };
    const char *const attached[] = { other, more, NULL };
    e2e_start_plain(e2e, arrangement == HOTDROP_FIRST  ? first
                         : arrangement == HOTDROP_LAST ? last
                                                       : attached);
}

static void start_with_greeter(struct e2e *e2e, enum arrangement arrangement, const char *other)
{
    e2e_compile_class(e2e, "Greeter", greeter_one, e2e->classes);
    e2e_application_await_age(e2e_path(e2e, "classes/demo/Greeter.class"));
    start(e2e, arrangement, other, NULL);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    if (arrangement == HOTDROP_ATTACHED)
        e2e_application_attach(e2e);
}

/* ---- an agent that edits whatever comes --------------------------------------------------------- */

#define EDITS_ALWAYS     "-javaagent:" HD_E2E_BINARY "/editing-agent.jar=always"
#define EDITS_FIRST_LOAD "-javaagent:" HD_E2E_BINARY "/editing-agent.jar=first-load"

static long count_hits(struct e2e *e2e)
{
    return strtol(e2e_ask(e2e, "get demo.Greeter $hits"), NULL, 10);
}

static void expect_redefined_and_edited(struct e2e *e2e, enum arrangement arrangement)
{
    struct e2e_answer answer;
    start_with_greeter(e2e, arrangement, EDITS_ALWAYS);
    long hits = count_hits(e2e);
    assert_true(hits > 0);
    e2e_compile_class(e2e, "Greeter", greeter_two, "after");
    e2e_deploy(e2e, &answer, "push", "after");
    e2e_expect_row(answer.json, "demo.Greeter", "redefined", NULL);
    assert_int_equal(
        json_array_size(json_object_get(e2e_row(answer.json, "demo.Greeter", "app"), "warnings")),
        0);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    assert_int_equal(count_hits(e2e), hits + 1);
    e2e_deploy(e2e, &answer, "push", "after");
    e2e_expect_row(answer.json, "demo.Greeter", "unchanged", NULL);
    e2e_answer_close(&answer);
}

static void a_class_edited_by_an_agent_after_us_is_redefined_and_stays_edited(void **state)
{
    expect_redefined_and_edited(*state, HOTDROP_FIRST);
}

static void a_class_edited_by_an_agent_before_us_is_redefined_and_stays_edited(void **state)
{
    expect_redefined_and_edited(*state, HOTDROP_LAST);
}

static void a_class_edited_before_we_were_attached_is_redefined_and_stays_edited(void **state)
{
    expect_redefined_and_edited(*state, HOTDROP_ATTACHED);
}

static void expect_refusal(struct e2e *e2e, const char *source, const char *reason,
                           const char *member)
{
    struct e2e_answer answer;
    e2e_compile_class(e2e, "Greeter", source, "after");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "demo.Greeter", "refused", reason);
    const char *message =
        json_string_value(json_object_get(e2e_row(answer.json, "demo.Greeter", "app"), "message"));
    assert_non_null(strstr(message, member));
    assert_null(strchr(message, '$'));
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static void expect_that_only_the_pushed_members_are_named(struct e2e *e2e,
                                                          enum arrangement arrangement,
                                                          const char *other)
{
    start_with_greeter(e2e, arrangement, other);
    expect_refusal(e2e, greeter_with_field, "field-added", "extra");
    expect_refusal(e2e, greeter_with_method, "method-added", "more()");
}

static void a_refusal_names_what_the_push_adds_and_not_what_the_agent_added(void **state)
{
    expect_that_only_the_pushed_members_are_named(*state, HOTDROP_FIRST, EDITS_ALWAYS);
}

static void a_refusal_names_only_what_the_push_adds_with_the_agent_before_us(void **state)
{
    expect_that_only_the_pushed_members_are_named(*state, HOTDROP_LAST, EDITS_ALWAYS);
}

static void a_refusal_names_only_what_the_push_adds_where_we_were_attached(void **state)
{
    expect_that_only_the_pushed_members_are_named(*state, HOTDROP_ATTACHED, EDITS_ALWAYS);
}

static void what_the_jvm_refuses_of_another_agents_edit_is_a_foreign_edit(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_with_greeter(e2e, HOTDROP_FIRST, EDITS_FIRST_LOAD);
    e2e_compile_class(e2e, "Greeter", greeter_two, "after");
    e2e_deploy(e2e, &answer, "check", "after");
    e2e_expect_row(answer.json, "demo.Greeter", "refused", "foreign-edit");
    e2e_answer_close(&answer);
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "demo.Greeter", "refused", "foreign-edit");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    assert_true(count_hits(e2e) > 0);
}

/* ---- JaCoCo ------------------------------------------------------------------------------------- */

#define COVERAGE "-javaagent:" JACOCO "/jacocoagent.jar=includes=demo.*,output=none"

static const char *const neighbour_one =
    "package demo; public class Neighbour { static String say() { return \"one\"; } }";
static const char *const neighbour_two =
    "package demo; public class Neighbour { static String say() { return \"two\"; } }";

static long count_probes(struct e2e *e2e)
{
    return strtol(e2e_ask(e2e, "call Coverage probes"), NULL, 10);
}

static void expect_that_jacoco_is_in(struct e2e *e2e)
{
    e2e_expect(e2e, "has-method demo.Greeter $jacocoInit", "true");
}

/* JaCoCo leaves classes that are redefined alone, so the JVM sees its method vanish. */
static void expect_that_the_edit_is_blamed_on_jacoco(struct e2e *e2e, enum arrangement arrangement)
{
    start_with_greeter(e2e, arrangement, COVERAGE);
    expect_that_jacoco_is_in(e2e);
    expect_refusal(e2e, greeter_two, "foreign-edit", "another agent");
    expect_that_jacoco_is_in(e2e);
    assert_true(count_probes(e2e) > 0);
}

static void a_class_under_jacoco_is_refused_as_a_foreign_edit_and_covered_as_before(void **state)
{
    expect_that_the_edit_is_blamed_on_jacoco(*state, HOTDROP_FIRST);
}

static void a_class_under_jacoco_before_us_is_refused_as_a_foreign_edit(void **state)
{
    expect_that_the_edit_is_blamed_on_jacoco(*state, HOTDROP_LAST);
}

static void a_class_under_jacoco_where_we_were_attached_is_refused_as_a_foreign_edit(void **state)
{
    expect_that_the_edit_is_blamed_on_jacoco(*state, HOTDROP_ATTACHED);
}

/* In class files older than Java 11's JaCoCo keeps its probes in a field. */
static void a_field_of_jacoco_is_a_foreign_edit_too(void **state)
{
    struct e2e *e2e = *state;
    e2e_write(e2e, "source/demo/Greeter.java", greeter_one);
    e2e_write(e2e, "edited/demo/Greeter.java", greeter_two);
    e2e_compile(e2e, "source", "classes", "--release 8");
    e2e_compile(e2e, "edited", "after", "--release 8");
    start(e2e, HOTDROP_FIRST, COVERAGE, NULL);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    e2e_expect(e2e, "get demo.Greeter $jacocoData", e2e_ask(e2e, "call demo.Greeter $jacocoInit"));
    expect_refusal(e2e, greeter_two, "foreign-edit", "another agent");
}

static void what_a_push_adds_under_jacoco_is_named_without_what_jacoco_added(void **state)
{
    expect_that_only_the_pushed_members_are_named(*state, HOTDROP_FIRST, COVERAGE);
}

static void expect_pending(const struct e2e *e2e)
{
    struct e2e_answer answer;
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Greeter", "pending", NULL);
    e2e_answer_close(&answer);
}

/* demo.Neighbour is loaded, so its loader is known to hold the package; demo.Greeter is not. */
static void start_before_it_loads(struct e2e *e2e, enum arrangement arrangement, const char *other)
{
    e2e_compile_class(e2e, "Greeter", greeter_one, e2e->classes);
    e2e_compile_class(e2e, "Neighbour", neighbour_one, e2e->classes);
    e2e_compile_class(e2e, "Greeter", greeter_two, "after");
    start(e2e, arrangement, other, NULL);
    e2e_expect(e2e, "call demo.Neighbour say", "one");
}

/* Our hook hands the new file on to JaCoCo. */
static void a_class_pushed_before_it_loads_gets_the_patch_and_jacocos_edit(void **state)
{
    struct e2e *e2e = *state;
    start_before_it_loads(e2e, HOTDROP_FIRST, COVERAGE);
    long probes = count_probes(e2e);
    expect_pending(e2e);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    expect_that_jacoco_is_in(e2e);
    assert_true(count_probes(e2e) > probes);
}

/* JaCoCo hands its edit on to our hook, which sees that this is not the base: it says so and leaves it. */
static void a_class_pushed_before_it_loads_behind_jacoco_is_said_not_to_have_got_it(void **state)
{
    struct e2e *e2e = *state;
    start_before_it_loads(e2e, HOTDROP_LAST, COVERAGE);
    expect_pending(e2e);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    expect_that_jacoco_is_in(e2e);
    e2e_await_log(e2e, "wrong-base");
}

/* Agents that can retransform are asked after us, wherever they stand. */
static void a_class_pushed_before_it_loads_gets_the_patch_behind_an_agent_that_can_retransform(
    void **state)
{
    struct e2e *e2e = *state;
    start_before_it_loads(e2e, HOTDROP_LAST, EDITS_FIRST_LOAD);
    expect_pending(e2e);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    assert_true(count_hits(e2e) > 0);
}

static void a_foreign_edit_withholds_the_rest_and_best_effort_applies_it(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char pid[16];
    const char *const covered = COVERAGE ",excludes=demo.Neighbour";
    e2e_compile_class(e2e, "Neighbour", neighbour_one, e2e->classes);
    start_with_greeter(e2e, HOTDROP_FIRST, covered);
    e2e_expect(e2e, "call demo.Neighbour say", "one");
    e2e_compile_class(e2e, "Greeter", greeter_two, "after");
    e2e_compile_class(e2e, "Neighbour", neighbour_two, "after");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "demo.Greeter", "refused", "foreign-edit");
    e2e_expect_row(answer.json, "demo.Neighbour", "withheld", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Neighbour say", "one");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--json", "--best-effort", "--pid", pid,
               e2e_path(e2e, "after"), NULL);
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "demo.Greeter", "refused", "foreign-edit");
    e2e_expect_row(answer.json, "demo.Neighbour", "redefined", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Neighbour say", "two");
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(a_class_edited_by_an_agent_after_us_is_redefined_and_stays_edited),
        E2E_CASE(a_class_edited_by_an_agent_before_us_is_redefined_and_stays_edited),
        E2E_CASE(a_class_edited_before_we_were_attached_is_redefined_and_stays_edited),
        E2E_CASE(a_refusal_names_what_the_push_adds_and_not_what_the_agent_added),
        E2E_CASE(a_refusal_names_only_what_the_push_adds_with_the_agent_before_us),
        E2E_CASE(a_refusal_names_only_what_the_push_adds_where_we_were_attached),
        E2E_CASE(what_the_jvm_refuses_of_another_agents_edit_is_a_foreign_edit),
        E2E_CASE(a_class_under_jacoco_is_refused_as_a_foreign_edit_and_covered_as_before),
        E2E_CASE(a_class_under_jacoco_before_us_is_refused_as_a_foreign_edit),
        E2E_CASE(a_class_under_jacoco_where_we_were_attached_is_refused_as_a_foreign_edit),
        E2E_CASE(a_field_of_jacoco_is_a_foreign_edit_too),
        E2E_CASE(what_a_push_adds_under_jacoco_is_named_without_what_jacoco_added),
        E2E_CASE(a_class_pushed_before_it_loads_gets_the_patch_and_jacocos_edit),
        E2E_CASE(a_class_pushed_before_it_loads_behind_jacoco_is_said_not_to_have_got_it),
        E2E_CASE(
            a_class_pushed_before_it_loads_gets_the_patch_behind_an_agent_that_can_retransform),
        E2E_CASE(a_foreign_edit_withholds_the_rest_and_best_effort_applies_it),
    };
    const char *const fetch[] = { HD_E2E_SOURCE "/fetch-jacoco", JACOCO, NULL };
    e2e_tool(NULL, fetch);
    return E2E_RUN(tests);
}
