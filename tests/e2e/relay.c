/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_MS 20000

static int unix_socket(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(descriptor, errno);
    return descriptor;
}

void e2e_relay_open(struct e2e_relay *relay, const char *path)
{
    struct sockaddr_un address;
    *relay = (struct e2e_relay){ .client = -1, .agent = -1 };
    relay->door = unix_socket(path, &address);
    assert_return_code(bind(relay->door, (const struct sockaddr *)&address, sizeof address), errno);
    assert_return_code(listen(relay->door, 1), errno);
}

static void take_client(struct e2e_relay *relay, const char *agent_path)
{
    struct sockaddr_un address;
    struct pollfd wait = { .fd = relay->door, .events = POLLIN };
    assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
    relay->client = accept(relay->door, NULL, NULL);
    assert_return_code(relay->client, errno);
    relay->agent = unix_socket(agent_path, &address);
    assert_return_code(connect(relay->agent, (const struct sockaddr *)&address, sizeof address),
                       errno);
}

/* At most limit bytes; returns how many. */
static size_t hand_on(int from, int to, size_t limit)
{
    char chunk[4096];
    ssize_t got = read(from, chunk, limit < sizeof chunk ? limit : sizeof chunk);
    if (got <= 0)
        fail_msg("a side hung up before the test did");
    for (ssize_t at = 0; at < got;) {
        ssize_t put = send(to, chunk + at, (size_t)(got - at), MSG_NOSIGNAL);
        assert_return_code(put, errno);
        at += put;
    }
    return (size_t)got;
}

void e2e_relay_until(struct e2e_relay *relay, const char *agent_path, size_t bytes)
{
    take_client(relay, agent_path);
    while (relay->sent < bytes) {
        struct pollfd sides[] = { { .fd = relay->client, .events = POLLIN },
                                  { .fd = relay->agent, .events = POLLIN } };
        assert_true(poll(sides, 2, WAIT_MS) > 0);
        if (sides[1].revents != 0)
            (void)hand_on(relay->agent, relay->client, SIZE_MAX);
        if (sides[0].revents != 0)
            relay->sent += hand_on(relay->client, relay->agent, bytes - relay->sent);
    }
}

void e2e_relay_close(struct e2e_relay *relay)
{
    close(relay->door);
    close(relay->client);
    close(relay->agent);
}
