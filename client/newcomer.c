/* SPDX-License-Identifier: Apache-2.0 */
#include "client/newcomer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define YOUNG_SECONDS 10
#define WAIT_MS       2000

/* 0, or the errno that says why not. */
static int try_to_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return errno;
    int result = connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    close(descriptor);
    return result;
}

bool hd_socket_answers(const char *path)
{
    return try_to_connect(path) == 0;
}

/* In clock ticks since the machine started (proc(5), /proc/PID/stat, field 22). The name before may
 * hold anything, also brackets. */
static bool read_start(pid_t pid, unsigned long long *ticks)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    const char *behind_name = strrchr(line, ')');
    return behind_name != NULL &&
           sscanf(behind_name + 1,
                  " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                  "%llu",
                  ticks) == 1;
}

static bool is_young(pid_t pid)
{
    struct timespec now;
    unsigned long long ticks;
    long ticks_a_second = sysconf(_SC_CLK_TCK);
    if (ticks_a_second <= 0 || clock_gettime(CLOCK_BOOTTIME, &now) != 0 || !read_start(pid, &ticks))
        return false;
    return (unsigned long long)now.tv_sec <
           ticks / (unsigned long long)ticks_a_second + YOUNG_SECONDS;
}

/* Reads what has happened. True when something of that name came. */
static bool has_come(int events, const char *name)
{
    _Alignas(struct inotify_event) char buffer[4096];
    ssize_t length = read(events, buffer, sizeof buffer);
    bool come = false;
    for (ssize_t at = 0; at < length;) {
        const struct inotify_event *event = (const void *)(buffer + at);
        come |= (event->mask & IN_Q_OVERFLOW) != 0 ||
                (event->len > 0 && strcmp(event->name, name) == 0);
        at += (ssize_t)(sizeof *event + event->len);
    }
    return come;
}

/* Of a clock that does not jump. */
static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A socket has its name (bind) just before anybody can connect (listen), and of that there is no
 * event. */
static bool wait_for_listener(int events, const char *path, const char *name)
{
    int64_t deadline = milliseconds() + WAIT_MS;
    bool come = false;
    for (int64_t left = WAIT_MS; left > 0; left = deadline - milliseconds()) {
        int reason = try_to_connect(path);
        if (reason != ENOENT && reason != ECONNREFUSED)
            return reason == 0; /* what else stands in the way does not pass by itself */
        struct pollfd happening = { .fd = events, .events = POLLIN };
        if (poll(&happening, 1, come ? 1 : (int)left) > 0)
            come |= has_come(events, name);
    }
    return hd_socket_answers(path);
}

static bool wait_in_directory(const char *path)
{
    char directory[sizeof((struct hd_jvm_process *)NULL)->socket];
    snprintf(directory, sizeof directory, "%s", path);
    char *name = strrchr(directory, '/');
    int events = name != NULL ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
    if (events < 0)
        return false;
    *name++ = '\0';
    bool answers = inotify_add_watch(events, directory, IN_CREATE | IN_MOVED_TO) >= 0 &&
                   wait_for_listener(events, path, name);
    close(events);
    return answers;
}

bool hd_newcomer_await(const struct hd_jvm_process *jvm)
{
    bool expected = jvm->has_agent || jvm->socket_exists;
    if (!expected || !is_young(jvm->pid))
        return false;
    /* Nearly always; and the kernel takes ten milliseconds to end an inotify. */
    return (jvm->socket_exists && hd_socket_answers(jvm->socket)) || wait_in_directory(jvm->socket);
}
