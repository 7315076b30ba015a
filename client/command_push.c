/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attach.h"
#include "client/command.h"
#include "client/deploy.h"
#include "client/exit.h"
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

struct way {
    struct hd_target target;
    struct hd_conn *conn; /* NULL: not open yet */
};

static int find_way(const struct hd_invocation *invocation, struct way *way, struct hd_error *err)
{
    if (hd_target_find(invocation, &way->target, err) != 0)
        return -1;
    return hd_conn_open(&way->target, &way->conn, err);
}

/* The agent answers the door while the jar is read; what is wrong with the jar is told first all the
 * same. Only where reading takes no time: an agent hangs up on whoever says nothing. */
static int load_on_the_way(const struct hd_invocation *invocation, struct way *way,
                           struct hd_bundle **bundle, struct hd_error *err)
{
    struct hd_error no_way = HD_ERROR_INIT;
    bool found = find_way(invocation, way, &no_way) == 0;
    if (hd_load_to_ship(invocation->arguments, invocation->argument_count, bundle, err) != 0)
        return -1;
    return found ? 0 : hd_error_set(err, no_way.code, "%s", no_way.text);
}

static int load_before(const struct hd_invocation *invocation, struct way *way,
                       struct hd_bundle **bundle, struct hd_error *err)
{
    if (hd_load_to_ship(invocation->arguments, invocation->argument_count, bundle, err) != 0 ||
        (invocation->attach && attach_where_missing(invocation, err) != 0))
        return -1;
    return hd_target_find(invocation, &way->target, err);
}

static int load(const struct hd_invocation *invocation, struct way *way, struct hd_bundle **bundle,
                struct hd_error *err)
{
    if (invocation->argument_count == 0)
        return hd_error_set(
            err, HD_E_USAGE,
            "which classes? give class files, directories or jars: hotdrop %s PATH…",
            invocation->command);
    bool quick = hd_load_is_quick(invocation->arguments, invocation->argument_count);
    return quick && !invocation->attach ? load_on_the_way(invocation, way, bundle, err)
                                        : load_before(invocation, way, bundle, err);
}

static int deploy(const struct hd_invocation *invocation, enum hd_request_type type)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bundle *bundle = NULL;
    struct way way = { .conn = NULL };
    json_t *report = NULL;
    if (load(invocation, &way, &bundle, &err) == 0)
        hd_exit_at_once(hd_deploy_bundle(invocation, &way.target, way.conn, type, bundle, &report));
    hd_conn_close(way.conn);
    hd_bundle_free(bundle);
    return hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
}

int hd_command_push(const struct hd_invocation *invocation)
{
    return deploy(invocation, HD_REQUEST_PUSH);
}

int hd_command_check(const struct hd_invocation *invocation)
{
    return deploy(invocation, HD_REQUEST_CHECK);
}
