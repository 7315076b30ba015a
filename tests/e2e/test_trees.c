/* SPDX-License-Identifier: Apache-2.0 */
/* watch=: a compiler's output tree, end to end. The tree is on the JVM's class path, as in a
 * developer's day. */
#include "tests/e2e/application.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A compiler that the machine holds up for less than this is still one compile. */
#define PATIENT ",settle=200ms"

static void write_source(const struct e2e *e2e, const char *directory, const char *name,
                         const char *body)
{
    char path[128], source[512];
    snprintf(path, sizeof path, "%s/demo/%s.java", directory, name);
    snprintf(source, sizeof source, "package demo; public class %s { %s }", name, body);
    e2e_write(e2e, path, source);
}

static void write_saying(const struct e2e *e2e, const char *directory, const char *name,
                         const char *word)
{
    char body[256];
    snprintf(body, sizeof body, "public static String run() { return \"%s\"; }", word);
    write_source(e2e, directory, name, body);
}

/* Starts the JVM on what was compiled, watching it. */
static void start(struct e2e *e2e, const char *more_options)
{
    char options[512];
    snprintf(options, sizeof options, "watch=%s%s", e2e->classes, more_options);
    e2e_start(e2e, options, NULL);
}

static void copy_class(const struct e2e *e2e, const char *name)
{
    const char *const copy[] = { "cp", e2e_path(e2e, "after/demo/%s.class", name),
                                 e2e_path(e2e, "classes/demo/%s.class", name), NULL };
    e2e_tool(NULL, copy);
}

static void ask_client(const struct e2e *e2e, struct e2e_answer *answer, const char *command,
                       const char *argument)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, answer, command, "--json", "--pid", pid, argument, NULL);
    assert_int_equal(answer->status, 0);
    assert_non_null(answer->json);
}

static size_t count_deployments(const struct e2e *e2e)
{
    struct e2e_answer answer;
    ask_client(e2e, &answer, "history", NULL);
    size_t count = json_array_size(json_object_get(answer.json, "deployments"));
    e2e_answer_close(&answer);
    return count;
}

/* A class answers a moment before its deployment stands in the history. */
static void expect_deployments(const struct e2e *e2e, size_t wanted)
{
    for (unsigned ticks = 0; ticks < 1200 && count_deployments(e2e) < wanted; ticks++)
        poll(NULL, 0, 50);
    assert_int_equal(count_deployments(e2e), wanted);
}

static void expect_outcome(const struct e2e *e2e, const char *deployment, const char *class_name,
                           const char *outcome, const char *reason)
{
    struct e2e_answer answer;
    ask_client(e2e, &answer, "show", deployment);
    e2e_expect_row(answer.json, class_name, outcome, reason);
    e2e_answer_close(&answer);
}

static void one_compile_is_one_deployment_and_live(void **state)
{
    struct e2e *e2e = *state;
    write_saying(e2e, "source", "Greeter", "one");
    write_saying(e2e, "source", "Other", "one");
    write_saying(e2e, "source", "Same", "one");
    e2e_compile(e2e, "source", "classes", "");
    start(e2e, PATIENT);
    e2e_expect(e2e, "call demo.Greeter run", "one");
    e2e_expect(e2e, "call demo.Same run", "one");
    write_saying(e2e, "source", "Greeter", "two");
    write_saying(e2e, "source", "Other", "two");
    e2e_compile(e2e, "source", "classes", "");
    e2e_await(e2e, "call demo.Greeter run", "two");
    e2e_expect(e2e, "call demo.Other run", "two");
    e2e_expect(e2e, "call demo.Same run", "one");
    expect_deployments(e2e, 1);
    expect_outcome(e2e, "1", "demo.Greeter", "redefined", NULL);
}

/* The same bytes written again are nothing; what is compiled next gets the first number. */
static void a_compile_that_changes_nothing_is_no_deployment(void **state)
{
    struct e2e *e2e = *state;
    write_saying(e2e, "source", "Greeter", "one");
    write_saying(e2e, "source", "Other", "one");
    e2e_compile(e2e, "source", "classes", "");
    start(e2e, PATIENT);
    e2e_expect(e2e, "call demo.Greeter run", "one");
    e2e_compile(e2e, "source", "classes", "");
    write_saying(e2e, "changed", "Greeter", "two");
    e2e_compile(e2e, "changed", "classes", "");
    e2e_await(e2e, "call demo.Greeter run", "two");
    expect_deployments(e2e, 1);
}

/* User is loaded and is going to use what Part, which is not, does not have yet. (When it is
 * loaded, it comes from the new file: unchanged.) */
static void start_user_and_part(struct e2e *e2e)
{
    write_saying(e2e, "source", "User", "old");
    write_source(e2e, "source", "Part", "static String stale() { return \"stale\"; }");
    e2e_compile(e2e, "source", "classes", "");
    write_source(e2e, "changed", "User", "public static String run() { return Part.fresh(); }");
    write_source(e2e, "changed", "Part", "static String fresh() { return \"fresh\"; }");
    e2e_compile(e2e, "changed", "after", "");
    start(e2e, "");
    e2e_expect(e2e, "call demo.User run", "old");
}

static void a_compile_that_pauses_between_two_classes_that_need_each_other_is_one_deployment(
    void **state)
{
    struct e2e *e2e = *state;
    start_user_and_part(e2e);
    copy_class(e2e, "User");
    poll(NULL, 0, 300); /* the pause under test, ten times settle */
    expect_deployments(e2e, 0);
    copy_class(e2e, "Part");
    e2e_await(e2e, "call demo.User run", "fresh");
    expect_deployments(e2e, 1);
    expect_outcome(e2e, "1", "demo.User", "redefined", NULL);
    expect_outcome(e2e, "1", "demo.Part", "unchanged", NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void a_member_that_never_comes_is_told_after_two_seconds_and_may_still_come(void **state)
{
    struct e2e *e2e = *state;
    start_user_and_part(e2e);
    int64_t began = now_ms();
    copy_class(e2e, "User");
    e2e_await_log(e2e, "missing-member");
    assert_in_range(now_ms() - began, 1900, 9000);
    expect_outcome(e2e, "1", "demo.User", "refused", "missing-member");
    e2e_expect(e2e, "call demo.User run", "old");
    copy_class(e2e, "Part");
    e2e_await(e2e, "call demo.User run", "fresh");
    expect_deployments(e2e, 2);
    expect_outcome(e2e, "2", "demo.Part", "unchanged", NULL);
}

/* The JVM does not show annotation values, and the compiler has overwritten the file: only who
 * read the tree at the start knows. */
static void an_annotation_that_changes_is_told_because_the_tree_was_remembered(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    e2e_write(e2e, "source/demo/Named.java",
              "package demo; import java.lang.annotation.*; @Retention(RetentionPolicy.RUNTIME) "
              "public @interface Named { String value(); }");
    e2e_write(e2e, "source/demo/Greeter.java",
              "package demo; @Named(\"old\") public class Greeter { public static String run() { "
              "return Greeter.class.getAnnotation(Named.class).value(); } }");
    e2e_compile(e2e, "source", "classes", "");
    start(e2e, PATIENT);
    e2e_expect(e2e, "call demo.Greeter run", "old");
    e2e_edit(e2e, "source/demo/Greeter.java", "source/demo/Greeter.java", "\"old\"", "\"new\"");
    e2e_compile(e2e, "source", "classes", "");
    e2e_await_log(e2e, "deployment 1 ");
    ask_client(e2e, &answer, "show", "1");
    e2e_expect_row(answer.json, "demo.Greeter", "redefined", NULL);
    assert_true(
        e2e_has_warning(e2e_row(answer.json, "demo.Greeter", "app"), "annotations-changed"));
    e2e_answer_close(&answer);
}

static void a_clean_build_deploys_what_it_changed(void **state)
{
    struct e2e *e2e = *state;
    const char *const clean[] = { "rm", "-rf", e2e->classes, NULL };
    write_saying(e2e, "source", "Greeter", "one");
    write_saying(e2e, "source", "Other", "one");
    e2e_compile(e2e, "source", "classes", "");
    start(e2e, PATIENT);
    e2e_expect(e2e, "call demo.Greeter run", "one");
    e2e_expect(e2e, "call demo.Other run", "one");
    e2e_tool(NULL, clean);
    write_saying(e2e, "source", "Greeter", "two");
    e2e_compile(e2e, "source", "classes", "");
    e2e_await(e2e, "call demo.Greeter run", "two");
    e2e_expect(e2e, "call demo.Other run", "one");
    expect_deployments(e2e, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(one_compile_is_one_deployment_and_live),
        E2E_CASE(a_compile_that_changes_nothing_is_no_deployment),
        E2E_CASE(a_compile_that_pauses_between_two_classes_that_need_each_other_is_one_deployment),
        E2E_CASE(a_member_that_never_comes_is_told_after_two_seconds_and_may_still_come),
        E2E_CASE(an_annotation_that_changes_is_told_because_the_tree_was_remembered),
        E2E_CASE(a_clean_build_deploys_what_it_changed),
    };
    return E2E_RUN(tests);
}
