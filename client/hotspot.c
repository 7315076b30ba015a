/* SPDX-License-Identifier: Apache-2.0 */
#include "client/hotspot.h"

#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LISTEN_SECONDS 10
#define ANSWER_SECONDS 60

/* JDK 8 lets only its own user in, not even root: become that user for as long as it takes to
 * connect. */
static int become(uid_t uid, gid_t gid, struct hd_error *err)
{
    if (geteuid() == uid)
        return 0;
    if (geteuid() != 0)
        return hd_error_set(err, HD_E_DENIED,
                            "the JVM belongs to uid %u; attach as that user or as root",
                            (unsigned)uid);
    if (setegid(gid) != 0 || seteuid(uid) != 0)
        return hd_error_set_errno(err, errno, "cannot become uid %u", (unsigned)uid);
    return 0;
}

static int become_self(struct hd_error *err)
{
    if (seteuid(getuid()) != 0 || setegid(getgid()) != 0)
        return hd_error_set_errno(err, errno, "cannot become uid %u again", (unsigned)getuid());
    return 0;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0)
        return descriptor;
    int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
}

static int make_trigger(const char *path, struct hd_error *err)
{
    int file = open(path, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0660);
    if (file < 0)
        return hd_error_set_errno(err, errno, "%s cannot be made", path);
    close(file);
    return 0;
}

static int await_listener(const struct hd_jvm_process *jvm, const char *socket_path,
                          struct hd_error *err)
{
    const struct timespec pause = { .tv_nsec = 10L * 1000 * 1000 };
    int64_t deadline = hd_text_now() + (int64_t)LISTEN_SECONDS * 1000000;
    while (hd_text_now() < deadline) {
        int descriptor = connect_to(socket_path);
        if (descriptor >= 0)
            return descriptor;
        if (kill(jvm->pid, 0) != 0)
            return hd_error_set(err, HD_E_CONNECTION, "process %d ended meanwhile", (int)jvm->pid);
        nanosleep(&pause, NULL);
    }
    return hd_error_set(err, HD_E_CONNECTION,
                        "pid %d does not answer within %d s: it may be stopped, or run with "
                        "-XX:+DisableAttachMechanism",
                        (int)jvm->pid, LISTEN_SECONDS);
}

static int trigger_and_connect(const struct hd_jvm_process *jvm, int tmp, const char *socket_path,
                               struct hd_error *err)
{
    if (!jvm->catches_sigquit)
        return hd_error_set(
            err, HD_E_USAGE,
            "pid %d does not handle SIGQUIT (-Xrs, or still starting): attaching would end it. "
            "Start it with -agentpath instead",
            (int)jvm->pid);
    char trigger[108];
    snprintf(trigger, sizeof trigger, "/proc/self/fd/%d/.attach_pid%d", tmp, (int)jvm->inner_pid);
    if (make_trigger(trigger, err) != 0)
        return -1;
    int descriptor = -1;
    if (kill(jvm->pid, SIGQUIT) != 0)
        hd_error_set_errno(err, errno, "pid %d cannot be signalled", (int)jvm->pid);
    else
        descriptor = await_listener(jvm, socket_path, err);
    unlink(trigger);
    return descriptor;
}

static int open_channel(const struct hd_jvm_process *jvm, int tmp, struct hd_error *err)
{
    char socket_path[108];
    snprintf(socket_path, sizeof socket_path, "/proc/self/fd/%d/.java_pid%d", tmp,
             (int)jvm->inner_pid);
    int descriptor = connect_to(socket_path);
    if (descriptor >= 0)
        return descriptor;
    return trigger_and_connect(jvm, tmp, socket_path, err);
}

static int connect_as_owner(const struct hd_jvm_process *jvm, int tmp, struct hd_error *err)
{
    if (become(jvm->uid, jvm->gid, err) != 0)
        return -1;
    int descriptor = open_channel(jvm, tmp, err);
    if (become_self(err) != 0 && descriptor >= 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static int send_all(int descriptor, const char *data, size_t length, struct hd_error *err)
{
    while (length > 0) {
        ssize_t sent = send(descriptor, data, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return hd_error_set_errno(err, errno, "the JVM closed the attach connection");
        data += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static int send_request(int descriptor, const char *library, const char *options,
                        struct hd_error *err)
{
    const char *const strings[] = { "1", "load", library, "true", options };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        if (send_all(descriptor, strings[i], strlen(strings[i]) + 1, err) != 0)
            return -1;
    return 0;
}

static int receive_answer(int descriptor, char *answer, size_t capacity, struct hd_error *err)
{
    size_t length = 0;
    for (;;) {
        struct pollfd wait = { .fd = descriptor, .events = POLLIN };
        int ready = poll(&wait, 1, ANSWER_SECONDS * 1000);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return hd_error_set(err, HD_E_CONNECTION, "the JVM did not answer within %d s",
                                ANSWER_SECONDS);
        ssize_t got = read(descriptor, answer + length, capacity - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
        if (length == capacity - 1)
            break;
    }
    answer[length] = '\0';
    if (length == 0)
        return hd_error_set(err, HD_E_CONNECTION,
                            "the JVM closed the attach connection without an answer");
    return 0;
}

/* "0\nreturn code: 0\n" (JDK 9 and later), "0\n0\n" (JDK 8). JDK 21 may say 0 in the first line
 * and the failure in words. */
static int judge_answer(const char *answer, struct hd_error *err)
{
    char *words;
    long status = strtol(answer, &words, 10);
    words += strspn(words, "\r\n ");
    long agent_result = -1;
    bool has_result = sscanf(words, "return code: %ld", &agent_result) == 1 ||
                      sscanf(words, "%ld", &agent_result) == 1;
    if (status == 0 && has_result && agent_result == 0)
        return 0;
    if (has_result && agent_result != 0)
        return hd_error_set(
            err, HD_E_JVM, "the agent could not start (Agent_OnAttach returned %ld)", agent_result);
    char escaped[600];
    hd_text_escape(words[0] != '\0' ? words : "no reason given", escaped, sizeof escaped);
    return hd_error_set(err, HD_E_JVM, "the JVM refuses to load the agent: %s", escaped);
}

int hd_hotspot_load_agent(const struct hd_jvm_process *jvm, int tmp, const char *library,
                          const char *options, struct hd_error *err)
{
    if (strlen(options) > HD_HOTSPOT_ARGUMENT_MAX || strlen(library) > HD_HOTSPOT_ARGUMENT_MAX)
        return hd_error_set(err, HD_E_USAGE,
                            "the agent's options are longer than the %d bytes that HotSpot takes; "
                            "put them into a file: "
                            "--options config=FILE",
                            HD_HOTSPOT_ARGUMENT_MAX);
    int descriptor = connect_as_owner(jvm, tmp, err);
    if (descriptor < 0)
        return -1;
    char answer[4096];
    int result = send_request(descriptor, library, options, err);
    if (result == 0)
        result = receive_answer(descriptor, answer, sizeof answer, err);
    if (result == 0)
        result = judge_answer(answer, err);
    close(descriptor);
    return result;
}
