/* SPDX-License-Identifier: Apache-2.0 */
#include "client/query.h"

#include "client/conn.h"
#include "client/exit.h"
#include "client/print.h"

#include <string.h>

/* *sent: the agent may have had the whole request, whatever became of the answer. */
static int exchange(const struct hd_target *target, const struct hd_request *request,
                    json_t **answer, bool *sent, struct hd_error *err)
{
    struct hd_conn *conn = NULL;
    if (hd_conn_open(target, &conn, err) != 0)
        return -1;
    int result = hd_conn_request(conn, request, (struct hd_bytes){ NULL, 0 }, NULL, answer, err);
    *sent = hd_conn_sent_everything(conn);
    hd_conn_close(conn);
    return result;
}

static bool is_error(const json_t *answer)
{
    return strcmp(hd_answer_text(answer, "type"), "error") == 0;
}

int hd_query_ask(const struct hd_target *target, const struct hd_request *request, json_t **answer,
                 struct hd_error *err)
{
    json_t *said = NULL;
    bool sent = false;
    if (exchange(target, request, &said, &sent, err) != 0)
        return -1;
    if (is_error(said)) {
        hd_error_set(err, HD_E_DENIED, "%s", hd_answer_text(said, "message"));
        json_decref(said);
        return -1;
    }
    *answer = said;
    return 0;
}

static bool changes_something(const struct hd_request *request)
{
    return request->type == HD_REQUEST_KEEP || request->type == HD_REQUEST_CONFIRM;
}

int hd_query_put(const struct hd_invocation *invocation, const struct hd_request *request,
                 json_t **answer)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_target target;
    json_t *said = NULL;
    bool sent = false;
    if (hd_target_find(invocation, &target, &err) != 0 ||
        exchange(&target, request, &said, &sent, &err) != 0)
        return sent && changes_something(request)
                   ? hd_print_lost(invocation->json, &err)
                   : hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
    if (is_error(said)) {
        int status = hd_exit_for_reason(hd_answer_text(said, "reason"));
        hd_print_refusal(invocation->json, said);
        json_decref(said);
        return status;
    }
    json_object_del(said, "type");
    json_object_del(said, "id");
    *answer = said;
    return HD_EXIT_GOOD;
}
