/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct hd_deployment *deployment_of(uint64_t number)
{
    const struct hd_origin origin = { .way = HD_WAY_WEBSOCKET, .who = "uid:7", .from = "afar" };
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &origin);
    assert_non_null(deployment);
    deployment->number = number;
    assert_non_null(hd_deployment_add_row(deployment, "demo.Foo", "app"));
    return deployment;
}

/* As core/store.c writes it. */
static void visit(struct hd_past *past, const char *event, json_t *fields)
{
    struct hd_error err = HD_ERROR_INIT;
    json_t *entry =
        json_pack("{s:i,s:s,s:s,s:s}", "n", 1, "prev", "00", "at", "then", "event", event);
    assert_int_equal(json_object_update(entry, fields), 0);
    assert_int_equal(hd_past_visit(entry, past, &err), 0);
    json_decref(entry);
    json_decref(fields);
}

static void a_deployment_of_an_earlier_jvm_is_shown_as_it_was(void **state)
{
    (void)state;
    struct hd_past *past = hd_past_new();
    struct hd_deployment *deployment = deployment_of(3);
    json_t *full = hd_deployment_full_to_json(deployment);
    json_t *summary = hd_deployment_summary_to_json(deployment);
    visit(past, "begin", hd_deployment_summary_to_json(deployment));
    visit(past, "end", json_incref(full));
    json_t *found = hd_past_find(past, 3), *list = json_array();
    assert_true(json_equal(found, full));
    assert_true(hd_past_append_to(past, list));
    assert_int_equal(json_array_size(list), 1);
    assert_true(json_equal(json_array_get(list, 0), summary));
    assert_null(hd_past_find(past, 4));
    json_decref(list);
    json_decref(found);
    json_decref(full);
    json_decref(summary);
    hd_deployment_release(deployment);
    hd_past_free(past);
}

static void one_without_an_end_was_interrupted_and_is_never_called_done(void **state)
{
    (void)state;
    struct hd_past *past = hd_past_new();
    struct hd_deployment *deployment = deployment_of(4);
    deployment->rows[0].outcome = HD_OUTCOME_REDEFINED;
    visit(past, "begin", hd_deployment_summary_to_json(deployment));
    visit(past, "interrupted", json_pack("{s:i}", "deployment", 4));
    json_t *found = hd_past_find(past, 4);
    assert_false(json_is_true(json_object_get(found, "applied")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(found, "error"), "reason")),
        "interrupted");
    assert_int_equal(json_array_size(json_object_get(found, "classes")), 0);
    assert_int_equal(json_object_size(json_object_get(found, "outcomes")), 0);
    assert_string_equal(json_string_value(json_object_get(found, "who")), "uid:7");
    json_decref(found);
    hd_deployment_release(deployment);
    hd_past_free(past);
}

static void expect_trial(const struct hd_past *past, uint64_t number, const char *ended,
                         const char *who)
{
    json_t *list = json_array(), *full = hd_past_find(past, number);
    assert_true(hd_past_append_to(past, list));
    size_t index;
    json_t *summary;
    json_array_foreach(list, index, summary)
    {
        if (json_integer_value(json_object_get(summary, "deployment")) == (json_int_t)number)
            assert_true(
                json_equal(json_object_get(summary, "trial"), json_object_get(full, "trial")));
    }
    const json_t *trial = json_object_get(full, "trial");
    assert_string_equal(json_string_value(json_object_get(trial, "ended")), ended);
    if (who != NULL)
        assert_string_equal(json_string_value(json_object_get(trial, "who")), who);
    json_decref(list);
    json_decref(full);
}

static void how_a_trial_ended_is_told_by_later_lines(void **state)
{
    (void)state;
    struct hd_past *past = hd_past_new();
    for (uint64_t number = 1; number <= 3; number++) {
        struct hd_deployment *deployment = deployment_of(number);
        deployment->trial = (struct hd_trial_record){ .end = HD_TRIAL_OPEN, .milliseconds = 60000 };
        visit(past, "end", hd_deployment_full_to_json(deployment));
        hd_deployment_release(deployment);
    }
    visit(past, "confirm", json_pack("{s:i, s:s}", "deployment", 1, "who", "uid:8"));
    visit(past, "end",
          json_pack("{s:i, s:b, s:s, s:[i]}", "deployment", 4, "applied", 1, "who", "agent",
                    "undone", 2));
    expect_trial(past, 1, "confirmed", "uid:8");
    expect_trial(past, 2, "rolled-back", "agent");
    expect_trial(past, 3, "jvm-ended", NULL);
    hd_past_free(past);
}

static void past_the_bound_the_oldest_go(void **state)
{
    (void)state;
    enum { MORE = HD_PAST_MAX_DEPLOYMENTS + 5 };
    struct hd_past *past = hd_past_new();
    for (uint64_t number = 1; number <= MORE; number++) {
        struct hd_deployment *deployment = deployment_of(number);
        visit(past, "end", hd_deployment_full_to_json(deployment));
        hd_deployment_release(deployment);
    }
    json_t *last = hd_past_find(past, MORE);
    assert_int_equal(hd_past_count(past), HD_PAST_MAX_DEPLOYMENTS);
    assert_int_equal(hd_past_dropped(past), 5);
    assert_null(hd_past_find(past, 5));
    assert_non_null(last);
    json_decref(last);
    hd_past_free(past);
}

static void history_tells_of_this_jvm_first_and_then_of_those_before(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_history history = { .past = hd_past_new() };
    struct hd_deployment *before = deployment_of(1), *now = deployment_of(2);
    visit(history.past, "end", hd_deployment_full_to_json(before));
    assert_int_equal(hd_history_add(&history, now, &err), 0);
    json_t *list = hd_history_to_json(&history);
    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "deployment")), 1);
    assert_int_equal(hd_history_total(&history), 2);
    for (uint64_t number = 1; number <= 2; number++) {
        json_t *shown = hd_history_show(&history, number);
        assert_int_equal(json_integer_value(json_object_get(shown, "deployment")), number);
        json_decref(shown);
    }
    assert_null(hd_history_show(&history, 3));
    json_decref(list);
    hd_deployment_release(before);
    hd_deployment_release(now);
    hd_history_close(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_of_an_earlier_jvm_is_shown_as_it_was),
        cmocka_unit_test(one_without_an_end_was_interrupted_and_is_never_called_done),
        cmocka_unit_test(how_a_trial_ended_is_told_by_later_lines),
        cmocka_unit_test(past_the_bound_the_oldest_go),
        cmocka_unit_test(history_tells_of_this_jvm_first_and_then_of_those_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
