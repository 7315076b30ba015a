/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void become_child(int input, int output, const char *const argv[],
                         const char *const *environment, const char *stderr_path)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#ifdef HD_E2E_TSAN_PRELOAD
    personality(ADDR_NO_RANDOMIZE); /* ThreadSanitizer wants the places that it knows */
#endif
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    int errors = open(stderr_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (errors >= 0)
        dup2(errors, STDERR_FILENO);
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        putenv((char *)(uintptr_t)environment[i]);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

void e2e_process_start(struct e2e_process *process, const char *const argv[],
                       const char *const *environment, const char *stderr_path)
{
    int to[2], from[2];
    assert_return_code(pipe2(to, O_CLOEXEC), errno);
    assert_return_code(pipe2(from, O_CLOEXEC), errno);
    signal(SIGPIPE, SIG_IGN);
    pid_t pid = fork();
    assert_return_code(pid, errno);
    if (pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        signal(SIGINT, SIG_DFL); /* ignored in what a shell runs in the background */
        become_child(to[0], from[1], argv, environment, stderr_path);
    }
    close(to[0]);
    close(from[1]);
    process->pid = pid;
    process->to = to[1];
    process->from = from[0];
    process->pending_length = 0;
}

void e2e_process_tell(struct e2e_process *process, const char *line)
{
    dprintf(process->to, "%s\n", line);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0 at the end of the output. */
static size_t read_more(struct e2e_process *process, int64_t deadline)
{
    for (;;) {
        struct pollfd wait = { .fd = process->from, .events = POLLIN };
        int64_t left = deadline - now_ms();
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0)
            fail_msg("process %d said nothing in time", (int)process->pid);
        ssize_t got = read(process->from, process->pending + process->pending_length,
                           sizeof process->pending - 1 - process->pending_length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got > 0)
            process->pending_length += (size_t)got;
        return got > 0 ? (size_t)got : 0;
    }
}

const char *e2e_process_hear(struct e2e_process *process, unsigned seconds)
{
    static char line[sizeof process->pending];
    int64_t deadline = now_ms() + (int64_t)seconds * 1000;
    char *end;
    while ((end = memchr(process->pending, '\n', process->pending_length)) == NULL) {
        if (process->pending_length >= sizeof process->pending - 1)
            fail_msg("process %d: a line is too long", (int)process->pid);
        if (read_more(process, deadline) == 0)
            fail_msg("process %d ended instead of answering", (int)process->pid);
    }
    size_t length = (size_t)(end - process->pending);
    memcpy(line, process->pending, length);
    line[length] = '\0';
    process->pending_length -= length + 1;
    memmove(process->pending, end + 1, process->pending_length);
    return line;
}

static void close_pipes(struct e2e_process *process)
{
    if (process->to >= 0)
        close(process->to);
    close(process->from);
    process->pid = 0;
}

char *e2e_process_finish(struct e2e_process *process, unsigned seconds, int *status)
{
    int64_t deadline = now_ms() + (int64_t)seconds * 1000;
    size_t length = 0;
    char *output = calloc(1, 1);
    close(process->to);
    process->to = -1;
    do {
        output = realloc(output, length + process->pending_length + 1);
        assert_non_null(output);
        memcpy(output + length, process->pending, process->pending_length);
        length += process->pending_length;
        process->pending_length = 0;
    } while (read_more(process, deadline) > 0);
    output[length] = '\0';
    assert_int_equal(waitpid(process->pid, status, 0), process->pid);
    close_pipes(process);
    return output;
}

void e2e_process_end(struct e2e_process *process)
{
    if (process->pid == 0)
        return;
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    close_pipes(process);
}
