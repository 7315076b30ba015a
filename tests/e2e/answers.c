/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define CLIENT_SECONDS 90
#define MAX_ARGUMENTS  64

static const char *const client_environment[] = {
#ifdef HD_E2E_PRELOAD
    "ASAN_OPTIONS=detect_leaks=1:exitcode=99",
#endif
    NULL
};

static void run(const struct e2e *e2e, const char *const arguments[], struct e2e_answer *out)
{
    struct e2e_process client = { 0 };
    char errors[256];
    snprintf(errors, sizeof errors, "%s/client.err", e2e->directory);
    e2e_process_start(&client, arguments, client_environment, errors);
    int status;
    out->output = e2e_process_finish(&client, CLIENT_SECONDS, &status);
    out->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    out->json = json_loads(out->output, 0, NULL);
}

void e2e_client(const struct e2e *e2e, struct e2e_answer *out, ...)
{

    const char *arguments[MAX_ARGUMENTS] = { HD_E2E_CLIENT };
    size_t count = 1;
    va_list list;
    va_start(list, out);
    for (const char *argument;
         (argument = va_arg(list, const char *)) != NULL && count < MAX_ARGUMENTS - 1;)
        arguments[count++] = argument;
    va_end(list);
    run(e2e, arguments, out);
}

void e2e_deploy(const struct e2e *e2e, struct e2e_answer *out, const char *command,
                const char *path)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    const char *whole = path[0] == '/' ? path : e2e_path(e2e, "%s", path);
    e2e_client(e2e, out, command, "--json", "--pid", pid, whole, NULL);
    if (out->json == NULL)
        fail_msg("the client's answer is no JSON: %s", out->output);
}

void e2e_answer_close(struct e2e_answer *answer)
{
    json_decref(answer->json);
    free(answer->output);
    memset(answer, 0, sizeof *answer);
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL ? text : "";
}

const json_t *e2e_row(const json_t *document, const char *class_name, const char *loader)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(document, "classes"), index, row)
    {
        bool same_loader = loader == NULL || strcmp(text_of(row, "loader"), loader) == 0;
        if (same_loader && strcmp(text_of(row, "class"), class_name) == 0)
            return row;
    }
    char *all = json_dumps(document, JSON_INDENT(1));
    fail_msg("no row for %s %s in %s", class_name, loader != NULL ? loader : "", all);
    return NULL;
}

void e2e_expect_row(const json_t *document, const char *class_name, const char *outcome,
                    const char *reason)
{
    const json_t *row = e2e_row(document, class_name, NULL);
    bool right = strcmp(text_of(row, "outcome"), outcome) == 0 &&
                 strcmp(text_of(row, "reason"), reason != NULL ? reason : "") == 0;
    if (!right)
        fail_msg("%s: %s %s (%s), not %s %s", class_name, text_of(row, "outcome"),
                 text_of(row, "reason"), text_of(row, "message"), outcome,
                 reason != NULL ? reason : "");
}

size_t e2e_count_rows(const json_t *document, const char *outcome)
{
    size_t count = 0, index;
    json_t *row;
    json_array_foreach(json_object_get(document, "classes"), index, row) count +=
        strcmp(text_of(row, "outcome"), outcome) == 0;
    return count;
}

bool e2e_has_warning(const json_t *row, const char *word)
{
    size_t index;
    json_t *warning;
    json_array_foreach(json_object_get(row, "warnings"), index,
                       warning) if (strcmp(json_string_value(warning), word) == 0) return true;
    return false;
}
