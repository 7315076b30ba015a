/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process on a terminal of its own, as people see it: its output and errors come as one stream, lines end in CR LF. What is done with it otherwise is in process.h.
 */
#ifndef HD_E2E_TERMINAL_H
#define HD_E2E_TERMINAL_H

#include "tests/e2e/process.h"

#include <stddef.h>

/* environment: as e2e_process_start takes it. The terminal has 200 columns. */
void e2e_terminal_start(struct e2e_process *process, const char *const argv[],
                        const char *const *environment);
/* Waits until the process has written text, which stays to be read; fails the test after seconds without it. */
void e2e_terminal_await(struct e2e_process *process, const char *text, unsigned seconds);

#endif
