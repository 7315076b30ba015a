/* SPDX-License-Identifier: Apache-2.0 */
/* Something that looks like a JVM whose agent has not opened its socket yet: a process with a
 * libjvm.so and a libhotdrop.so in it. */
#include "client/newcomer.h"
#include "client/target.h"

#include "tests/unit/sandbox.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

/* In the child. */
static void map_file(const struct sandbox *sandbox, const char *name)
{
    int file = open(at(sandbox, name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, 4096) != 0 ||
        mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0) == MAP_FAILED)
        _exit(1);
    close(file);
}

/* Has that process an inotify watch? (proc(5), fdinfo) */
static bool watches(pid_t pid)
{
    char path[300], line[256];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)pid);
    DIR *directory = opendir(path);
    struct dirent *entry;
    while (directory != NULL && !found && (entry = readdir(directory)) != NULL) {
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%.200s", (int)pid, entry->d_name);
        FILE *file = fopen(path, "re");
        while (file != NULL && !found && fgets(line, sizeof line, file) != NULL)
            found = strncmp(line, "inotify wd:", strlen("inotify wd:")) == 0;
        if (file != NULL)
            fclose(file);
    }
    if (directory != NULL)
        closedir(directory);
    return found;
}

/* Of what another process has begun to watch there is no event. */
static void await_watcher(pid_t pid)
{
    const struct timespec moment = { .tv_nsec = 1000000 };
    while (!watches(pid))
        nanosleep(&moment, NULL);
}

/* In the child: a socket where the agent would have it. */
static int bind_socket(void)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    snprintf(name.sun_path, sizeof name.sun_path, "/tmp/.hotdrop_pid%d", (int)getpid());
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)unlink(name.sun_path);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&name, sizeof name) != 0)
        _exit(1);
    return descriptor;
}

enum agent { LISTENS_LATE, LISTENS_LATE_WHERE_A_DEAD_ONE_DID, NEVER_LISTENS };

static _Noreturn void be_jvm(const struct sandbox *sandbox, enum agent agent, pid_t parent,
                             int ready)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    map_file(sandbox, "libjvm.so");
    map_file(sandbox, "libhotdrop.so");
    if (agent == LISTENS_LATE_WHERE_A_DEAD_ONE_DID)
        close(bind_socket());
    if (write(ready, "x", 1) != 1)
        _exit(1);
    if (agent != NEVER_LISTENS) {
        await_watcher(parent);
        if (listen(bind_socket(), 4) != 0)
            _exit(1);
    }
    for (;;)
        pause();
}

/* Its pid, once it looks like a JVM. */
static pid_t start_jvm(const struct sandbox *sandbox, enum agent agent)
{
    int ready[2];
    char byte;
    pid_t parent = getpid();
    assert_return_code(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_jvm(sandbox, agent, parent, ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end_jvm(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/.hotdrop_pid%d", (int)pid);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)unlink(path);
}

static void expect_found(enum agent agent)
{
    struct sandbox sandbox;
    struct hd_target target;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    pid_t pid = start_jvm(&sandbox, agent);
    const struct hd_invocation invocation = { .command = "push", .pid = pid };
    int result = hd_target_find(&invocation, &target, &err);
    bool answers = result == 0 && hd_socket_answers(target.address.path);
    end_jvm(pid);
    if (result != 0)
        fail_msg("%s", err.text);
    assert_int_equal(target.address.kind, HD_ADDRESS_UNIX);
    assert_int_equal(target.expected_pid, pid);
    assert_true(answers);
    sandbox_delete(sandbox.path);
}

static void an_agent_that_does_not_listen_yet_is_waited_for(void **state)
{
    (void)state;
    expect_found(LISTENS_LATE);
}

/* In a container every JVM may have the same pid. */
static void the_socket_of_a_dead_one_is_not_taken_for_its(void **state)
{
    (void)state;
    expect_found(LISTENS_LATE_WHERE_A_DEAD_ONE_DID);
}

static void one_that_never_listens_there_is_said(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_target target;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    pid_t pid = start_jvm(&sandbox, NEVER_LISTENS);
    const struct hd_invocation invocation = { .command = "push", .pid = pid };
    int result = hd_target_find(&invocation, &target, &err);
    end_jvm(pid);
    assert_int_equal(result, -1);
    assert_int_equal(err.code, HD_E_CONNECTION);
    assert_non_null(strstr(err.text, "not on its default socket"));
    sandbox_delete(sandbox.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_that_does_not_listen_yet_is_waited_for),
        cmocka_unit_test(the_socket_of_a_dead_one_is_not_taken_for_its),
        cmocka_unit_test(one_that_never_listens_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
