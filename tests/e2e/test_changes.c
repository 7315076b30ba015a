/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds of change as data: each directory of changes/ holds before/, after/ (Java sources) and
 * expect, whose lines say what a push of the changed classes must answer:
 *
 *   javac OPTIONS            for both compilations
 *   jvm OPTION               for the JVM; repeatable
 *   ask COMMAND              to Target before the push (to load what must be loaded)
 * push-only CLASS          the push is these classes only (simple paths without .class); repeatable
 *   status N                 exit status of push
 *   row CLASS OUTCOME REASON ("-" for none)
 *   says CLASS WORDS         the row's message contains WORDS
 *   warns CLASS WORD
 *   answer COMMAND -> TEXT   Target's answer afterwards
 *   skip                     not here (a JDK whose compiler does not know the language)
 *
 * A line may begin with "jdk>=N" or "jdk<N" and then counts only there. Before every push, a check
 * of the same must give the same rows and change nothing.
 */
#include "tests/e2e/harness.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CASES 128
#define MAX_LINES 64

static char case_names[MAX_CASES][64];

struct expectation {
    char lines[MAX_LINES][256];
    size_t count;
};

/* Past a "jdk>=N"/"jdk<N" that holds; NULL where it does not. */
static char *unless_for_another_jdk(char *line, unsigned feature)
{
    unsigned bound;
    int length = 0;
    if (sscanf(line, "jdk>=%u %n", &bound, &length) == 1 && length > 0)
        return feature >= bound ? line + length : NULL;
    if (sscanf(line, "jdk<%u %n", &bound, &length) == 1 && length > 0)
        return feature < bound ? line + length : NULL;
    return line;
}

static void read_expectation(const char *path, unsigned feature, struct expectation *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_msg("%s is missing", path);
    char line[256];
    out->count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = unless_for_another_jdk(line, feature);
        if (rest == NULL || rest[0] == '\0' || rest[0] == '#')
            continue;
        assert_true(out->count < MAX_LINES);
        snprintf(out->lines[out->count++], sizeof out->lines[0], "%s", rest);
    }
    fclose(file);
}

/* The n-th line that begins with keyword, past it; NULL when there are fewer. */
static const char *line_of(const struct expectation *expectation, const char *keyword, size_t n)
{
    size_t length = strlen(keyword);
    for (size_t i = 0; i < expectation->count; i++) {
        const char *line = expectation->lines[i];
        if (strncmp(line, keyword, length) == 0 && (line[length] == ' ' || line[length] == '\0') &&
            n-- == 0)
            return line[length] == ' ' ? line + length + 1 : line + length;
    }
    return NULL;
}

static void start(struct e2e *e2e, const char *directory, const struct expectation *expectation)
{
    char before[PATH_MAX], after[PATH_MAX];
    const char *options = line_of(expectation, "javac", 0);
    const char *jvm_options[16] = { NULL };
    snprintf(before, sizeof before, "%s/before", directory);
    snprintf(after, sizeof after, "%s/after", directory);
    e2e_compile(e2e, before, e2e->classes, options != NULL ? options : "");
    e2e_compile(e2e, after, "after", options != NULL ? options : "");
    for (size_t i = 0; i < 15 && line_of(expectation, "jvm", i) != NULL; i++)
        jvm_options[i] = line_of(expectation, "jvm", i);
    e2e_start(e2e, "", jvm_options);
    for (size_t i = 0; line_of(expectation, "ask", i) != NULL; i++)
        e2e_ask(e2e, line_of(expectation, "ask", i));
}

static void deploy(const struct e2e *e2e, struct e2e_answer *answer,
                   const struct expectation *expectation, const char *command)
{
    const char *only = line_of(expectation, "push-only", 0);
    e2e_deploy(e2e, answer, command,
               only != NULL ? e2e_path(e2e, "after/%s.class", only) : "after");
}

static void expect_rows(const struct expectation *expectation, const json_t *document)
{
    char class_name[128], outcome[32], reason[64], words[200];
    for (size_t i = 0; line_of(expectation, "row", i) != NULL; i++) {
        assert_int_equal(
            sscanf(line_of(expectation, "row", i), "%127s %31s %63s", class_name, outcome, reason),
            3);
        e2e_expect_row(document, class_name, outcome, strcmp(reason, "-") == 0 ? NULL : reason);
    }
    for (size_t i = 0; line_of(expectation, "warns", i) != NULL; i++) {
        assert_int_equal(sscanf(line_of(expectation, "warns", i), "%127s %63s", class_name, reason),
                         2);
        if (!e2e_has_warning(e2e_row(document, class_name, NULL), reason))
            fail_msg("%s: no warning %s", class_name, reason);
    }
    for (size_t i = 0; line_of(expectation, "says", i) != NULL; i++) {
        assert_int_equal(
            sscanf(line_of(expectation, "says", i), "%127s %199[^\n]", class_name, words), 2);
        const char *message =
            json_string_value(json_object_get(e2e_row(document, class_name, NULL), "message"));
        if (message == NULL || strstr(message, words) == NULL)
            fail_msg("%s: the message is '%s', without '%s'", class_name,
                     message != NULL ? message : "", words);
    }
}

static void expect_answers(struct e2e *e2e, const struct expectation *expectation)
{
    for (size_t i = 0; line_of(expectation, "answer", i) != NULL; i++) {
        char command[256];
        snprintf(command, sizeof command, "%s", line_of(expectation, "answer", i));
        char *arrow = strstr(command, " -> ");
        assert_non_null(arrow);
        *arrow = '\0';
        e2e_expect(e2e, command, arrow + 4);
    }
}

static void a_change_is_answered_as_expected(void **state)
{
    struct e2e *e2e = *state;
    char directory[PATH_MAX], path[PATH_MAX + 8];
    struct expectation expectation;
    struct e2e_answer answer;
    snprintf(directory, sizeof directory, "%s/changes/%s", HD_E2E_SOURCE, e2e->case_name);
    snprintf(path, sizeof path, "%s/expect", directory);
    read_expectation(path, e2e->jdk->feature, &expectation);
    if (line_of(&expectation, "skip", 0) != NULL)
        skip();
    start(e2e, directory, &expectation);

    deploy(e2e, &answer, &expectation, "check");
    expect_rows(&expectation, answer.json);
    assert_true(json_is_null(json_object_get(answer.json, "deployment")));
    e2e_answer_close(&answer);

    deploy(e2e, &answer, &expectation, "push");
    expect_rows(&expectation, answer.json);
    const char *status = line_of(&expectation, "status", 0);
    if (status != NULL)
        assert_int_equal(answer.status, strtol(status, NULL, 10));
    e2e_answer_close(&answer);
    expect_answers(e2e, &expectation);
}

static int is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strlen(entry->d_name) < sizeof case_names[0];
}

int main(void)
{
    static struct CMUnitTest tests[MAX_CASES];
    struct dirent **entries = NULL;
    int count = scandir(HD_E2E_SOURCE "/changes", &entries, is_case, alphasort);
    if (count <= 0 || count > MAX_CASES)
        return 1;
    for (int i = 0; i < count; i++) {
        memcpy(case_names[i], entries[i]->d_name, strlen(entries[i]->d_name) + 1);
        tests[i] = (struct CMUnitTest)E2E_CASE(a_change_is_answered_as_expected);
        tests[i].name = case_names[i];
        tests[i].initial_state = case_names[i];
        free(entries[i]);
    }
    free(entries);
    return e2e_run(__FILE__, tests, (size_t)count);
}
