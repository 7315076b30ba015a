/* SPDX-License-Identifier: Apache-2.0 */
/* The application is never harmed: bad options, two agents, a hanging class loader, the JVM's
 * end in the middle of a push. */
#include "tests/e2e/harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static void start_with(struct e2e *e2e, const char *agent_options)
{
    char agent[512];
    snprintf(agent, sizeof agent, "-agentpath:%s=%s", HD_E2E_AGENT, agent_options);
    const char *const options[] = { agent, NULL };
    compile_greeter(e2e, "one", e2e->classes);
    e2e_start_plain(e2e, options);
}

static void expect_that_it_runs(struct e2e *e2e)
{
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static void an_unknown_option_is_one_line_and_the_application_runs(void **state)
{
    struct e2e *e2e = *state;
    start_with(e2e, "dorp=/tmp");
    e2e_await_log(e2e, "dorp");
    expect_that_it_runs(e2e);
}

static void a_bad_value_is_one_line_and_the_application_runs(void **state)
{
    struct e2e *e2e = *state;
    start_with(e2e, "settle=soon");
    e2e_await_log(e2e, "settle");
    expect_that_it_runs(e2e);
}

static void a_drop_directory_that_is_missing_is_said_and_the_application_runs(void **state)
{
    struct e2e *e2e = *state;
    start_with(e2e, "drop=/nonexistent/drop");
    e2e_await_log(e2e, "/nonexistent/drop");
    expect_that_it_runs(e2e);
}

static void nothing_is_ever_written_to_stdout(void **state)
{
    struct e2e *e2e = *state;
    int status;
    start_with(e2e, "log-level=debug,listen=ws://127.0.0.1:99999");
    expect_that_it_runs(e2e);
    e2e_process_tell(&e2e->jvm, "exit 7");
    char *rest = e2e_process_finish(&e2e->jvm, 90, &status);
    assert_string_equal(rest, "");
    assert_int_equal(WEXITSTATUS(status), 7);
    free(rest);
}

static void the_agent_given_twice_is_said_and_works_once(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char agent[512];
    snprintf(agent, sizeof agent, "-agentpath:%s", HD_E2E_AGENT);
    const char *const options[] = { agent, NULL };
    compile_greeter(e2e, "one", e2e->classes);
    compile_greeter(e2e, "two", "after");
    e2e_start(e2e, "", options);
    expect_that_it_runs(e2e);
    e2e_await_log(e2e, "already");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    e2e_answer_close(&answer);
}

static void a_second_jvm_does_not_take_a_drop_directory_that_is_held(void **state)
{
    struct e2e *e2e = *state;
    compile_greeter(e2e, "one", e2e->classes);
    e2e_start(e2e, "", NULL);
    expect_that_it_runs(e2e);
    struct e2e second = *e2e;
    memset(&second.jvm, 0, sizeof second.jvm);
    snprintf(second.log, sizeof second.log, "%s/second.log", e2e->directory);
    e2e_start(&second, "", NULL);
    char holder[32];
    snprintf(holder, sizeof holder, "%d", (int)e2e->jvm.pid);
    e2e_await_log(&second, holder);
    e2e_expect(&second, "call demo.Greeter greet", "one");
    e2e_process_end(&second.jvm);
}

static void the_jvm_ends_normally_in_the_middle_of_pushes(void **state)
{
    struct e2e *e2e = *state;
    int status;
    compile_greeter(e2e, "one", e2e->classes);
    e2e_start(e2e, "", NULL);
    expect_that_it_runs(e2e);
    for (int i = 0; i < 20; i++) {
        char word[16], name[32];
        snprintf(word, sizeof word, "w%d", i);
        snprintf(name, sizeof name, "Greeter%d.class", i);
        compile_greeter(e2e, word, "after");
        e2e_drop(e2e, "after/demo/Greeter.class", name);
    }
    e2e_process_tell(&e2e->jvm, "exit 7");
    free(e2e_process_finish(&e2e->jvm, 90, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void the_socket_is_for_its_user_only_and_goes_with_the_jvm(void **state)
{
    struct e2e *e2e = *state;
    char path[64];
    struct stat place;
    int status;
    compile_greeter(e2e, "one", e2e->classes);
    e2e_start(e2e, "", NULL);
    snprintf(path, sizeof path, "/tmp/.hotdrop_pid%d", (int)e2e->jvm.pid);
    expect_that_it_runs(e2e);
    e2e_await_log(e2e, path);
    assert_return_code(stat(path, &place), 0);
    assert_int_equal(place.st_mode & 0777, 0600);
    e2e_process_tell(&e2e->jvm, "exit 0");
    free(e2e_process_finish(&e2e->jvm, 90, &status));
    assert_int_equal(stat(path, &place), -1);
}

/* A loader whose findResource never returns holds up the push, not the application, and not the
 * other answers. */
static void a_class_loader_that_hangs_is_named_and_the_application_goes_on(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    e2e_write(e2e, "source/demo/Hanging.java",
              "package demo; import java.net.*; public class Hanging extends URLClassLoader {"
              " public Hanging(URL[] u) { super(u, null); }"
              " public URL findResource(String n) { if (n.endsWith(\"Greeter.class\")) "
              "synchronized (Hanging.class) { try { Hanging.class.wait(); } catch "
              "(InterruptedException e) { } } return super.findResource(n); }"
              " static Class<?> kept; static String run() throws Exception { kept = new "
              "Hanging(new URL[] { new java.io.File(System.getProperty(\"dir\")).toURI().toURL() "
              "}).loadClass(\"demo.Greeter\"); return \"ok\"; }"
              " static String free() { synchronized (Hanging.class) { Hanging.class.notifyAll(); } "
              "return \"ok\"; }"
              " static String greet() throws Exception { return (String) "
              "kept.getMethod(\"greet\").invoke(null); } }");
    e2e_compile(e2e, "source", "classes", "");
    compile_greeter(e2e, "one", "hidden");
    compile_greeter(e2e, "two", "after");
    char directory[256], pid[16];
    snprintf(directory, sizeof directory, "-Ddir=%s", e2e_path(e2e, "hidden"));
    const char *const options[] = { directory, NULL };
    e2e_start(e2e, "", options);
    e2e_expect(e2e, "call demo.Hanging run", "ok");
    e2e_expect(e2e, "call demo.Hanging greet", "one");
    e2e_drop(e2e, "after/demo/Greeter.class", "Greeter.class");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    bool named = false;
    for (int i = 0; i < 200 && !named; i++) {
        e2e_client(e2e, &answer, "status", "--json", "--pid", pid, NULL);
        assert_int_equal(answer.status, 0);
        const char *busy = json_string_value(json_object_get(answer.json, "busy"));
        named = busy != NULL && strstr(busy, "Hanging") != NULL;
        e2e_answer_close(&answer);
    }
    assert_true(named);
    e2e_expect(e2e, "call demo.Hanging greet", "one");
    e2e_expect(e2e, "call demo.Hanging free", "ok");
    json_t *report = e2e_await_report(e2e, ".done", 1);
    json_decref(report);
    e2e_expect(e2e, "call demo.Hanging greet", "two");
}

static void a_jvm_killed_while_files_were_claimed_loses_none(void **state)
{
    struct e2e *e2e = *state;
    compile_greeter(e2e, "one", e2e->classes);
    e2e_write(e2e, "drop/.claimed/20260101T000000Z-1/Left.class", "left by a crash");
    e2e_start(e2e, "", NULL);
    expect_that_it_runs(e2e);
    e2e_await_file(e2e, "drop/.refused/*/Left.class");
    e2e_await_file(e2e, "drop/.refused/*/report.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(an_unknown_option_is_one_line_and_the_application_runs),
        E2E_CASE(a_bad_value_is_one_line_and_the_application_runs),
        E2E_CASE(a_drop_directory_that_is_missing_is_said_and_the_application_runs),
        E2E_CASE(nothing_is_ever_written_to_stdout),
        E2E_CASE(the_agent_given_twice_is_said_and_works_once),
        E2E_CASE(a_second_jvm_does_not_take_a_drop_directory_that_is_held),
        E2E_CASE(the_jvm_ends_normally_in_the_middle_of_pushes),
        E2E_CASE(the_socket_is_for_its_user_only_and_goes_with_the_jvm),
        E2E_CASE(a_class_loader_that_hangs_is_named_and_the_application_goes_on),
        E2E_CASE(a_jvm_killed_while_files_were_claimed_loses_none),
    };
    return E2E_RUN(tests);
}
