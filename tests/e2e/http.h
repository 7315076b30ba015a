/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user of a server under test sees: answers to GET, and a steady flow of requests beside
 * whatever the test does.
 */
#ifndef HD_E2E_HTTP_H
#define HD_E2E_HTTP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#define E2E_HTTP_MAX 4096

struct e2e_http_answer {
    int status;              /* 200, 404, …; 0: no whole answer came */
    char body[E2E_HTTP_MAX]; /* the beginning of it; where status is 0, why */
};

/* GET http://127.0.0.1:port/path, at most a minute. Does not fail the test. */
void e2e_http_get(unsigned port, const char *path, struct e2e_http_answer *out);
/* Again and again, as a user does, until something other than 404 is answered; at most a minute. */
void e2e_http_await(unsigned port, const char *path);
/* Once, and the test fails unless it is 200 with exactly that body (white space at its end
 * aside). */
void e2e_http_expect(unsigned port, const char *path, const char *body);

/* A thread that asks the same thing again and again, and expects 200 and a body that begins as
 * told. It ends at the first request that fails. */
struct e2e_flow {
    pthread_t thread;
    unsigned port;
    const char *path;
    const char *beginning;
    atomic_bool ends;
    atomic_uint answered;
    struct e2e_http_answer failed; /* status and body of the failed request */
    atomic_bool has_failed;
};

/* flow must outlive the test (static): where the test fails, the thread ends with its server. path
 * and beginning are borrowed as long. Returns after the first answer. */
void e2e_flow_start(struct e2e_flow *flow, unsigned port, const char *path, const char *beginning);
/* Fails the test where a request failed. Returns how many were answered. */
unsigned e2e_flow_end(struct e2e_flow *flow);

#endif
