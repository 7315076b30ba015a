/* SPDX-License-Identifier: Apache-2.0 */
/* Loading the agent into a JVM that runs already, here and in another namespace, and what is
 * said when it cannot be done. */
#include "tests/e2e/harness.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void compile_greeter(const struct e2e *e2e, const char *word, const char *classes)
{
    char source[256];
    snprintf(
        source, sizeof source,
        "package demo; public class Greeter { public static String greet() { return \"%s\"; } }",
        word);
    e2e_compile_class(e2e, "Greeter", source, classes);
}

static void attach(const struct e2e *e2e, struct e2e_answer *answer, pid_t pid)
{
    char text[16];
    snprintf(text, sizeof text, "%d", (int)pid);
    e2e_client(e2e, answer, "attach", "--json", "--agent", HD_E2E_AGENT, text, NULL);
}

static void push(const struct e2e *e2e, struct e2e_answer *answer, pid_t pid)
{
    char text[16];
    snprintf(text, sizeof text, "%d", (int)pid);
    e2e_client(e2e, answer, "push", "--json", "--pid", text, e2e_path(e2e, "after"), NULL);
}

static void start_without_agent(struct e2e *e2e)
{
    compile_greeter(e2e, "one", e2e->classes);
    compile_greeter(e2e, "two", "after");
    e2e_start_plain(e2e, NULL);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static void attach_and_push(const struct e2e *e2e)
{
    struct e2e_answer answer;
    attach(e2e, &answer, e2e->jvm.pid);
    assert_int_equal(answer.status, 0);
    assert_true(json_is_false(json_object_get(answer.json, "already")));
    e2e_answer_close(&answer);
    push(e2e, &answer, e2e->jvm.pid);
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Greeter", "redefined", NULL);
    e2e_answer_close(&answer);
}

static void an_attached_agent_takes_pushes(void **state)
{
    struct e2e *e2e = *state;
    start_without_agent(e2e);
    attach_and_push(e2e);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
}

static void attaching_again_says_that_it_is_there(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_without_agent(e2e);
    attach(e2e, &answer, e2e->jvm.pid);
    e2e_answer_close(&answer);
    attach(e2e, &answer, e2e->jvm.pid);
    assert_int_equal(answer.status, 0);
    assert_true(json_is_true(json_object_get(answer.json, "already")));
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static void a_push_attaches_on_the_way_only_when_asked(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char pid[16];
    start_without_agent(e2e);
    push(e2e, &answer, e2e->jvm.pid);
    assert_int_equal(answer.status, 3);
    assert_non_null(strstr(answer.output, "--attach"));
    e2e_answer_close(&answer);
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--json", "--pid", pid, "--attach", "--agent", HD_E2E_AGENT,
               e2e_path(e2e, "after"), NULL);
    assert_int_equal(answer.status, 0);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    e2e_answer_close(&answer);
}

static void attach_with(const struct e2e *e2e, struct e2e_answer *answer, const char *options)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, answer, "attach", "--json", "--agent", HD_E2E_AGENT, "--options", options, pid,
               NULL);
}

static void the_agents_own_words_about_a_bad_option_come_back(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start_without_agent(e2e);
    attach_with(e2e, &answer, "dorp=/tmp");
    assert_int_not_equal(answer.status, 0);
    assert_non_null(strstr(answer.output, "dorp"));
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

/* A port of this machine on which we listen, so that nobody else can. */
static int take_port(unsigned *port)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t length = sizeof name;
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(taken, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&name, &length), 0);
    *port = ntohs(name.sin_port);
    return taken;
}

static void an_agent_that_nobody_could_reach_is_not_attached(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char options[512];
    unsigned port;
    start_without_agent(e2e);
    int taken = take_port(&port);
    snprintf(options, sizeof options, "listen=ws://127.0.0.1:%u,token=%s", port,
             e2e_path(e2e, "token"));
    attach_with(e2e, &answer, options);
    assert_int_not_equal(answer.status, 0);
    assert_non_null(strstr(answer.output, "Address already in use"));
    e2e_answer_close(&answer);
    close(taken);

    attach_and_push(e2e);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
}

static void an_address_that_was_taken_is_listened_on_when_it_is_free(void **state)
{
    struct e2e *e2e = *state;
    char options[512], listening[64];
    unsigned port;
    int taken = take_port(&port);
    compile_greeter(e2e, "one", e2e->classes);
    snprintf(options, sizeof options, "listen=unix:%s,listen=ws://127.0.0.1:%u,token=%s",
             e2e_path(e2e, "socket"), port, e2e_path(e2e, "token"));
    snprintf(listening, sizeof listening, "listening on ws://127.0.0.1:%u", port);
    e2e_start(e2e, options, NULL);
    e2e_await_log(e2e, "Address already in use; nobody can connect there");
    close(taken);
    e2e_await_log(e2e, listening);
}

/* Without signals HotSpot listens from the start, so nobody has to send it one. */
static void a_jvm_that_uses_no_signals_can_be_attached_to(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    const char *const options[] = { "-Xrs", NULL };
    compile_greeter(e2e, "one", e2e->classes);
    e2e_start_plain(e2e, options);
    attach(e2e, &answer, e2e->jvm.pid);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static void a_jvm_that_sigquit_would_end_is_left_alone(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    const char *const options[] = { "-Xrs", "-XX:+DisableAttachMechanism", NULL };
    compile_greeter(e2e, "one", e2e->classes);
    e2e_start_plain(e2e, options);
    attach(e2e, &answer, e2e->jvm.pid);
    assert_int_equal(answer.status, 2);
    assert_non_null(strstr(answer.output, "-Xrs"));
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static void what_is_no_jvm_is_left_alone(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    attach(e2e, &answer, getpid());
    assert_int_equal(answer.status, 2);
    assert_non_null(strstr(answer.output, "not a JVM"));
    e2e_answer_close(&answer);
}

static pid_t child_of(pid_t parent)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "re");
    if (file != NULL && fscanf(file, "%d", &child) != 1)
        child = 0;
    if (file != NULL)
        fclose(file);
    return child;
}

/* A container in small: other pids, another /tmp, and no agent file where ours is. */
static void a_jvm_in_other_namespaces_gets_the_agent_and_pushes(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char java[300], class_path[512], script[1024], inside[128];
    if (geteuid() != 0)
        skip();
    compile_greeter(e2e, "one", e2e->classes);
    compile_greeter(e2e, "two", "after");
    snprintf(java, sizeof java, "%s/bin/java", e2e->jdk->home);
    snprintf(inside, sizeof inside, "/tmp/app");
    snprintf(class_path, sizeof class_path, "%s/java:%s/classes", inside, inside);
    snprintf(script, sizeof script,
             "mkdir -p /mnt && mount -t tmpfs none /mnt && cp -r %s /mnt/java && cp -r %s "
             "/mnt/classes && "
             "mkdir /mnt/tmp && mkdir /mnt/tmp/app && mv /mnt/java /mnt/classes /mnt/tmp/app && "
             "mount --bind /mnt/tmp /tmp && "
             "exec %s -cp %s Target",
             HD_E2E_JAVA, e2e->classes, java, class_path);
    const char *const arguments[] = { "unshare",      "--mount", "--pid", "--fork", "--mount-proc",
                                      "--kill-child", "sh",      "-c",    script,   NULL };
    e2e_process_start(&e2e->jvm, arguments, e2e_jvm_environment(), e2e->errors);
    assert_string_equal(e2e_process_hear(&e2e->jvm, 90), "ready");
    pid_t java_pid = child_of(e2e->jvm.pid);
    assert_true(java_pid > 0);

    e2e_expect(e2e, "call demo.Greeter greet", "one");
    attach(e2e, &answer, java_pid);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    push(e2e, &answer, java_pid);
    assert_int_equal(answer.status, 0);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    e2e_answer_close(&answer);
}

static void ps_lists_the_jvm_with_its_agent(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    compile_greeter(e2e, "one", e2e->classes);
    e2e_start(e2e, "", NULL);
    e2e_client(e2e, &answer, "ps", "--json", NULL);
    assert_int_equal(answer.status, 0);
    size_t index;
    json_t *row, *found = NULL;
    json_array_foreach(answer.json, index,
                       row) if (json_integer_value(json_object_get(row, "pid")) == e2e->jvm.pid)
        found = row;
    assert_non_null(found);
    assert_string_equal(json_string_value(json_object_get(found, "main")), "Target");
    assert_string_equal(json_string_value(json_object_get(found, "agent")), "yes");
    assert_int_equal(json_integer_value(json_object_get(found, "deployments")), 0);
    const char *jdk = json_string_value(json_object_get(found, "jdk"));
    assert_int_equal(strtol(strncmp(jdk, "1.", 2) == 0 ? jdk + 2 : jdk, NULL, 10),
                     e2e->jdk->feature);
    e2e_answer_close(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(an_attached_agent_takes_pushes),
        E2E_CASE(attaching_again_says_that_it_is_there),
        E2E_CASE(a_push_attaches_on_the_way_only_when_asked),
        E2E_CASE(the_agents_own_words_about_a_bad_option_come_back),
        E2E_CASE(an_agent_that_nobody_could_reach_is_not_attached),
        E2E_CASE(an_address_that_was_taken_is_listened_on_when_it_is_free),
        E2E_CASE(a_jvm_that_uses_no_signals_can_be_attached_to),
        E2E_CASE(a_jvm_that_sigquit_would_end_is_left_alone),
        E2E_CASE(what_is_no_jvm_is_left_alone),
        E2E_CASE(a_jvm_in_other_namespaces_gets_the_agent_and_pushes),
        E2E_CASE(ps_lists_the_jvm_with_its_agent),
    };
    return E2E_RUN(tests);
}
