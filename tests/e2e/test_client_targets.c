/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which agent the client takes, and who may speak to it. All JVMs of a user are looked at where none is named, so those of these tests run as a user that nobody else is: that needs root.
 */
#include "tests/e2e/application.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WITH_STDOUT    "/dev/stdout"
#define CLIENT_SECONDS 90

/* Users of other runs of this test are others. */
static const char *somebody(void)
{
    static char user[16];
    snprintf(user, sizeof user, "%d", 100000 + (int)getpid() % 400000);
    return user;
}

/* What a test names more than a few times; e2e_path forgets. */
static struct {
    char after[256]; /* demo.Greeter that says "two" */
    char door[256];
    char token[256];
} place;

/* ---- as somebody -------------------------------------------------------------------------------- */

static void give_away(const struct e2e *e2e)
{
    const char *const give[] = { "chown", "-R", somebody(), e2e->directory, NULL };
    e2e_tool(NULL, give);
}

static void write_targets(const struct e2e *e2e, const char *text)
{
    e2e_write(e2e, "config/hotdrop/targets", text);
    give_away(e2e);
}

/* Copies of all that runs, where this user can read them. */
static void open_up(const struct e2e *e2e)
{
    if (geteuid() != 0)
        skip();
    e2e_compile_class(
        e2e, "Greeter",
        "package demo; public class Greeter { public static String greet() { return \"one\"; } }",
        e2e->classes);
    e2e_compile_class(
        e2e, "Greeter",
        "package demo; public class Greeter { public static String greet() { return \"two\"; } }",
        "after");
    const char *const copy[] = { "cp",        "-r",           HD_E2E_AGENT, HD_E2E_CLIENT,
                                 HD_E2E_JAVA, e2e->directory, NULL };
    snprintf(place.after, sizeof place.after, "%s", e2e_path(e2e, "after"));
    snprintf(place.door, sizeof place.door, "%s", e2e_path(e2e, "door"));
    snprintf(place.token, sizeof place.token, "%s", e2e_path(e2e, "token"));
    e2e_tool(NULL, copy);
    give_away(e2e);
}

#define AS_SOMEBODY "setpriv", "--reuid", somebody(), "--regid", somebody(), "--clear-groups"

static void start(const struct e2e *e2e, struct e2e_process *jvm, const char *more)
{
    char java[300], agent[600], class_path[600];
    snprintf(java, sizeof java, "%s/bin/java", e2e->jdk->home);
    snprintf(agent, sizeof agent, "-agentpath:%s/libhotdrop.so=log=%s,log-level=debug%s",
             e2e->directory, e2e->log, more);
    snprintf(class_path, sizeof class_path, "%s/java:%s", e2e->directory, e2e->classes);
    const char *const arguments[] = { AS_SOMEBODY,
                                      java,
                                      "-XX:TieredStopAtLevel=1",
                                      "-XX:+UseSerialGC",
                                      "-Xmx256m",
                                      agent,
                                      "-cp",
                                      class_path,
                                      "Target",
                                      NULL };
    e2e_process_start(jvm, arguments, e2e_jvm_environment(), e2e->errors);
    assert_string_equal(e2e_process_hear(jvm, CLIENT_SECONDS), "ready");
    char listening[64]; /* the application does not wait for the agent */
    snprintf(listening, sizeof listening, "listening on unix:/tmp/.hotdrop_pid%d", (int)jvm->pid);
    if (strstr(more, "listen=") == NULL)
        e2e_await_log(e2e, listening);
}

static void start_first(struct e2e *e2e, const char *more)
{
    start(e2e, &e2e->jvm, more);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

/* errors NULL: together with its output. The client's configuration is in the test's directory. */
static void run(const struct e2e *e2e, struct e2e_answer *out, const char *errors,
                const char *const *command)
{
    char client[256], configuration[256];
    snprintf(client, sizeof client, "%s/hotdrop", e2e->directory);
    snprintf(configuration, sizeof configuration, "XDG_CONFIG_HOME=%s", e2e_path(e2e, "config"));
    const char *const environment[] = { configuration, NULL };
    const char *arguments[32] = { AS_SOMEBODY, client };
    for (size_t i = 0, at = 7; command[i] != NULL && at < 31; i++, at++)
        arguments[at] = command[i];
    struct e2e_process process = { 0 };
    int status;
    e2e_process_start(&process, arguments, environment, errors != NULL ? errors : WITH_STDOUT);
    out->output = e2e_process_finish(&process, CLIENT_SECONDS, &status);
    out->status = WEXITSTATUS(status);
    out->json = json_loads(out->output, 0, NULL);
}

static void expect(const struct e2e *e2e, int status, const char *words, const char *const *command)
{
    struct e2e_answer answer;
    run(e2e, &answer, NULL, command);
    if (answer.status != status || strstr(answer.output, words) == NULL)
        fail_msg("%s ended with %d and not with %d, and without '%s': %s", command[0],
                 answer.status, status, words, answer.output);
    e2e_answer_close(&answer);
}

/* ---- cases -------------------------------------------------------------------------------------- */

static void the_only_agent_is_taken_and_of_several_none(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_process second = { 0 };
    struct e2e_answer answer;
    char pid[2][16];
    open_up(e2e);
    const char *const push[] = { "push", place.after, NULL };
    const char *const push_as_json[] = { "push", "--json", place.after, NULL };
    expect(e2e, 2, "no JVM of this user", push);

    start_first(e2e, "");
    expect(e2e, 0, "redefined", push);
    e2e_expect(e2e, "call demo.Greeter greet", "two");

    start(e2e, &second, "");
    snprintf(pid[0], sizeof pid[0], "%d", (int)e2e->jvm.pid);
    snprintf(pid[1], sizeof pid[1], "%d", (int)second.pid);
    for (size_t i = 0; i < 2; i++)
        expect(e2e, 2, pid[i], push);
    expect(e2e, 2, "--pid", push);
    run(e2e, &answer, e2e_path(e2e, "client.err"), push_as_json);
    assert_int_equal(answer.status, 2);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(answer.json, "error"), "reason")),
        "usage");
    e2e_answer_close(&answer);

    const char *const push_second[] = { "push", "--pid", pid[1], place.after, NULL };
    expect(e2e, 0, "pending", push_second);
    e2e_process_end(&second);
    expect(e2e, 0, "1 unchanged", push); /* of the one that was killed the socket is still there */
    unlink(e2e_path(e2e, "../.hotdrop_pid%s", pid[1]));
}

static void a_jvm_without_an_agent_is_listed_but_not_taken(void **state)
{
    struct e2e *e2e = *state;
    open_up(e2e);
    const char *const status[] = { "status", NULL };
    start_first(e2e, ",listen=none");
    expect(e2e, 2, "no agent", status);
    expect(e2e, 2, "hotdrop attach", status);
}

static void a_name_in_the_targets_file_is_an_address(void **state)
{
    struct e2e *e2e = *state;
    char more[300], targets[512];
    open_up(e2e);
    snprintf(more, sizeof more, ",listen=unix:%s", place.door);
    snprintf(targets, sizeof targets,
             "# our machines\nshop unix:%s # the door\nbroken unix:/x tokn=/y\n", place.door);
    write_targets(e2e, targets);
    start_first(e2e, more);
    const char *const known[] = { "push", "--to", "shop", place.after, NULL };
    const char *const unknown[] = { "status", "--to", "shoop", NULL };
    const char *const broken[] = { "status", "--to", "broken", NULL };
    expect(e2e, 0, "redefined", known);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    expect(e2e, 2, "shoop", unknown);
    expect(e2e, 2, "targets:3", broken);
}

/* One that nobody had just now. */
static unsigned free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(probe, (const struct sockaddr *)&address, sizeof address), errno);
    assert_return_code(getsockname(probe, (struct sockaddr *)&address, &length), errno);
    close(probe);
    return ntohs(address.sin_port);
}

static void a_token_opens_the_websocket_and_a_wrong_one_does_not(void **state)
{
    struct e2e *e2e = *state;
    char more[300], address[64], targets[512], wrong_token[256];
    open_up(e2e);
    snprintf(address, sizeof address, "ws://127.0.0.1:%u", free_port());
    snprintf(more, sizeof more, ",listen=%s,token=%s", address, place.token);
    start_first(e2e, more);
    snprintf(wrong_token, sizeof wrong_token, "%s", e2e_path(e2e, "wrong"));
    e2e_write(e2e, "wrong", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
    snprintf(targets, sizeof targets, "shop %s token=%s\n", address, place.token);
    write_targets(e2e, targets);
    const char *const wrong[] = {
        "push", "--to", address, "--token", wrong_token, place.after, NULL
    };
    const char *const missing[] = { "status", "--to", address, "--token", "/nonexistent", NULL };
    const char *const none[] = { "status", "--to", address, NULL };
    const char *const right[] = { "push", "--to", "shop", place.after, NULL };
    expect(e2e, 4, "token", wrong);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
    expect(e2e, 2, "/nonexistent", missing);
    expect(e2e, 2, "--token", none);
    expect(e2e, 0, "redefined", right);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    assert_int_equal(chmod(place.token, 0620), 0);
    expect(e2e, 4, "its token file cannot be used", right);
}

/* The socket is its owner's, and root's. */
static void another_user_is_not_let_in(void **state)
{
    struct e2e *e2e = *state;
    char address[300], pid[16], option[300];
    open_up(e2e);
    chmod(e2e->directory, 0755);
    snprintf(option, sizeof option, "listen=unix:%s", place.door);
    snprintf(address, sizeof address, "unix:%s", place.door);
    e2e_start(e2e, option, NULL);
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    const char *const by_address[] = { "push", "--to", address, place.after, NULL };
    const char *const by_pid[] = { "push", "--pid", pid, place.after, NULL };
    expect(e2e, 4, "", by_address);
    expect(e2e, 4, pid, by_pid);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static void root_may_push_to_everybody(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    open_up(e2e);
    start_first(e2e, "");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
}

/* What one user holds does not keep another out. */
static void two_hundred_that_connect_and_say_nothing_keep_nobody_else_out(void **state)
{
    struct e2e *e2e = *state;
    struct sockaddr_un door = { .sun_family = AF_UNIX };
    int connections[200];
    open_up(e2e);
    start_first(e2e, "");
    snprintf(door.sun_path, sizeof door.sun_path, "/tmp/.hotdrop_pid%d", (int)e2e->jvm.pid);
    e2e_await_log(e2e, door.sun_path);
    for (size_t i = 0; i < 200; i++) {
        connections[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_return_code(connect(connections[i], (const struct sockaddr *)&door, sizeof door),
                           errno);
    }
    const char *const push[] = { "push", place.after, NULL };
    expect(e2e, 0, "redefined", push);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    for (size_t i = 0; i < 200; i++)
        close(connections[i]);
}

/* Debian's own libwebsockets uses the connection after it is gone then; ours is mended (deps/patches). */
#ifndef HD_E2E_PRELOAD
enum { HANGS_UP = 20 };

static void *hang_up(void *listener)
{
    for (int i = 0; i < HANGS_UP; i++)
        close(accept(*(const int *)listener, NULL, NULL));
    return NULL;
}

static void a_peer_that_hangs_up_at_once_is_exit_3(void **state)
{
    struct e2e *e2e = *state;
    struct sockaddr_un door = { .sun_family = AF_UNIX };
    struct e2e_answer answer;
    char address[256];
    pthread_t thread;
    snprintf(door.sun_path, sizeof door.sun_path, "%s", e2e_path(e2e, "door"));
    snprintf(address, sizeof address, "unix:%s", door.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(listener, (const struct sockaddr *)&door, sizeof door), errno);
    assert_return_code(listen(listener, HANGS_UP), errno);
    assert_int_equal(pthread_create(&thread, NULL, hang_up, &listener), 0);
    for (int i = 0; i < HANGS_UP; i++) {
        e2e_client(e2e, &answer, "status", "--to", address, NULL);
        assert_int_equal(answer.status, 3);
        e2e_answer_close(&answer);
    }
    pthread_join(thread, NULL);
    close(listener);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(the_only_agent_is_taken_and_of_several_none),
        E2E_CASE(a_jvm_without_an_agent_is_listed_but_not_taken),
        E2E_CASE(a_name_in_the_targets_file_is_an_address),
        E2E_CASE(a_token_opens_the_websocket_and_a_wrong_one_does_not),
        E2E_CASE(another_user_is_not_let_in),
        E2E_CASE(root_may_push_to_everybody),
        E2E_CASE(two_hundred_that_connect_and_say_nothing_keep_nobody_else_out),
#ifndef HD_E2E_PRELOAD
        E2E_CASE(a_peer_that_hangs_up_at_once_is_exit_3),
#endif
    };
    return E2E_RUN(tests);
}
