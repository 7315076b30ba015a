/* SPDX-License-Identifier: Apache-2.0 */
/* Other agents retransform and redefine what we have swapped: our patch and their edit both live,
 * and what they changed behind our back is said. */
#include "tests/e2e/application.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDITING_AGENT "-javaagent:" HD_E2E_BINARY "/editing-agent.jar="

enum arrangement { HOTDROP_FIRST, HOTDROP_LAST, HOTDROP_ATTACHED };

static void compile_greeter(const struct e2e *e2e, const char *answer, const char *more,
                            const char *classes)
{
    char source[512];
    snprintf(source, sizeof source,
             "package demo; public class Greeter { public static String greet() { return \"%s\"; } "
             "static void take(int amount) { } static String shape() throws Exception { return "
             "Greeter.class.getDeclaredMethod(\"take\", int.class).getParameters()[0].getName(); } "
             "%s }",
             answer, more);
    e2e_write(e2e, "source/demo/Greeter.java", source);
    e2e_compile(e2e, "source", classes, "-parameters");
}

static const char *pid_of(const struct e2e *e2e)
{
    static char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    return pid;
}

/* agent: what the other one does, as EditingAgent says. */
static void start(struct e2e *e2e, enum arrangement arrangement, const char *agent)
{
    char ours[512], theirs[512], file[512];
    compile_greeter(e2e, "one", "", e2e->classes);
    e2e_application_await_age(e2e_path(e2e, "classes/demo/Greeter.class"));
    snprintf(ours, sizeof ours, "-agentpath:%s=log=%s,log-level=debug", HD_E2E_AGENT, e2e->log);
    snprintf(theirs, sizeof theirs, "%s%s", EDITING_AGENT, agent);
    snprintf(file, sizeof file, "-Dediting.file=%s", e2e_path(e2e, "theirs/demo/Greeter.class"));
    const char *const first[] = { ours, theirs, file, NULL };
    const char *const last[] = { theirs, ours, file, NULL };
    const char *const attached[] = { theirs, file, NULL };
    e2e_start_plain(e2e, arrangement == HOTDROP_FIRST  ? first
                         : arrangement == HOTDROP_LAST ? last
                                                       : attached);
}

static void start_loaded(struct e2e *e2e, enum arrangement arrangement, const char *agent)
{
    start(e2e, arrangement, agent);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    if (arrangement == HOTDROP_ATTACHED)
        e2e_application_attach(e2e);
}

static void push(const struct e2e *e2e, const char *word, const char *outcome)
{
    struct e2e_answer answer;
    compile_greeter(e2e, word, "", "after");
    e2e_deploy(e2e, &answer, "push", "after");
    e2e_expect_row(answer.json, "demo.Greeter", outcome, NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
}

static void roll_back(const struct e2e *e2e, const char *number)
{
    struct e2e_answer answer;
    e2e_client(e2e, &answer, "rollback", "--json", "--pid", pid_of(e2e), number, NULL);
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Greeter", "rolled-back", NULL);
    e2e_answer_close(&answer);
}

/* "" where status does not list the class. What the hook has seen is known to status a moment
 * later. */
static bool is_live(const struct e2e *e2e, const char *live)
{
    struct e2e_answer answer;
    e2e_client(e2e, &answer, "status", "--json", "--pid", pid_of(e2e), NULL);
    const json_t *row = json_array_get(json_object_get(answer.json, "classes"), 0);
    const char *word = row != NULL ? json_string_value(json_object_get(row, "live")) : "";
    bool same = strcmp(word, live) == 0;
    e2e_answer_close(&answer);
    return same;
}

static void expect_status(const struct e2e *e2e, const char *live)
{
    for (int i = 0; i < 3000 && !is_live(e2e, live); i++)
        poll(NULL, 0, 20);
    assert_true(is_live(e2e, live));
}

static long count_hits(struct e2e *e2e)
{
    return strtol(e2e_ask(e2e, "get demo.Greeter $hits"), NULL, 10);
}

static void expect_edited(struct e2e *e2e, const char *answer)
{
    long hits = count_hits(e2e);
    e2e_expect(e2e, "call demo.Greeter greet", answer);
    assert_true(count_hits(e2e) > hits);
}

/* The other agent begins anew. Where it stands before us we hear of it afterwards. */
static void retransform(struct e2e *e2e, const char *answer)
{
    e2e_expect(e2e, "call EditingAgent retransform", "ok");
    e2e_await(e2e, "call demo.Greeter greet", answer);
    expect_edited(e2e, answer);
}

static void expect_that_both_live(struct e2e *e2e, enum arrangement arrangement)
{
    start_loaded(e2e, arrangement, "always");
    push(e2e, "two", "redefined");
    expect_edited(e2e, "two");
    retransform(e2e, "two");
    push(e2e, "three", "redefined");
    retransform(e2e, "three");
    retransform(e2e, "three");
    expect_status(e2e, "redefined");
    roll_back(e2e, "1");
    expect_edited(e2e, "two");
    retransform(e2e, "two");
    roll_back(e2e, "0");
    expect_edited(e2e, "one");
    retransform(e2e, "one");
    expect_status(e2e, "");
}

static void patch_and_edit_live_with_our_agent_first(void **state)
{
    expect_that_both_live(*state, HOTDROP_FIRST);
}

static void patch_and_edit_live_with_the_other_agent_first(void **state)
{
    struct e2e *e2e = *state;
    expect_that_both_live(e2e, HOTDROP_LAST);
    if (e2e->jdk->feature < 20)
        e2e_await_log(e2e, "reapplied");
}

static void patch_and_edit_live_where_we_were_attached(void **state)
{
    expect_that_both_live(*state, HOTDROP_ATTACHED);
}

/* Before JDK 20 the JVM begins every retransformation of it with the file it loaded with: the
 * patch. */
static void a_class_that_loaded_with_its_patch_does_not_get_it_back_after_a_rollback(void **state)
{
    struct e2e *e2e = *state;
    start(e2e, HOTDROP_FIRST, "always");
    push(e2e, "two", "pending");
    expect_edited(e2e, "two");
    retransform(e2e, "two");
    push(e2e, "three", "redefined");
    retransform(e2e, "three");
    roll_back(e2e, "0");
    expect_edited(e2e, "one");
    retransform(e2e, "one");
}

/* What the JVM rebuilds lacks parameter names on 8 to 17; what we answer has them. */
static void parameter_names_outlive_a_retransformation(void **state)
{
    struct e2e *e2e = *state;
    start_loaded(e2e, HOTDROP_FIRST, "never");
    push(e2e, "two", "redefined");
    e2e_expect(e2e, "call EditingAgent retransform", "ok");
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    e2e_expect(e2e, "call demo.Greeter shape", "amount");
}

/* ---- at the same moment ---------------------------------------------------------------------- */

/* From JDK 20 on the JVM may have freed what it fetched: then it refuses it, and nothing changes. */
static void expect_that_they_are_through(struct e2e *e2e)
{
    const char *outcome = e2e_ask(e2e, "call EditingAgent outcome");
    bool freed = e2e->jdk->feature >= 20 && strstr(outcome, "java.lang.ClassFormatError") != NULL;
    if (strcmp(outcome, "ok") != 0 && !freed)
        fail_msg("%s", outcome);
}

/* From JDK 20 on HotSpot itself reads then what it has freed (docs/guarantees.md), and
 * AddressSanitizer ends the process for it. */
static void leave_out_where_hotspot_is_watched(const struct e2e *e2e)
{
#ifdef HD_E2E_PRELOAD
    if (e2e->jdk->feature >= 20)
        skip();
#else
    (void)e2e;
#endif
}

/* A retransformation that waits for our redefinition to be over goes on with the class from
 * before. */
static void swap_while_they_retransform(struct e2e *e2e, enum arrangement arrangement,
                                        const char *agent)
{
    start_loaded(e2e, arrangement, agent);
    for (int i = 0; i < 10; i++) {
        e2e_expect(e2e, "call EditingAgent retransformMeanwhile", "ok");
        push(e2e, "two", "redefined");
        expect_that_they_are_through(e2e);
        e2e_await(e2e, "call demo.Greeter greet", "two");
        e2e_expect(e2e, "call EditingAgent retransformMeanwhile", "ok");
        roll_back(e2e, NULL);
        expect_that_they_are_through(e2e);
        e2e_await(e2e, "call demo.Greeter greet", "one");
    }
    expect_status(e2e, "");
}

static void a_retransformation_that_began_before_a_swap_does_not_undo_it(void **state)
{
    leave_out_where_hotspot_is_watched(*state);
    swap_while_they_retransform(*state, HOTDROP_FIRST, "never");
}

static void nor_one_of_an_agent_that_edits(void **state)
{
    leave_out_where_hotspot_is_watched(*state);
    swap_while_they_retransform(*state, HOTDROP_FIRST, "always");
    expect_edited(*state, "one");
}

static void nor_one_of_an_agent_that_stands_before_us(void **state)
{
    leave_out_where_hotspot_is_watched(*state);
    swap_while_they_retransform(*state, HOTDROP_LAST, "always");
    expect_edited(*state, "one");
}

/* ---- behind our back ------------------------------------------------------------------------- */

static void redefine_behind_our_back(struct e2e *e2e, const char *answer, const char *more)
{
    compile_greeter(e2e, "theirs", more, "theirs");
    assert_non_null(strstr(e2e_ask(e2e, "call EditingAgent redefine"), answer));
}

static void a_foreign_redefinition_is_said_and_left_alone(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_loaded(e2e, HOTDROP_FIRST, "never");
    push(e2e, "two", "redefined");
    redefine_behind_our_back(e2e, "ok", "");
    expect_status(e2e, "foreign-changed");
    e2e_await_log(e2e, "foreign-changed");
    e2e_expect(e2e, "call demo.Greeter greet", "theirs");
    e2e_expect(e2e, "call EditingAgent retransform", "ok");
    expect_status(e2e, "foreign-changed");

    compile_greeter(e2e, "two", "", "after");
    e2e_deploy(e2e, &answer, "push", "after");
    e2e_expect_row(answer.json, "demo.Greeter", "redefined", NULL);
    const json_t *message = json_object_get(e2e_row(answer.json, "demo.Greeter", NULL), "message");
    assert_non_null(strstr(json_string_value(message), "another agent"));
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    expect_status(e2e, "redefined");
}

static void what_they_changed_can_be_rolled_back_too(void **state)
{
    struct e2e *e2e = *state;
    start_loaded(e2e, HOTDROP_LAST, "always");
    push(e2e, "two", "redefined");
    redefine_behind_our_back(e2e, "ok", "");
    expect_status(e2e, "foreign-changed");
    expect_edited(e2e, "theirs");
    roll_back(e2e, NULL);
    expect_edited(e2e, "one");
    expect_status(e2e, "");
}

/* Nothing of ours is live then; the hook only sees to it that no patch comes back. */
static void a_foreign_redefinition_after_a_rollback_is_said_and_left_alone(void **state)
{
    struct e2e *e2e = *state;
    start_loaded(e2e, HOTDROP_FIRST, "never");
    push(e2e, "two", "redefined");
    roll_back(e2e, "0");
    redefine_behind_our_back(e2e, "ok", "");
    expect_status(e2e, "foreign-changed");
    e2e_expect(e2e, "call demo.Greeter greet", "theirs");
    e2e_expect(e2e, "call EditingAgent retransform", "ok");
    expect_status(e2e, "foreign-changed");
    push(e2e, "two", "redefined");
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    expect_status(e2e, "redefined");
}

static void a_foreign_redefinition_that_the_jvm_refuses_changes_nothing(void **state)
{
    struct e2e *e2e = *state;
    start_loaded(e2e, HOTDROP_FIRST, "never");
    push(e2e, "two", "redefined");
    redefine_behind_our_back(e2e, "!", "static int more() { return 1; }");
    push(e2e, "two", "unchanged"); /* the engine has heard of it by now */
    expect_status(e2e, "redefined");
    e2e_expect(e2e, "call demo.Greeter greet", "two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(patch_and_edit_live_with_our_agent_first),
        E2E_CASE(patch_and_edit_live_with_the_other_agent_first),
        E2E_CASE(patch_and_edit_live_where_we_were_attached),
        E2E_CASE(a_class_that_loaded_with_its_patch_does_not_get_it_back_after_a_rollback),
        E2E_CASE(parameter_names_outlive_a_retransformation),
        E2E_CASE(a_retransformation_that_began_before_a_swap_does_not_undo_it),
        E2E_CASE(nor_one_of_an_agent_that_edits),
        E2E_CASE(nor_one_of_an_agent_that_stands_before_us),
        E2E_CASE(a_foreign_redefinition_is_said_and_left_alone),
        E2E_CASE(what_they_changed_can_be_rolled_back_too),
        E2E_CASE(a_foreign_redefinition_after_a_rollback_is_said_and_left_alone),
        E2E_CASE(a_foreign_redefinition_that_the_jvm_refuses_changes_nothing),
    };
    return E2E_RUN(tests);
}
