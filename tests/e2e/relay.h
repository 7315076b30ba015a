/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A door between a client and an agent that hands bytes on in both directions, so that a test decides where a connection breaks.
 */
#ifndef HD_E2E_RELAY_H
#define HD_E2E_RELAY_H

#include <stddef.h>

struct e2e_relay {
    int door;   /* listens */
    int client; /* -1 until somebody came */
    int agent;
    size_t sent; /* by the client so far */
};

/* Listens on a Unix socket at path. */
void e2e_relay_open(struct e2e_relay *relay, const char *path);
/* Takes one client and hands on until it has sent so many bytes; fails the test after 20 s, or when either hangs up before. */
void e2e_relay_until(struct e2e_relay *relay, const char *agent_path, size_t bytes);
/* Hangs up in both directions. */
void e2e_relay_close(struct e2e_relay *relay);

#endif
