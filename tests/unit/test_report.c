/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report.h"

#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "every_allocation.h"

#include <pthread.h>

static const struct hd_origin alice = {
    .way = HD_WAY_LOCAL_SOCKET,
    .who = "uid:1000 (alice)",
    .from = "pid 4711 (hotdrop)",
};

static void assert_json(json_t *actual, const char *expected_text)
{
    json_error_t cause;
    json_t *expected = json_loads(expected_text, 0, &cause);
    if (expected == NULL)
        fail_msg("the expected document is wrong: %s in %s", cause.text, expected_text);
    if (!json_equal(actual, expected)) {
        char *text = json_dumps(actual, JSON_ENCODE_ANY);
        fail_msg("got %s\ninstead of %s", text, expected_text);
    }
    json_decref(expected);
    json_decref(actual);
}

static void an_empty_check_has_the_whole_documents_keys(void **state)
{
    (void)state;
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_CHECK, &alice);
    assert_json(
        hd_deployment_to_json(deployment),
        "{\"deployment\":null,\"applied\":false,\"state\":\"\",\"error\":null,\"classes\":[],"
        "\"old_frames\":0,\"old_frames_complete\":true}");
    hd_deployment_release(deployment);
}

static void rows_carry_outcome_reason_remedy_and_warnings(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &alice);
    deployment->number = 7;
    deployment->applied = true;
    snprintf(deployment->state, sizeof deployment->state, "0123456789abcdef");
    deployment->old_frames = 2;
    deployment->old_frames_complete = false;

    struct hd_row *row = hd_deployment_add_row(deployment, "com.example.Foo$Bar", "app");
    row->outcome = HD_OUTCOME_REDEFINED;
    row->warnings = HD_WARNING_OLD_FRAMES | HD_WARNING_CONSTANT_CHANGED;
    row->micros = 153;
    row = hd_deployment_add_row(deployment, "com.example.Baz", "");
    hd_row_refuse(row, HD_REASON_DENIED, "%s is denied by %s", "com.example.Baz", "com.**");
    row->remedy = hd_strdup("Ask the operator.");

    assert_json(
        hd_deployment_to_json(deployment),
        "{\"deployment\":7,\"applied\":true,\"state\":\"0123456789abcdef\",\"error\":null,"
        "\"classes\":["
        "{\"class\":\"com.example.Foo$Bar\",\"loader\":\"app\",\"outcome\":\"redefined\","
        "\"reason\":null,\"message\":null,"
        "\"remedy\":null,\"warnings\":[\"constant-changed\",\"old-frames\"],\"micros\":153},"
        "{\"class\":\"com.example.Baz\",\"loader\":\"\",\"outcome\":\"refused\",\"reason\":"
        "\"denied\","
        "\"message\":\"com.example.Baz is denied by com.**\",\"remedy\":\"Ask the "
        "operator.\",\"warnings\":[],\"micros\":0}],"
        "\"old_frames\":2,\"old_frames_complete\":false}");
    hd_deployment_release(deployment);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static void without_a_remedy_of_its_own_a_row_has_the_reasons(void **state)
{
    (void)state;
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &alice);
    hd_row_refuse(hd_deployment_add_row(deployment, "Foo", "app"), HD_REASON_VERIFY_ERROR, "no");
    json_t *json = hd_deployment_to_json(deployment);
    const json_t *row = json_array_get(json_object_get(json, "classes"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "remedy")),
                        hd_reason_remedy(HD_REASON_VERIFY_ERROR));
    json_decref(json);
    hd_deployment_release(deployment);
}

static void of_several_errors_of_a_deployment_the_first_stays(void **state)
{
    (void)state;
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &alice);
    assert_true(hd_deployment_is_good(deployment));
    hd_deployment_fail(deployment, HD_REASON_RATE_LIMITED, "wait %d seconds", 9);
    hd_deployment_fail(deployment, HD_REASON_JVM_ERROR, "later");
    deployment->error_remedy = hd_strdup("Wait.");
    assert_false(hd_deployment_is_good(deployment));
    json_t *json = hd_deployment_to_json(deployment);
    assert_json(
        json_incref(json_object_get(json, "error")),
        "{\"reason\":\"rate-limited\",\"message\":\"wait 9 seconds\",\"remedy\":\"Wait.\"}");
    json_decref(json);
    hd_deployment_release(deployment);
}

static void a_later_refusal_of_a_row_replaces_the_earlier(void **state)
{
    (void)state;
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &alice);
    struct hd_row *row = hd_deployment_add_row(deployment, "Foo", "app");
    hd_row_refuse(row, HD_REASON_FIELD_ADDED, "first");
    hd_row_refuse(row, HD_REASON_FIELD_REMOVED, "second");
    assert_int_equal(row->reason, HD_REASON_FIELD_REMOVED);
    assert_string_equal(row->message, "second");
    hd_deployment_release(deployment);
}

static void good_means_nothing_refused_or_withheld(void **state)
{
    (void)state;
    for (unsigned outcome = 0; outcome < HD_OUTCOME_COUNT; outcome++) {
        struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &alice);
        hd_deployment_add_row(deployment, "A", "app")->outcome = HD_OUTCOME_REDEFINED;
        hd_deployment_add_row(deployment, "B", "app")->outcome = (enum hd_outcome)outcome;
        bool expected = outcome != HD_OUTCOME_REFUSED && outcome != HD_OUTCOME_WITHHELD;
        assert_int_equal(hd_deployment_is_good(deployment), expected);
        assert_int_equal(hd_deployment_count(deployment, (enum hd_outcome)outcome),
                         outcome == HD_OUTCOME_REDEFINED ? 2 : 1);
        hd_deployment_release(deployment);
    }
}

static void fill(struct hd_deployment *deployment)
{
    deployment->number = 3;
    deployment->applied = true;
    deployment->message = hd_strdup("fix the price");
    deployment->bundle_name = hd_strdup("shop.jar");
    snprintf(deployment->bundle_digest, sizeof deployment->bundle_digest, "ab12");
    deployment->started_at = INT64_C(1769862896789123);
    deployment->micros = 2345;
    hd_deployment_add_row(deployment, "A", "app")->outcome = HD_OUTCOME_REDEFINED;
    hd_deployment_add_row(deployment, "B", "app")->outcome = HD_OUTCOME_REDEFINED;
    hd_deployment_add_row(deployment, "C", "app");
}

#define EXPECTED_SUMMARY                                                                           \
    "\"deployment\":3,\"kind\":\"push\",\"when\":\"2026-01-31T12:34:56.789Z\",\"who\":\"uid:1000 " \
    "(alice)\","                                                                                   \
    "\"from\":\"pid 4711 (hotdrop)\",\"way\":\"local\",\"message\":\"fix the price\","             \
    "\"bundle\":{\"name\":\"shop.jar\",\"digest\":\"ab12\"},\"applied\":true,\"error\":null,"      \
    "\"outcomes\":{\"redefined\":2,\"defined\":0,\"pending\":0,\"unchanged\":1,\"refused\":0,"     \
    "\"withheld\":0,\"rolled-back\":0},"                                                           \
    "\"micros\":2345"

static void a_summary_says_who_when_what_and_how_it_ended(void **state)
{
    (void)state;
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &alice);
    fill(deployment);
    assert_json(hd_deployment_summary_to_json(deployment), "{" EXPECTED_SUMMARY "}");
    hd_deployment_release(deployment);
}

static void the_full_story_is_document_and_summary_in_one(void **state)
{
    (void)state;
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &alice);
    fill(deployment);
    json_t *full = hd_deployment_full_to_json(deployment);
    assert_int_equal(json_array_size(json_object_get(full, "classes")), 3);
    json_object_del(full, "classes");
    assert_json(full, "{" EXPECTED_SUMMARY
                      ",\"state\":\"\",\"old_frames\":0,\"old_frames_complete\":true}");
    hd_deployment_release(deployment);
}

static void names_that_are_not_utf8_are_shown_not_lost(void **state)
{
    (void)state;
    struct hd_origin origin = { .way = HD_WAY_DROP, .from = "/srv/\xFF" };
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &origin);
    json_t *json = hd_deployment_summary_to_json(deployment);
    assert_string_equal(json_string_value(json_object_get(json, "from")), "/srv/\\xFF");
    assert_string_equal(json_string_value(json_object_get(json, "way")), "drop");
    json_decref(json);
    hd_deployment_release(deployment);
}

static void *share_and_release(void *deployment)
{
    for (int i = 0; i < 20000; i++)
        hd_deployment_release(hd_deployment_share(deployment));
    return NULL;
}

static void a_deployment_lives_until_its_last_reference_goes(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &alice);
    fill(deployment);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, share_and_release, deployment), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    struct hd_deployment *second = hd_deployment_share(deployment);
    hd_deployment_release(deployment);
    assert_string_equal(second->bundle_name, "shop.jar");
    assert_int_equal(second->row_count, 3);
    hd_deployment_release(second);
    hd_deployment_release(NULL);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static int want_of_memory(struct hd_deployment *deployment, struct hd_error *err)
{
    hd_deployment_release(deployment);
    return hd_error_set_memory(err);
}

static int build_and_write(void *context, struct hd_error *err)
{
    (void)context;
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &alice);
    if (deployment == NULL)
        return hd_error_set_memory(err);
    for (int i = 0; i < 40; i++) {
        struct hd_row *row = hd_deployment_add_row(deployment, "com.example.Foo", "app");
        if (row == NULL)
            return want_of_memory(deployment, err);
        row->warnings = HD_WARNING_OLD_FRAMES;
    }
    struct hd_row *last = &deployment->rows[deployment->row_count - 1];
    hd_row_refuse(last, HD_REASON_DENIED, "not %d", 1);
    hd_deployment_fail(deployment, HD_REASON_JVM_ERROR, "not %d", 2);
    assert_int_equal(last->reason, HD_REASON_DENIED);
    assert_int_equal(deployment->error_reason, HD_REASON_JVM_ERROR);
    if (last->message == NULL || deployment->error_message == NULL)
        return want_of_memory(deployment, err);
    snprintf(deployment->origin.from, sizeof deployment->origin.from, "\xFF");
    json_t *json = hd_deployment_full_to_json(deployment);
    if (json == NULL)
        return want_of_memory(deployment, err);
    json_decref(json);
    hd_deployment_release(deployment);
    return 0;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fail_every_allocation(build_and_write, NULL);
}

static char *name_of_length(size_t length)
{
    char *name = hd_alloc(length + 1);
    assert_non_null(name);
    memset(name, 'n', length);
    name[length] = '\0';
    return name;
}

static void of_more_rows_than_can_be_read_again_the_refused_ones_are_written_first(void **state)
{
    (void)state;
    enum { ROWS = 9000, REFUSED = 8500 };
    char *name = name_of_length(8000);
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &alice);
    for (int i = 0; i < ROWS; i++)
        assert_non_null(hd_deployment_add_row(deployment, name, "app"));
    hd_row_refuse(&deployment->rows[REFUSED], HD_REASON_DENIED, "not this one");
    json_t *json = hd_deployment_full_to_json(deployment);
    const json_t *rows = json_object_get(json, "classes");
    json_int_t left_out = json_integer_value(json_object_get(json, "classes_left_out"));
    assert_true(json_dumpb(json, NULL, 0, JSON_COMPACT) < HD_REPORT_MAX_ROW_BYTES + 65536);
    assert_true(left_out > 0);
    assert_int_equal((json_int_t)json_array_size(rows) + left_out, ROWS);
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "message")),
                        "not this one");
    const json_t *counts = json_object_get(json, "outcomes");
    assert_int_equal(json_integer_value(json_object_get(counts, "unchanged")), ROWS - 1);
    json_decref(json);
    hd_deployment_release(deployment);
    hd_free(name);
}

int main(void)
{
    hd_json_use_hd_alloc();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_check_has_the_whole_documents_keys),
        cmocka_unit_test(rows_carry_outcome_reason_remedy_and_warnings),
        cmocka_unit_test(without_a_remedy_of_its_own_a_row_has_the_reasons),
        cmocka_unit_test(of_several_errors_of_a_deployment_the_first_stays),
        cmocka_unit_test(a_later_refusal_of_a_row_replaces_the_earlier),
        cmocka_unit_test(good_means_nothing_refused_or_withheld),
        cmocka_unit_test(a_summary_says_who_when_what_and_how_it_ended),
        cmocka_unit_test(the_full_story_is_document_and_summary_in_one),
        cmocka_unit_test(names_that_are_not_utf8_are_shown_not_lost),
        cmocka_unit_test(a_deployment_lives_until_its_last_reference_goes),
        cmocka_unit_test(of_more_rows_than_can_be_read_again_the_refused_ones_are_written_first),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
