/* SPDX-License-Identifier: Apache-2.0 */
/* The same class name in several class loaders, classes not loaded yet, and new classes. */
#include "tests/e2e/harness.h"

#include <stdio.h>
#include <string.h>

static void compile_answer(const struct e2e *e2e, const char *answer, const char *classes)
{
    char source[256];
    snprintf(source, sizeof source,
             "package demo; public class Shop { static String run() { return \"%s\"; } }", answer);
    e2e_compile_class(e2e, "Shop", source, classes);
}

static void add_loader(struct e2e *e2e, const char *name, const char *directory)
{
    char command[512];
    e2e_add_loader(e2e, name, directory);
    snprintf(command, sizeof command, "call-in %s demo.Shop run", name);
    e2e_ask(e2e, command);
}

static void push_to(const struct e2e *e2e, struct e2e_answer *answer, const char *option,
                    const char *value)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, answer, "push", "--json", "--pid", pid, e2e_path(e2e, "new"), option, value,
               NULL);
    assert_non_null(answer->json);
}

static void the_same_code_in_two_loaders_is_swapped_in_both(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_answer(e2e, "old", "one");
    compile_answer(e2e, "old", "two");
    compile_answer(e2e, "new", "new");
    e2e_start(e2e, "", NULL);
    add_loader(e2e, "one", "one");
    add_loader(e2e, "two", "two");
    e2e_deploy(e2e, &answer, "push", "new");
    assert_int_equal(answer.status, 0);
    assert_int_equal(e2e_count_rows(answer.json, "redefined"), 2);
    e2e_row(answer.json, "demo.Shop", "ChildFirst");
    e2e_row(answer.json, "demo.Shop", "ChildFirst#2");
    e2e_expect(e2e, "call-in one demo.Shop run", "new");
    e2e_expect(e2e, "call-in two demo.Shop run", "new");
    e2e_answer_close(&answer);
}

static void different_code_in_two_loaders_is_refused_until_somebody_says_which(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_answer(e2e, "old one", "one");
    compile_answer(e2e, "old two", "two");
    compile_answer(e2e, "new", "new");
    e2e_start(e2e, "", NULL);
    add_loader(e2e, "one", "one");
    add_loader(e2e, "two", "two");

    e2e_deploy(e2e, &answer, "push", "new");
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "demo.Shop", "refused", "ambiguous-loader");
    e2e_expect(e2e, "call-in one demo.Shop run", "old one");
    e2e_answer_close(&answer);

    push_to(e2e, &answer, "--loader", "ChildFirst#2");
    assert_int_equal(answer.status, 0);
    assert_int_equal(e2e_count_rows(answer.json, "redefined"), 1);
    e2e_answer_close(&answer);
    bool first_is_new = strcmp(e2e_ask(e2e, "call-in one demo.Shop run"), "new") == 0;
    e2e_expect(e2e, first_is_new ? "call-in two demo.Shop run" : "call-in one demo.Shop run",
               first_is_new ? "old two" : "old one");

    /* A whole label means that loader, even where it is part of another's. */
    push_to(e2e, &answer, "--loader", "ChildFirst");
    assert_int_equal(answer.status, 0);
    assert_int_equal(json_array_size(json_object_get(answer.json, "classes")), 1);
    e2e_expect(e2e, "call-in one demo.Shop run", "new");
    e2e_expect(e2e, "call-in two demo.Shop run", "new");
    e2e_answer_close(&answer);
}

static void different_code_in_two_loaders_is_swapped_in_all_when_asked(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_answer(e2e, "old one", "one");
    compile_answer(e2e, "old two", "two");
    compile_answer(e2e, "new", "new");
    e2e_start(e2e, "", NULL);
    add_loader(e2e, "one", "one");
    add_loader(e2e, "two", "two");
    push_to(e2e, &answer, "--all-loaders", NULL);
    assert_int_equal(answer.status, 0);
    e2e_expect(e2e, "call-in one demo.Shop run", "new");
    e2e_expect(e2e, "call-in two demo.Shop run", "new");
    e2e_answer_close(&answer);
}

static void a_loader_that_nobody_has_is_said_to_be_absent(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_answer(e2e, "old", "classes");
    compile_answer(e2e, "new", "new");
    e2e_start(e2e, "", NULL);
    e2e_expect(e2e, "call demo.Shop run", "old");
    push_to(e2e, &answer, "--loader", "nowhere");
    assert_int_equal(answer.status, 1);
    assert_non_null(strstr(answer.output, "app"));
    e2e_expect(e2e, "call demo.Shop run", "old");
    e2e_answer_close(&answer);
}

static void a_class_that_nobody_has_loaded_waits_for_the_loader_that_will(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_answer(e2e, "old", "one");
    compile_answer(e2e, "new", "new");
    e2e_start(e2e, "", NULL);
    e2e_deploy(e2e, &answer, "push", "new");
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Shop", "pending", NULL);
    e2e_answer_close(&answer);
    add_loader(e2e, "one", "one");
    e2e_expect(e2e, "call-in one demo.Shop run", "new");

    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "status", "--json", "--pid", pid, NULL);
    assert_int_equal(answer.status, 0);
    assert_string_equal(
        json_string_value(json_object_get(e2e_row(answer.json, "demo.Shop", NULL), "live")),
        "redefined");
    e2e_answer_close(&answer);
}

static void a_loader_that_is_gone_leaves_no_row(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_answer(e2e, "old", "one");
    compile_answer(e2e, "old", "classes");
    compile_answer(e2e, "new", "new");
    e2e_start(e2e, "", NULL);
    e2e_expect(e2e, "call demo.Shop run", "old");
    add_loader(e2e, "one", "one");
    e2e_deploy(e2e, &answer, "push", "new");
    assert_int_equal(e2e_count_rows(answer.json, "redefined"), 2);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "forget one", "ok");
    e2e_expect(e2e, "gc", "ok");
    compile_answer(e2e, "newer", "new");
    e2e_deploy(e2e, &answer, "push", "new");
    assert_int_equal(answer.status, 0);
    assert_int_equal(json_array_size(json_object_get(answer.json, "classes")), 1);
    e2e_expect(e2e, "call demo.Shop run", "newer");
    e2e_answer_close(&answer);
}

static void a_new_class_is_defined_before_its_user_and_beside_its_neighbours(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_answer(e2e, "old", "classes");
    e2e_write(e2e, "source/demo/Shop.java",
              "package demo; public class Shop { static String run() { return Price.text(); } }");
    e2e_write(e2e, "source/demo/Price.java",
              "package demo; class Price { static String text() { return \"\" + "
              "(Price.class.getProtectionDomain() == Shop.class.getProtectionDomain()); } }");
    e2e_compile(e2e, "source", "new", "");
    e2e_start(e2e, "", NULL);
    e2e_expect(e2e, "call demo.Shop run", "old");
    e2e_deploy(e2e, &answer, "push", "new");
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Price", "defined", NULL);
    e2e_expect_row(answer.json, "demo.Shop", "redefined", NULL);
    e2e_expect(e2e, "call demo.Shop run", "true");
    e2e_answer_close(&answer);
}

static void a_class_of_the_jdk_is_denied(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    e2e_start(e2e, "", NULL);
    /* A class file of that name from the JDK's own run-time image, asked for through the JVM
     * under test. */
    e2e_write(e2e, "source/Taker.java",
              "import java.nio.file.*; public class Taker { static String run() throws Exception { "
              "Path p = Paths.get(System.getProperty(\"taken\"));"
              " Files.createDirectories(p.getParent()); "
              "Files.copy(Object.class.getResourceAsStream(\"/java/util/BitSet.class\"), p); "
              "return \"ok\"; } }");
    e2e_process_end(&e2e->jvm);
    char property[256];
    snprintf(property, sizeof property, "-Dtaken=%s", e2e_path(e2e, "jdk/java/util/BitSet.class"));
    const char *const options[] = { property, NULL };
    e2e_compile(e2e, "source", "classes", "");
    e2e_start(e2e, "", options);
    e2e_expect(e2e, "call Taker run", "ok");
    e2e_deploy(e2e, &answer, "push", "jdk");
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "java.util.BitSet", "refused", "denied");
    e2e_answer_close(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(the_same_code_in_two_loaders_is_swapped_in_both),
        E2E_CASE(different_code_in_two_loaders_is_refused_until_somebody_says_which),
        E2E_CASE(different_code_in_two_loaders_is_swapped_in_all_when_asked),
        E2E_CASE(a_loader_that_nobody_has_is_said_to_be_absent),
        E2E_CASE(a_class_that_nobody_has_loaded_waits_for_the_loader_that_will),
        E2E_CASE(a_loader_that_is_gone_leaves_no_row),
        E2E_CASE(a_new_class_is_defined_before_its_user_and_beside_its_neighbours),
        E2E_CASE(a_class_of_the_jdk_is_denied),
    };
    return E2E_RUN(tests);
}
