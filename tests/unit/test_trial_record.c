/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report.h"

#include "core/alloc.h"
#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/every_allocation.h"

static json_t *member(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    assert_non_null(value);
    return value;
}

static void without_a_trial_there_is_null(void **state)
{
    (void)state;
    struct hd_trial_record none = { .end = HD_TRIAL_NONE };
    json_t *json = hd_trial_record_to_json(&none);
    assert_true(json_is_null(json));
}

static void an_open_trial_has_a_time_and_no_end(void **state)
{
    (void)state;
    struct hd_trial_record open = { .end = HD_TRIAL_OPEN, .milliseconds = 60000 };
    json_t *json = hd_trial_record_to_json(&open);
    assert_int_equal(json_integer_value(member(json, "milliseconds")), 60000);
    assert_true(json_is_null(member(json, "ended")));
    assert_true(json_is_null(member(json, "who")));
    assert_true(json_is_null(member(json, "when")));
    assert_true(json_is_null(member(json, "rollback")));
    json_decref(json);
}

static void an_end_says_how_by_whom_and_when(void **state)
{
    (void)state;
    struct hd_trial_record over = { .end = HD_TRIAL_ROLLED_BACK,
                                    .milliseconds = 1,
                                    .rollback = 4,
                                    .who = "the agent",
                                    .when = 1769862896789000 };
    json_t *json = hd_trial_record_to_json(&over);
    assert_string_equal(json_string_value(member(json, "ended")), "rolled-back");
    assert_string_equal(json_string_value(member(json, "who")), "the agent");
    assert_string_equal(json_string_value(member(json, "when")), "2026-01-31T12:34:56.789Z");
    assert_int_equal(json_integer_value(member(json, "rollback")), 4);
    json_decref(json);
    assert_string_equal(hd_trial_end_word(HD_TRIAL_CONFIRMED), "confirmed");
    assert_string_equal(hd_trial_end_word(HD_TRIAL_ROLLBACK_REFUSED), "rollback-refused");
    assert_null(hd_trial_end_word(HD_TRIAL_OPEN));
}

static struct hd_deployment *a_forced_trial(void)
{
    const struct hd_origin origin = { .way = HD_WAY_AGENT, .who = "the agent", .from = "here" };
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &origin);
    if (deployment == NULL)
        return NULL;
    deployment->forced = HD_FORCED_BEST_EFFORT | HD_FORCED_ALL_LOADERS;
    deployment->trial = (struct hd_trial_record){ .end = HD_TRIAL_OPEN, .milliseconds = 5 };
    return deployment;
}

static void a_deployment_shows_its_trial_and_what_was_forced(void **state)
{
    (void)state;
    struct hd_deployment *deployment = a_forced_trial();
    json_t *json = hd_deployment_full_to_json(deployment);
    json_t *forced = member(json, "forced");
    assert_int_equal(json_array_size(forced), 2);
    assert_string_equal(json_string_value(json_array_get(forced, 0)), "best-effort");
    assert_string_equal(json_string_value(json_array_get(forced, 1)), "all-loaders");
    assert_int_equal(json_integer_value(member(member(json, "trial"), "milliseconds")), 5);
    assert_string_equal(json_string_value(member(json, "way")), "agent");
    json_decref(json);
    deployment->forced = 0;
    deployment->trial.end = HD_TRIAL_NONE;
    json = hd_deployment_to_json(deployment);
    assert_null(json_object_get(json, "forced"));
    assert_null(json_object_get(json, "trial"));
    json_decref(json);
    hd_deployment_release(deployment);
}

static int write_both(void *context, struct hd_error *err)
{
    (void)context;
    struct hd_deployment *deployment = a_forced_trial();
    if (deployment == NULL)
        return hd_error_set_memory(err);
    json_t *json = hd_deployment_full_to_json(deployment);
    hd_deployment_release(deployment);
    if (json == NULL)
        return hd_error_set_memory(err);
    json_decref(json);
    return 0;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fail_every_allocation(write_both, NULL);
}

int main(void)
{
    hd_json_use_hd_alloc();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_trial_there_is_null),
        cmocka_unit_test(an_open_trial_has_a_time_and_no_end),
        cmocka_unit_test(an_end_says_how_by_whom_and_when),
        cmocka_unit_test(a_deployment_shows_its_trial_and_what_was_forced),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
