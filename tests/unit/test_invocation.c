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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_paths_may_be_mixed),
        cmocka_unit_test(an_unknown_option_is_named),
        cmocka_unit_test(another_commands_option_is_unknown_here),
        cmocka_unit_test(an_option_without_its_value_is_named),
        cmocka_unit_test(a_pid_must_be_a_number),
        cmocka_unit_test(two_targets_contradict_each_other),
        cmocka_unit_test(one_loader_and_all_loaders_contradict_each_other),
        cmocka_unit_test(attach_on_the_way_needs_a_pid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
