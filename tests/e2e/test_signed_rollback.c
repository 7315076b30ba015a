/* SPDX-License-Identifier: Apache-2.0 */
/* allowed-signers= and going back: what a rollback makes live again must still be vouched for, and
 * the way back to what the application came with is always open. */
#include "tests/e2e/signed.h"

#include <stdio.h>
#include <string.h>

/* ann's code is state 1, ben's is live and state 2. */
static void make_two_states(struct e2e *e2e)
{
    signed_start(e2e, "");
    signed_make_bundle(e2e, "one", "ann", "--name one");
    signed_make_bundle(e2e, "two", "ben", "--name two");
    signed_expect_live(e2e, "one.jar", "one");
    signed_expect_live(e2e, "two.jar", "two");
}

static void dismiss(const struct e2e *e2e, const char *name)
{
    signed_run(e2e, "cp allowed both && sed -i /^%s/d allowed", name);
}

/* number NULL: the last one. */
static void expect_return(struct e2e *e2e, const char *number, const char *word)
{
    shop_do(e2e, "rollback", number);
    e2e_expect(e2e, "call demo.Shop run", word);
}

static void expect_no_return(struct e2e *e2e, const char *number, const char *reason,
                             const char *words, const char *live)
{
    struct e2e_answer answer;
    shop_command(e2e, &answer, "rollback", number);
    assert_int_equal(answer.status, 1);
    if (strcmp(shop_reason(&answer), reason) != 0 || strstr(answer.output, words) == NULL ||
        strstr(answer.output, "hotdrop rollback 0") == NULL)
        fail_msg("not refused for %s (%s) with the way out: %s", reason, words, answer.output);
    assert_false(json_is_true(json_object_get(answer.json, "applied")));
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", live);
}

static void code_of_somebody_who_is_no_signer_any_more_does_not_return(void **state)
{
    struct e2e *e2e = *state;
    make_two_states(e2e);
    expect_return(e2e, NULL, "one");
    dismiss(e2e, "ben");
    expect_no_return(e2e, "2", "signature-invalid", "demo.Shop", "one");
    expect_return(e2e, "0", "start");
    expect_no_return(e2e, "2", "signature-invalid", "demo.Shop", "start");
    expect_return(e2e, "1", "one");
    signed_run(e2e, "cp both allowed");
    expect_return(e2e, "2", "two");
    dismiss(e2e, "ann");
    expect_no_return(e2e, NULL, "signature-invalid", "demo.Shop", "two");
    expect_return(e2e, "0", "start");
}

static void without_the_file_of_signers_only_the_way_to_the_start_is_open(void **state)
{
    struct e2e *e2e = *state;
    make_two_states(e2e);
    signed_run(e2e, "mv allowed away");
    expect_no_return(e2e, "1", "signature-required", "allowed-signers=", "two");
    expect_return(e2e, "0", "start");
    expect_no_return(e2e, "2", "signature-required", "allowed-signers=", "start");
    signed_run(e2e, "mv away allowed");
    expect_return(e2e, "2", "two");
}

static void what_was_good_when_it_came_may_return_though_its_time_is_over(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "one", "ann", "--expires 5s");
    signed_expect_live(e2e, "one.jar", "one");
    expect_return(e2e, "0", "start");
    signed_run(e2e, "while %s verify --allowed-signers allowed one.jar; do sleep 0.1; done",
               HD_E2E_CLIENT);
    expect_return(e2e, "1", "one");
}

static void what_the_store_has_no_more_does_not_return(void **state)
{
    struct e2e *e2e = *state;
    make_two_states(e2e);
    signed_run(e2e, "rm store/bundles/*.jar");
    expect_no_return(e2e, "1", "store-unavailable", "demo.Shop", "two");
    expect_return(e2e, "0", "start");
}

static void whoever_signed_it_last_stands_for_it(void **state)
{
    struct e2e *e2e = *state;
    make_two_states(e2e);
    dismiss(e2e, "ann");
    signed_make_bundle(e2e, "one", "ben", "--name again");
    signed_expect_live(e2e, "one.jar", "one");
    expect_return(e2e, "2", "two");
    expect_return(e2e, "3", "one");
    expect_return(e2e, "2", "two");
    expect_return(e2e, "1", "one");
}

/* The store has no bundle that changed nothing. */
static void a_push_that_changed_nothing_stands_for_nothing(void **state)
{
    struct e2e *e2e = *state;
    make_two_states(e2e);
    signed_make_bundle(e2e, "two", "ann", "--name again");
    signed_expect_live(e2e, "two.jar", "two");
    expect_return(e2e, "1", "one");
    expect_return(e2e, "2", "two");
}

static void compile_till(const struct e2e *e2e, const char *word, const char *classes)
{
    char source[256];
    snprintf(source, sizeof source,
             "package demo; public class Till { static String run() { return \"%s\"; } }", word);
    e2e_compile_class(e2e, "Till", source, classes);
}

static void push_till(struct e2e *e2e, const char *word, const char *key)
{
    struct e2e_answer answer;
    compile_till(e2e, word, word);
    e2e_jar(e2e, word, "till.jar");
    signed_run(e2e, "%s sign -k %s --name %s till.jar", HD_E2E_CLIENT, key, word);
    e2e_deploy(e2e, &answer, "push", "till.jar");
    if (answer.status != 0)
        fail_msg("%s", answer.output);
    e2e_answer_close(&answer);
}

static size_t count_live(const struct e2e *e2e)
{
    struct e2e_answer answer;
    shop_command(e2e, &answer, "status", NULL);
    size_t count = json_array_size(json_object_get(answer.json, "classes"));
    e2e_answer_close(&answer);
    return count;
}

/* The only loader of the class is gone, and what is said of it is for those that come. */
static void nor_does_it_return_for_loaders_that_come(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    compile_till(e2e, "old", "till");
    e2e_add_loader(e2e, "one", "till");
    e2e_expect(e2e, "call-in one demo.Till run", "old");
    push_till(e2e, "first", "ann");
    push_till(e2e, "second", "ben");
    e2e_expect(e2e, "call-in one demo.Till run", "second");
    e2e_expect(e2e, "forget one", "ok");
    for (int i = 0; i < 100 && count_live(e2e) > 0; i++)
        e2e_expect(e2e, "gc", "ok");
    assert_int_equal(count_live(e2e), 0);
    dismiss(e2e, "ann");
    expect_no_return(e2e, "1", "signature-invalid", "demo.Till", "start");
    e2e_add_loader(e2e, "two", "till");
    e2e_expect(e2e, "call-in two demo.Till run", "second");
    expect_return(e2e, "0", "start");
    e2e_add_loader(e2e, "three", "till");
    e2e_expect(e2e, "call-in three demo.Till run", "old");
}

static void push_on_trial(struct e2e *e2e, const char *jar, const char *time)
{
    struct e2e_answer answer;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--pid", pid, "--confirm-within", time,
               e2e_path(e2e, "%s", jar), NULL);
    if (answer.status != 0)
        fail_msg("%s", answer.output);
    e2e_answer_close(&answer);
}

static void a_trial_ends_as_promised_though_nobody_can_be_asked_for_signers(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "one", "ann", "--name one");
    signed_make_bundle(e2e, "two", "ben", "--name two");
    signed_expect_live(e2e, "one.jar", "one");
    push_on_trial(e2e, "two.jar", "3s");
    signed_run(e2e, "rm allowed store/bundles/*.jar");
    e2e_await_log(e2e, "deployment 2 was rolled back by hotdrop agent");
    e2e_expect(e2e, "call demo.Shop run", "one");
}

static void a_trial_does_not_end_with_code_of_somebody_who_was_dismissed(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "one", "ann", "--name one");
    signed_make_bundle(e2e, "two", "ben", "--name two");
    signed_expect_live(e2e, "one.jar", "one");
    dismiss(e2e, "ann");
    push_on_trial(e2e, "two.jar", "100ms");
    e2e_await_log(e2e, "rolling it back was refused");
    e2e_expect(e2e, "call demo.Shop run", "two");
    expect_return(e2e, "0", "start");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(code_of_somebody_who_is_no_signer_any_more_does_not_return),
        E2E_CASE(nor_does_it_return_for_loaders_that_come),
        E2E_CASE(without_the_file_of_signers_only_the_way_to_the_start_is_open),
        E2E_CASE(what_was_good_when_it_came_may_return_though_its_time_is_over),
        E2E_CASE(what_the_store_has_no_more_does_not_return),
        E2E_CASE(whoever_signed_it_last_stands_for_it),
        E2E_CASE(a_push_that_changed_nothing_stands_for_nothing),
        E2E_CASE(a_trial_ends_as_promised_though_nobody_can_be_asked_for_signers),
        E2E_CASE(a_trial_does_not_end_with_code_of_somebody_who_was_dismissed),
    };
    return E2E_RUN(tests);
}
