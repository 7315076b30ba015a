/* SPDX-License-Identifier: Apache-2.0 */
/* confirm: the deployment that is on trial stays. */
#include "client/command.h"
#include "client/print.h"
#include "client/query.h"
#include "core/text.h"

#include <stdio.h>

static void print_confirmed(const json_t *answer)
{
    long long number = (long long)json_integer_value(json_object_get(answer, "deployment"));
    const json_t *trial = json_object_get(answer, "trial");
    char who[200];
    hd_text_escape(hd_answer_text(trial, "who"), who, sizeof who);
    if (json_is_true(json_object_get(answer, "already")))
        printf("Deployment %lld was confirmed already, by %s at %s.\n", number, who,
               hd_answer_word(trial, "when"));
    else
        printf("Deployment %lld is confirmed: it stays.\n", number);
}

static int read_arguments(const struct hd_invocation *invocation, struct hd_request *request,
                          struct hd_error *err)
{
    if (invocation->argument_count == 0)
        return 0;
    if (hd_text_parse_number(invocation->arguments[0], 1, INT64_MAX, &request->deployment, err) !=
        0)
        return hd_error_prefix(err, "the deployment to confirm");
    return 0;
}

int hd_command_confirm(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_request request = { .type = HD_REQUEST_CONFIRM, .id = 1 };
    json_t *answer = NULL;
    if (read_arguments(invocation, &request, &err) != 0)
        return hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
    int status = hd_query_put(invocation, &request, &answer);
    if (status != HD_EXIT_GOOD)
        return status;
    bool confirmed = json_is_true(json_object_get(answer, "confirmed"));
    if (invocation->json)
        hd_print_json(answer);
    else if (confirmed)
        print_confirmed(answer);
    else
        hd_print_error(json_object_get(answer, "error"));
    json_decref(answer);
    return confirmed ? HD_EXIT_GOOD : HD_EXIT_REFUSED;
}
