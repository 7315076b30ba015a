/* SPDX-License-Identifier: Apache-2.0 */
#include "client/deploy.h"

#include "client/after_push.h"
#include "client/exit.h"
#include "client/print.h"
#include "core/alloc.h"
#include "core/reason.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

static bool is_type(const json_t *message, const char *type)
{
    return strcmp(hd_answer_text(message, "type"), type) == 0;
}

static bool is_good_row(const json_t *row)
{
    enum hd_outcome outcome;
    return hd_outcome_from_word(hd_answer_text(row, "outcome"), &outcome) &&
           outcome != HD_OUTCOME_REFUSED && outcome != HD_OUTCOME_WITHHELD;
}

static int status_of_report(const json_t *report)
{
    const json_t *error = json_object_get(report, "error");
    if (json_is_object(error))
        return hd_exit_for_reason(hd_answer_text(error, "reason"));
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(report, "classes"), index,
                       row) if (!is_good_row(row)) return HD_EXIT_REFUSED;
    return HD_EXIT_GOOD;
}

/* The contract's document, whatever the agent answered with; a new reference. */
static json_t *report_of(json_t *answer)
{
    json_t *report = is_type(answer, "report") ? json_incref(answer) : hd_report_of_error(answer);
    json_object_del(report, "type");
    json_object_del(report, "id");
    return report;
}

static void print_answer(const struct hd_invocation *invocation, const json_t *report,
                         bool is_check, double seconds)
{
    if (invocation->json)
        hd_print_json(report);
    else
        hd_print_report(report, is_check, seconds);
}

/* When the connection breaks after the last byte, nobody here knows what happened. */
static int lost(const struct hd_invocation *invocation, const struct hd_conn *conn,
                struct hd_error *err)
{
    if (!hd_conn_sent_everything(conn) || err->code != HD_E_CONNECTION)
        return hd_print_failure(invocation->json, hd_exit_for_error(err), err);
    return hd_print_lost(invocation->json, err);
}

static int converse(const struct hd_invocation *invocation, struct hd_conn *conn,
                    const struct hd_request *request, struct hd_bytes jar, json_t **report,
                    double *seconds)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_progress_line line;
    hd_progress_line_init(&line);
    json_t *answer = NULL;
    int result = hd_conn_request(conn, request, jar, &line.hooks, &answer, &err);
    hd_progress_line_end(&line);
    if (result != 0)
        return lost(invocation, conn, &err);
    *seconds = (double)(hd_text_now() - line.started_at) / 1e6;
    *report = report_of(answer);
    json_decref(answer);
    return status_of_report(*report);
}

/* Without printing the report. *report NULL: there is none, and why was printed. */
static int ask(const struct hd_invocation *invocation, const struct hd_target *target,
               struct hd_conn *conn, const struct hd_request *request, struct hd_bytes jar,
               json_t **report, double *seconds)
{
    struct hd_error err = HD_ERROR_INIT;
    if (conn == NULL && hd_conn_open(target, &conn, &err) != 0)
        return hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
    int status = converse(invocation, conn, request, jar, report, seconds);
    hd_conn_close(conn);
    return status;
}

int hd_deploy_request(const struct hd_invocation *invocation, const struct hd_target *target,
                      struct hd_conn *conn, const struct hd_request *request, struct hd_bytes jar,
                      json_t **report)
{
    json_t *document = NULL;
    double seconds = 0;
    int status = ask(invocation, target, conn, request, jar, &document, &seconds);
    if (document != NULL)
        print_answer(invocation, document, request->type == HD_REQUEST_CHECK, seconds);
    if (report != NULL)
        *report = document;
    else
        json_decref(document);
    return status;
}

/* A push that is not over with its report. */
static int push_and_go_on(const struct hd_invocation *invocation, const struct hd_target *target,
                          struct hd_conn *conn, const struct hd_request *request,
                          struct hd_bytes jar)
{
    json_t *report = NULL;
    double seconds = 0;
    int status = ask(invocation, target, conn, request, jar, &report, &seconds);
    if (report == NULL)
        return status;
    if (!invocation->json)
        hd_print_report(report, false, seconds);
    status = hd_after_push(invocation, target, report, status);
    if (invocation->json)
        hd_print_json(report);
    json_decref(report);
    return status;
}

/* What people call the bundle; of a path that is too long for the protocol, its end. */
static char *name_to_send(const struct hd_bundle *bundle)
{
    const char *name = hd_bundle_name(bundle);
    size_t length = strlen(name);
    if (length > HD_MESSAGE_MAX_NAME)
        name += length - HD_MESSAGE_MAX_NAME;
    while (((unsigned char)*name & 0xC0) == 0x80) /* inside a UTF-8 character */
        name++;
    return hd_strdup(name);
}

int hd_deploy_bundle(const struct hd_invocation *invocation, const struct hd_target *target,
                     struct hd_conn *conn, enum hd_request_type type, struct hd_bundle *bundle,
                     json_t **report)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bytes jar;
    if (hd_bundle_jar(bundle, &jar, &err) != 0) {
        hd_conn_close(conn);
        return hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
    }
    struct hd_request request = {
        .type = type,
        .id = 1,
        .size = jar.length,
        .name = name_to_send(bundle),
        .loader = invocation->loader != NULL ? hd_strdup(invocation->loader) : NULL,
        .all_loaders = invocation->all_loaders,
        .best_effort = invocation->best_effort,
        .message = invocation->message != NULL ? hd_strdup(invocation->message) : NULL,
        .confirm_within = hd_trial_milliseconds(invocation),
        .keep = invocation->keep,
        .emergency = invocation->emergency != NULL ? hd_strdup(invocation->emergency) : NULL,
        .expect = invocation->expect != NULL ? hd_strdup(invocation->expect) : NULL,
    };
    bool goes_on = invocation->smoke != NULL || invocation->wait_drained_ms > 0;
    int status = goes_on ? push_and_go_on(invocation, target, conn, &request, jar)
                         : hd_deploy_request(invocation, target, conn, &request, jar, report);
    hd_request_close(&request);
    return status;
}
