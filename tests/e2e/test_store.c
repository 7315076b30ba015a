/* SPDX-License-Identifier: Apache-2.0 */
/* The store: who did what when outlives the JVM, and what cannot be written down does not go live. */
#include "tests/e2e/shop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- history --------------------------------------------------------------------------------- */

static void history_outlives_the_jvm_and_numbering_goes_on(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer before, after;
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
    shop_push(e2e, "one");
    shop_push(e2e, "two");
    shop_do(e2e, "rollback", NULL);
    shop_command(e2e, &before, "show", "2");
    shop_close(e2e);
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
    shop_command(e2e, &after, "show", "2");
    assert_true(json_equal(before.json, after.json));
    e2e_expect_row(after.json, "demo.Shop", "redefined", NULL);
    e2e_answer_close(&after);
    shop_push(e2e, "four");
    shop_command(e2e, &after, "history", NULL);
    const json_t *list = json_object_get(after.json, "deployments");
    assert_int_equal(json_array_size(list), 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(list, i), "deployment")),
                         4 - i);
    e2e_answer_close(&after);
    e2e_answer_close(&before);
    assert_int_equal(shop_verify(e2e, e2e_path(e2e, "store")), 0);
}

static void what_was_refused_has_a_line_and_a_check_has_none(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
    e2e_compile_class(e2e, "Shop",
                      "package demo; public class Shop { int more; static String run() { return "
                      "\"x\"; } }",
                      "after");
    e2e_deploy(e2e, &answer, "check", "after");
    e2e_answer_close(&answer);
    assert_int_equal(shop_count_events(e2e, "begin"), 0);
    assert_int_equal(shop_count_events(e2e, "end"), 0);
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "demo.Shop", "refused", "field-added");
    e2e_answer_close(&answer);
    assert_int_equal(shop_count_events(e2e, "begin"), 0);
    assert_int_equal(shop_count_events(e2e, "end"), 1);
}

static void a_dropped_file_is_journalled_like_a_push(void **state)
{
    struct e2e *e2e = *state;
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
    shop_compile(e2e, "dropped", "after");
    e2e_drop(e2e, "after/demo/Shop.class", "Shop.class");
    json_decref(e2e_await_report(e2e, ".done", 1));
    e2e_expect(e2e, "call demo.Shop run", "dropped");
    assert_int_equal(shop_count_events(e2e, "begin"), 1);
    assert_int_equal(shop_count_events(e2e, "end"), 1);
    e2e_await_file(e2e, "store/bundles/*.jar");
    e2e_await_log(e2e, "deployment 1 is in the journal; its head is ");
}

static void a_state_of_an_earlier_jvm_cannot_be_returned_to_and_it_says_why(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    shop_open(e2e);
    shop_push(e2e, "one");
    shop_close(e2e);
    shop_open(e2e);
    shop_push(e2e, "two");
    shop_command(e2e, &answer, "rollback", "1");
    assert_int_equal(answer.status, 1);
    assert_string_equal(shop_reason(&answer), "no-way-back");
    assert_non_null(strstr(answer.output, "before this JVM started"));
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "two");
}

static void push_on_trial(const struct e2e *e2e, const char *word, const char *time)
{
    struct e2e_answer answer;
    char pid[16];
    shop_compile(e2e, word, "after");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--json", "--confirm-within", time, "--pid", pid,
               e2e_path(e2e, "after"), NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
}

static void expect_trial(const struct e2e *e2e, const char *number, const char *ended)
{
    struct e2e_answer answer;
    shop_command(e2e, &answer, "show", number);
    const json_t *word = json_object_get(json_object_get(answer.json, "trial"), "ended");
    assert_string_equal(json_string_value(word), ended);
    e2e_answer_close(&answer);
}

static void how_a_trial_ended_outlives_the_jvm(void **state)
{
    struct e2e *e2e = *state;
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
    push_on_trial(e2e, "one", "1min"); /* 1 */
    shop_do(e2e, "confirm", NULL);
    push_on_trial(e2e, "two", "1min");  /* 2 */
    shop_do(e2e, "rollback", NULL);     /* 3 */
    push_on_trial(e2e, "four", "1min"); /* 4 */
    shop_restart(e2e);
    expect_trial(e2e, "1", "confirmed");
    expect_trial(e2e, "2", "rolled-back");
    expect_trial(e2e, "4", "jvm-ended");
}

static void what_another_agent_does_behind_our_back_has_a_line(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char file[300];
    static const char greeter[] = "package demo; public class Greeter { public static String "
                                  "greet() { return \"%s\"; } }";
    char source[256];
    snprintf(file, sizeof file, "-Dediting.file=%s", e2e_path(e2e, "theirs/Greeter.class"));
    const char *const options[] = { "-javaagent:" HD_E2E_BINARY "/editing-agent.jar=never", file,
                                    NULL };
    snprintf(source, sizeof source, greeter, "one");
    e2e_compile_class(e2e, "Greeter", source, e2e->classes);
    shop_open_with(e2e, NULL, "", options);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    snprintf(source, sizeof source, greeter, "two");
    e2e_compile_class(e2e, "Greeter", source, "after");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    snprintf(source, sizeof source, greeter, "theirs");
    e2e_compile_class(e2e, "Greeter", source, "other");
    e2e_write(e2e, "theirs/.there", "");
    assert_return_code(
        rename(e2e_path(e2e, "other/demo/Greeter.class"), e2e_path(e2e, "theirs/Greeter.class")),
        errno);
    e2e_expect(e2e, "call EditingAgent redefine", "ok");
    e2e_await_log(e2e, "foreign-changed");
    shop_do(e2e, "status", NULL); /* the engine is past it */
    assert_int_equal(shop_count_events(e2e, "foreign-changed"), 1);
}

/* ---- stores that do not work ----------------------------------------------------------------- */

/* Nothing is deployed, by any way, and the application and the other commands go on. */
static void expect_refusals(struct e2e *e2e, const char *live)
{
    struct e2e_answer answer;
    shop_try_push(e2e, &answer, "lost");
    assert_int_equal(answer.status, 1);
    assert_string_equal(shop_reason(&answer), "store-unavailable");
    assert_false(json_is_true(json_object_get(answer.json, "applied")));
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", live);
    shop_do(e2e, "status", NULL);
}

static void a_store_that_another_jvm_uses_refuses_every_push(void **state)
{
    struct e2e *e2e = *state;
    struct e2e second = *e2e;
    shop_open(e2e);
    e2e_expect(e2e, "call demo.Shop run", "start");
    snprintf(second.drop, sizeof second.drop, "%s/drop2", e2e->directory);
    assert_return_code(mkdir(second.drop, 0700), errno);
    shop_open(&second);
    e2e_expect(&second, "call demo.Shop run", "start");
    expect_refusals(&second, "start");
    e2e_drop(&second, "after/demo/Shop.class", "Shop.class");
    json_t *report = e2e_await_report(&second, "../drop2/.refused", 2);
    json_decref(report);
    e2e_expect(&second, "call demo.Shop run", "start");
    e2e_await_log(e2e, "another JVM (pid ");
    shop_close(&second);
    shop_push(e2e, "one");
    e2e_expect(e2e, "call demo.Shop run", "one");
    assert_int_equal(shop_verify(e2e, e2e_path(e2e, "store")), 0);
}

static void a_journal_that_was_changed_refuses_every_push(void **state)
{
    struct e2e *e2e = *state;
    shop_open(e2e);
    shop_push(e2e, "one");
    shop_close(e2e);
    char *line = NULL;
    size_t capacity = 0;
    FILE *journal = fopen(e2e_path(e2e, "store/journal"), "r+e");
    assert_true(getline(&line, &capacity, journal) > 0);
    *strstr(line, "\"who\"") = ' ';
    rewind(journal);
    assert_true(fputs(line, journal) >= 0);
    fclose(journal);
    free(line);
    shop_open(e2e);
    expect_refusals(e2e, "start");
    assert_int_equal(shop_verify(e2e, e2e_path(e2e, "store")), 1);
}

/* A file system of our own; false where this user may not mount one. */
/* A file system of its own for the store, which is soon full. */
struct small {
    char place[256], store[300], filler[300];
};

static bool mount_small(const struct e2e *e2e, const char *size, struct small *out)
{
    char options[64];
    snprintf(out->place, sizeof out->place, "%s/small", e2e->directory);
    snprintf(out->store, sizeof out->store, "%s/store", out->place);
    snprintf(out->filler, sizeof out->filler, "%s/filler", out->place);
    snprintf(options, sizeof options, "size=%s,mode=0700", size);
    assert_return_code(mkdir(out->place, 0700), errno);
    if (mount("tmpfs", out->place, "tmpfs", 0, options) == 0)
        return true;
    fprintf(stderr, "not tested: a file system cannot be mounted here (%s)\n", strerror(errno));
    return false;
}

static void unmount_small(const struct small *small)
{
    assert_return_code(umount2(small->place, MNT_DETACH), errno);
}

static void fill(const struct small *small)
{
    static const char page[4096];
    FILE *file = fopen(small->filler, "we");
    assert_non_null(file);
    setvbuf(file, NULL, _IONBF, 0);
    while (fwrite(page, sizeof page, 1, file) == 1)
        ;
    fclose(file);
}

/* The journal grows until the disk takes no more: a rollback is refused before anything is live, or,
 * where only its end found no room, is live and says that it is not journalled. */
static void expect_rollbacks_to_end(struct e2e *e2e)
{
    struct e2e_answer answer;
    const char *live = "one";
    for (int i = 0; i < 20; i++) {
        const char *wanted = i % 2 == 0 ? "start" : "one";
        shop_command(e2e, &answer, "rollback", i % 2 == 0 ? "0" : "1");
        bool refused = answer.status != 0;
        if (refused)
            assert_string_equal(shop_reason(&answer), "store-unavailable");
        else
            live = wanted;
        bool unwritten = strstr(answer.output, "not-journalled") != NULL;
        e2e_answer_close(&answer);
        e2e_expect(e2e, "call demo.Shop run", live);
        if (unwritten)
            e2e_await_log(e2e, "which is live, is not in the journal");
        if (refused)
            return;
    }
    fail_msg("the disk was never full");
}

static void a_full_disk_refuses_before_anything_is_live_and_room_mends_it(void **state)
{
    struct e2e *e2e = *state;
    struct small small;
    if (!mount_small(e2e, "512k", &small))
        return;
    shop_open_with(e2e, small.store, "", NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
    shop_push(e2e, "one");
    fill(&small);
    expect_refusals(e2e, "one");
    expect_rollbacks_to_end(e2e);
    shop_close(e2e);
    shop_open_with(e2e, small.store, "", NULL); /* also a start with a full disk harms nobody */
    expect_refusals(e2e, "start");
    assert_return_code(unlink(small.filler), errno);
    shop_push(e2e, "two");
    e2e_expect(e2e, "call demo.Shop run", "two");
    assert_int_equal(shop_verify(e2e, small.store), 0);
    shop_close(e2e);
    unmount_small(&small);
}

/* It was promised when the trial began. */
static void a_trial_that_nobody_confirms_ends_on_a_full_disk_too(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    struct small small;
    if (!mount_small(e2e, "512k", &small))
        return;
    shop_open_with(e2e, small.store, "", NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
    push_on_trial(e2e, "one", "3s");
    e2e_expect(e2e, "call demo.Shop run", "one");
    fill(&small);
    for (int i = 0; i < 8; i++) { /* until the journal's last page is full, too */
        shop_try_push(e2e, &answer, "two");
        assert_int_equal(answer.status, 1);
        e2e_answer_close(&answer);
    }
    e2e_await_log(e2e, "which was refused, is not in the journal");
    e2e_await(e2e, "call demo.Shop run", "start");
    e2e_await_log(e2e, "which was promised before, is not in the journal");
    assert_return_code(unlink(small.filler), errno);
    shop_push(e2e, "three");
    e2e_expect(e2e, "call demo.Shop run", "three");
    assert_int_equal(shop_verify(e2e, small.store), 0);
    shop_close(e2e);
    unmount_small(&small);
}

static void a_store_that_became_read_only_refuses(void **state)
{
    struct e2e *e2e = *state;
    struct small small;
    if (!mount_small(e2e, "1m", &small))
        return;
    shop_open_with(e2e, small.store, "", NULL);
    shop_push(e2e, "one");
    shop_close(e2e);
    assert_return_code(mount(NULL, small.place, NULL, MS_REMOUNT | MS_RDONLY, NULL), errno);
    shop_open_with(e2e, small.store, "", NULL);
    expect_refusals(e2e, "start");
    shop_close(e2e);
    assert_int_equal(shop_verify(e2e, small.store), 0);
    unmount_small(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(history_outlives_the_jvm_and_numbering_goes_on),
        E2E_CASE(what_was_refused_has_a_line_and_a_check_has_none),
        E2E_CASE(a_dropped_file_is_journalled_like_a_push),
        E2E_CASE(a_state_of_an_earlier_jvm_cannot_be_returned_to_and_it_says_why),
        E2E_CASE(how_a_trial_ended_outlives_the_jvm),
        E2E_CASE(what_another_agent_does_behind_our_back_has_a_line),
        E2E_CASE(a_store_that_another_jvm_uses_refuses_every_push),
        E2E_CASE(a_journal_that_was_changed_refuses_every_push),
        E2E_CASE(a_full_disk_refuses_before_anything_is_live_and_room_mends_it),
        E2E_CASE(a_trial_that_nobody_confirms_ends_on_a_full_disk_too),
        E2E_CASE(a_store_that_became_read_only_refuses),
    };
    return E2E_RUN(tests);
}
