/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the benchmark share: its directory, JVMs that are talked to, processes that
 * are timed. Every failure ends the program. */
#ifndef HD_BENCH_BENCH_H
#define HD_BENCH_BENCH_H

#include "tests/bench/samples.h"
#include "tests/e2e/jdk.h"

struct bench {
    const struct e2e_jdk *jdk;
    char directory[64];
    unsigned starts;  /* of each JVM, in the swap table */
    unsigned rounds;  /* in each of them */
    unsigned repeats; /* of what a process is started for each time */
};

/* options: NULL at the end. The main class and its arguments come last in them. */
void bench_start_java(const struct bench *bench, struct e2e_process *jvm,
                      const char *const *options);
/* The answer to a command; valid until the next one. */
const char *bench_ask(struct e2e_process *jvm, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void bench_end(struct e2e_process *jvm);

/* Milliseconds from starting argv[0] (a path) until it has ended; its output is thrown away, its
 * input is the file (NULL: none). Ends the program where it exits with another status than 0. */
double bench_time_process(const char *const argv[], const char *input);

/* swap.c: what it takes until a change is live. */
void bench_swaps(const struct bench *bench, unsigned loaded);
/* cost.c: what it costs the application to have the agent there. */
void bench_start_up(const struct bench *bench);
void bench_throughput(const struct bench *bench);
void bench_memory(const struct bench *bench);
void bench_idle(const struct bench *bench, unsigned seconds);
/* hook.c: what it costs an application that loads classes while patches are live. */
void bench_hook(const struct bench *bench);

#endif
