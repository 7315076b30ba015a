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
    hd_print_error(error);
    printf("What was kept before did not change.\n");
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

static int print_answer(const struct hd_invocation *invocation, const json_t *answer)
{
    const json_t *kept = json_object_get(answer, "kept");
    if (invocation->json)
        hd_print_json(answer);
    else if (json_is_object(kept))
        print_kept(kept);
    else
        print_refused(json_object_get(answer, "error"));
    return json_is_object(kept) ? HD_EXIT_GOOD : HD_EXIT_REFUSED;
}

int hd_command_keep(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_request request = { .type = HD_REQUEST_KEEP, .id = 1 };
    json_t *answer = NULL;
    int status = read_arguments(invocation, &request, &err) == 0
                     ? hd_query_put(invocation, &request, &answer)
                     : hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
    if (answer != NULL)
        status = print_answer(invocation, answer);
    json_decref(answer);
    hd_request_close(&request);
    return status;
}
