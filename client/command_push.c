/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attach.h"
#include "client/command.h"
#include "client/deploy.h"
#include "client/load.h"
#include "client/newcomer.h"
#include "client/print.h"

/* --attach: a JVM that has an agent already is simply pushed to. */
static int attach_where_missing(const struct hd_invocation *invocation, struct hd_error *err)
{
    struct hd_jvm_process jvm;
    if (hd_jvms_examine(invocation->pid, &jvm, err) != 0)
        return -1;
    if (jvm.socket_exists || hd_newcomer_await(&jvm))
        return 0;
    struct hd_attach_answer answer;
    int result = hd_attach(&jvm, invocation->agent_file, invocation->agent_options, &answer, err);
    if (result == 0 && answer.words[0] != '\0')
        fprintf(stderr, "%s\n", answer.words);
    return result;
}

static int deploy(const struct hd_invocation *invocation, enum hd_request_type type)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bundle *bundle = NULL;
    struct hd_target target;
    int result;
    if (invocation->argument_count == 0)
        result =
            hd_error_set(&err, HD_E_USAGE,
                         "which classes? give class files, directories or jars: hotdrop %s PATH…",
                         invocation->command);
    else
        result = hd_load_paths(invocation->arguments, invocation->argument_count, &bundle, &err);
    if (result == 0 && invocation->attach)
        result = attach_where_missing(invocation, &err);
    if (result == 0)
        result = hd_target_find(invocation, &target, &err);
    int status = result == 0 ? hd_deploy_bundle(invocation, &target, type, bundle, NULL)
                             : hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
    hd_bundle_free(bundle);
    return status;
}

int hd_command_push(const struct hd_invocation *invocation)
{
    return deploy(invocation, HD_REQUEST_PUSH);
}

int hd_command_check(const struct hd_invocation *invocation)
{
    return deploy(invocation, HD_REQUEST_CHECK);
}
