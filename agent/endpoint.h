/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening socket, made by us rather than by a library: so that it never takes over what it
 * should not, and is closed to others from the first moment.
 *
 * Start-up thread or loop thread. An endpoint owns its descriptors and, for a Unix socket, the name
 * in the file system.
 */
#ifndef HD_AGENT_ENDPOINT_H
#define HD_AGENT_ENDPOINT_H

#include "core/options.h"

#include <sys/types.h>

struct hd_endpoint {
    struct hd_address address; /* as asked for; port as the kernel gave it */
    int descriptor;            /* listening, non-blocking, close-on-exec; -1: closed */
    int directory;             /* UNIX: the socket's directory (O_PATH); else -1 */
    dev_t device;              /* UNIX: which file is ours, so that only that one is removed */
    ino_t inode;
};

#define HD_ENDPOINT_INIT                                                                           \
    {                                                                                              \
        .descriptor = -1, .directory = -1                                                          \
    }

/* Unix: the socket has its mode before it has a name. A socket that a dead process left
 * there is replaced, if it belongs to this user or to root; anything else stays, and is an error:
 * HD_E_DENIED (another kind of file, another's socket, or a socket that somebody listens on). TCP:
 * HD_E_SYSTEM, HD_E_NOT_FOUND (a name that has no address; looking it up may take long). */
HD_CHECKED int hd_endpoint_open(const struct hd_address *address, mode_t mode,
                                struct hd_endpoint *out, struct hd_error *err);

/* True when opening it asks the resolver (a host that is neither an IP literal nor localhost),
 * which may take seconds. */
bool hd_endpoint_needs_lookup(const struct hd_address *address);

/* Closes and, if the name still leads to our socket, removes it. */
void hd_endpoint_close(struct hd_endpoint *endpoint);

/* "unix:/tmp/x", "ws://127.0.0.1:7007", "wss://[::1]:7443". */
void hd_endpoint_describe(const struct hd_address *address, char *out, size_t capacity);

#endif
