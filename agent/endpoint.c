/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static int make_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* ---- Unix ------------------------------------------------------------------------------------ */

/* "/run/app/x.sock" → "/run/app", "x.sock"; "x.sock" → ".", "x.sock". */
static const char *split_path(const struct hd_address *address,
                              char directory[sizeof address->path])
{
    const char *slash = strrchr(address->path, '/');
    if (slash == NULL) {
        memcpy(directory, ".", sizeof ".");
        return address->path;
    }
    size_t length = slash == address->path ? 1 : (size_t)(slash - address->path);
    memcpy(directory, address->path, length);
    directory[length] = '\0';
    return slash + 1;
}

/* The name through the directory's own descriptor: what bind and connect see is what was examined,
 * even if somebody moves the directory meanwhile. */
static int socket_name(int directory, const char *name, struct sockaddr_un *out,
                       struct hd_error *err)
{
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    int length =
        snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof out->sun_path)
        return hd_error_set(
            err, HD_E_USAGE,
            "the file name \"%s\" is too long for a socket; choose one of at most 80 bytes", name);
    return 0;
}

static bool is_abandoned(const struct sockaddr_un *name)
{
    int probe = make_socket(AF_UNIX);
    if (probe < 0)
        return false;
    bool refused =
        connect(probe, (const struct sockaddr *)name, sizeof *name) != 0 && errno == ECONNREFUSED;
    close(probe);
    return refused;
}

static int remove_abandoned(int directory, const char *file, const struct sockaddr_un *name,
                            struct hd_error *err)
{
    struct stat status;
    if (fstatat(directory, file, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return hd_error_set_errno(err, errno, "the name is taken and cannot be examined");
    if (!S_ISSOCK(status.st_mode))
        return hd_error_set(
            err, HD_E_DENIED,
            "the name is taken by something that is not a socket; it is left alone");
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return hd_error_set(
            err, HD_E_DENIED,
            "the name is taken by a socket of another user (uid %lu); it is left alone",
            (unsigned long)status.st_uid);
    if (!is_abandoned(name))
        return hd_error_set(err, HD_E_DENIED, "the name is taken: another process listens there");
    if (unlinkat(directory, file, 0) != 0)
        return hd_error_set_errno(err, errno,
                                  "a socket that a dead process left there cannot be removed");
    return 0;
}

static int bind_name(struct hd_endpoint *endpoint, const char *file, mode_t mode,
                     struct hd_error *err)
{
    struct sockaddr_un name;
    if (socket_name(endpoint->directory, file, &name, err) != 0)
        return -1;
    /* The mode that bind gives the file is that of the socket (unix(7)), so there is no moment in
     * which others could connect. */
    if (fchmod(endpoint->descriptor, mode) != 0)
        return hd_error_set_errno(err, errno, "the socket's mode cannot be set");
    int result = bind(endpoint->descriptor, (const struct sockaddr *)&name, sizeof name);
    if (result != 0 && errno == EADDRINUSE) {
        if (remove_abandoned(endpoint->directory, file, &name, err) != 0)
            return -1;
        result = bind(endpoint->descriptor, (const struct sockaddr *)&name, sizeof name);
    }
    return result == 0 ? 0 : hd_error_set_errno(err, errno, "the socket cannot be made");
}

static int remember_file(struct hd_endpoint *endpoint, const char *file, struct hd_error *err)
{
    struct stat status;
    if (fstatat(endpoint->directory, file, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return hd_error_set_errno(err, errno, "the socket cannot be examined");
    endpoint->device = status.st_dev;
    endpoint->inode = status.st_ino;
    return 0;
}

/* The umask has narrowed what others may; through a descriptor, so that it is our socket's mode
 * that changes, whatever has that name by now. */
static int widen(struct hd_endpoint *endpoint, const char *file, mode_t mode, struct hd_error *err)
{
    char itself[64];
    struct stat status;
    if (mode == 0600)
        return 0;
    int place = openat(endpoint->directory, file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (place < 0)
        return hd_error_set_errno(err, errno, "the socket cannot be examined");
    snprintf(itself, sizeof itself, "/proc/self/fd/%d", place);
    bool ours = fstat(place, &status) == 0 && status.st_dev == endpoint->device &&
                status.st_ino == endpoint->inode;
    int result = ours ? chmod(itself, mode) : -1;
    if (result != 0)
        hd_error_set_errno(err, ours ? errno : EBUSY, "the socket's mode cannot be set");
    close(place);
    return result;
}

static int open_unix(struct hd_endpoint *endpoint, mode_t mode, struct hd_error *err)
{
    char directory[sizeof endpoint->address.path];
    const char *file = split_path(&endpoint->address, directory);
    endpoint->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (endpoint->directory < 0)
        return hd_error_set_errno(err, errno, "%s: not a usable directory", directory);
    endpoint->descriptor = make_socket(AF_UNIX);
    if (endpoint->descriptor < 0)
        return hd_error_set_errno(err, errno, "no socket");
    if (bind_name(endpoint, file, mode, err) != 0 || remember_file(endpoint, file, err) != 0 ||
        widen(endpoint, file, mode, err) != 0)
        return -1;
    if (listen(endpoint->descriptor, BACKLOG) != 0)
        return hd_error_set_errno(err, errno, "cannot listen");
    return 0;
}

static void remove_name(const struct hd_endpoint *endpoint)
{
    char directory[sizeof endpoint->address.path];
    const char *file = split_path(&endpoint->address, directory);
    struct stat status;
    if (endpoint->inode == 0 ||
        fstatat(endpoint->directory, file, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (status.st_dev == endpoint->device && status.st_ino == endpoint->inode)
        unlinkat(endpoint->directory, file, 0);
}

/* ---- TCP ------------------------------------------------------------------------------------- */

bool hd_endpoint_needs_lookup(const struct hd_address *address)
{
    return hd_address_is_tcp(address) && !hd_address_is_ip(address->host) &&
           strcasecmp(address->host, "localhost") != 0;
}

/* Port 0 lets the kernel choose. */
static int remember_port(struct hd_endpoint *endpoint, struct hd_error *err)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name = { 0 };
    socklen_t length = sizeof name;
    if (getsockname(endpoint->descriptor, &name.any, &length) != 0)
        return hd_error_set_errno(err, errno, "the socket cannot be examined");
    bool is_v6 = name.any.sa_family == AF_INET6;
    endpoint->address.port = ntohs(is_v6 ? name.v6.sin6_port : name.v4.sin_port);
    return 0;
}

static int listen_at(struct hd_endpoint *endpoint, const struct addrinfo *where,
                     struct hd_error *err)
{
    int one = 1;
    endpoint->descriptor = make_socket(where->ai_family);
    if (endpoint->descriptor < 0)
        return hd_error_set_errno(err, errno, "no socket");
    setsockopt(endpoint->descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(endpoint->descriptor, where->ai_addr, where->ai_addrlen) != 0 ||
        listen(endpoint->descriptor, BACKLOG) != 0)
        return hd_error_set_errno(err, errno, "cannot listen");
    return remember_port(endpoint, err);
}

static int open_tcp(struct hd_endpoint *endpoint, struct hd_error *err)
{
    const struct hd_address *address = &endpoint->address;
    char port[8];
    snprintf(port, sizeof port, "%u", address->port);
    /* "localhost" is not looked up: whatever the resolver says, it means this machine (RFC 6761
     * §6.3). */
    bool is_localhost = strcasecmp(address->host, "localhost") == 0;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    if (!hd_endpoint_needs_lookup(address))
        hints.ai_flags |= AI_NUMERICHOST;
    struct addrinfo *found = NULL;
    int problem = getaddrinfo(is_localhost ? "127.0.0.1" : address->host, port, &hints, &found);
    if (problem != 0)
        return hd_error_set(err, HD_E_NOT_FOUND, "the host has no address here: %s",
                            gai_strerror(problem));
    int result = listen_at(endpoint, found, err);
    freeaddrinfo(found);
    return result;
}

/* ---- both ------------------------------------------------------------------------------------ */

void hd_endpoint_describe(const struct hd_address *address, char *out, size_t capacity)
{
    if (address->kind == HD_ADDRESS_UNIX)
        snprintf(out, capacity, "unix:%s", address->path);
    else if (hd_address_is_tcp(address))
        snprintf(out, capacity, strchr(address->host, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u",
                 address->kind == HD_ADDRESS_WSS ? "wss" : "ws", address->host, address->port);
    else
        snprintf(out, capacity, "none");
}

int hd_endpoint_open(const struct hd_address *address, mode_t mode, struct hd_endpoint *out,
                     struct hd_error *err)
{
    struct hd_endpoint endpoint = HD_ENDPOINT_INIT;
    endpoint.address = *address;
    int result = address->kind == HD_ADDRESS_UNIX ? open_unix(&endpoint, mode, err)
                                                  : open_tcp(&endpoint, err);
    if (result != 0) {
        hd_endpoint_close(&endpoint);
        return -1;
    }
    *out = endpoint;
    return 0;
}

void hd_endpoint_close(struct hd_endpoint *endpoint)
{
    if (endpoint->directory >= 0) {
        remove_name(endpoint);
        close(endpoint->directory);
    }
    if (endpoint->descriptor >= 0)
        close(endpoint->descriptor);
    *endpoint = (struct hd_endpoint)HD_ENDPOINT_INIT;
}
