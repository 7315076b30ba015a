/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/peer.h"

#include "core/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAME_SIZE = 33, MAX_PASSWD_LINES = 20000 };

/* To the line behind the one that begins there. */
static bool skip_line(FILE *file, long begins)
{
    int character = 0;
    if (fseek(file, begins, SEEK_SET) != 0)
        return false;
    while (character != '\n' && character != EOF)
        character = getc_unlocked(file);
    return character != EOF;
}

/* A line that does not fit is read again and again if it is not skipped. */
static bool find_name(FILE *file, uint32_t uid, char *out, size_t capacity)
{
    char memory[1024];
    struct passwd entry;
    struct passwd *found = NULL;
    for (unsigned line = 0; line < MAX_PASSWD_LINES; line++) {
        long begins = ftell(file);
        int result = fgetpwent_r(file, &entry, memory, sizeof memory, &found);
        if (result == ERANGE && begins >= 0 && skip_line(file, begins))
            continue;
        if (result != 0)
            return false;
        if (entry.pw_uid != uid)
            continue;
        hd_text_escape(entry.pw_name, out, capacity);
        return true;
    }
    return false;
}

bool hd_peer_find_name(const char *passwd, uint32_t uid, char *out, size_t capacity)
{
    FILE *file = fopen(passwd, "re");
    if (file == NULL)
        return false;
    bool known = find_name(file, uid, out, capacity);
    fclose(file);
    return known;
}

void hd_peer_describe_user(uint32_t uid, char *out, size_t capacity)
{
    char name[NAME_SIZE];
    if (hd_peer_find_name("/etc/passwd", uid, name, sizeof name))
        hd_text_format(out, capacity, "uid:%u (%s)", uid, name);
    else
        snprintf(out, capacity, "uid:%u", uid);
}

/* The program's own name for itself, so a hint, not a proof. */
static void program_name(long pid, char out[NAME_SIZE])
{
    char path[64];
    char text[NAME_SIZE] = "";
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = descriptor >= 0 ? read(descriptor, text, sizeof text - 1) : 0;
    if (descriptor >= 0)
        close(descriptor);
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    hd_text_escape(text, out, NAME_SIZE);
}

static int local_peer(int descriptor, struct hd_peer *peer, struct hd_error *err)
{
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return hd_error_set_errno(err, errno, "the kernel does not say who connected");
    peer->local = true;
    peer->uid = credentials.uid;
    peer->origin.way = HD_WAY_LOCAL_SOCKET;
    snprintf(peer->key, sizeof peer->key, "uid:%u", credentials.uid);

    hd_peer_describe_user(credentials.uid, peer->origin.who, sizeof peer->origin.who);
    if (credentials.pid == 0) { /* not in our PID namespace */
        snprintf(peer->origin.from, sizeof peer->origin.from, "another PID namespace");
        return 0;
    }
    char name[NAME_SIZE];
    program_name(credentials.pid, name);
    snprintf(peer->origin.from, sizeof peer->origin.from, "pid %ld (%s)", (long)credentials.pid,
             name);
    return 0;
}

/* An IPv4 peer of a listener on [::] is that IPv4 address (RFC 4291 §2.5.5.2). */
static void remote_peer(const struct sockaddr_storage *address, struct hd_peer *peer)
{
    char text[INET6_ADDRSTRLEN] = "?";
    unsigned port = 0;
    bool bracketed = false;
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        port = ntohs(v4->sin_port);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
        if (mapped)
            inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, sizeof text);
        else
            inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        bracketed = !mapped;
        port = ntohs(v6->sin6_port);
    }
    peer->origin.way = HD_WAY_WEBSOCKET;
    snprintf(peer->key, sizeof peer->key, "%s", text);
    snprintf(peer->origin.from, sizeof peer->origin.from, bracketed ? "[%s]:%u" : "%s:%u", text,
             port);
}

int hd_peer_of(int descriptor, struct hd_peer *out, struct hd_error *err)
{
    struct hd_peer peer = { 0 };
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof address;
    if (getpeername(descriptor, (struct sockaddr *)&address, &length) != 0)
        return hd_error_set_errno(err, errno, "the peer has gone");
    if (address.ss_family == AF_UNIX) {
        if (local_peer(descriptor, &peer, err) != 0)
            return -1;
    } else {
        remote_peer(&address, &peer);
    }
    *out = peer;
    return 0;
}
