/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JVM with the agent on wss://, and certificates for both sides, made once for a test program.
 */
#ifndef HD_E2E_SECURE_H
#define HD_E2E_SECURE_H

#include "tests/e2e/harness.h"

/* The directory with the certificates: ca (issues), ca2 (another one), agent (127.0.0.1,
 * localhost), agent2 (the same, of ca2), elsewhere (another host), alice, over (expired), eve (of
 * ca2). */
extern char secure_place[64];
/* wss://127.0.0.1:PORT of the test's JVM; "unix:…" of the same. */
extern char secure_address[64];
extern char secure_local[256];
extern unsigned secure_port;

/* To be called from main, around E2E_RUN. */
void secure_make(void);
void secure_remove(void);

/* A file of that directory; valid until the eighth next call. */
const char *secure_file(const char *name);
/* Puts text there under that name, whole at once. */
void secure_write(const struct e2e *e2e, const char *name, const char *text);
/* The file that says who may do what; below the test's directory. */
void secure_authorise(const struct e2e *e2e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* demo.Greeter says "one", after/ holds one that says "two"; listens on secure_address with that
 * certificate, and on secure_local, clients' certificates of ca, and what secure_authorise said
 * (before). more: further options, "" none. */
void secure_start(struct e2e *e2e, const char *certificate, const char *more);
/* The same with options for the JVM (NULL-terminated; may be NULL). */
void secure_start_with(struct e2e *e2e, const char *certificate, const char *more,
                       const char *const *jvm_options);
/* A port of the loopback that nobody listens on now. */
unsigned secure_free_port(void);

/* The JVM ends, as it should; and another one with the same options. */
void secure_stop(struct e2e *e2e);
void secure_start_again(struct e2e *e2e);

/* hotdrop WORDS… --json --to secure_address --ca ca.pem, and what shows who it is: alice's files, a
 * token, nothing. */
#define SECURE_CLIENT(e2e, answer, ...)                                                            \
    e2e_client(e2e, answer, __VA_ARGS__, "--json", "--to", secure_address, "--ca",                 \
               secure_file("ca.pem"), NULL)
#define AS(name) "--cert", secure_file(name ".pem"), "--key", secure_file(name ".key")

/* The reason of the document's error; "" where there is none. */
const char *secure_reason(const struct e2e_answer *answer);

#endif
