/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy.h"

#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)

static void a_plain_pattern_is_a_name(void **state)
{
    (void)state;
    assert_true(hd_policy_matches("com.example.Foo", "com.example.Foo"));
    assert_false(hd_policy_matches("com.example.Foo", "com.example.Foo$Bar"));
    assert_false(hd_policy_matches("com.example.Foo", "com.example.Fo"));
    assert_false(hd_policy_matches("com.example.Foo", "Xcom.example.Foo"));
    assert_false(hd_policy_matches("com.example.Foo", "com_example.Foo"));
    assert_true(hd_policy_matches("", ""));
    assert_false(hd_policy_matches("", "Foo"));
}

static void one_star_stays_within_a_segment(void **state)
{
    (void)state;
    assert_true(hd_policy_matches("com.example.*", "com.example.Foo"));
    assert_true(hd_policy_matches("com.example.*", "com.example.Foo$Bar"));
    assert_false(hd_policy_matches("com.example.*", "com.example.sub.Foo"));
    assert_false(hd_policy_matches("com.example.*", "com.example"));
    assert_true(hd_policy_matches("com.*.Foo", "com.example.Foo"));
    assert_false(hd_policy_matches("com.*.Foo", "com.a.b.Foo"));
    assert_true(hd_policy_matches("com.example.*Service", "com.example.UserServiceService"));
    assert_true(hd_policy_matches("*a*b*", "xaxbx"));
    assert_false(hd_policy_matches("*a*b*", "xbxax"));
    assert_true(hd_policy_matches("*", "Foo"));
    assert_false(hd_policy_matches("*", "a.Foo"));
}

static void two_stars_cross_segments(void **state)
{
    (void)state;
    assert_true(hd_policy_matches("**", "com.example.Foo"));
    assert_true(hd_policy_matches("**", ""));
    assert_true(hd_policy_matches("com.**", "com.example.sub.Foo"));
    assert_false(hd_policy_matches("com.**", "community.Foo"));
    assert_true(hd_policy_matches("**.Foo", "a.b.c.Foo"));
    assert_false(hd_policy_matches("**.Foo", "Foo"));
    assert_true(hd_policy_matches("**.internal.**", "a.internal.b.C"));
    assert_false(hd_policy_matches("**.internal.**", "a.internals.b.C"));
    assert_true(hd_policy_matches("com.**.*Impl", "com.a.b.UserImpl"));
    assert_false(hd_policy_matches("com.**.*Impl", "com.a.b.UserImpl2"));
    assert_true(hd_policy_matches("**.a*.b", "x.a1.y.a2.b"));
    assert_true(hd_policy_matches("**b.*", "ab.b.c"));
}

static void a_pattern_full_of_stars_takes_no_time(void **state)
{
    (void)state;
    char name[4000];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_false(hd_policy_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name));
    assert_false(hd_policy_matches("**a**a**a**a**a**a**a**a**a**a**a**b", name));
}

static char *allow_items[4];
static char *deny_items[4];

static struct hd_options options_of(const char *allow, const char *deny)
{
    static char allow_text[100];
    static char deny_text[100];
    struct hd_options options = { .allow = { allow_items, 0 }, .deny = { deny_items, 0 } };
    snprintf(allow_text, sizeof allow_text, "%s", allow);
    snprintf(deny_text, sizeof deny_text, "%s", deny);
    for (char *item = strtok(allow_text, ","); item != NULL; item = strtok(NULL, ","))
        allow_items[options.allow.count++] = item;
    for (char *item = strtok(deny_text, ","); item != NULL; item = strtok(NULL, ","))
        deny_items[options.deny.count++] = item;
    return options;
}

static void assert_decision(const char *allow, const char *deny, const char *name, bool expected,
                            const char *expected_rule)
{
    struct hd_options options = options_of(allow, deny);
    const char *rule = NULL;
    assert_int_equal(hd_policy_allows(&options, name, &rule), expected);
    assert_string_equal(rule, expected_rule);
    assert_int_equal(hd_policy_allows(&options, name, NULL), expected);
}

static void everything_may_be_swapped_that_is_not_the_jdks(void **state)
{
    (void)state;
    assert_decision("", "", "com.example.Foo", true, "**");
    assert_decision("", "", "javafx.Foo", true, "**");
    assert_decision("", "", "java.lang.String", false, "java.**");
    assert_decision("", "", "javax.crypto.Cipher", false, "javax.**");
    assert_decision("", "", "jdk.internal.misc.VM", false, "jdk.**");
    assert_decision("", "", "sun.misc.Unsafe", false, "sun.**");
}

static void the_jdks_own_must_be_allowed_by_name(void **state)
{
    (void)state;
    assert_decision("**", "", "java.lang.String", false, "java.**");
    assert_decision("*.lang.*", "", "java.lang.String", false, "java.**");
    assert_decision("**,java.lang.*", "", "java.lang.String", true, "java.lang.*");
    assert_decision("java.lang.*", "", "java.util.List", false, "java.**");
    assert_decision("javax.inject.**", "", "javax.inject.Inject", true, "javax.inject.**");
}

static void deny_wins(void **state)
{
    (void)state;
    assert_decision("com.**", "com.secret.**", "com.secret.Foo", false, "com.secret.**");
    assert_decision("com.secret.Foo", "com.secret.**", "com.secret.Foo", false, "com.secret.**");
    assert_decision("java.lang.String", "**", "java.lang.String", false, "**");
    assert_decision("", "com.secret.**", "com.open.Foo", true, "**");
}

static void with_allow_patterns_one_must_match(void **state)
{
    (void)state;
    assert_decision("com.a.**,com.b.**", "", "com.b.Foo", true, "com.b.**");
    assert_decision("com.a.**,com.b.**", "", "com.c.Foo", false, HD_POLICY_NO_RULE);
}

static void a_full_minute_makes_the_next_one_wait(void **state)
{
    (void)state;
    struct hd_rate rate;
    unsigned wait = 0;
    assert_int_equal(hd_rate_init(&rate, 3, NULL), 0);
    assert_true(hd_rate_admit(&rate, 100 * SECOND, &wait));
    assert_true(hd_rate_admit(&rate, 110 * SECOND, &wait));
    assert_true(hd_rate_admit(&rate, 120 * SECOND, &wait));
    assert_false(hd_rate_admit(&rate, 121 * SECOND, &wait));
    assert_int_equal(wait, 39);
    assert_false(hd_rate_admit(&rate, 160 * SECOND - 1, &wait));
    assert_int_equal(wait, 1);
    assert_true(hd_rate_admit(&rate, 160 * SECOND, &wait));
    assert_false(hd_rate_admit(&rate, 160 * SECOND, &wait));
    assert_int_equal(wait, 10);
    assert_true(hd_rate_admit(&rate, 170 * SECOND, &wait));
    assert_true(hd_rate_admit(&rate, 500 * SECOND, &wait));
    hd_rate_close(&rate);
}

static void a_refusal_is_not_counted_and_a_clock_going_back_admits_nobody(void **state)
{
    (void)state;
    struct hd_rate rate;
    unsigned wait = 0;
    assert_int_equal(hd_rate_init(&rate, 1, NULL), 0);
    assert_true(hd_rate_admit(&rate, 100 * SECOND, &wait));
    for (int i = 0; i < 50; i++)
        assert_false(hd_rate_admit(&rate, 101 * SECOND, &wait));
    assert_false(hd_rate_admit(&rate, 1 * SECOND, &wait));
    assert_int_equal(wait, 60);
    assert_true(hd_rate_admit(&rate, 160 * SECOND, &wait));
    hd_rate_close(&rate);
}

static void want_of_memory_is_told(void **state)
{
    (void)state;
    struct hd_rate rate;
    struct hd_error err = HD_ERROR_INIT;
    hd_alloc_fail_at(1);
    assert_int_equal(hd_rate_init(&rate, 60, &err), -1);
    hd_alloc_fail_at(0);
    assert_int_equal(err.code, HD_E_MEMORY);
    hd_error_clear(&err);
    assert_int_equal(hd_rate_init(&rate, UINT64_MAX, &err), -1);
    assert_int_equal(err.code, HD_E_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_pattern_is_a_name),
        cmocka_unit_test(one_star_stays_within_a_segment),
        cmocka_unit_test(two_stars_cross_segments),
        cmocka_unit_test(a_pattern_full_of_stars_takes_no_time),
        cmocka_unit_test(everything_may_be_swapped_that_is_not_the_jdks),
        cmocka_unit_test(the_jdks_own_must_be_allowed_by_name),
        cmocka_unit_test(deny_wins),
        cmocka_unit_test(with_allow_patterns_one_must_match),
        cmocka_unit_test(a_full_minute_makes_the_next_one_wait),
        cmocka_unit_test(a_refusal_is_not_counted_and_a_clock_going_back_admits_nobody),
        cmocka_unit_test(want_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
