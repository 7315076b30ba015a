/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A smoke test: a command of the user's, run by sh in a process group of its own, so that all of it
 * can be ended when its time is over. Main thread.
 */
#ifndef HD_CLIENT_SMOKE_H
#define HD_CLIENT_SMOKE_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_smoke_result {
    int exit;         /* its exit status; -1: it has none */
    int signal;       /* that ended it; 0: none */
    bool timed_out;   /* we ended it: its time was over */
    bool interrupted; /* … or somebody wants us to end (SIGINT, SIGTERM, SIGHUP) */
};

/* Runs "sh -c COMMAND" with HOTDROP_DEPLOYMENT and HOTDROP_PID in its environment, no input, and
 * its output on our stderr; waits for its end, at most that long. */
HD_CHECKED int hd_smoke_run(const char *command, uint64_t deployment, long pid,
                            uint64_t milliseconds, struct hd_smoke_result *out,
                            struct hd_error *err);
bool hd_smoke_passed(const struct hd_smoke_result *result);
/* "exited with 3", "was ended by signal 9 (Killed)", "did not end within 60 s". */
void hd_smoke_describe(const struct hd_smoke_result *result, uint64_t milliseconds, char *out,
                       size_t capacity);

#endif
