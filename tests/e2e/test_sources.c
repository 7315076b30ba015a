/* SPDX-License-Identifier: Apache-2.0 */
/* Drop directories, end to end: what counts as one deployment, what is not taken yet, what is
 * refused, and what is never lost. */
#include "tests/e2e/application.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_CLASS 4096

/* ---- classes ---- */

static void compile_class(const struct e2e *e2e, const char *name, const char *word,
                          const char *classes)
{
    char source[256];
    snprintf(source, sizeof source,
             "package demo; public class %s { public static String run() { return \"%s\"; } }",
             name, word);
    e2e_compile_class(e2e, name, source, classes);
}

/* Greeter and Other, loaded, both say "one"; what they will say lies in "after". */
static void start_demo(struct e2e *e2e)
{
    compile_class(e2e, "Greeter", "one", e2e->classes);
    compile_class(e2e, "Other", "one", e2e->classes);
    compile_class(e2e, "Greeter", "two", "after");
    compile_class(e2e, "Other", "two", "after");
    e2e_start(e2e, "", NULL);
    e2e_expect(e2e, "call demo.Greeter run", "one");
    e2e_expect(e2e, "call demo.Other run", "one");
}

static size_t read_file(const char *path, char *out, size_t capacity)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t length = fread(out, 1, capacity, file);
    fclose(file);
    assert_true(length > 0 && length < capacity);
    return length;
}

static void write_file(const char *path, const char *data, size_t length)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void make_directory(const char *path)
{
    const char *const make[] = { "mkdir", "-p", path, NULL };
    e2e_tool(NULL, make);
}

/* Classes C00000, C00001, … of package many, straight into a directory below the test's: one was
 * compiled, the others are its file with another number in every name. */
static void write_many(const struct e2e *e2e, const char *word, const char *directory,
                       unsigned count)
{
    char source[256], file[MAX_CLASS], name[16], beginning[PATH_MAX], path[PATH_MAX];
    snprintf(beginning, sizeof beginning, "%s", e2e_path(e2e, "%s", directory));
    make_directory(beginning);
    snprintf(source, sizeof source,
             "package many; public class C00000 { public static String run() { return \"%s\"; } }",
             word);
    e2e_compile_class(e2e, "C00000", source, "template");
    size_t length = read_file(e2e_path(e2e, "template/many/C00000.class"), file, sizeof file);
    char *places[8];
    size_t found = 0;
    for (char *place = file;
         (place = memmem(place, length - (size_t)(place - file), "C00000", 6)) != NULL && found < 8;
         place += 6)
        places[found++] = place;
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "C%05u", i);
        for (size_t j = 0; j < found; j++)
            memcpy(places[j], name, 6);
        snprintf(path, sizeof path, "%s/%s.class", beginning, name);
        write_file(path, file, length);
    }
}

/* ---- reports ---- */

static size_t row_count(const json_t *report)
{
    return json_array_size(json_object_get(report, "classes"));
}

static void expect_one_row(const struct e2e *e2e, unsigned number, const char *class_name)
{
    json_t *report = e2e_await_report(e2e, ".done", number);
    assert_int_equal(row_count(report), 1);
    e2e_expect_row(report, class_name, "redefined", NULL);
    json_decref(report);
}

/* Reports until they have told of so many classes; how many reports that took. */
static unsigned await_rows(const struct e2e *e2e, size_t wanted, unsigned seconds)
{
    unsigned number = 0;
    for (size_t rows = 0; rows < wanted;) {
        json_t *report = e2e_await_report_for(e2e, ".done", ++number, seconds);
        rows += row_count(report);
        json_decref(report);
    }
    return number;
}

/* The next thing dropped gets the next number: nothing else was deployed meanwhile. */
static void expect_next_number(struct e2e *e2e, unsigned number)
{
    e2e_drop(e2e, "after/demo/Other.class", "Other.class");
    expect_one_row(e2e, number, "demo.Other");
    e2e_expect(e2e, "call demo.Other run", "two");
}

static bool is_there(const struct e2e *e2e, const char *path)
{
    struct stat status;
    return lstat(e2e_path(e2e, "%s", path), &status) == 0;
}

static void await_gone(const struct e2e *e2e, const char *path)
{
    for (int i = 0; i < 6000 && is_there(e2e, path); i++)
        poll(NULL, 0, 10);
    assert_false(is_there(e2e, path));
}

/* ---- what is one deployment ---- */

/* A writer that the machine holds up may make it more than one. */
static void a_burst_of_files_in_a_tree_is_one_deployment_or_few_and_the_emptied_tree_goes(
    void **state)
{
    struct e2e *e2e = *state;
    write_many(e2e, "one", "classes/many", 300);
    start_demo(e2e);
    e2e_expect(e2e, "call many.C00000 run", "one");
    write_many(e2e, "two", "drop/many", 300);
    unsigned deployments = await_rows(e2e, 300, 60);
    assert_in_range(deployments, 1, 8);
    e2e_expect(e2e, "call many.C00000 run", "two");
    e2e_expect(e2e, "call many.C00299 run", "two");
    expect_next_number(e2e, deployments + 1);
    await_gone(e2e, "drop/many");
}

static void a_directory_renamed_in_is_exactly_one_deployment(void **state)
{
    struct e2e *e2e = *state;
    write_many(e2e, "one", "classes/many", 300);
    start_demo(e2e);
    e2e_expect(e2e, "call many.C00000 run", "one");
    write_many(e2e, "two", "tree/many", 300);
    assert_return_code(rename(e2e_path(e2e, "tree"), e2e_path(e2e, "drop/tree")), 0);
    json_t *report = e2e_await_report(e2e, ".done", 1);
    assert_int_equal(row_count(report), 300);
    e2e_expect_row(report, "many.C00000", "redefined", NULL);
    e2e_expect_row(report, "many.C00299", "pending", NULL);
    json_decref(report);
    e2e_await_file(e2e, "drop/.done/*-1/tree/many/C00299.class");
    e2e_expect(e2e, "call many.C00299 run", "two");
    expect_next_number(e2e, 2);
    assert_false(is_there(e2e, "drop/tree"));
}

static void two_jars_are_two_deployments(void **state)
{
    struct e2e *e2e = *state;
    start_demo(e2e);
    compile_class(e2e, "Greeter", "two", "greeter");
    compile_class(e2e, "Other", "two", "other");
    e2e_jar(e2e, "greeter", "greeter.jar");
    e2e_jar(e2e, "other", "other.jar");
    e2e_drop(e2e, "greeter.jar", "greeter.jar");
    e2e_drop(e2e, "other.jar", "other.jar");
    expect_one_row(e2e, 1, "demo.Greeter");
    expect_one_row(e2e, 2, "demo.Other");
    e2e_expect(e2e, "call demo.Greeter run", "two");
    e2e_expect(e2e, "call demo.Other run", "two");
    e2e_await_file(e2e, "drop/.done/*-2/other.jar");
}

/* So many events that the kernel keeps no more. They are of two files in turn, because equal
 * neighbours are one event. */
static void fill_the_queue(const struct e2e *e2e)
{
    char limit[32] = "";
    (void)read_file("/proc/sys/fs/inotify/max_queued_events", limit, sizeof limit);
    unsigned long events = strtoul(limit, NULL, 10) + 2;
    assert_in_range(events, 3, 1000000);
    for (unsigned long i = 0; i < events; i++) {
        int file =
            open(e2e_path(e2e, "drop/noise-%lu.txt", i % 2), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_return_code(file, 0);
        close(file);
    }
}

/* While the JVM does not look, more happens than the kernel keeps for it: of these classes it is
 * told nothing. */
static void no_file_is_lost_when_the_queue_of_events_overflows(void **state)
{
    struct e2e *e2e = *state;
    const unsigned count = 5000;
    start_demo(e2e);
    kill(e2e->jvm.pid, SIGSTOP);
    fill_the_queue(e2e);
    write_many(e2e, "two", "drop", count);
    kill(e2e->jvm.pid, SIGCONT);
    (void)await_rows(e2e, count, 60);
    e2e_expect(e2e, "call demo.Greeter run", "one");
    assert_false(is_there(e2e, "drop/C00000.class"));
    assert_false(is_there(e2e, "drop/C04999.class"));
}

/* ---- what is not taken yet ---- */

static void a_partly_written_file_is_not_taken_until_it_is_closed(void **state)
{
    struct e2e *e2e = *state;
    char file[MAX_CLASS];
    start_demo(e2e);
    size_t length = read_file(e2e_path(e2e, "after/demo/Greeter.class"), file, sizeof file);
    int writer =
        open(e2e_path(e2e, "drop/Greeter.class"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_return_code(writer, 0);
    assert_int_equal(write(writer, file, length / 2), length / 2);
    expect_next_number(e2e, 1);
    assert_true(is_there(e2e, "drop/Greeter.class"));
    e2e_expect(e2e, "call demo.Greeter run", "one");
    assert_int_equal(write(writer, file + length / 2, length - length / 2), length - length / 2);
    close(writer);
    expect_one_row(e2e, 2, "demo.Greeter");
    e2e_expect(e2e, "call demo.Greeter run", "two");
}

static void what_editors_and_copies_leave_on_the_way_is_not_taken(void **state)
{
    static const char *const names[] = { ".Greeter.class.swp", ".#Greeter.class",
                                         "Greeter.class~",     "Greeter.class.tmp",
                                         "Greeter.class.part", "4913",
                                         "notes.txt" };
    struct e2e *e2e = *state;
    char path[64];
    start_demo(e2e);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        e2e_drop(e2e, "after/demo/Greeter.class", names[i]);
    expect_next_number(e2e, 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "drop/%s", names[i]);
        assert_true(is_there(e2e, path));
    }
    e2e_expect(e2e, "call demo.Greeter run", "one");
    assert_return_code(
        rename(e2e_path(e2e, "drop/Greeter.class.tmp"), e2e_path(e2e, "drop/Greeter.class")), 0);
    expect_one_row(e2e, 2, "demo.Greeter");
    e2e_expect(e2e, "call demo.Greeter run", "two");
}

/* ---- what is refused ---- */

static const char *error_text(const json_t *report, const char *key)
{
    const char *text = json_string_value(json_object_get(json_object_get(report, "error"), key));
    return text != NULL ? text : "";
}

/* Why, as a stable word and in words, with a remedy. */
static void expect_refusal(const struct e2e *e2e, unsigned number, const char *reason,
                           const char *words)
{
    json_t *report = e2e_await_report(e2e, ".refused", number);
    if (strcmp(error_text(report, "reason"), reason) != 0 ||
        strstr(error_text(report, "message"), words) == NULL ||
        error_text(report, "remedy")[0] == '\0')
        fail_msg("not %s '%s': %s", reason, words, json_dumps(report, 0));
    json_decref(report);
}

static void links_and_pipes_are_refused_with_a_report(void **state)
{
    struct e2e *e2e = *state;
    const char *class = e2e_path(e2e, "after/demo/Greeter.class");
    start_demo(e2e);
    assert_return_code(symlink(class, e2e_path(e2e, "drop/Greeter.class")), 0);
    expect_refusal(e2e, 1, "not-authorised", "symbolic link");
    class = e2e_path(e2e, "after/demo/Greeter.class");
    assert_return_code(link(class, e2e_path(e2e, "drop/Greeter.class")), 0);
    expect_refusal(e2e, 2, "not-authorised", "link");
    assert_return_code(mkfifo(e2e_path(e2e, "drop/Greeter.class"), 0600), 0);
    expect_refusal(e2e, 3, "not-authorised", "regular file");

    /* A link within a directory makes all of it suspect. */
    compile_class(e2e, "Greeter", "two", "tree");
    assert_return_code(
        symlink(e2e_path(e2e, "after/demo/Other.class"), e2e_path(e2e, "tree/demo/Other.class")),
        0);
    assert_return_code(rename(e2e_path(e2e, "tree"), e2e_path(e2e, "drop/tree")), 0);
    expect_refusal(e2e, 4, "not-authorised", "symbolic link");
    e2e_expect(e2e, "call demo.Greeter run", "one");
    assert_true(is_there(e2e, "after/demo/Greeter.class"));
    expect_next_number(e2e, 5);
}

static void a_broken_class_is_refused_with_all_that_came_with_it(void **state)
{
    struct e2e *e2e = *state;
    char file[MAX_CLASS];
    start_demo(e2e);
    size_t length = read_file(e2e_path(e2e, "after/demo/Greeter.class"), file, sizeof file);
    write_file(e2e_path(e2e, "cut"), file, length / 2);
    e2e_drop(e2e, "cut", "Greeter.class");
    json_t *report = e2e_await_report(e2e, ".refused", 1);
    assert_int_equal(row_count(report), 1);
    assert_non_null(strstr(json_string_value(json_object_get(
                               json_array_get(json_object_get(report, "classes"), 0), "reason")),
                           "malformed-class"));
    json_decref(report);
    e2e_await_file(e2e, "drop/.refused/*-1/Greeter.class");

    compile_class(e2e, "Greeter", "two", "tree");
    e2e_write(e2e, "tree/demo/Broken.class", "no class at all");
    assert_return_code(rename(e2e_path(e2e, "tree"), e2e_path(e2e, "drop/tree")), 0);
    report = e2e_await_report(e2e, ".refused", 2);
    e2e_expect_row(report, "demo.Greeter", "withheld", NULL);
    e2e_expect_row(report, "tree/demo/Broken.class", "refused", "malformed-class");
    json_decref(report);
    e2e_expect(e2e, "call demo.Greeter run", "one");
    expect_next_number(e2e, 3);
}

/* ---- the directory itself ---- */

static void expect_that_pushes_still_work(struct e2e *e2e)
{
    struct e2e_answer answer;
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter run", "two");
}

static void a_directory_that_others_may_write_to_is_refused_at_the_start(void **state)
{
    struct e2e *e2e = *state;
    assert_return_code(chmod(e2e->drop, 0777), 0);
    start_demo(e2e);
    e2e_await_log(e2e, "is writable by others");
    e2e_await_log(e2e, "chmod go-w");
    expect_that_pushes_still_work(e2e);
}

static unsigned count_lines(const char *path, const char *text)
{
    FILE *file = fopen(path, "re");
    char line[1024];
    unsigned count = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        count += strstr(line, text) != NULL;
    fclose(file);
    return count;
}

static void a_directory_that_is_deleted_is_said_once_and_the_application_goes_on(void **state)
{
    struct e2e *e2e = *state;
    const char *const remove[] = { "rm", "-rf", e2e->drop, NULL };
    start_demo(e2e);
    e2e_tool(NULL, remove);
    e2e_await_log(e2e, "is gone");
    expect_that_pushes_still_work(e2e);
    assert_int_equal(count_lines(e2e->log, "is gone"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(a_burst_of_files_in_a_tree_is_one_deployment_or_few_and_the_emptied_tree_goes),
        E2E_CASE(a_directory_renamed_in_is_exactly_one_deployment),
        E2E_CASE(two_jars_are_two_deployments),
        E2E_CASE(no_file_is_lost_when_the_queue_of_events_overflows),
        E2E_CASE(a_partly_written_file_is_not_taken_until_it_is_closed),
        E2E_CASE(what_editors_and_copies_leave_on_the_way_is_not_taken),
        E2E_CASE(links_and_pipes_are_refused_with_a_report),
        E2E_CASE(a_broken_class_is_refused_with_all_that_came_with_it),
        E2E_CASE(a_directory_that_others_may_write_to_is_refused_at_the_start),
        E2E_CASE(a_directory_that_is_deleted_is_said_once_and_the_application_goes_on),
    };
    return E2E_RUN(tests);
}
