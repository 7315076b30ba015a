/* SPDX-License-Identifier: Apache-2.0 */
#include "client/ssh_keygen.h"

#include "core/ssh_signature.h"
#include "core/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The message as the program's standard input; in memory, so that nobody waits for anybody. (glibc has a function for it
 * since 2.27 only.) */
static int open_message(struct hd_bytes message, struct hd_error *err)
{
    int file = (int)syscall(SYS_memfd_create, "hotdrop-manifest", MFD_CLOEXEC);
    if (file < 0)
        return hd_error_set_errno(err, errno, "memfd_create");
    if (hd_write_all(file, message) == 0 && lseek(file, 0, SEEK_SET) == 0)
        return file;
    hd_error_set_errno(err, errno, "the manifest could not be handed to ssh-keygen");
    close(file);
    return -1;
}

static int start(const char *key, int input, int output, pid_t *pid, struct hd_error *err)
{
    const char *arguments[] = { "ssh-keygen",     "-q", "-Y", "sign", "-n",
                                HD_SSH_NAMESPACE, "-f", key,  NULL };
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    int failed = posix_spawnp(pid, arguments[0], &actions, NULL,
                              (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return hd_error_set(err, HD_E_USAGE,
                            "ssh-keygen cannot be started: %s; it comes with OpenSSH's client",
                            strerror(failed));
    return 0;
}

static int read_all(int file, struct hd_buffer *out, struct hd_error *err)
{
    uint8_t chunk[4096];
    for (;;) {
        ssize_t got = read(file, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return hd_error_set_errno(err, errno, "ssh-keygen's answer");
        if (got == 0)
            return 0;
        if (hd_buffer_append(out, chunk, (size_t)got, err) != 0)
            return -1;
    }
}

static int await(pid_t pid, struct hd_error *err)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return hd_error_set(err, HD_E_USAGE, "ssh-keygen did not sign; its own words are above");
}

static int run(const char *key, int input, struct hd_buffer *armour, struct hd_error *err)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return hd_error_set_errno(err, errno, "pipe");
    int status = start(key, input, ends[1], &pid, err);
    close(ends[1]);
    if (status == 0) {
        status = read_all(ends[0], armour, err);
        if (await(pid, err) != 0)
            status = -1;
    }
    close(ends[0]);
    return status;
}

int hd_ssh_keygen_sign(const char *key, struct hd_bytes message, struct hd_buffer *armour,
                       struct hd_error *err)
{
    struct hd_buffer answer = HD_BUFFER_INIT;
    int input = open_message(message, err);
    if (input < 0)
        return -1;
    int status = run(key, input, &answer, err);
    close(input);
    if (status != 0) {
        hd_buffer_close(&answer);
        return -1;
    }
    *armour = answer;
    return 0;
}
