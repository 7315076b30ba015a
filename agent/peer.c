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

/* From /etc/passwd alone: the name is there for people to read, and getpwuid would load
 * name-service modules into the JVM that ask LDAP or a daemon, and wait. */
static bool user_name(uint32_t uid, char out[NAME_SIZE])
{
    FILE *file = fopen("/etc/passwd", "re");
    if (file == NULL)
        return false;
    char memory[1024];
    struct passwd entry;
    struct passwd *found = NULL;
    bool known = false;
    for (unsigned line = 0; line < MAX_PASSWD_LINES && !known; line++) {
        int result = fgetpwent_r(file, &entry, memory, sizeof memory, &found);
        if (result != 0 && result != ERANGE)
            break;
        known = result == 0 && entry.pw_uid == uid;
    }
    if (known)
        hd_text_escape(entry.pw_name, out, NAME_SIZE);
    fclose(file);
    return known;
}

void hd_peer_describe_user(uint32_t uid, char *out, size_t capacity)
{
    char name[NAME_SIZE];
    if (user_name(uid, name))
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
