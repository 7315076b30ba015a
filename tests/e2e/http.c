/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SECONDS 60
/* Between two requests of a flow: enough of them to fall into every swap, and processors left for
 * the others. */
#define PAUSE_MS 2

/* Connected, with a bound on every wait; -1 with errno. */
static int connect_to(unsigned port)
{
    const struct timeval bound = { .tv_sec = ANSWER_SECONDS };
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons((uint16_t)port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0)
        return -1;
    (void)setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    (void)setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    if (connect(connection, (const struct sockaddr *)&address, sizeof address) == 0)
        return connection;
    int saved = errno;
    close(connection);
    errno = saved;
    return -1;
}

/* HTTP/1.0, so that the answer is neither chunked nor followed by another. Returns its length, or
 * -1 with errno. */
static ssize_t exchange(int connection, const char *path, char *out, size_t capacity)
{
    char request[512];
    int length =
        snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
    if (send(connection, request, (size_t)length, MSG_NOSIGNAL) != length)
        return -1;
    size_t used = 0;
    ssize_t got;
    while ((got = recv(connection, out + used, capacity - 1 - used, 0)) > 0)
        used += (size_t)got;
    out[used] = '\0';
    return got < 0 ? -1 : (ssize_t)used;
}

static void read_answer(char *text, struct e2e_http_answer *out)
{
    int status = 0;
    char *body = strstr(text, "\r\n\r\n");
    if (body == NULL || sscanf(text, "HTTP/%*s %d", &status) != 1) {
        snprintf(out->body, sizeof out->body, "no HTTP answer but '%.200s'", text);
        return;
    }
    out->status = status;
    snprintf(out->body, sizeof out->body, "%s", body + 4);
    out->body[strcspn(out->body, "\r\n")] = '\0';
}

void e2e_http_get(unsigned port, const char *path, struct e2e_http_answer *out)
{
    char text[2 * E2E_HTTP_MAX];
    out->status = 0;
    int connection = connect_to(port);
    if (connection < 0) {
        snprintf(out->body, sizeof out->body, "connecting: %s", strerror(errno));
        return;
    }
    if (exchange(connection, path, text, sizeof text) < 0)
        snprintf(out->body, sizeof out->body, "reading the answer: %s", strerror(errno));
    else
        read_answer(text, out);
    close(connection);
}

void e2e_http_await(unsigned port, const char *path)
{
    enum { TICKS = 600, TICK_MS = 100, NOT_FOUND = 404 };
    struct e2e_http_answer answer;
    for (int i = 0; i < TICKS; i++) {
        e2e_http_get(port, path, &answer);
        if (answer.status != NOT_FOUND)
            return;
        poll(NULL, 0, TICK_MS);
    }
    fail_msg("%s is not there: %s", path, answer.body);
}

void e2e_http_expect(unsigned port, const char *path, const char *body)
{
    struct e2e_http_answer answer;
    e2e_http_get(port, path, &answer);
    if (answer.status != 200 || strcmp(answer.body, body) != 0)
        fail_msg("%s: %d '%s', not '%s'", path, answer.status, answer.body, body);
}

static bool is_good(const struct e2e_flow *flow, const struct e2e_http_answer *answer)
{
    return answer->status == 200 &&
           strncmp(answer->body, flow->beginning, strlen(flow->beginning)) == 0;
}

static void *ask_again_and_again(void *argument)
{
    struct e2e_flow *flow = argument;
    struct e2e_http_answer answer;
    while (!atomic_load(&flow->ends)) {
        e2e_http_get(flow->port, flow->path, &answer);
        if (!is_good(flow, &answer)) {
            flow->failed = answer;
            atomic_store(&flow->has_failed, true);
            return NULL;
        }
        atomic_fetch_add(&flow->answered, 1);
        poll(NULL, 0, PAUSE_MS);
    }
    return NULL;
}

void e2e_flow_start(struct e2e_flow *flow, unsigned port, const char *path, const char *beginning)
{
    flow->port = port;
    flow->path = path;
    flow->beginning = beginning;
    atomic_store(&flow->ends, false);
    atomic_store(&flow->answered, 0);
    atomic_store(&flow->has_failed, false);
    assert_int_equal(pthread_create(&flow->thread, NULL, ask_again_and_again, flow), 0);
    while (atomic_load(&flow->answered) == 0 && !atomic_load(&flow->has_failed))
        poll(NULL, 0, PAUSE_MS);
}

unsigned e2e_flow_end(struct e2e_flow *flow)
{
    atomic_store(&flow->ends, true);
    pthread_join(flow->thread, NULL);
    unsigned answered = atomic_load(&flow->answered);
    if (atomic_load(&flow->has_failed))
        fail_msg("after %u good answers, %s: %d '%s'", answered, flow->path, flow->failed.status,
                 flow->failed.body);
    return answered;
}
