/* SPDX-License-Identifier: Apache-2.0 */
/* The command hotdrop as people and scripts see it: tables and colour, one JSON document whatever happens, exit statuses, and what may be pushed. */
#include "tests/e2e/application.h"
#include "tests/e2e/terminal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define CLIENT_SECONDS 90
#define ESCAPE         "\033["

static void compile_to_say(const struct e2e *e2e, const char *class, const char *word,
                           const char *classes)
{
    char source[256];
    snprintf(source, sizeof source,
             "package demo; public class %s { public static String greet() { return \"%s\"; } }",
             class, word);
    e2e_compile_class(e2e, class, source, classes);
}

/* demo.Greeter and demo.Other say "one"; in after Greeter says "two", in refused it has a method more. */
static void start(struct e2e *e2e, const char *agent_options)
{
    compile_to_say(e2e, "Greeter", "one", e2e->classes);
    compile_to_say(e2e, "Other", "one", e2e->classes);
    compile_to_say(e2e, "Greeter", "two", "after");
    e2e_compile_class(
        e2e, "Greeter",
        "package demo; public class Greeter { public static String greet() { return more(); }"
        " public static String more() { return \"more\"; } }",
        "refused");
    e2e_start(e2e, agent_options, NULL);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    e2e_expect(e2e, "call demo.Other greet", "one");
}

static const char *pid_of(const struct e2e *e2e)
{
    static char text[16];
    snprintf(text, sizeof text, "%d", (int)e2e->jvm.pid);
    return text;
}

static void expect_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in: %s", part, text);
}

static void expect_not_in(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("'%s' is in: %s", part, text);
}

/* ---- tables ------------------------------------------------------------------------------------- */

static char *push_on_terminal(const struct e2e *e2e, const char *path,
                              const char *const *environment, int expected_status)
{
    struct e2e_process client = { 0 };
    const char *const arguments[] = {
        HD_E2E_CLIENT, "push", "--pid", pid_of(e2e), e2e_path(e2e, "%s", path), NULL
    };
    int status;
    e2e_terminal_start(&client, arguments, environment);
    char *output = e2e_process_finish(&client, CLIENT_SECONDS, &status);
    assert_int_equal(WEXITSTATUS(status), expected_status);
    return output;
}

static void a_terminal_gets_a_table_in_colour(void **state)
{
    static const char *const environment[] = { "TERM=xterm", "NO_COLOR=", NULL };
    struct e2e *e2e = *state;
    start(e2e, "");
    char *output = push_on_terminal(e2e, "after", environment, 0);
    expect_in(output, "CLASS");
    expect_in(output, "demo.Greeter");
    expect_in(output, ESCAPE "32m"); /* green */
    expect_in(output, "redefined");
    free(output);
    output = push_on_terminal(e2e, "refused", environment, 1);
    expect_in(output, ESCAPE "31m"); /* red */
    expect_in(output, "method-added");
    expect_in(output, "nothing was applied");
    free(output);
}

static void no_color_is_honoured(void **state)
{
    static const char *const environment[] = { "TERM=xterm", "NO_COLOR=1", NULL };
    struct e2e *e2e = *state;
    start(e2e, "");
    char *output = push_on_terminal(e2e, "after", environment, 0);
    expect_in(output, "redefined");
    expect_not_in(output, ESCAPE);
    free(output);
}

static void a_file_gets_a_table_without_colour(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e, "");
    e2e_client(e2e, &answer, "push", "--pid", pid_of(e2e), e2e_path(e2e, "after"), NULL);
    assert_int_equal(answer.status, 0);
    expect_in(answer.output, "CLASS");
    expect_in(answer.output, "redefined");
    expect_not_in(answer.output, ESCAPE);
    e2e_answer_close(&answer);
}

static void unchanged_classes_are_counted_and_not_listed(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e, "");
    compile_to_say(e2e, "Other", "one", "after");
    e2e_client(e2e, &answer, "push", "--pid", pid_of(e2e), e2e_path(e2e, "after"), NULL);
    assert_int_equal(answer.status, 0);
    expect_in(answer.output, "demo.Greeter");
    expect_not_in(answer.output, "demo.Other");
    expect_in(answer.output, "2 rows: 1 redefined, 1 unchanged");
    e2e_answer_close(&answer);
}

static void a_class_that_waits_is_never_called_live(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_to_say(e2e, "Later", "one", e2e->classes);
    compile_to_say(e2e, "Later", "two", "later");
    start(e2e, "");
    e2e_client(e2e, &answer, "push", "--pid", pid_of(e2e), e2e_path(e2e, "later"), NULL);
    assert_int_equal(answer.status, 0);
    expect_in(answer.output, "pending");
    expect_in(answer.output, "1 pending");
    expect_not_in(answer.output, "live");
    expect_not_in(answer.output, "redefined");
    e2e_answer_close(&answer);
}

static void a_check_says_that_nothing_was_changed(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e, "");
    e2e_client(e2e, &answer, "check", "--pid", pid_of(e2e), e2e_path(e2e, "after"), NULL);
    assert_int_equal(answer.status, 0);
    expect_in(answer.output, "redefined");
    expect_in(answer.output, "nothing was changed");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

/* ---- what may be pushed ------------------------------------------------------------------------- */

static void expect_jar_to_be_pushed(struct e2e *e2e, const char *below, const char *jar)
{
    struct e2e_answer answer;
    char classes[64];
    snprintf(classes, sizeof classes, "packed/%s", below);
    start(e2e, "");
    compile_to_say(e2e, "Greeter", "packed", classes);
    e2e_write(e2e, "packed/META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n\r\n");
    e2e_write(e2e, "packed/index.html", "no class");
    e2e_jar(e2e, "packed", jar);
    e2e_deploy(e2e, &answer, "push", jar);
    assert_int_equal(answer.status, 0);
    assert_int_equal(json_array_size(json_object_get(answer.json, "classes")), 1);
    e2e_expect_row(answer.json, "demo.Greeter", "redefined", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "packed");
}

static void the_classes_of_a_spring_boot_jar_are_pushed(void **state)
{
    expect_jar_to_be_pushed(*state, "BOOT-INF/classes", "app.jar");
}

static void the_classes_of_a_war_are_pushed(void **state)
{
    expect_jar_to_be_pushed(*state, "WEB-INF/classes", "app.war");
}

static void expect_usage_error(const struct e2e *e2e, const char *words, const char *const *paths)
{
    struct e2e_answer answer;
    e2e_client(e2e, &answer, "push", "--json", "--to", "unix:/nonexistent", paths[0], paths[1],
               NULL);
    assert_int_equal(answer.status, 2);
    assert_non_null(answer.json);
    const json_t *error = json_object_get(answer.json, "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), "usage");
    expect_in(json_string_value(json_object_get(error, "message")), words);
    assert_true(json_is_false(json_object_get(answer.json, "applied")));
    e2e_answer_close(&answer);
}

static void the_same_class_twice_is_a_usage_error_that_names_it(void **state)
{
    struct e2e *e2e = *state;
    compile_to_say(e2e, "Greeter", "one", "first");
    compile_to_say(e2e, "Greeter", "two", "second");
    const char *const directories[] = { e2e_path(e2e, "first"), e2e_path(e2e, "second") };
    expect_usage_error(e2e, "demo.Greeter", directories);
    compile_to_say(e2e, "Greeter", "three", "twice");
    compile_to_say(e2e, "Greeter", "four", "twice/BOOT-INF/classes");
    e2e_jar(e2e, "twice", "twice.jar");
    const char *const jar[] = { e2e_path(e2e, "twice.jar"), NULL };
    expect_usage_error(e2e, "demo/Greeter.class", jar);
}

static void what_holds_no_class_is_a_usage_error(void **state)
{
    struct e2e *e2e = *state;
    e2e_write(e2e, "empty/readme.txt", "nothing here");
    e2e_write(e2e, "broken/Foo.class", "no class file");
    e2e_write(e2e, "broken.jar", "no jar");
    e2e_jar(e2e, "empty", "empty.jar");
    const char *const cases[][2] = { { e2e_path(e2e, "empty"), NULL },
                                     { e2e_path(e2e, "empty.jar"), NULL } };
    for (size_t i = 0; i < 2; i++)
        expect_usage_error(e2e, "no class", cases[i]);
    const char *const broken[] = { e2e_path(e2e, "broken"), NULL };
    expect_usage_error(e2e, "not a class file", broken);
    const char *const no_jar[] = { e2e_path(e2e, "broken.jar"), NULL };
    expect_usage_error(e2e, "broken.jar", no_jar);
    const char *const missing[] = { e2e_path(e2e, "missing"), NULL };
    expect_usage_error(e2e, "No such file", missing);
}

/* The last bytes of the last entry's data, before its descriptor. */
static void damage_jar(const struct e2e *e2e, const char *jar)
{
    static char bytes[65536];
    FILE *file = fopen(e2e_path(e2e, "%s", jar), "r+e");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    const char *directory = memmem(bytes, length, "PK\1\2", 4);
    assert_non_null(directory);
    assert_int_equal(fseek(file, directory - bytes - 24, SEEK_SET), 0);
    assert_int_equal(fwrite("damage", 1, 6, file), 6);
    assert_int_equal(fclose(file), 0);
}

static void a_jar_travels_packed_and_the_agent_finds_the_damage_in_it(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e, "");
    e2e_jar(e2e, "after", "damaged.jar");
    damage_jar(e2e, "damaged.jar");
    e2e_client(e2e, &answer, "push", "--json", "--pid", pid_of(e2e), e2e_path(e2e, "damaged.jar"),
               NULL);
    assert_int_equal(answer.status, 1);
    const json_t *error = json_object_get(answer.json, "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), "malformed-bundle");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static void best_effort_applies_what_can_be_applied(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e, "");
    compile_to_say(e2e, "Other", "two", "refused");
    e2e_client(e2e, &answer, "push", "--json", "--pid", pid_of(e2e), e2e_path(e2e, "refused"),
               NULL);
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "demo.Other", "withheld", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Other greet", "one");
    e2e_client(e2e, &answer, "push", "--json", "--best-effort", "--pid", pid_of(e2e),
               e2e_path(e2e, "refused"), NULL);
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "demo.Greeter", "refused", "method-added");
    e2e_expect_row(answer.json, "demo.Other", "redefined", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Other greet", "two");
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

/* ---- what was --------------------------------------------------------------------------------- */

static void refused_pushes_stand_in_the_history(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e, "");
    e2e_client(e2e, &answer, "push", "--pid", pid_of(e2e), "--message", "try it",
               e2e_path(e2e, "refused"), NULL);
    assert_int_equal(answer.status, 1);
    e2e_answer_close(&answer);

    e2e_client(e2e, &answer, "history", "--json", "--pid", pid_of(e2e), NULL);
    assert_int_equal(answer.status, 0);
    const json_t *line = json_array_get(json_object_get(answer.json, "deployments"), 0);
    assert_int_equal(json_integer_value(json_object_get(line, "deployment")), 1);
    assert_true(json_is_false(json_object_get(line, "applied")));
    assert_string_equal(json_string_value(json_object_get(line, "message")), "try it");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(line, "outcomes"), "refused")), 1);
    e2e_answer_close(&answer);

    e2e_client(e2e, &answer, "history", "--pid", pid_of(e2e), NULL);
    expect_in(answer.output, "1 refused");
    expect_in(answer.output, "try it");
    e2e_answer_close(&answer);
}

static void one_deployment_is_shown_in_full(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e, "");
    e2e_deploy(e2e, &answer, "push", "refused");
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "show", "1", "--json", "--pid", pid_of(e2e), NULL);
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Greeter", "refused", "method-added");
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "show", "1", "--pid", pid_of(e2e), NULL);
    expect_in(answer.output, "method-added: method added: more()");
    expect_in(answer.output, "SHA-256");
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "show", "99", "--json", "--pid", pid_of(e2e), NULL);
    assert_int_equal(answer.status, 2);
    assert_non_null(json_object_get(answer.json, "error"));
    expect_in(answer.output, "no such deployment");
    e2e_answer_close(&answer);
}

/* ---- failures are one document ------------------------------------------------------------------ */

static void expect_failure(const struct e2e *e2e, int status, const char *reason,
                           const char *const *arguments)
{
    struct e2e_answer answer;
    e2e_client(e2e, &answer, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
               arguments[5], arguments[6], NULL);
    if (answer.status != status || answer.json == NULL)
        fail_msg("%s ended with %d and said '%s'", arguments[0], answer.status, answer.output);
    const json_t *error = json_object_get(answer.json, "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), reason);
    assert_true(json_string_length(json_object_get(error, "message")) > 0);
    assert_true(json_is_array(json_object_get(answer.json, "classes")));
    e2e_answer_close(&answer);
}

static void every_failure_is_one_json_document(void **state)
{
    struct e2e *e2e = *state;
    static const char *const unknown_option[] = { "push", "--json", "--bogus", NULL,
                                                  NULL,   NULL,     NULL };
    static const char *const no_value[] = { "status", "--json", "--pid", NULL, NULL, NULL, NULL };
    static const char *const no_number[] = {
        "status", "--json", "--pid", "many", NULL, NULL, NULL
    };
    static const char *const no_path[] = { "push", "--json", NULL, NULL, NULL, NULL, NULL };
    static const char *const too_much[] = { "status", "--json", "surplus", NULL, NULL, NULL, NULL };
    static const char *const nobody[] = { "status", "--json", "--to", "unix:/nonexistent",
                                          NULL,     NULL,     NULL };
    static const char *const closed_port[] = {
        "status", "--json", "--to", "ws://127.0.0.1:1", "--token", "/proc/sys/kernel/ostype", NULL
    };
    static const char *const no_token[] = { "status", "--json", "--to", "ws://127.0.0.1:1",
                                            NULL,     NULL,     NULL };
    expect_failure(e2e, 2, "usage", unknown_option);
    expect_failure(e2e, 2, "usage", no_value);
    expect_failure(e2e, 2, "usage", no_number);
    expect_failure(e2e, 2, "usage", no_path);
    expect_failure(e2e, 2, "usage", too_much);
    expect_failure(e2e, 2, "usage", no_token);
    expect_failure(e2e, 3, "no-agent", nobody);
    expect_failure(e2e, 3, "no-agent", closed_port);
}

/* ---- waiting ------------------------------------------------------------------------------------ */

static void start_with_hanging_loader(struct e2e *e2e)
{
    char hidden[256];
    compile_to_say(e2e, "Greeter", "one", "hidden");
    compile_to_say(e2e, "Greeter", "two", "after");
    snprintf(hidden, sizeof hidden, "-Dhidden=%s", e2e_path(e2e, "hidden"));
    const char *const options[] = { hidden, NULL };
    e2e_start(e2e, "", options);
    e2e_expect(e2e, "call Hanging load", "ok");
    e2e_expect(e2e, "call Hanging greet", "one");
}

static void await_that_it_hangs(const struct e2e *e2e)
{
    struct e2e_answer answer;
    bool hangs = false;
    for (int i = 0; i < 500 && !hangs; i++) {
        e2e_client(e2e, &answer, "status", "--json", "--pid", pid_of(e2e), NULL);
        const char *busy = json_string_value(json_object_get(answer.json, "busy"));
        hangs = busy != NULL && strstr(busy, "Hanging") != NULL;
        e2e_answer_close(&answer);
    }
    assert_true(hangs);
}

static void a_jvm_killed_after_the_last_byte_leaves_the_outcome_unknown(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_process client = { 0 };
    int status;
    start_with_hanging_loader(e2e);
    const char *const arguments[] = { HD_E2E_CLIENT, "push",      "--json",
                                      "--pid",       pid_of(e2e), e2e_path(e2e, "after"),
                                      NULL };
    e2e_process_start(&client, arguments, NULL, e2e_path(e2e, "client.err"));
    await_that_it_hangs(e2e);
    e2e_process_end(&e2e->jvm);
    char *output = e2e_process_finish(&client, CLIENT_SECONDS, &status);
    assert_int_equal(WEXITSTATUS(status), 5);
    expect_in(output, "outcome-unknown");
    expect_in(output, "hotdrop history");
    free(output);
}

static void a_wait_of_more_than_a_second_shows_what_it_is_for(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_process client = { 0 };
    int status;
    start_with_hanging_loader(e2e);
    const char *const arguments[] = { HD_E2E_CLIENT,          "push", "--pid", pid_of(e2e),
                                      e2e_path(e2e, "after"), NULL };
    e2e_terminal_start(&client, arguments, NULL);
    e2e_terminal_await(&client, "…", 4);
    e2e_expect(e2e, "call Hanging answer", "ok");
    char *output = e2e_process_finish(&client, CLIENT_SECONDS, &status);
    assert_int_equal(WEXITSTATUS(status), 0);
    expect_in(output, "\r" ESCAPE "K");
    expect_in(output, "redefined");
    free(output);
    e2e_expect(e2e, "call Hanging greet", "two");
}

static void a_short_wait_shows_nothing(void **state)
{
    static const char *const environment[] = { "NO_COLOR=1", NULL };
    struct e2e *e2e = *state;
    start(e2e, "");
    char *output = push_on_terminal(e2e, "after", environment, 0);
    expect_not_in(output, "…");
    expect_not_in(output, ESCAPE "K");
    free(output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(a_terminal_gets_a_table_in_colour),
        E2E_CASE(no_color_is_honoured),
        E2E_CASE(a_file_gets_a_table_without_colour),
        E2E_CASE(unchanged_classes_are_counted_and_not_listed),
        E2E_CASE(a_class_that_waits_is_never_called_live),
        E2E_CASE(a_check_says_that_nothing_was_changed),
        E2E_CASE(the_classes_of_a_spring_boot_jar_are_pushed),
        E2E_CASE(the_classes_of_a_war_are_pushed),
        E2E_CASE(the_same_class_twice_is_a_usage_error_that_names_it),
        E2E_CASE(what_holds_no_class_is_a_usage_error),
        E2E_CASE(a_jar_travels_packed_and_the_agent_finds_the_damage_in_it),
        E2E_CASE(best_effort_applies_what_can_be_applied),
        E2E_CASE(refused_pushes_stand_in_the_history),
        E2E_CASE(one_deployment_is_shown_in_full),
        E2E_CASE(every_failure_is_one_json_document),
        E2E_CASE(a_jvm_killed_after_the_last_byte_leaves_the_outcome_unknown),
        E2E_CASE(a_wait_of_more_than_a_second_shows_what_it_is_for),
        E2E_CASE(a_short_wait_shows_nothing),
    };
    return E2E_RUN(tests);
}
