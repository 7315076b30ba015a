/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static void become_child(const char *const argv[], const char *const *environment)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        putenv((char *)(uintptr_t)environment[i]);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

void e2e_terminal_start(struct e2e_process *process, const char *const argv[],
                        const char *const *environment)
{
    const struct winsize size = { .ws_row = 50, .ws_col = 200 };
    int terminal;
    pid_t pid = forkpty(&terminal, NULL, NULL, &size);
    assert_return_code(pid, errno);
    if (pid == 0)
        become_child(argv, environment);
    process->pid = pid;
    process->from = terminal;
    process->to = fcntl(terminal, F_DUPFD_CLOEXEC, 0);
    process->pending_length = 0;
    assert_return_code(fcntl(terminal, F_SETFD, FD_CLOEXEC), errno);
}

static bool has_written(const struct e2e_process *process, const char *text)
{
    return memmem(process->pending, process->pending_length, text, strlen(text)) != NULL;
}

void e2e_terminal_await(struct e2e_process *process, const char *text, unsigned seconds)
{
    time_t deadline = time(NULL) + (time_t)seconds;
    while (!has_written(process, text)) {
        struct pollfd wait = { .fd = process->from, .events = POLLIN };
        bool in_time =
            time(NULL) <= deadline && process->pending_length < sizeof process->pending - 1;
        if (!in_time || poll(&wait, 1, 1000) < 0)
            fail_msg("'%s' did not appear on the terminal, but: %.*s", text,
                     (int)process->pending_length, process->pending);
        ssize_t got = (wait.revents & POLLIN) != 0
                          ? read(process->from, process->pending + process->pending_length,
                                 sizeof process->pending - 1 - process->pending_length)
                          : 0;
        if (got > 0)
            process->pending_length += (size_t)got;
        else if ((wait.revents & (POLLHUP | POLLERR)) != 0)
            deadline = 0;
    }
}
