/* SPDX-License-Identifier: Apache-2.0 */
/* keep: what is live, or was after a deployment, is live again after a restart of the JVM. */
#include "client/command.h"
#include "client/print.h"
#include "client/query.h"
#include "core/alloc.h"
#include "core/text.h"

#include <stdio.h>

static void print_kept(const json_t *kept)
{
    long long classes = (long long)json_integer_value(json_object_get(kept, "classes"));
    if (classes == 0)
        printf("Nothing is kept: after a restart everything is as in the jar.\n");
    else
        printf("Kept: %lld class%s as after deployment %lld. A restart with this store brings %s "
               "back.\n",
               classes, classes == 1 ? "" : "es",
               (long long)json_integer_value(json_object_get(kept, "state")),
               classes == 1 ? "it" : "them");
}

static void print_refused(const json_t *error)
{
    char message[600], remedy[300];
    hd_text_escape(hd_answer_text(error, "message"), message, sizeof message);
    hd_text_escape(hd_answer_text(error, "remedy"), remedy, sizeof remedy);
    printf("%s: %s\n%s\nWhat was kept before did not change.\n", hd_answer_text(error, "reason"),
           message, remedy);
}

static int read_arguments(const struct hd_invocation *invocation, struct hd_request *request,
                          struct hd_error *err)
{
    request->to_given = invocation->argument_count == 1;
    if (request->to_given &&
        hd_text_parse_number(invocation->arguments[0], 0, INT64_MAX, &request->to, err) != 0)
        return hd_error_prefix(err, "the deployment whose state is to be kept");
    if (invocation->message == NULL)
        return 0;
    request->message = hd_strdup(invocation->message);
    return request->message != NULL ? 0 : hd_error_set_memory(err);
}

int hd_command_keep(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_target target;
    struct hd_request request = { .type = HD_REQUEST_KEEP, .id = 1 };
    json_t *answer = NULL;
    int result = read_arguments(invocation, &request, &err);
    if (result == 0)
        result = hd_target_find(invocation, &target, &err);
    if (result == 0)
        result = hd_query_ask(&target, &request, &answer, &err);
    hd_request_close(&request);
    if (result != 0)
        return hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
    const json_t *kept = json_object_get(answer, "kept");
    int status = json_is_object(kept) ? HD_EXIT_GOOD : HD_EXIT_REFUSED;
    json_object_del(answer, "type");
    json_object_del(answer, "id");
    if (invocation->json)
        hd_print_json(answer);
    else if (status == HD_EXIT_GOOD)
        print_kept(kept);
    else
        print_refused(json_object_get(answer, "error"));
    json_decref(answer);
    return status;
}
