/* SPDX-License-Identifier: Apache-2.0 */
#include "client/smoke.h"

#include "core/alloc.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between asking the command to end and ending it. */
enum { GRACE_MS = 2000 };

struct running {
    pid_t pid;
    int signals; /* signalfd */
    int status;  /* from waitpid, once it ended */
    sigset_t mask;
};

/* ---- starting -------------------------------------------------------------------------------- */

/* Ours with two more; the caller frees the list, not its strings. NULL when memory is out. */
static char **make_environment(char *deployment, char *pid)
{
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    char **list = hd_alloc_zeroed(count + 3, sizeof *list);
    if (list == NULL)
        return NULL;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], "HOTDROP_DEPLOYMENT=", 19) != 0 &&
            strncmp(environ[i], "HOTDROP_PID=", 12) != 0)
            list[kept++] = environ[i];
    }
    list[kept++] = deployment;
    list[kept] = pid;
    return list;
}

static int spawn(struct running *running, const char *command, char **environment)
{
    char *const arguments[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                                (char *)(uintptr_t)command, NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &running->mask);
    int result = posix_spawn(&running->pid, "/bin/sh", &files, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return result;
}

/* From here on the signals of interest are heard through a descriptor. */
static int hear_signals(struct running *running, struct hd_error *err)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGHUP);
    sigprocmask(SIG_BLOCK, &wanted, &running->mask);
    running->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (running->signals >= 0)
        return 0;
    sigprocmask(SIG_SETMASK, &running->mask, NULL);
    return hd_error_set_errno(err, errno, "signalfd");
}

static int start(struct running *running, const char *command, uint64_t deployment, long pid,
                 struct hd_error *err)
{
    char number[64], process[64];
    snprintf(number, sizeof number, "HOTDROP_DEPLOYMENT=%llu", (unsigned long long)deployment);
    snprintf(process, sizeof process, "HOTDROP_PID=%ld", pid);
    char **environment = make_environment(number, process);
    if (environment == NULL)
        return hd_error_set_memory(err);
    int cause = spawn(running, command, environment);
    hd_free(environment);
    return cause == 0 ? 0 : hd_error_set_errno(err, cause, "the smoke test cannot be started");
}

/* ---- waiting --------------------------------------------------------------------------------- */

static bool has_ended(struct running *running)
{
    return waitpid(running->pid, &running->status, WNOHANG) == running->pid;
}

/* What has come in: true when one of them asks us to end. */
static bool is_asked_to_end(struct running *running)
{
    struct signalfd_siginfo signal;
    bool asked = false;
    while (read(running->signals, &signal, sizeof signal) == (ssize_t)sizeof signal)
        asked |= signal.ssi_signo != SIGCHLD;
    return asked;
}

/* True when it ended in time and nobody asked us to end. */
static bool wait_for_end(struct running *running, uint64_t milliseconds, bool *asked)
{
    int64_t until = hd_text_now() + (int64_t)milliseconds * 1000;
    for (;;) {
        if (has_ended(running))
            return true;
        int64_t left = until - hd_text_now();
        if (left <= 0)
            return false;
        struct pollfd descriptor = { .fd = running->signals, .events = POLLIN };
        (void)!poll(&descriptor, 1, (int)(left / 1000) + 1);
        if (is_asked_to_end(running) && !has_ended(running)) {
            *asked = true;
            return false;
        }
    }
}

/* The command and whatever it started. */
static void end(struct running *running)
{
    bool ignored = false;
    kill(-running->pid, SIGTERM);
    if (!wait_for_end(running, GRACE_MS, &ignored)) {
        kill(-running->pid, SIGKILL);
        while (waitpid(running->pid, &running->status, 0) < 0 && errno == EINTR)
            ;
    }
    kill(-running->pid, SIGKILL);
}

static void conclude(const struct running *running, struct hd_smoke_result *result)
{
    result->exit = WIFEXITED(running->status) ? WEXITSTATUS(running->status) : -1;
    result->signal = WIFSIGNALED(running->status) ? WTERMSIG(running->status) : 0;
}

int hd_smoke_run(const char *command, uint64_t deployment, long pid, uint64_t milliseconds,
                 struct hd_smoke_result *out, struct hd_error *err)
{
    struct running running = { .signals = -1 };
    struct hd_smoke_result result = { .exit = -1 };
    if (hear_signals(&running, err) != 0)
        return -1;
    int status = start(&running, command, deployment, pid, err);
    if (status == 0) {
        bool ended = wait_for_end(&running, milliseconds, &result.interrupted);
        result.timed_out = !ended && !result.interrupted;
        if (!ended)
            end(&running);
        conclude(&running, &result);
        *out = result;
    }
    close(running.signals);
    sigprocmask(SIG_SETMASK, &running.mask, NULL);
    return status;
}

/* ---- the verdict ----------------------------------------------------------------------------- */

bool hd_smoke_passed(const struct hd_smoke_result *result)
{
    return result->exit == 0 && !result->timed_out && !result->interrupted;
}

void hd_smoke_describe(const struct hd_smoke_result *result, uint64_t milliseconds, char *out,
                       size_t capacity)
{
    if (result->timed_out)
        snprintf(out, capacity, "did not end within %.12g s", (double)milliseconds / 1000);
    else if (result->interrupted)
        snprintf(out, capacity, "was interrupted");
    else if (result->signal != 0)
        snprintf(out, capacity, "was ended by signal %d (%s)", result->signal,
                 strsignal(result->signal));
    else
        snprintf(out, capacity, "exited with %d", result->exit);
}
