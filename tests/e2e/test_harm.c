/* SPDX-License-Identifier: Apache-2.0 */
/* The application is never harmed, continued: full disks, peers that vanish, logs nobody reads, resources that are used up, and JVMs that were killed. */
#include "tests/e2e/application.h"
#include "tests/e2e/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENT_SECONDS 90

static void compile_to_say(const struct e2e *e2e, const char *word, const char *classes)
{
    char source[256];
    snprintf(
        source, sizeof source,
        "package demo; public class Greeter { public static String greet() { return \"%s\"; } }",
        word);
    e2e_compile_class(e2e, "Greeter", source, classes);
}

static void compile(const struct e2e *e2e)
{
    compile_to_say(e2e, "one", e2e->classes);
    compile_to_say(e2e, "two", "after");
}

static void expect_word(struct e2e *e2e, const char *word)
{
    e2e_expect(e2e, "call demo.Greeter greet", word);
}

static void push_to(const struct e2e *e2e, const char *address, int expected_status)
{
    struct e2e_answer answer;
    e2e_client(e2e, &answer, "push", "--json", "--to", address, e2e_path(e2e, "after"), NULL);
    if (answer.status != expected_status)
        fail_msg("push ended with %d, not %d: %s", answer.status, expected_status, answer.output);
    e2e_answer_close(&answer);
}

static void push_and_expect(struct e2e *e2e, const char *word)
{
    struct e2e_answer answer;
    compile_to_say(e2e, word, "after");
    e2e_deploy(e2e, &answer, "push", "after");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    expect_word(e2e, word);
}

static size_t count_in_log(const struct e2e *e2e, const char *text)
{
    char line[8192];
    size_t count = 0;
    FILE *log = fopen(e2e->log, "re");
    while (log != NULL && fgets(line, sizeof line, log) != NULL)
        count += strstr(line, text) != NULL;
    if (log != NULL)
        fclose(log);
    return count;
}

/* ---- a full disk -------------------------------------------------------------------------------- */

static void mount_small(const char *directory)
{
    if (geteuid() != 0)
        skip();
    if (mount("none", directory, "tmpfs", 0, "size=64k,mode=0700") != 0)
        skip(); /* no mounts in this container */
}

static void fill(const char *path)
{
    char page[4096] = "";
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_return_code(file, errno);
    while (write(file, page, sizeof page) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    close(file);
}

static void copy(const char *from, const char *to)
{
    const char *const arguments[] = { "cp", from, to, NULL };
    e2e_tool(NULL, arguments);
}

static void a_full_drop_directory_is_said_in_one_line_and_works_again(void **state)
{
    struct e2e *e2e = *state;
    compile(e2e);
    mount_small(e2e->drop);
    e2e_start(e2e, "", NULL);
    expect_word(e2e, "one");
    e2e_await_log(e2e, "is deployed");
    copy(e2e_path(e2e, "after/demo/Greeter.class"), e2e_path(e2e, "drop/.arriving"));
    fill(e2e_path(e2e, "drop/.filler"));
    assert_return_code(rename(e2e_path(e2e, "drop/.arriving"), e2e_path(e2e, "drop/Greeter.class")),
                       errno);
    e2e_await_log(e2e, "No space left on device");
    expect_word(e2e, "two"); /* only its report has no room */

    assert_return_code(unlink(e2e_path(e2e, "drop/.filler")), errno);
    compile_to_say(e2e, "three", "later");
    copy(e2e_path(e2e, "later/demo/Greeter.class"), e2e_path(e2e, "drop/.arriving"));
    assert_return_code(rename(e2e_path(e2e, "drop/.arriving"), e2e_path(e2e, "drop/Greeter.class")),
                       errno);
    e2e_await(e2e, "call demo.Greeter greet", "three");
    e2e_await_file(e2e, "drop/.done/*/report.json");
    assert_int_equal(count_in_log(e2e, "No space left on device"), 1);
}

static void a_log_on_a_full_disk_loses_lines_and_nothing_else(void **state)
{
    struct e2e *e2e = *state;
    compile(e2e);
    assert_return_code(mkdir(e2e_path(e2e, "small"), 0700), errno);
    mount_small(e2e_path(e2e, "small"));
    fill(e2e_path(e2e, "small/filler"));
    snprintf(e2e->log, sizeof e2e->log, "%s/small/agent.log", e2e->directory);
    e2e_start(e2e, "", NULL);
    expect_word(e2e, "one");
    push_and_expect(e2e, "two");
    assert_return_code(unlink(e2e_path(e2e, "small/filler")), errno);
    push_and_expect(e2e, "three");
    e2e_await_log(e2e, "lines were lost");
}

static int unmount_and_tear_down(void **state)
{
    struct e2e *e2e = *state;
    (void)umount2(e2e->drop, MNT_DETACH);
    (void)umount2(e2e_path(e2e, "small"), MNT_DETACH);
    return e2e_teardown(state);
}

/* ---- peers that vanish -------------------------------------------------------------------------- */

/* Two megabytes that do not shrink. */
static void pack_much(const struct e2e *e2e)
{
    char place[256];
    snprintf(place, sizeof place, "of=%s", e2e_path(e2e, "after/noise.bin"));
    const char *const arguments[] = { "dd",       "if=/dev/urandom", place, "bs=65536",
                                      "count=32", "status=none",     NULL };
    e2e_tool(NULL, arguments);
    e2e_jar(e2e, "after", "much.jar");
}

struct upload {
    struct e2e_process client;
    struct e2e_relay relay;
};

/* The client hangs in the middle of its upload, after so many bytes. */
static void begin_upload(struct e2e *e2e, struct upload *upload, size_t bytes)
{
    char agent[64], address[256];
    compile(e2e);
    e2e_start(e2e, "", NULL);
    expect_word(e2e, "one");
    pack_much(e2e);
    snprintf(agent, sizeof agent, "/tmp/.hotdrop_pid%d", (int)e2e->jvm.pid);
    snprintf(address, sizeof address, "unix:%s", e2e_path(e2e, "relay"));
    e2e_relay_open(&upload->relay, e2e_path(e2e, "relay"));
    const char *const arguments[] = { HD_E2E_CLIENT, "push",  "--json",
                                      "--to",        address, e2e_path(e2e, "much.jar"),
                                      NULL };
    e2e_process_start(&upload->client, arguments, NULL, e2e_path(e2e, "client.err"));
    e2e_relay_until(&upload->relay, agent, bytes);
}

static void expect_that_nothing_happened(struct e2e *e2e)
{
    struct e2e_answer answer;
    char pid[16];
    expect_word(e2e, "one");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "history", "--json", "--pid", pid, NULL);
    assert_int_equal(answer.status, 0);
    assert_int_equal(json_array_size(json_object_get(answer.json, "deployments")), 0);
    e2e_answer_close(&answer);
    push_and_expect(e2e, "two");
}

static void a_client_killed_in_the_middle_of_its_upload_changes_nothing(void **state)
{
    struct e2e *e2e = *state;
    struct upload upload = { 0 };
    begin_upload(e2e, &upload, 500000);
    e2e_process_end(&upload.client);
    e2e_relay_close(&upload.relay);
    e2e_await_log(e2e, "gone");
    expect_that_nothing_happened(e2e);
}

static void a_connection_lost_before_the_last_byte_is_exit_3_and_nothing_happened(void **state)
{
    struct e2e *e2e = *state;
    struct upload upload = { 0 };
    int status;
    begin_upload(e2e, &upload, 500000);
    e2e_relay_close(&upload.relay);
    char *output = e2e_process_finish(&upload.client, CLIENT_SECONDS, &status);
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_non_null(strstr(output, "no-agent"));
    free(output);
    e2e_await_log(e2e, "gone");
    expect_that_nothing_happened(e2e);
}

/* ---- logs that nobody reads --------------------------------------------------------------------- */

/* A pipe with a reader that does not read. Returns the reader. */
static int make_pipe(const char *path)
{
    assert_return_code(mkfifo(path, 0600), errno);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_return_code(reader, errno);
    return reader;
}

/* Full to the brim: nobody can write to it any more. */
static void fill_pipe(const char *path)
{
    static const char line[] = "an earlier line\n";
    int writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_return_code(writer, errno);
    while (write(writer, line, sizeof line - 1) > 0)
        ;
    while (write(writer, "\n", 1) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
    close(writer);
}

/* Until the text is in what comes out of the pipe. */
static void await_in_pipe(int reader, const char *text)
{
    char chunk[65536 + 1];
    for (int i = 0; i < 1000; i++) {
        ssize_t got = read(reader, chunk, sizeof chunk - 1);
        chunk[got > 0 ? got : 0] = '\0';
        if (strstr(chunk, text) != NULL)
            return;
        if (got <= 0)
            (void)poll(&(struct pollfd){ .fd = reader, .events = POLLIN }, 1, 10);
    }
    fail_msg("the pipe never said '%s'", text);
}

/* The harness shows the usual log when a test fails, so a pipe has a place of its own. */
static void start_logging_to(struct e2e *e2e, const char *pipe)
{
    char agent[512];
    snprintf(agent, sizeof agent, "-agentpath:%s=log-level=debug,log=%s", HD_E2E_AGENT, pipe);
    const char *const options[] = { agent, NULL };
    e2e_start_plain(e2e, options);
}

static void a_log_that_nobody_reads_loses_lines_and_blocks_nobody(void **state)
{
    struct e2e *e2e = *state;
    compile(e2e);
    int reader = make_pipe(e2e_path(e2e, "pipe"));
    fill_pipe(e2e_path(e2e, "pipe"));
    start_logging_to(e2e, e2e_path(e2e, "pipe"));
    expect_word(e2e, "one");
    push_and_expect(e2e, "two");
    await_in_pipe(reader, "an earlier line");
    push_and_expect(e2e, "three");
    await_in_pipe(reader, "lines were lost");
    close(reader);
    push_and_expect(e2e, "four"); /* now nobody can ever read */
}

/* The agent logs to stderr where it is told nothing else. */
static void start_on_stderr(struct e2e *e2e, const char *pipe)
{
    char java[300], agent[512], class_path[512];
    snprintf(java, sizeof java, "%s/bin/java", e2e->jdk->home);
    snprintf(agent, sizeof agent, "-agentpath:%s=log-level=debug", HD_E2E_AGENT);
    snprintf(class_path, sizeof class_path, "%s:%s", HD_E2E_JAVA, e2e->classes);
    const char *const arguments[] = {
        java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", agent, "-cp", class_path, "Target",
        NULL
    };
    e2e_process_start(&e2e->jvm, arguments, e2e_jvm_environment(), pipe);
    assert_string_equal(e2e_process_hear(&e2e->jvm, CLIENT_SECONDS), "ready");
}

static void a_stderr_that_nobody_reads_blocks_nobody(void **state)
{
    struct e2e *e2e = *state;
    compile(e2e);
    int reader = make_pipe(e2e_path(e2e, "pipe"));
    start_on_stderr(e2e, e2e_path(e2e, "pipe"));
    fill_pipe(e2e_path(e2e, "pipe")); /* the JVM itself may have had something to say */
    expect_word(e2e, "one");
    push_and_expect(e2e, "two");
    close(reader);
    push_and_expect(e2e, "three");
}

/* ---- resources that are used up ----------------------------------------------------------------- */

/* Target in a user namespace of its own, whose limits are its own. */
static void start_with_limit(struct e2e *e2e, const char *limit, const char *agent_options)
{
    char script[256], java[300], agent[600], class_path[512];
    snprintf(script, sizeof script, "echo %s && exec \"$@\"", limit);
    snprintf(java, sizeof java, "%s/bin/java", e2e->jdk->home);
    snprintf(agent, sizeof agent, "-agentpath:%s=log=%s,%s", HD_E2E_AGENT, e2e->log, agent_options);
    snprintf(class_path, sizeof class_path, "%s:%s", HD_E2E_JAVA, e2e->classes);
    const char *const arguments[] = { "unshare",
                                      "--user",
                                      "--map-root-user",
                                      "sh",
                                      "-c",
                                      script,
                                      "sh",
                                      java,
                                      "-XX:TieredStopAtLevel=1",
                                      "-XX:+UseSerialGC",
                                      "-Xmx256m",
                                      agent,
                                      "-cp",
                                      class_path,
                                      "Target",
                                      NULL };
    e2e_process_start(&e2e->jvm, arguments, e2e_jvm_environment(), e2e->errors);
    assert_string_equal(e2e_process_hear(&e2e->jvm, CLIENT_SECONDS), "ready");
}

static void skip_without_user_namespaces(void)
{
    if (system("unshare --user --map-root-user sh -c 'echo 10 > "
               "/proc/sys/user/max_inotify_watches' 2>/dev/null") != 0)
        skip();
}

static void exhausted_watches_are_said_and_pushes_work(void **state)
{
    struct e2e *e2e = *state;
    char options[256];
    skip_without_user_namespaces();
    compile(e2e);
    for (int i = 0; i < 8; i++)
        assert_return_code(mkdir(e2e_path(e2e, "classes/package%d", i), 0700), errno);
    snprintf(options, sizeof options, "watch=%s", e2e->classes);
    start_with_limit(e2e, "4 > /proc/sys/user/max_inotify_watches", options);
    expect_word(e2e, "one");
    e2e_await_log(e2e, "max_user_watches");
    push_and_expect(e2e, "two");
}

static void exhausted_inotify_instances_are_said_and_pushes_work(void **state)
{
    struct e2e *e2e = *state;
    char options[256];
    skip_without_user_namespaces();
    compile(e2e);
    snprintf(options, sizeof options, "drop=%s", e2e->drop);
    start_with_limit(e2e, "0 > /proc/sys/user/max_inotify_instances", options);
    expect_word(e2e, "one");
    e2e_await_log(e2e, "max_user_instances");
    push_and_expect(e2e, "two");
}

/* ---- what a killed JVM leaves ------------------------------------------------------------------- */

static void a_killed_jvm_leaves_a_door_and_a_drop_directory_that_the_next_one_takes(void **state)
{
    struct e2e *e2e = *state;
    char option[256], address[256];
    snprintf(option, sizeof option, "listen=unix:%s", e2e_path(e2e, "door"));
    snprintf(address, sizeof address, "unix:%s", e2e_path(e2e, "door"));
    compile(e2e);
    for (int i = 0; i < 2; i++) {
        e2e_start(e2e, option, NULL);
        expect_word(e2e, "one");
        push_to(e2e, address, 0);
        expect_word(e2e, "two");
        e2e_process_end(&e2e->jvm);
        push_to(e2e, address, 3);
    }
    e2e_start(e2e, option, NULL);
    expect_word(e2e, "one");
    e2e_drop(e2e, "after/demo/Greeter.class", "Greeter.class");
    e2e_await(e2e, "call demo.Greeter greet", "two");
    e2e_await_file(e2e, "drop/.done/*/report.json");
}

static void what_is_no_socket_is_not_taken_for_a_door(void **state)
{
    struct e2e *e2e = *state;
    char option[256], text[64] = "";
    snprintf(option, sizeof option, "listen=unix:%s", e2e_path(e2e, "door"));
    compile(e2e);
    e2e_write(e2e, "door", "precious");
    e2e_start(e2e, option, NULL);
    expect_word(e2e, "one");
    e2e_await_log(e2e, "/door");
    FILE *file = fopen(e2e_path(e2e, "door"), "re");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "precious");
    e2e_drop(e2e, "after/demo/Greeter.class", "Greeter.class"); /* the drop directory works */
    e2e_await(e2e, "call demo.Greeter greet", "two");
}

static void a_door_that_another_jvm_listens_at_is_left_to_it(void **state)
{
    struct e2e *e2e = *state;
    char option[256], address[256];
    snprintf(option, sizeof option, "listen=unix:%s", e2e_path(e2e, "door"));
    snprintf(address, sizeof address, "unix:%s", e2e_path(e2e, "door"));
    compile(e2e);
    e2e_start(e2e, option, NULL);
    expect_word(e2e, "one");
    struct e2e second = *e2e;
    memset(&second.jvm, 0, sizeof second.jvm);
    snprintf(second.log, sizeof second.log, "%s/second.log", e2e->directory);
    snprintf(second.drop, sizeof second.drop, "%s/second-drop", e2e->directory);
    assert_return_code(mkdir(second.drop, 0700), errno);
    e2e_start(&second, option, NULL);
    e2e_await_log(&second, "/door");
    expect_word(&second, "one");
    push_to(e2e, address, 0);
    expect_word(e2e, "two");
    expect_word(&second, "one");
    e2e_process_end(&second.jvm);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void a_hanging_class_loader_does_not_hold_up_the_end(void **state)
{
    struct e2e *e2e = *state;
    char hidden[256];
    int status;
    compile_to_say(e2e, "one", "hidden");
    compile_to_say(e2e, "two", "after");
    snprintf(hidden, sizeof hidden, "-Dhidden=%s", e2e_path(e2e, "hidden"));
    const char *const options[] = { hidden, NULL };
    e2e_start(e2e, "", options);
    e2e_expect(e2e, "call Hanging load", "ok");
    e2e_drop(e2e, "after/demo/Greeter.class", "Greeter.class");
    e2e_await_file(e2e, "drop/.claimed/*/Greeter.class");
    e2e_process_tell(&e2e->jvm, "exit 7");
    free(e2e_process_finish(&e2e->jvm, 90, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_drop_directory_is_said_in_one_line_and_works_again,
                                        e2e_setup, unmount_and_tear_down),
        cmocka_unit_test_setup_teardown(a_log_on_a_full_disk_loses_lines_and_nothing_else,
                                        e2e_setup, unmount_and_tear_down),
        E2E_CASE(a_client_killed_in_the_middle_of_its_upload_changes_nothing),
        E2E_CASE(a_connection_lost_before_the_last_byte_is_exit_3_and_nothing_happened),
        E2E_CASE(a_log_that_nobody_reads_loses_lines_and_blocks_nobody),
        E2E_CASE(a_stderr_that_nobody_reads_blocks_nobody),
        E2E_CASE(exhausted_watches_are_said_and_pushes_work),
        E2E_CASE(exhausted_inotify_instances_are_said_and_pushes_work),
        E2E_CASE(a_killed_jvm_leaves_a_door_and_a_drop_directory_that_the_next_one_takes),
        E2E_CASE(what_is_no_socket_is_not_taken_for_a_door),
        E2E_CASE(a_door_that_another_jvm_listens_at_is_left_to_it),
        E2E_CASE(a_hanging_class_loader_does_not_hold_up_the_end),
    };
    return E2E_RUN(tests);
}
