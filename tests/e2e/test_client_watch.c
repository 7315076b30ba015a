/* SPDX-License-Identifier: Apache-2.0 */
/* hotdrop watch: one deployment and one line of JSON for each compile, only what changed, until Ctrl-C. */
#include "tests/e2e/harness.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define LINE_SECONDS 90

struct watching {
    struct e2e_process process;
    json_t *line; /* the last that was heard */
};

static void write_source(const struct e2e *e2e, const char *class, const char *word)
{
    char path[64], source[256];
    snprintf(path, sizeof path, "sources/demo/%s.java", class);
    snprintf(source, sizeof source,
             "package demo; public class %s { public static String greet() { return \"%s\"; } }",
             class, word);
    e2e_write(e2e, path, source);
}

static void compile(const struct e2e *e2e, const char *word_of_first, const char *word_of_second)
{
    write_source(e2e, "First", word_of_first);
    write_source(e2e, "Second", word_of_second);
    e2e_compile(e2e, "sources", "classes", "");
}

static void expect_words(struct e2e *e2e, const char *word_of_first, const char *word_of_second)
{
    e2e_expect(e2e, "call demo.First greet", word_of_first);
    e2e_expect(e2e, "call demo.Second greet", word_of_second);
}

static void start_watching(const struct e2e *e2e, struct watching *watching, const char *how,
                           const char *target)
{
    const char *const arguments[] = { HD_E2E_CLIENT, "watch",      how, target,
                                      "--json",      e2e->classes, NULL };
    e2e_process_start(&watching->process, arguments, NULL, e2e_path(e2e, "watch.err"));
    e2e_await_file(e2e, "watch.err");
    char line[64] = "";
    for (int i = 0; i < 6000 && strstr(line, "Watching") == NULL; i++) {
        FILE *errors = fopen(e2e_path(e2e, "watch.err"), "re");
        if (fgets(line, sizeof line, errors) == NULL)
            poll(NULL, 0, 10);
        fclose(errors);
    }
    assert_non_null(strstr(line, "Watching"));
}

static const json_t *hear(struct watching *watching)
{
    json_decref(watching->line);
    const char *text = e2e_process_hear(&watching->process, LINE_SECONDS);
    watching->line = json_loads(text, 0, NULL);
    if (watching->line == NULL)
        fail_msg("not a line of JSON: %s", text);
    return watching->line;
}

static void expect_rows(const json_t *document, size_t count)
{
    char *text = json_dumps(document, 0);
    if (json_array_size(json_object_get(document, "classes")) != count)
        fail_msg("not %zu rows: %s", count, text);
    free(text);
}

/* Ctrl-C: nothing more is said, and it was all right. */
static void end_watching(struct watching *watching, int signal_number)
{
    int status;
    kill(watching->process.pid, signal_number);
    char *rest = e2e_process_finish(&watching->process, LINE_SECONDS, &status);
    json_decref(watching->line);
    watching->line = NULL;
    assert_string_equal(rest, "");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    free(rest);
}

static const char *pid_of(const struct e2e *e2e)
{
    static char text[16];
    snprintf(text, sizeof text, "%d", (int)e2e->jvm.pid);
    return text;
}

static void watch_two_classes(struct e2e *e2e, struct watching *watching)
{
    compile(e2e, "one", "one");
    e2e_start(e2e, "", NULL);
    expect_words(e2e, "one", "one");
    start_watching(e2e, watching, "--pid", pid_of(e2e));
}

static void each_compile_is_one_line_with_what_changed(void **state)
{
    struct e2e *e2e = *state;
    struct watching watching = { 0 };
    watch_two_classes(e2e, &watching);

    compile(e2e, "two", "one");
    expect_rows(hear(&watching), 1);
    e2e_expect_row(watching.line, "demo.First", "redefined", NULL);
    expect_words(e2e, "two", "one");

    compile(e2e, "two", "one"); /* the same files again: no line */
    compile(e2e, "three", "three");
    expect_rows(hear(&watching), 2);
    assert_int_equal(json_integer_value(json_object_get(watching.line, "deployment")), 2);
    expect_words(e2e, "three", "three");
    end_watching(&watching, SIGINT);
}

static void expect_error(const json_t *document, const char *reason)
{
    const json_t *error = json_object_get(document, "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), reason);
}

static void a_compile_during_a_trial_is_pushed_after_it(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    struct watching watching = { 0 };
    watch_two_classes(e2e, &watching);
    write_source(e2e, "First", "on trial");
    e2e_compile(e2e, "sources", "trial", "");
    e2e_client(e2e, &answer, "push", "--pid", pid_of(e2e), "--confirm-within", "2min",
               e2e_path(e2e, "trial/demo/First.class"), NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);

    compile(e2e, "one", "two");
    expect_error(hear(&watching), "trial-open");
    expect_words(e2e, "on trial", "one");
    e2e_client(e2e, &answer, "confirm", "--pid", pid_of(e2e), NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    expect_rows(hear(&watching), 1);
    e2e_expect_row(watching.line, "demo.Second", "redefined", NULL);
    expect_words(e2e, "on trial", "two");
    end_watching(&watching, SIGINT);
}

static void what_is_refused_is_said_and_the_watch_goes_on(void **state)
{
    struct e2e *e2e = *state;
    struct watching watching = { 0 };
    watch_two_classes(e2e, &watching);
    e2e_write(e2e, "sources/demo/First.java",
              "package demo; public class First { int extra; public static String greet() { return "
              "\"two\"; } }");
    e2e_compile(e2e, "sources", "classes", "");
    e2e_expect_row(hear(&watching), "demo.First", "refused", "field-added");
    compile(e2e, "three", "one");
    e2e_expect_row(hear(&watching), "demo.First", "redefined", NULL);
    expect_words(e2e, "three", "one");
    end_watching(&watching, SIGTERM);
}

static void what_was_withheld_goes_with_the_next_compile(void **state)
{
    struct e2e *e2e = *state;
    struct watching watching = { 0 };
    watch_two_classes(e2e, &watching);
    write_source(e2e, "Second", "two");
    e2e_write(e2e, "sources/demo/First.java",
              "package demo; public class First { int extra; public static String greet() { return "
              "\"two\"; } }");
    e2e_compile(e2e, "sources", "classes", "");
    e2e_expect_row(hear(&watching), "demo.First", "refused", "field-added");
    e2e_expect_row(watching.line, "demo.Second", "withheld", NULL);
    compile(e2e, "two", "two"); /* only First.class differs from the compile before */
    expect_rows(hear(&watching), 2);
    e2e_expect_row(watching.line, "demo.First", "redefined", NULL);
    e2e_expect_row(watching.line, "demo.Second", "redefined", NULL);
    expect_words(e2e, "two", "two");
    end_watching(&watching, SIGTERM);
}

static void a_jvm_that_was_started_again_is_found(void **state)
{
    struct e2e *e2e = *state;
    struct watching watching = { 0 };
    char option[256], address[256];
    int status;
    snprintf(option, sizeof option, "listen=unix:%s", e2e_path(e2e, "door"));
    snprintf(address, sizeof address, "unix:%s", e2e_path(e2e, "door"));
    compile(e2e, "one", "one");
    e2e_start(e2e, option, NULL);
    expect_words(e2e, "one", "one");
    start_watching(e2e, &watching, "--to", address);
    compile(e2e, "two", "one");
    e2e_expect_row(hear(&watching), "demo.First", "redefined", NULL);

    e2e_process_tell(&e2e->jvm, "exit 0");
    free(e2e_process_finish(&e2e->jvm, 90, &status));
    compile(e2e, "three", "one");
    const json_t *error = json_object_get(hear(&watching), "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), "no-agent");

    e2e_start(e2e, option, NULL);
    expect_words(e2e, "three", "one");
    compile(e2e, "four", "one");
    e2e_expect_row(hear(&watching), "demo.First", "redefined", NULL);
    expect_words(e2e, "four", "one");
    end_watching(&watching, SIGINT);
}

static void a_directory_that_is_not_there_is_a_usage_error(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    e2e_client(e2e, &answer, "watch", "--json", e2e_path(e2e, "missing"), NULL);
    assert_int_equal(answer.status, 2);
    assert_non_null(answer.json);
    assert_non_null(strstr(answer.output, "missing"));
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "watch", "--json", NULL);
    assert_int_equal(answer.status, 2);
    e2e_answer_close(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(each_compile_is_one_line_with_what_changed),
        E2E_CASE(what_is_refused_is_said_and_the_watch_goes_on),
        E2E_CASE(what_was_withheld_goes_with_the_next_compile),
        E2E_CASE(a_compile_during_a_trial_is_pushed_after_it),
        E2E_CASE(a_jvm_that_was_started_again_is_found),
        E2E_CASE(a_directory_that_is_not_there_is_a_usage_error),
    };
    return E2E_RUN(tests);
}
