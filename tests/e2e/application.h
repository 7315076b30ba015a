/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other people's servers under test: built by their own tools, started with the agent, heard
 * through what they print, and edited as text.
 */
#ifndef HD_E2E_APPLICATION_H
#define HD_E2E_APPLICATION_H

#include "tests/e2e/harness.h"

/* Runs a program to its end; fails the test with its output where that is not success, or takes
 * longer than 5 minutes. environment: as in process.h. */
void e2e_tool(const char *const *environment, const char *const argv[]);

/* Waits until no other test program holds that place, a directory of the build, and holds it until this program
 * ends: two runs of the same build take turns. */
void e2e_claim(const char *place);

/* The test row of an application: at the end it is told to end (SIGTERM), and must do so as a JVM
 * does. */
#define E2E_APPLICATION_CASE(function)                                                             \
    cmocka_unit_test_setup_teardown(function, e2e_setup, e2e_application_teardown)
int e2e_application_teardown(void **state);

/* Starts java with the agent; arguments (NULL at the end) say what runs. Whatever it prints is for
 * e2e_application_hear. */
void e2e_application_start(struct e2e *e2e, const char *agent_options,
                           const char *const *arguments);
/* The next line that it prints with this text in it, at most 2 minutes. The text is valid until
 * the next call. */
const char *e2e_application_hear(struct e2e *e2e, const char *text);
/* The number behind the text in the next line that has it. */
unsigned e2e_application_hear_number(struct e2e *e2e, const char *text);

/* Loads the agent into the JVM, which runs already. */
void e2e_application_attach(const struct e2e *e2e);
/* A file proves something only if it is older than the JVM, and of one that was attached to only
 * the process tells when it started, in ticks of ten milliseconds: returns when a JVM that starts
 * now is later than the file for certain. */
void e2e_application_await_age(const char *file);

/* Writes file FROM to TO with the one place that reads OLD changed to NEW. Paths as in harness.h;
 * TO may be FROM. */
void e2e_edit(const struct e2e *e2e, const char *from, const char *to, const char *old_text,
              const char *new_text);

#endif
