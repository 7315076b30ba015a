/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end of an accepted connection, as far as the kernel tells. Loop thread; never
 * waits.
 */
#ifndef HD_AGENT_PEER_H
#define HD_AGENT_PEER_H

#include "core/report.h"

struct hd_peer {
    struct hd_origin origin; /* way, who and from, as history shows them */
    bool local;              /* a Unix socket: uid and pid are known */
    uint32_t uid;
    char key[64]; /* equal for what counts as one peer: the user, or the address without its port */
};

/* descriptor: an accepted Unix or TCP socket. origin.who of a TCP peer is left empty: the kernel
 * does not know. */
HD_CHECKED int hd_peer_of(int descriptor, struct hd_peer *out, struct hd_error *err);

/* The user's name in a file like /etc/passwd, fit for a line, cut to capacity; false where it has
 * none. From that file alone: the name is there for people to read, and getpwuid would load
 * name-service modules into the JVM that ask LDAP or a daemon, and wait. Any thread. */
bool hd_peer_find_name(const char *passwd, uint32_t uid, char *out, size_t capacity);
/* "uid:1000 (alice)", or "uid:1000" where /etc/passwd has no name; cut to capacity. Any thread. */
void hd_peer_describe_user(uint32_t uid, char *out, size_t capacity);

#endif
