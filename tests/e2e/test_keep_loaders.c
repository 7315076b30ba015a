/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept for class loaders that are not there when a JVM starts, as those of web applications:
 * each loader's own file decides, when the class loads. */
#include "tests/e2e/shop.h"

#include <stdio.h>
#include <string.h>

static void a_new_class_of_a_loader_that_comes_later_cannot_be_kept(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char pid[16];
    shop_compile(e2e, "web", "web");
    shop_open(e2e);
    e2e_add_loader(e2e, "web", "web");
    e2e_expect(e2e, "call-in web demo.Shop run", "web");
    shop_compile(e2e, "new", "after");
    e2e_compile_class(e2e, "Price", "package demo; class Price { }", "after");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--json", "--keep", "--pid", pid, e2e_path(e2e, "after"),
               NULL);
    e2e_expect_row(answer.json, "demo.Price", "refused", "cannot-keep");
    e2e_answer_close(&answer);
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    shop_expect_not_kept(e2e, NULL, "cannot-keep");
    shop_expect_not_kept(e2e, NULL, "cannot-keep");
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

/* A web application's loader is not there when the JVM starts. */
static void a_class_of_a_loader_that_comes_later_gets_its_patch_for_its_base_only(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    shop_compile(e2e, "web", "web");
    shop_compile(e2e, "other web", "other");
    shop_open(e2e);
    e2e_add_loader(e2e, "web", "web");
    e2e_expect(e2e, "call-in web demo.Shop run", "web");
    shop_try_push(e2e, &answer, "kept");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call-in web demo.Shop run", "kept");
    shop_do(e2e, "keep", NULL);
    shop_restart(e2e);
    e2e_add_loader(e2e, "other", "other");
    e2e_expect(e2e, "call-in other demo.Shop run", "other web");
    e2e_add_loader(e2e, "web", "web");
    e2e_add_loader(e2e, "again", "web");
    e2e_expect(e2e, "call-in web demo.Shop run", "kept");
    e2e_expect(e2e, "call-in again demo.Shop run", "kept");
    shop_do(e2e, "rollback", "0");
    e2e_expect(e2e, "call-in web demo.Shop run", "web");
    e2e_expect(e2e, "call-in again demo.Shop run", "web");
}

static void what_is_kept_for_a_coming_loader_is_pushed_over_and_rolled_back_to(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    shop_compile(e2e, "web", "web");
    shop_open(e2e);
    e2e_add_loader(e2e, "first", "web");
    e2e_expect(e2e, "call-in first demo.Shop run", "web");
    shop_try_push(e2e, &answer, "kept"); /* 1 */
    e2e_answer_close(&answer);
    shop_do(e2e, "keep", NULL);
    shop_restart(e2e); /* 2 */
    e2e_add_loader(e2e, "first", "web");
    e2e_expect(e2e, "call-in first demo.Shop run", "kept");
    shop_push(e2e, "newer"); /* 3 */
    e2e_add_loader(e2e, "second", "web");
    e2e_expect(e2e, "call-in first demo.Shop run", "newer");
    e2e_expect(e2e, "call-in second demo.Shop run", "newer");
    shop_do(e2e, "rollback", NULL); /* 4 */
    e2e_add_loader(e2e, "third", "web");
    e2e_expect(e2e, "call-in first demo.Shop run", "kept");
    e2e_await(e2e, "call-in second demo.Shop run", "kept");
    e2e_expect(e2e, "call-in third demo.Shop run", "kept");
    shop_do(e2e, "rollback", "0");
    e2e_expect(e2e, "call-in first demo.Shop run", "web");
    e2e_expect(e2e, "call-in third demo.Shop run", "web");
    shop_do(e2e, "rollback", "2");
    e2e_expect(e2e, "call-in first demo.Shop run", "kept");
    e2e_expect(e2e, "call-in third demo.Shop run", "kept");
    shop_restart(e2e);
    shop_do(e2e, "rollback", NULL); /* before anybody loaded it */
    e2e_add_loader(e2e, "first", "web");
    e2e_expect(e2e, "call-in first demo.Shop run", "web");
    shop_do(e2e, "rollback", "7"); /* and forward again */
    e2e_add_loader(e2e, "second", "web");
    e2e_expect(e2e, "call-in first demo.Shop run", "kept");
    e2e_expect(e2e, "call-in second demo.Shop run", "kept");
}

/* It is only known once that loader is there: the class keeps its own code, and the patch is out. */
static void a_changed_base_in_a_loader_that_comes_later_is_set_aside(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    shop_compile(e2e, "web", "web");
    shop_open(e2e);
    e2e_add_loader(e2e, "web", "web");
    e2e_expect(e2e, "call-in web demo.Shop run", "web");
    shop_try_push(e2e, &answer, "kept");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    shop_do(e2e, "keep", NULL);
    shop_close(e2e);
    shop_compile(e2e, "web, released", "web");
    shop_open(e2e);
    e2e_add_loader(e2e, "web", "web");
    e2e_expect(e2e, "call-in web demo.Shop run", "web, released");
    e2e_await_log(e2e, "set aside");
    shop_close(e2e);
    assert_int_equal(shop_count_events(e2e, "kept-set-aside"), 1);
    shop_compile(e2e, "web", "web"); /* the old base again, and still it is out */
    shop_open(e2e);
    e2e_add_loader(e2e, "web", "web");
    e2e_expect(e2e, "call-in web demo.Shop run", "web");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(a_new_class_of_a_loader_that_comes_later_cannot_be_kept),
        E2E_CASE(a_class_of_a_loader_that_comes_later_gets_its_patch_for_its_base_only),
        E2E_CASE(what_is_kept_for_a_coming_loader_is_pushed_over_and_rolled_back_to),
        E2E_CASE(a_changed_base_in_a_loader_that_comes_later_is_set_aside),
    };
    return E2E_RUN(tests);
}
