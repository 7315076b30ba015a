/* SPDX-License-Identifier: Apache-2.0 */
#include "client/invocation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static int parse(const char **argv, unsigned groups, struct hd_invocation *out,
                 struct hd_error *err)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    return hd_invocation_parse(argc, (char **)(uintptr_t)argv, groups, out, err);
}

static void options_and_paths_may_be_mixed(void **state)
{
    (void)state;
    const char *argv[] = { "push", "a.jar", "--pid", "42", "b.class", "--json", NULL };
    struct hd_invocation invocation;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(parse(argv, HD_OPTIONS_TARGET | HD_OPTIONS_JSON, &invocation, &err), 0);
    assert_int_equal(invocation.pid, 42);
    assert_true(invocation.json);
    assert_int_equal(invocation.argument_count, 2);
    assert_string_equal(invocation.arguments[0], "a.jar");
    assert_string_equal(invocation.arguments[1], "b.class");
}

static void expect_refusal(const char **argv, unsigned groups, const char *words)
{
    struct hd_invocation invocation;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(parse(argv, groups, &invocation, &err), -1);
    assert_int_equal(err.code, HD_E_USAGE);
    if (strstr(err.text, words) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, words);
}

static void an_unknown_option_is_named(void **state)
{
    (void)state;
    const char *argv[] = { "push", "--frob", NULL };
    expect_refusal(argv, HD_OPTIONS_TARGET, "--frob");
}

static void another_commands_option_is_unknown_here(void **state)
{
    (void)state;
    const char *argv[] = { "status", "--best-effort", NULL };
    expect_refusal(argv, HD_OPTIONS_TARGET, "--best-effort");
}

static void an_empty_value_is_named_where_it_means_nothing(void **state)
{
    (void)state;
    const char *message[] = { "push", "--message", "", NULL };
    const char *agent_options[] = { "attach", "--options", "", NULL };
    struct hd_invocation invocation;
    struct hd_error err = HD_ERROR_INIT;
    expect_refusal(message, HD_OPTIONS_PUSH, "--message: the TEXT is empty");
    assert_int_equal(parse(agent_options, HD_OPTIONS_ATTACH, &invocation, &err), 0);
    assert_string_equal(invocation.agent_options, "");
}

static void an_option_without_its_value_is_named(void **state)
{
    (void)state;
    const char *argv[] = { "push", "--loader", NULL };
    expect_refusal(argv, HD_OPTIONS_DEPLOY, "--loader needs a value");
}

static void a_pid_must_be_a_number(void **state)
{
    (void)state;
    const char *argv[] = { "push", "--pid", "12x", NULL };
    expect_refusal(argv, HD_OPTIONS_TARGET, "--pid");
}

static void two_targets_contradict_each_other(void **state)
{
    (void)state;
    const char *argv[] = { "push", "--pid", "12", "--to", "unix:/x", NULL };
    expect_refusal(argv, HD_OPTIONS_TARGET, "--to");
}

static void one_loader_and_all_loaders_contradict_each_other(void **state)
{
    (void)state;
    const char *argv[] = { "push", "--loader", "shop", "--all-loaders", NULL };
    expect_refusal(argv, HD_OPTIONS_DEPLOY, "--all-loaders");
}

static void attach_on_the_way_needs_a_pid(void **state)
{
    (void)state;
    const char *argv[] = { "push", "--attach", "a.jar", NULL };
    expect_refusal(argv, HD_OPTIONS_TARGET | HD_OPTIONS_ATTACH_ON_THE_WAY, "--pid");
}

static void a_trial_has_a_time_a_test_and_a_state_to_start_from(void **state)
{
    (void)state;
    const char *argv[] = {
        "push",     "--confirm-within", "2min",  "--smoke", "curl -f x", "--wait-drained", "30s",
        "--expect", "9f86d081884c7d65", "a.jar", NULL
    };
    struct hd_invocation invocation;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(parse(argv, HD_OPTIONS_TRIAL | HD_OPTIONS_EXPECT, &invocation, &err), 0);
    assert_int_equal(invocation.confirm_within_ms, 120000);
    assert_int_equal(invocation.wait_drained_ms, 30000);
    assert_string_equal(invocation.smoke, "curl -f x");
    assert_string_equal(invocation.expect, "9f86d081884c7d65");
    assert_int_equal(invocation.argument_count, 1);
}

static void what_a_trial_cannot_be_is_said(void **state)
{
    (void)state;
    const char *soon[] = { "push", "--confirm-within", "0s", NULL };
    const char *late[] = { "push", "--confirm-within", "20000m", NULL };
    const char *bare[] = { "push", "--wait-drained", "30", NULL };
    const char *empty[] = { "push", "--smoke", "", NULL };
    const char *title[] = { "push", "--expect", "State", NULL };
    const char *shorter[] = { "push", "--expect", "9f86d081", NULL };
    const char *kept[] = { "push", "--keep", "--smoke", "true", NULL };
    expect_refusal(soon, HD_OPTIONS_TRIAL, "--confirm-within 0s");
    expect_refusal(late, HD_OPTIONS_TRIAL, "a week");
    expect_refusal(bare, HD_OPTIONS_TRIAL, "--wait-drained");
    expect_refusal(empty, HD_OPTIONS_TRIAL, "which command");
    expect_refusal(title, HD_OPTIONS_EXPECT, "16 hexadecimal digits");
    expect_refusal(shorter, HD_OPTIONS_EXPECT, "16 hexadecimal digits");
    expect_refusal(kept, HD_OPTIONS_TRIAL | HD_OPTIONS_KEEP, "not permanent");
    expect_refusal(soon, HD_OPTIONS_TARGET, "has no option '--confirm-within'");
}

/* Each group is a bit of its own: what signing takes, pushing does not. */
static void what_a_signature_says_is_no_option_of_a_push(void **state)
{
    (void)state;
    const char *argv[] = { "push", "--target", "shop", "a.jar", NULL };
    expect_refusal(argv, HD_OPTIONS_PUSH | HD_OPTIONS_KEEP | HD_OPTIONS_EMERGENCY,
                   "has no option '--target'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_signature_says_is_no_option_of_a_push),
        cmocka_unit_test(options_and_paths_may_be_mixed),
        cmocka_unit_test(an_unknown_option_is_named),
        cmocka_unit_test(another_commands_option_is_unknown_here),
        cmocka_unit_test(an_empty_value_is_named_where_it_means_nothing),
        cmocka_unit_test(an_option_without_its_value_is_named),
        cmocka_unit_test(a_pid_must_be_a_number),
        cmocka_unit_test(two_targets_contradict_each_other),
        cmocka_unit_test(one_loader_and_all_loaders_contradict_each_other),
        cmocka_unit_test(attach_on_the_way_needs_a_pid),
        cmocka_unit_test(a_trial_has_a_time_a_test_and_a_state_to_start_from),
        cmocka_unit_test(what_a_trial_cannot_be_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
