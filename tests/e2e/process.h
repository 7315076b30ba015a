/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process that is talked to in lines, with a bound on every wait. A failure ends the test
 * (cmocka).
 */
#ifndef HD_E2E_PROCESS_H
#define HD_E2E_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct e2e_process {
    pid_t pid;             /* 0: not running */
    int to;                /* its standard input */
    int from;              /* its standard output */
    char pending[1 << 16]; /* read, not yet handed out */
    size_t pending_length;
};

/* environment: "NAME=value" strings set on top of ours, NULL at the end; may be NULL.
 * stderr_path: appended to. */
void e2e_process_start(struct e2e_process *process, const char *const argv[],
                       const char *const *environment, const char *stderr_path);
void e2e_process_tell(struct e2e_process *process, const char *line);
/* The next line of output without its end; fails the test after seconds without one, or when the
 * process ended. The text is valid until the next call. */
const char *e2e_process_hear(struct e2e_process *process, unsigned seconds);
/* All the output until the process ends; the caller frees. *status as from waitpid. */
char *e2e_process_finish(struct e2e_process *process, unsigned seconds, int *status);
/* SIGKILL by pid; does nothing when it is not running. */
void e2e_process_end(struct e2e_process *process);

#endif
