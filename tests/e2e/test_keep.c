/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept is live again after a restart, before the application runs any of its code; and never
 * on another base than it was made for. */
#include "tests/e2e/shop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void open_shop(struct e2e *e2e)
{
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static json_t *status_of(const struct e2e *e2e)
{
    struct e2e_answer answer;
    shop_command(e2e, &answer, "status", NULL);
    json_t *status = json_incref(answer.json);
    e2e_answer_close(&answer);
    assert_non_null(status);
    return status;
}

static void expect_journal(const struct e2e *e2e, const char *words)
{
    struct e2e_answer answer;
    e2e_client(e2e, &answer, "journal", e2e_path(e2e, "store"), NULL);
    assert_int_equal(answer.status, 0);
    if (strstr(answer.output, words) == NULL)
        fail_msg("the journal does not say '%s': %s", words, answer.output);
    e2e_answer_close(&answer);
}

static void what_is_kept_is_live_after_a_restart_and_nothing_else_is(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    open_shop(e2e);
    shop_push(e2e, "kept");
    shop_do(e2e, "keep", NULL);
    shop_push(e2e, "not kept");
    e2e_expect(e2e, "call demo.Shop run", "not kept");
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "kept");
    e2e_await_log(e2e, "what was kept after deployment 1");
    shop_command(e2e, &answer, "show", "3");
    assert_non_null(strstr(answer.output, "\"restart\""));
    e2e_answer_close(&answer);
    shop_command(e2e, &answer, "rollback", NULL);
    assert_int_equal(json_integer_value(json_object_get(answer.json, "kept_state")), 1);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
    shop_restart(e2e); /* a rollback does not change what is kept */
    e2e_expect(e2e, "call demo.Shop run", "kept");
    assert_int_equal(shop_verify(e2e, e2e_path(e2e, "store")), 0);
    expect_journal(e2e, " keep the state after deployment 1, uid:");
}

static void keeping_a_state_of_old_or_none_replaces_what_is_kept(void **state)
{
    struct e2e *e2e = *state;
    open_shop(e2e);
    shop_push(e2e, "one");
    shop_push(e2e, "two");
    shop_do(e2e, "keep", NULL);
    shop_do(e2e, "keep", "1");
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "one");
    shop_do(e2e, "keep", "0");
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
    shop_push(e2e, "three");
    shop_do(e2e, "keep", NULL);
    shop_do(e2e, "rollback", "0");
    shop_do(e2e, "keep", NULL); /* as started: nothing */
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
    shop_expect_not_kept(e2e, "2", "cannot-keep"); /* of an earlier JVM */
}

/* Nothing is left out in silence. */
static void what_waited_and_was_taken_back_is_not_kept_by_its_old_number(void **state)
{
    struct e2e *e2e = *state;
    shop_open(e2e);
    shop_push(e2e, "one"); /* nobody has loaded it: it waits */
    shop_do(e2e, "rollback", "0");
    shop_expect_not_kept(e2e, "1", "cannot-keep");
    shop_push(e2e, "two");
    shop_do(e2e, "rollback", "0");
    shop_push(e2e, "three");
    shop_expect_not_kept(e2e, NULL, "no-way-back"); /* what it replaces is not known yet */
    e2e_expect(e2e, "call demo.Shop run", "three");
    e2e_await_log(e2e, "was loaded by app with the code of deployment 5");
    shop_do(e2e, "keep", NULL);
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "three");
}

static void a_push_may_keep_at_once(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char pid[16];
    open_shop(e2e);
    shop_compile(e2e, "kept", "after");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--json", "--keep", "--pid", pid, e2e_path(e2e, "after"),
               NULL);
    assert_int_equal(answer.status, 0);
    assert_true(json_is_true(json_object_get(answer.json, "kept")));
    e2e_answer_close(&answer);
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "kept");
}

static void without_a_store_nothing_can_be_kept(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char pid[16];
    shop_compile(e2e, "start", e2e->classes);
    e2e_start(e2e, "", NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
    shop_expect_not_kept(e2e, NULL, "cannot-keep");
    shop_compile(e2e, "kept", "after");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--json", "--keep", "--pid", pid, e2e_path(e2e, "after"),
               NULL);
    assert_string_equal(shop_reason(&answer), "cannot-keep");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

/* A class whose file was deleted since it loaded: what it was cannot be proven. */
static void start_without_a_file(struct e2e *e2e, const char *options)
{
    shop_open_with(e2e, NULL, options, NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
    assert_return_code(unlink(e2e_path(e2e, "classes/demo/Shop.class")), errno);
}

static void what_has_no_way_back_cannot_be_kept(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char pid[16];
    start_without_a_file(e2e, "");
    shop_compile(e2e, "new", "after");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--json", "--keep", "--pid", pid, e2e_path(e2e, "after"),
               NULL);
    e2e_expect_row(answer.json, "demo.Shop", "refused", "no-way-back");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_true(e2e_has_warning(e2e_row(answer.json, "demo.Shop", NULL), "no-way-back"));
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "new");
    shop_expect_not_kept(e2e, NULL, "no-way-back");
}

static void with_way_back_required_nothing_goes_live_that_has_none(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_without_a_file(e2e, "way-back=required");
    shop_try_push(e2e, &answer, "new");
    e2e_expect_row(answer.json, "demo.Shop", "refused", "no-way-back");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void a_patch_whose_base_has_changed_is_set_aside(void **state)
{
    struct e2e *e2e = *state;
    open_shop(e2e);
    shop_push(e2e, "kept");
    shop_do(e2e, "keep", NULL);
    shop_close(e2e);
    shop_compile(e2e, "new release", e2e->classes);
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "new release");
    e2e_await_log(e2e, "set aside");
    json_t *status = status_of(e2e);
    const json_t *aside = json_object_get(json_object_get(status, "kept"), "set_aside");
    assert_int_equal(json_array_size(aside), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(aside, 0), "class")),
                        "demo.Shop");
    json_decref(status);
    assert_int_equal(shop_count_events(e2e, "kept-set-aside"), 1);
    expect_journal(e2e, " kept-set-aside demo.Shop in app: its base has changed");
    shop_close(e2e);
    shop_compile(e2e, "start", e2e->classes); /* the old release again: it stays set aside */
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
    shop_push(e2e, "pushed again");
    shop_do(e2e, "keep", NULL);
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "pushed again");
}

static void a_patch_that_is_in_the_jar_is_retired(void **state)
{
    struct e2e *e2e = *state;
    open_shop(e2e);
    shop_push(e2e, "kept");
    shop_do(e2e, "keep", NULL);
    shop_close(e2e);
    shop_compile(e2e, "kept", e2e->classes);
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "kept");
    e2e_await_log(e2e, "is retired");
    json_t *status = status_of(e2e);
    assert_int_equal(json_array_size(json_object_get(status, "classes")), 0);
    assert_true(json_is_null(json_object_get(status, "kept")));
    json_decref(status);
    assert_int_equal(shop_count_events(e2e, "kept-retired"), 1);
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "kept");
    assert_int_equal(shop_count_events(e2e, "kept-retired"), 1);
}

/* One deployment of two classes: with one of them changed by a release, neither may be half there. */
static void a_deployment_is_kept_whole_or_set_aside_whole(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    static const char bar[] =
        "package demo; public class Bar { static String run() { return \"%s\"; } }";
    char source[256];
    snprintf(source, sizeof source, bar, "bar start");
    e2e_compile_class(e2e, "Bar", source, e2e->classes);
    open_shop(e2e);
    e2e_expect(e2e, "call demo.Bar run", "bar start");
    shop_compile(e2e, "kept", "after");
    snprintf(source, sizeof source, bar, "bar kept");
    e2e_compile_class(e2e, "Bar", source, "after");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    shop_do(e2e, "keep", NULL);
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Bar run", "bar kept");
    e2e_expect(e2e, "call demo.Shop run", "kept");
    shop_close(e2e);
    snprintf(source, sizeof source, bar, "bar released");
    e2e_compile_class(e2e, "Bar", source, e2e->classes);
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Bar run", "bar released");
    e2e_expect(e2e, "call demo.Shop run", "start");
    assert_int_equal(shop_count_events(e2e, "kept-set-aside"), 2);
}

static void a_new_class_of_the_application_is_kept_with_its_user(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    open_shop(e2e);
    e2e_write(e2e, "more/demo/Price.java",
              "package demo; class Price extends Base { String word() { return \"priced\"; } }");
    e2e_write(e2e, "more/demo/Base.java", "package demo; class Base { }");
    e2e_write(e2e, "more/demo/Shop.java",
              "package demo; public class Shop { static String run() { return new "
              "Price().word(); } }");
    e2e_compile(e2e, "more", "after", "");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Price", "defined", NULL);
    e2e_answer_close(&answer);
    shop_do(e2e, "keep", NULL);
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "priced");
    shop_do(e2e, "rollback", NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void what_somebody_changed_in_the_store_is_not_made_live(void **state)
{
    struct e2e *e2e = *state;
    open_shop(e2e);
    shop_push(e2e, "kept");
    shop_do(e2e, "keep", NULL);
    shop_close(e2e);
    FILE *file = fopen(e2e_path(e2e, "store/kept.json"), "a");
    assert_non_null(file);
    fputs(" ", file);
    fclose(file);
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
    e2e_await_log(e2e, "somebody changed it");
    shop_push(e2e, "again");
    shop_do(e2e, "keep", NULL);
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "again");
}

/* ---- the AOT cache of JDK 25 ------------------------------------------------------------------ */

static void run_java(const struct e2e *e2e, const char *const *options)
{
    struct e2e_process process = { 0 };
    char java[300];
    const char *arguments[16] = { java };
    int status;
    snprintf(java, sizeof java, "%s/bin/java", e2e->jdk->home);
    for (size_t i = 0; options[i] != NULL; i++)
        arguments[i + 1] = options[i];
    e2e_process_start(&process, arguments, NULL, e2e->errors);
    e2e_process_tell(&process, "call demo.Shop run");
    e2e_process_tell(&process, "exit 0");
    free(e2e_process_finish(&process, 60, &status));
    assert_int_equal(status, 0);
}

/* In it classes are loaded before any agent sees them; it is made of jars only. */
/* What e2e_start does; the application is ready before the agent has opened its door. */
static void start_java(struct e2e *e2e, const char *agent, const char *const *arguments)
{
    char listening[64];
    e2e_start_java(e2e, agent, arguments, e2e->errors);
    assert_string_equal(e2e_process_hear(&e2e->jvm, 90), "ready");
    snprintf(listening, sizeof listening, "hotdrop[%d] INFO listening on", (int)e2e->jvm.pid);
    e2e_await_log(e2e, listening);
}

static void what_is_kept_is_live_in_a_jvm_with_an_aot_cache(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char class_path[600], output[300], cache[300], agent[1024];
    if (e2e->jdk->feature < 25)
        return;
    shop_compile(e2e, "start", e2e->classes);
    e2e_jar(e2e, "classes", "shop.jar");
    e2e_jar(e2e, HD_E2E_JAVA, "target.jar");
    snprintf(class_path, sizeof class_path, "%s:%s", e2e_path(e2e, "target.jar"),
             e2e_path(e2e, "shop.jar"));
    snprintf(output, sizeof output, "-XX:AOTCacheOutput=%s", e2e_path(e2e, "shop.aot"));
    snprintf(cache, sizeof cache, "-XX:AOTCache=%s", e2e_path(e2e, "shop.aot"));
    /* The same heap as below, or JDK 27 and newer do not take the cache. */
    const char *const train[] = { output,     "-XX:+UseSerialGC", "-Xmx256m", "-cp",
                                  class_path, "Target",           NULL };
    run_java(e2e, train);
    snprintf(agent, sizeof agent, "store=%s", e2e_path(e2e, "store"));
    const char *const run[] = { cache, "-XX:AOTMode=on", "-cp", class_path, "Target", NULL };
    start_java(e2e, agent, run);
    e2e_expect(e2e, "call demo.Shop run", "start");
    shop_push(e2e, "kept");
    shop_do(e2e, "keep", NULL);
    shop_close(e2e);
    start_java(e2e, agent, run);
    e2e_expect(e2e, "call demo.Shop run", "kept");
    shop_command(e2e, &answer, "show", "2");
    e2e_expect_row(answer.json, "demo.Shop", "redefined", NULL); /* it was loaded already */
    e2e_answer_close(&answer);
    shop_do(e2e, "rollback", NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static size_t count_forced(const struct e2e *e2e)
{
    struct e2e_answer answer;
    shop_command(e2e, &answer, "status", NULL);
    const json_t *forced = json_object_get(e2e_row(answer.json, "demo.Shop", NULL), "forced");
    size_t count = json_array_size(forced);
    e2e_answer_close(&answer);
    return count;
}

static void what_was_forced_is_marked_after_a_restart_too(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char pid[16];
    open_shop(e2e);
    shop_compile(e2e, "forced", "after");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--json", "--pid", pid, "--all-loaders", "--keep",
               e2e_path(e2e, "after"), NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    assert_int_equal(count_forced(e2e), 1);
    shop_restart(e2e);
    e2e_expect(e2e, "call demo.Shop run", "forced");
    assert_int_equal(count_forced(e2e), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(what_is_kept_is_live_after_a_restart_and_nothing_else_is),
        E2E_CASE(keeping_a_state_of_old_or_none_replaces_what_is_kept),
        E2E_CASE(what_waited_and_was_taken_back_is_not_kept_by_its_old_number),
        E2E_CASE(a_push_may_keep_at_once),
        E2E_CASE(without_a_store_nothing_can_be_kept),
        E2E_CASE(what_has_no_way_back_cannot_be_kept),
        E2E_CASE(with_way_back_required_nothing_goes_live_that_has_none),
        E2E_CASE(a_patch_whose_base_has_changed_is_set_aside),
        E2E_CASE(a_patch_that_is_in_the_jar_is_retired),
        E2E_CASE(a_deployment_is_kept_whole_or_set_aside_whole),
        E2E_CASE(a_new_class_of_the_application_is_kept_with_its_user),
        E2E_CASE(what_somebody_changed_in_the_store_is_not_made_live),
        E2E_CASE(what_is_kept_is_live_in_a_jvm_with_an_aot_cache),
        E2E_CASE(what_was_forced_is_marked_after_a_restart_too),
    };
    return E2E_RUN(tests);
}
