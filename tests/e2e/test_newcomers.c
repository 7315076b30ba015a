/* SPDX-License-Identifier: Apache-2.0 */
/* Class loaders that come while a patch is live: redeployed applications, second copies of one, and
 * strangers with a class of the same name. */
#include "tests/e2e/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOADERS = 300, MANY_LOADERS = 10000 };

#ifdef HD_E2E_PRELOAD /* the sanitizers hold on to what was freed */
#define MOST_KILOBYTES 65536
#else
#define MOST_KILOBYTES 8192
#endif

static void compile_answer(const struct e2e *e2e, const char *answer, const char *classes)
{
    char source[256];
    snprintf(source, sizeof source,
             "package demo; public class Shop { static String run() { return \"%s\"; } }", answer);
    e2e_compile_class(e2e, "Shop", source, classes);
}

static void expect_answer(struct e2e *e2e, const char *loader, const char *answer)
{
    char command[128];
    snprintf(command, sizeof command, "call-in %s demo.Shop run", loader);
    e2e_expect(e2e, command, answer);
}

static const char *pid_of(const struct e2e *e2e)
{
    static char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    return pid;
}

static void push(const struct e2e *e2e, const char *word, const char *option, const char *value)
{
    struct e2e_answer answer;
    compile_answer(e2e, word, "new");
    e2e_client(e2e, &answer, "push", "--json", "--pid", pid_of(e2e), e2e_path(e2e, "new"), option,
               value, NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
}

/* Returns how many rows said so. */
static size_t roll_back(const struct e2e *e2e, const char *number)
{
    struct e2e_answer answer;
    e2e_client(e2e, &answer, "rollback", "--json", "--pid", pid_of(e2e), number, NULL);
    assert_int_equal(answer.status, 0);
    size_t count = e2e_count_rows(answer.json, "rolled-back");
    e2e_answer_close(&answer);
    return count;
}

/* The rows of status whose live is that. */
static size_t count_live(const struct e2e *e2e, const char *live)
{
    struct e2e_answer answer;
    size_t count = 0, i;
    const json_t *row;
    e2e_client(e2e, &answer, "status", "--json", "--pid", pid_of(e2e), NULL);
    json_array_foreach(json_object_get(answer.json, "classes"), i, row) count +=
        strcmp(json_string_value(json_object_get(row, "live")), live) == 0;
    e2e_answer_close(&answer);
    return count;
}

/* Two directories with the same file, and a loader over one of them that has loaded it. */
static void start_with_one(struct e2e *e2e)
{
    compile_answer(e2e, "old", "one");
    compile_answer(e2e, "old", "two");
    e2e_start(e2e, "", NULL);
    e2e_add_loader(e2e, "one", "one");
    expect_answer(e2e, "one", "old");
}

static void a_loader_that_comes_with_the_same_file_gets_the_patch(void **state)
{
    struct e2e *e2e = *state;
    start_with_one(e2e);
    push(e2e, "new", NULL, NULL);
    e2e_add_loader(e2e, "two", "two");
    expect_answer(e2e, "two", "new");
    assert_int_equal(count_live(e2e, "redefined"), 2);
    assert_int_equal(roll_back(e2e, NULL), 2);
    expect_answer(e2e, "one", "old");
    expect_answer(e2e, "two", "old");
    e2e_add_loader(e2e, "three", "two");
    expect_answer(e2e, "three", "old");
    assert_int_equal(count_live(e2e, "redefined"), 0);
}

/* The sibling was there, and had not loaded the class yet. */
static void a_sibling_that_loads_the_class_later_gets_the_patch(void **state)
{
    struct e2e *e2e = *state;
    start_with_one(e2e);
    e2e_add_loader(e2e, "two", "two");
    push(e2e, "new", NULL, NULL);
    expect_answer(e2e, "two", "new");
}

static void a_redeployed_application_gets_the_patch_of_its_predecessor(void **state)
{
    struct e2e *e2e = *state;
    start_with_one(e2e);
    push(e2e, "new", NULL, NULL);
    e2e_expect(e2e, "forget one", "ok");
    for (int i = 0; i < 100 && count_live(e2e, "redefined") > 0; i++)
        e2e_expect(e2e, "gc", "ok");
    assert_int_equal(count_live(e2e, "redefined"), 0);
    e2e_add_loader(e2e, "one", "one");
    expect_answer(e2e, "one", "new");
    assert_int_equal(count_live(e2e, "redefined"), 1);
    assert_int_equal(roll_back(e2e, "0"), 1);
    expect_answer(e2e, "one", "old");
}

static void a_stranger_with_a_class_of_that_name_is_left_alone_and_said(void **state)
{
    struct e2e *e2e = *state;
    start_with_one(e2e);
    compile_answer(e2e, "stranger", "three");
    push(e2e, "new", NULL, NULL);
    e2e_add_loader(e2e, "three", "three");
    expect_answer(e2e, "three", "stranger");
    assert_int_equal(count_live(e2e, "redefined"), 1);
    assert_int_equal(count_live(e2e, "original"), 1);
    e2e_await_log(e2e, "wrong-base");
    roll_back(e2e, NULL);
    expect_answer(e2e, "three", "stranger");
    assert_int_equal(count_live(e2e, "original"), 0);
}

static void a_patch_for_one_loader_is_not_for_those_that_come(void **state)
{
    struct e2e *e2e = *state;
    start_with_one(e2e);
    e2e_add_loader(e2e, "two", "two");
    expect_answer(e2e, "two", "old");
    push(e2e, "new", "--loader", "ChildFirst#2");
    e2e_add_loader(e2e, "three", "two");
    expect_answer(e2e, "three", "old");
    assert_int_equal(count_live(e2e, "redefined"), 1);
    push(e2e, "newer", "--loader", "ChildF");
    e2e_add_loader(e2e, "four", "two");
    expect_answer(e2e, "four", "newer");
}

static void after_a_rollback_a_loader_that_comes_gets_that_state(void **state)
{
    struct e2e *e2e = *state;
    start_with_one(e2e);
    push(e2e, "first", NULL, NULL);
    push(e2e, "second", NULL, NULL);
    e2e_add_loader(e2e, "two", "two");
    expect_answer(e2e, "two", "second");
    assert_int_equal(roll_back(e2e, "1"), 2);
    expect_answer(e2e, "two", "first");
    e2e_add_loader(e2e, "three", "two");
    expect_answer(e2e, "three", "first");
    assert_int_equal(roll_back(e2e, "0"), 3);
    expect_answer(e2e, "three", "old");
}

/* Forward again: those that came while nothing was patched are none of the deployment's, and yet
 * what that state says is also for them. */
static void a_state_that_is_live_again_is_for_loaders_born_since(void **state)
{
    struct e2e *e2e = *state;
    start_with_one(e2e);
    push(e2e, "new", NULL, NULL);
    roll_back(e2e, "0");
    e2e_add_loader(e2e, "two", "two");
    expect_answer(e2e, "two", "old");
    assert_int_equal(roll_back(e2e, "1"), 2);
    expect_answer(e2e, "one", "new");
    expect_answer(e2e, "two", "new");
    assert_int_equal(count_live(e2e, "redefined"), 2);
    assert_int_equal(roll_back(e2e, "0"), 2);
    expect_answer(e2e, "two", "old");
}

/* ---- many ------------------------------------------------------------------------------------ */

/* In kilobytes; what the application has no use for any more is given back first. */
static long resident(struct e2e *e2e)
{
    char path[64], line[128];
    long kilobytes = 0;
    e2e_expect(e2e, "gc", "ok");
    snprintf(path, sizeof path, "/proc/%d/status", (int)e2e->jvm.pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (kilobytes == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            kilobytes = strtol(line + 6, NULL, 10);
    }
    fclose(file);
    assert_true(kilobytes > 0);
    return kilobytes;
}

static void churn(struct e2e *e2e, int count)
{
    char command[512];
    snprintf(command, sizeof command, "churn %d %s demo.Shop run", count, e2e_path(e2e, "two"));
    e2e_expect(e2e, command, "new");
    for (int i = 0; i < 200 && count_live(e2e, "redefined") > 2; i++)
        e2e_expect(e2e, "gc", "ok");
    assert_true(count_live(e2e, "redefined") <= 2);
}

static void expect_that_loaders_leave_nothing(struct e2e *e2e, int count)
{
    const char *const options[] = { "-Xmx64m", "-XX:+UseSerialGC", NULL };
    compile_answer(e2e, "old", "one");
    compile_answer(e2e, "old", "two");
    e2e_start(e2e, "log-level=warn", options);
    e2e_add_loader(e2e, "one", "one");
    expect_answer(e2e, "one", "old");
    push(e2e, "new", NULL, NULL);
    churn(e2e, count / 2);
    long before = resident(e2e);
    churn(e2e, count / 2);
    long growth = resident(e2e) - before;
    print_message("%d loaders: resident memory %ld KB, and %ld KB more after as many again\n",
                  count / 2, before, growth);
    assert_true(growth < MOST_KILOBYTES);
    assert_int_equal(roll_back(e2e, "0") >= 1, 1);
    expect_answer(e2e, "one", "old");
}

static void loaders_that_come_and_go_leave_nothing_behind(void **state)
{
    expect_that_loaders_leave_nothing(*state, LOADERS);
}

static void ten_thousand_loaders_that_come_and_go_leave_nothing_behind(void **state)
{
    expect_that_loaders_leave_nothing(*state, MANY_LOADERS);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(a_loader_that_comes_with_the_same_file_gets_the_patch),
        E2E_CASE(a_sibling_that_loads_the_class_later_gets_the_patch),
        E2E_CASE(a_redeployed_application_gets_the_patch_of_its_predecessor),
        E2E_CASE(a_stranger_with_a_class_of_that_name_is_left_alone_and_said),
        E2E_CASE(a_patch_for_one_loader_is_not_for_those_that_come),
        E2E_CASE(after_a_rollback_a_loader_that_comes_gets_that_state),
        E2E_CASE(a_state_that_is_live_again_is_for_loaders_born_since),
        E2E_CASE(loaders_that_come_and_go_leave_nothing_behind),
    };
    const struct CMUnitTest long_tests[] = {
        E2E_CASE(ten_thousand_loaders_that_come_and_go_leave_nothing_behind),
    };
    if (count > 1 && strcmp(arguments[1], "long") == 0)
        return E2E_RUN(long_tests);
    return E2E_RUN(tests);
}
