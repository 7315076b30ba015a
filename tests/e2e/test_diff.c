/* SPDX-License-Identifier: Apache-2.0 */
/* diff: two trees compared without a JVM. */
#include "tests/e2e/harness.h"

#include <string.h>

static void compile(const struct e2e *e2e, const char *classes, const char *shop, const char *extra)
{
    char directory[64], path[128];
    snprintf(directory, sizeof directory, "source-%s", classes);
    snprintf(path, sizeof path, "%s/demo/Shop.java", directory);
    e2e_write(e2e, path, shop);
    snprintf(path, sizeof path, "%s/demo/Extra.java", directory);
    e2e_write(e2e, path, extra);
    e2e_compile(e2e, directory, classes, "");
}

static void diff(const struct e2e *e2e, struct e2e_answer *answer, const char *jdk)
{
    e2e_client(e2e, answer, "diff", "--json", "--jdk", jdk, e2e_path(e2e, "old"),
               e2e_path(e2e, "new"), NULL);
    assert_non_null(answer->json);
}

static void expect_change(const json_t *document, const char *class_name, const char *change,
                          const char *reason)
{
    const json_t *row = e2e_row(document, class_name, NULL);
    const char *found = json_string_value(json_object_get(row, "reason"));
    assert_string_equal(json_string_value(json_object_get(row, "change")), change);
    assert_string_equal(found != NULL ? found : "", reason);
}

static const char *const shop = "package demo; class Shop { int price() { return 1; } }";
static const char *const shop_with_body = "package demo; class Shop { int price() { return 2; } }";
static const char *const shop_with_helper =
    "package demo; class Shop { int price() { return help(); } private int help() { return 2; } }";
static const char *const extra = "package demo; class Extra { }";

static void changed_bodies_can_be_swapped(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile(e2e, "old", shop, extra);
    compile(e2e, "new", shop_with_body, extra);
    diff(e2e, &answer, "28");
    assert_int_equal(answer.status, 0);
    assert_true(json_is_true(json_object_get(answer.json, "swappable")));
    expect_change(answer.json, "demo.Shop", "swappable", "");
    expect_change(answer.json, "demo.Extra", "same", "");
    e2e_answer_close(&answer);
}

static void an_added_method_cannot_and_the_exit_status_says_so(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile(e2e, "old", shop, extra);
    compile(e2e, "new", shop_with_helper, extra);
    diff(e2e, &answer, "28");
    assert_int_equal(answer.status, 1);
    assert_true(json_is_false(json_object_get(answer.json, "swappable")));
    expect_change(answer.json, "demo.Shop", "refused", "method-added");
    e2e_answer_close(&answer);
}

static void classes_that_came_and_went_are_listed(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile(e2e, "old", shop, extra);
    compile(e2e, "new", shop, "package demo; class Other { }");
    diff(e2e, &answer, "28");
    assert_int_equal(answer.status, 0);
    expect_change(answer.json, "demo.Extra", "removed", "");
    expect_change(answer.json, "demo.Other", "added", "");
    e2e_answer_close(&answer);
}

static void class_files_newer_than_the_jvm_are_refused(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile(e2e, "old", shop, extra);
    compile(e2e, "new", shop_with_body, extra);
    diff(e2e, &answer, "8");
    assert_int_equal(answer.status, e2e->jdk->feature > 8 ? 1 : 0);
    if (e2e->jdk->feature > 8)
        expect_change(answer.json, "demo.Shop", "refused", "version-unsupported");
    e2e_answer_close(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(changed_bodies_can_be_swapped),
        E2E_CASE(an_added_method_cannot_and_the_exit_status_says_so),
        E2E_CASE(classes_that_came_and_went_are_listed),
        E2E_CASE(class_files_newer_than_the_jvm_are_refused),
    };
    return E2E_RUN(tests);
}
