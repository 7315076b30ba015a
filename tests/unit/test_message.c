/* SPDX-License-Identifier: Apache-2.0 */
#include "core/message.h"

#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "every_allocation.h"

#include <stdio.h>

static struct hd_request parsed(const char *text)
{
    struct hd_request request = { 0 };
    struct hd_error err = HD_ERROR_INIT;
    if (hd_request_parse(text, strlen(text), &request, &err) != 0)
        fail_msg("%s: %s", text, err.text);
    return request;
}

static void a_push_with_everything_is_taken_apart(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_request request =
        parsed("{\"type\":\"push\",\"id\":9007199254740991,\"size\":1234,\"name\":\"app.jar\","
               "\"loader\":\"shop\",\"best_effort\":true,\"all_loaders\":false,\"message\":"
               "\"caf\\u00e9\"}");
    assert_int_equal(request.type, HD_REQUEST_PUSH);
    assert_true(request.id == UINT64_C(9007199254740991));
    assert_int_equal(request.size, 1234);
    assert_string_equal(request.name, "app.jar");
    assert_string_equal(request.loader, "shop");
    assert_true(request.best_effort);
    assert_false(request.all_loaders);
    assert_string_equal(request.message, "caf\xC3\xA9");
    hd_request_close(&request);
    assert_null(request.name);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static void what_is_left_out_or_null_is_absent(void **state)
{
    (void)state;
    struct hd_request request =
        parsed(" {\"name\":\"x\",\"size\":1,\"type\":\"check\",\"id\":1,\"loader\":null}\n");
    assert_int_equal(request.type, HD_REQUEST_CHECK);
    assert_null(request.loader);
    assert_null(request.message);
    assert_false(request.all_loaders);
    assert_false(request.best_effort);
    hd_request_close(&request);
}

static void questions_need_little(void **state)
{
    (void)state;
    struct hd_request request = parsed("{\"type\":\"status\",\"id\":1}");
    assert_int_equal(request.type, HD_REQUEST_STATUS);
    request = parsed("{\"type\":\"history\",\"id\":2,\"of a later version\":[{}]}");
    assert_int_equal(request.type, HD_REQUEST_HISTORY);
    request = parsed("{\"type\":\"show\",\"id\":3,\"deployment\":12}");
    assert_int_equal(request.type, HD_REQUEST_SHOW);
    assert_int_equal(request.deployment, 12);
}

static void assert_refused(const char *text, size_t length, const char *word)
{
    struct hd_request request = { .id = 4711 };
    struct hd_error err = HD_ERROR_INIT;
    long before = hd_alloc_outstanding();
    if (hd_request_parse(text, length, &request, &err) == 0)
        fail_msg("%s was taken", text);
    assert_int_equal(hd_alloc_outstanding(), before);
    assert_int_equal(err.code, HD_E_FORMAT);
    assert_int_equal(request.id, 4711);
    if (strstr(err.text, word) == NULL)
        fail_msg("%s: the error \"%s\" does not say \"%s\"", text, err.text, word);
}

static void assert_text_refused(const char *text, const char *word)
{
    assert_refused(text, strlen(text), word);
}

#define PUSH(more) "{\"type\":\"push\",\"id\":1,\"size\":1,\"name\":\"a\"" more "}"

static void what_is_no_request_is_refused(void **state)
{
    (void)state;
    assert_text_refused("", "not JSON");
    assert_text_refused("push", "not JSON");
    assert_text_refused("[]", "not a JSON object");
    assert_text_refused("\"push\"", "not");
    assert_text_refused("{\"type\":\"status\",\"id\":1", "not JSON");
    assert_text_refused("{\"type\":\"status\",\"id\":1}{}", "not JSON");
    assert_text_refused("{\"type\":\"status\",\"id\":1,\"id\":2}", "duplicate");
    assert_text_refused("{\"type\":\"status\",\"id\":1,\"x\":\"\xFF\"}", "not JSON");
    assert_text_refused("{\"type\":\"status\",\"id\":1,\"x\":\"\xED\xA0\x80\"}", "not JSON");
    assert_refused("{\"type\":\"status\",\"id\":1}\0", 25, "not JSON");
    assert_refused("{\"type\":\"sta\0tus\",\"id\":1}", 25, "not JSON");
}

static void the_type_is_one_that_is_known(void **state)
{
    (void)state;
    assert_text_refused("{\"id\":1}", "\"type\"");
    assert_text_refused("{\"type\":1,\"id\":1}", "\"type\"");
    assert_text_refused("{\"type\":\"explode\",\"id\":1}", "not \"explode\"");
    assert_text_refused("{\"type\":\"Push\",\"id\":1}",
                        "push, check, rollback, confirm, keep, status, "
                        "history and show");
    assert_text_refused("{\"type\":\"a\\nb\",\"id\":1}", "a\\x0Ab");
}

static void integers_are_whole_and_in_range(void **state)
{
    (void)state;
    static const char *const bad[] = { "0",    "-1",    "1.0",
                                       "1e3",  "\"1\"", "true",
                                       "null", "[]",    "9007199254740992" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"type\":\"status\",\"id\":%s}", bad[i]);
        assert_text_refused(text, "\"id\"");
        snprintf(text, sizeof text, "{\"type\":\"push\",\"id\":1,\"name\":\"a\",\"size\":%s}",
                 bad[i]);
        assert_text_refused(text, "\"size\"");
        snprintf(text, sizeof text, "{\"type\":\"show\",\"id\":1,\"deployment\":%s}", bad[i]);
        assert_text_refused(text, "\"deployment\"");
    }
    assert_text_refused("{\"type\":\"status\",\"id\":99999999999999999999}", "not JSON");
    assert_text_refused("{\"type\":\"status\"}", "\"id\" is missing");
    assert_text_refused("{\"type\":\"push\",\"id\":1,\"name\":\"a\"}", "\"size\" is missing");
    assert_text_refused("{\"type\":\"show\",\"id\":1}", "\"deployment\" is missing");
}

static void strings_and_flags_have_their_types_and_bounds(void **state)
{
    (void)state;
    assert_text_refused("{\"type\":\"push\",\"id\":1,\"size\":1}", "\"name\" is missing");
    assert_text_refused("{\"type\":\"push\",\"id\":1,\"size\":1,\"name\":7}",
                        "\"name\" is not a string");
    assert_text_refused("{\"type\":\"push\",\"id\":1,\"size\":1,\"name\":\"\"}", "\"name\"");
    assert_text_refused(PUSH(",\"loader\":\"\""), "\"loader\"");
    assert_text_refused(PUSH(",\"loader\":\"a\\u0000b\""), "\\u0000");
    assert_text_refused(PUSH(",\"all_loaders\":1"), "\"all_loaders\"");
    assert_text_refused(PUSH(",\"best_effort\":\"yes\""), "\"best_effort\"");
    assert_text_refused(PUSH(",\"loader\":\"x\",\"all_loaders\":true"), "exclude each other");
}

static void assert_longest(const char *key, size_t longest)
{
    char text[8192];
    for (size_t length = longest; length <= longest + 1; length++) {
        char value[5000];
        memset(value, 'v', length);
        value[length] = '\0';
        const char *name = strcmp(key, "name") == 0 ? "" : "\"name\":\"n\",";
        snprintf(text, sizeof text, "{\"type\":\"push\",\"id\":1,\"size\":1,%s\"%s\":\"%s\"}", name,
                 key, value);
        if (length > longest) {
            assert_text_refused(text, key);
            continue;
        }
        struct hd_request request = parsed(text);
        hd_request_close(&request);
    }
}

static void strings_are_bounded_in_bytes(void **state)
{
    (void)state;
    assert_longest("name", 255);
    assert_longest("loader", 1000);
    assert_longest("message", 4000);
}

static void an_option_that_is_not_understood_is_never_skipped(void **state)
{
    (void)state;
    assert_text_refused(PUSH(",\"dry_run\":true"), "\"dry_run\"");
    assert_text_refused("{\"type\":\"check\",\"id\":1,\"size\":1,\"name\":\"a\",\"expect\":\"x\"}",
                        "\"expect\"");
    assert_text_refused(PUSH(",\"a\\u001bb\":1"), "a\\x1Bb");
}

static void depth_and_size_are_bounded(void **state)
{
    (void)state;
    static char text[HD_MESSAGE_MAX + 100];
    int used = snprintf(text, sizeof text, "{\"type\":\"status\",\"id\":1,\"x\":");
    memset(text + used, '[', 60000);
    assert_refused(text, (size_t)used + 60000, "nested");

    struct hd_request request = parsed(
        "{\"type\":\"status\",\"id\":1,\"x\":\"[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[\"}");
    hd_request_close(&request);

    memset(text, ' ', sizeof text);
    memcpy(text, "{\"type\":\"status\",\"id\":1}", 24);
    assert_int_equal(hd_request_parse(text, HD_MESSAGE_MAX, &request, NULL), 0);
    assert_refused(text, HD_MESSAGE_MAX + 1, "65536");
}

static void assert_survives_the_journey(const struct hd_request *request)
{
    json_t *json = hd_request_to_json(request);
    char *text = NULL;
    size_t length = 0;
    assert_int_equal(hd_message_write(json, &text, &length, NULL), 0);
    json_decref(json);
    assert_int_equal(length, strlen(text));
    struct hd_request arrived = parsed(text);
    hd_free(text);
    assert_int_equal(arrived.type, request->type);
    assert_int_equal(arrived.id, request->id);
    assert_int_equal(arrived.size, request->size);
    assert_int_equal(arrived.deployment, request->deployment);
    assert_int_equal(arrived.all_loaders, request->all_loaders);
    assert_int_equal(arrived.best_effort, request->best_effort);
    assert_string_equal(arrived.name != NULL ? arrived.name : "-",
                        request->name != NULL ? request->name : "-");
    assert_string_equal(arrived.loader != NULL ? arrived.loader : "-",
                        request->loader != NULL ? request->loader : "-");
    assert_string_equal(arrived.message != NULL ? arrived.message : "-",
                        request->message != NULL ? request->message : "-");
    assert_string_equal(arrived.expect != NULL ? arrived.expect : "-",
                        request->expect != NULL ? request->expect : "-");
    assert_int_equal(arrived.confirm_within, request->confirm_within);
    assert_int_equal(arrived.trial, request->trial);
    assert_int_equal(arrived.blocking, request->blocking);
    assert_int_equal(arrived.keep, request->keep);
    assert_int_equal(arrived.to_given, request->to_given);
    assert_int_equal(arrived.to, request->to);
    hd_request_close(&arrived);
}

static void what_a_client_writes_the_agent_reads(void **state)
{
    (void)state;
    char name[] = "app \"1\".jar";
    char loader[] = "shop [/b]";
    char words[] = "line\nline";
    char state_digest[] = "9f86d081884c7d65";
    const struct hd_request requests[] = {
        { .type = HD_REQUEST_PUSH,
          .id = 1,
          .size = 99,
          .name = name,
          .loader = loader,
          .best_effort = true,
          .message = words,
          .confirm_within = 60000,
          .expect = state_digest },
        { .type = HD_REQUEST_CHECK, .id = 2, .size = 1, .name = name, .all_loaders = true },
        { .type = HD_REQUEST_STATUS, .id = 3 },
        { .type = HD_REQUEST_HISTORY, .id = 4 },
        { .type = HD_REQUEST_SHOW, .id = 5, .deployment = 77 },
        { .type = HD_REQUEST_STATUS, .id = 6, .blocking = true },
        { .type = HD_REQUEST_ROLLBACK, .id = 7, .trial = 3, .expect = state_digest },
        { .type = HD_REQUEST_PUSH, .id = 10, .size = 1, .name = name, .keep = true },
        { .type = HD_REQUEST_KEEP, .id = 11 },
        { .type = HD_REQUEST_KEEP, .id = 12, .to_given = true, .to = 0, .message = words },
        { .type = HD_REQUEST_CONFIRM, .id = 8 },
        { .type = HD_REQUEST_CONFIRM, .id = 9, .deployment = 3 },
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        assert_survives_the_journey(&requests[i]);
}

static void assert_written(json_t *json, const char *expected)
{
    char *text = NULL;
    size_t length = 0;
    assert_int_equal(hd_message_write(json, &text, &length, NULL), 0);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
    hd_free(text);
    json_decref(json);
}

static void an_error_message_names_request_reason_and_remedy(void **state)
{
    (void)state;
    assert_written(hd_message_error(7, "busy", "a push is under way", "Wait."),
                   "{\"type\":\"error\",\"id\":7,\"reason\":\"busy\",\"message\":\"a push is under "
                   "way\",\"remedy\":\"Wait.\"}");
    assert_written(hd_message_error(0, "bad-request", "not JSON", NULL),
                   "{\"type\":\"error\",\"id\":null,\"reason\":\"bad-request\",\"message\":\"not "
                   "JSON\",\"remedy\":null}");
}

static int parse_and_write(void *context, struct hd_error *err)
{
    struct hd_request request;
    if (hd_request_parse(context, strlen(context), &request, err) != 0) {
        /* Where jansson runs out of memory within a string it takes the text for wrong. */
        err->code = HD_E_MEMORY;
        return -1;
    }
    json_t *json = hd_request_to_json(&request);
    hd_request_close(&request);
    char *text = NULL;
    size_t length;
    int result =
        json != NULL ? hd_message_write(json, &text, &length, err) : hd_error_set_memory(err);
    json_decref(json);
    hd_free(text);
    if (result != 0)
        return -1;
    json = hd_message_error(1, "busy", "x \xFF", "y");
    if (json == NULL)
        return hd_error_set_memory(err);
    json_decref(json);
    return 0;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    /* Keys of at most 13 letters: for longer tokens jansson 2.14 grows its buffer, and does not look
     * whether it could. */
    static char push[] = PUSH(",\"loader\":\"x\",\"best_effort\":true,\"message\":\"m\","
                              "\"expect\":\"abc\"");
    static char show[] = "{\"type\":\"show\",\"id\":1,\"deployment\":1}";
    fail_every_allocation(parse_and_write, push);
    fail_every_allocation(parse_and_write, show);
}

static void a_rollback_may_name_the_state_to_return_to(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"type\":\"rollback\",\"id\":1,\"to\":-1}",
        "{\"type\":\"rollback\",\"id\":1,\"to\":\"3\"}",
        "{\"type\":\"rollback\",\"id\":1,\"loader\":\"app\"}",
    };
    const char *good = "{\"type\":\"rollback\",\"id\":1,\"to\":0}";
    const char *bare = "{\"type\":\"rollback\",\"id\":1}";
    struct hd_request request;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_request_parse(good, strlen(good), &request, &err), 0);
    assert_true(request.to_given);
    assert_int_equal(request.to, 0);
    hd_request_close(&request);
    assert_int_equal(hd_request_parse(bare, strlen(bare), &request, &err), 0);
    assert_false(request.to_given);
    hd_request_close(&request);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        hd_error_clear(&err);
        assert_int_equal(hd_request_parse(bad[i], strlen(bad[i]), &request, &err), -1);
    }
}

static void a_trial_has_its_time_and_its_end(void **state)
{
    (void)state;
    struct hd_request request = parsed(PUSH(",\"confirm_within\":604800000,\"expect\":\"abc\""));
    assert_int_equal(request.confirm_within, 604800000);
    assert_string_equal(request.expect, "abc");
    hd_request_close(&request);
    request = parsed("{\"type\":\"confirm\",\"id\":1}");
    assert_int_equal(request.type, HD_REQUEST_CONFIRM);
    assert_int_equal(request.deployment, 0);
    request = parsed("{\"type\":\"confirm\",\"id\":1,\"deployment\":7}");
    assert_int_equal(request.deployment, 7);
    request = parsed("{\"type\":\"rollback\",\"id\":1,\"trial\":7}");
    assert_int_equal(request.trial, 7);
    assert_false(request.to_given);
    request = parsed("{\"type\":\"status\",\"id\":1,\"blocking\":true}");
    assert_true(request.blocking);
    assert_text_refused(PUSH(",\"confirm_within\":0"), "\"confirm_within\"");
    assert_text_refused(PUSH(",\"confirm_within\":604800001"), "604800000");
    assert_text_refused(PUSH(",\"confirm_within\":\"60s\""), "\"confirm_within\"");
    assert_text_refused(PUSH(",\"expect\":\"\""), "\"expect\"");
    assert_text_refused("{\"type\":\"check\",\"id\":1,\"size\":1,\"name\":\"a\","
                        "\"confirm_within\":1}",
                        "\"confirm_within\"");
    assert_text_refused("{\"type\":\"confirm\",\"id\":1,\"deployment\":0}", "\"deployment\"");
    assert_text_refused("{\"type\":\"confirm\",\"id\":1,\"number\":3}", "\"number\"");
    assert_text_refused("{\"type\":\"rollback\",\"id\":1,\"trial\":7,\"to\":1}", "exclude");
    assert_text_refused("{\"type\":\"status\",\"id\":1,\"blocking\":1}", "\"blocking\"");
}

static void what_is_kept_may_be_named_and_is_on_no_trial(void **state)
{
    (void)state;
    struct hd_request request = parsed("{\"type\":\"keep\",\"id\":1,\"to\":0}");
    assert_int_equal(request.type, HD_REQUEST_KEEP);
    assert_true(request.to_given);
    request = parsed("{\"type\":\"keep\",\"id\":1}");
    assert_false(request.to_given);
    assert_text_refused("{\"type\":\"keep\",\"id\":1,\"trial\":2}", "\"trial\"");
    assert_text_refused("{\"type\":\"keep\",\"id\":1,\"to\":-1}", "\"to\"");
    assert_text_refused(PUSH(",\"keep\":1"), "\"keep\"");
    assert_text_refused(PUSH(",\"keep\":true,\"confirm_within\":1000"), "exclude");
}

int main(void)
{
    hd_json_use_hd_alloc();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rollback_may_name_the_state_to_return_to),
        cmocka_unit_test(a_push_with_everything_is_taken_apart),
        cmocka_unit_test(what_is_left_out_or_null_is_absent),
        cmocka_unit_test(questions_need_little),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(the_type_is_one_that_is_known),
        cmocka_unit_test(integers_are_whole_and_in_range),
        cmocka_unit_test(strings_and_flags_have_their_types_and_bounds),
        cmocka_unit_test(strings_are_bounded_in_bytes),
        cmocka_unit_test(an_option_that_is_not_understood_is_never_skipped),
        cmocka_unit_test(a_trial_has_its_time_and_its_end),
        cmocka_unit_test(what_is_kept_may_be_named_and_is_on_no_trial),
        cmocka_unit_test(depth_and_size_are_bounded),
        cmocka_unit_test(what_a_client_writes_the_agent_reads),
        cmocka_unit_test(an_error_message_names_request_reason_and_remedy),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
