/* SPDX-License-Identifier: Apache-2.0 */
/* rollback: the last deployment in effect is undone, or the state after an earlier one returns. */
#include "client/command.h"
#include "client/deploy.h"
#include "client/print.h"
#include "client/query.h"
#include "core/alloc.h"
#include "core/text.h"

static int read_arguments(const struct hd_invocation *invocation, struct hd_request *request,
                          struct hd_error *err)
{
    if (invocation->argument_count == 0)
        return 0;
    request->to_given = true;
    if (hd_text_parse_number(invocation->arguments[0], 0, INT64_MAX, &request->to, err) != 0)
        return hd_error_prefix(err, "the deployment whose state is to return");
    return 0;
}

static bool is_among(const json_t *numbers, json_int_t wanted)
{
    size_t index;
    json_t *number;
    json_array_foreach(numbers, index, number)
    {
        if (json_integer_value(number) == wanted)
            return true;
    }
    return false;
}

static void print_undone_one(const json_t *deployment)
{
    char who[200], message[500], bundle[200];
    const char *name = hd_answer_text(json_object_get(deployment, "bundle"), "name");
    hd_text_escape(hd_answer_text(deployment, "who"), who, sizeof who);
    hd_text_escape(hd_answer_text(deployment, "message"), message, sizeof message);
    hd_text_escape(name, bundle, sizeof bundle);
    printf("Undone: deployment %lld (%s) by %s at %s%s%s\n",
           (long long)json_integer_value(json_object_get(deployment, "deployment")), bundle, who,
           hd_answer_word(deployment, "when"), message[0] != '\0' ? ": " : "", message);
}

/* Whose work it was is in the history. */
static void print_undone(const struct hd_target *target, const json_t *report)
{
    struct hd_error err = HD_ERROR_INIT;
    const struct hd_request request = { .type = HD_REQUEST_HISTORY, .id = 1 };
    const json_t *undone = json_object_get(report, "undone");
    json_t *history = NULL;
    if (!json_is_true(json_object_get(report, "applied")) || json_array_size(undone) == 0 ||
        hd_query_ask(target, &request, &history, &err) != 0)
        return;
    size_t index;
    json_t *deployment;
    json_array_foreach(json_object_get(history, "deployments"), index, deployment)
    {
        json_int_t number = json_integer_value(json_object_get(deployment, "deployment"));
        if (is_among(undone, number))
            print_undone_one(deployment);
    }
    json_decref(history);
}

int hd_command_rollback(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_target target;
    struct hd_request request = { .type = HD_REQUEST_ROLLBACK, .id = 1 };
    json_t *report = NULL;
    if (read_arguments(invocation, &request, &err) != 0 ||
        hd_target_find(invocation, &target, &err) != 0)
        return hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
    request.message = invocation->message != NULL ? hd_strdup(invocation->message) : NULL;
    request.expect = invocation->expect != NULL ? hd_strdup(invocation->expect) : NULL;
    int status = hd_deploy_request(invocation, &target, NULL, &request,
                                   (struct hd_bytes){ NULL, 0 }, &report);
    if (report != NULL && !invocation->json)
        print_undone(&target, report);
    json_decref(report);
    hd_request_close(&request);
    return status;
}
