/* SPDX-License-Identifier: Apache-2.0 */
/* What the ClassFileLoadHook costs an application that loads classes: without the agent, with the
 * agent and nothing patched (the event is off), and with patches live, by turns. */
#include "tests/bench/bench.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define CLASSES      10000
#define MANY_PATCHES 1000

enum { WITHOUT_AGENT, NOTHING_PATCHED, ONE_PATCHED, MANY_PATCHED, KINDS };

struct application {
    struct e2e_process jvm;
    struct bench_samples loading; /* milliseconds of processor time */
};

static void start(const struct bench *bench, struct application *application, bool agent)
{
    const char *const option =
        agent ? "-agentpath:" HD_BENCH_AGENT "=log=/dev/null" : "-Dno.agent=yes";
    const char *const options[] = { option, "-Xmx512m", "-XX:+UseSerialGC", "bench.App", NULL };
    bench_start_java(bench, &application->jvm, options);
    bench_ask(&application->jvm, "load %u 0", MANY_PATCHES);
}

static void patch(const struct bench *bench, struct application *application, unsigned count)
{
    char jar[PATH_MAX], pid[16];
    snprintf(jar, sizeof jar, "%s/patch.jar", bench->directory);
    snprintf(pid, sizeof pid, "%d", (int)application->jvm.pid);
    bench_ask(&application->jvm, "jar 0 %u 1 %s", count, jar);
    const char *const push[] = { HD_BENCH_CLIENT, "push", "--pid", pid, jar, NULL };
    (void)bench_time_process(push, NULL);
}

static void measure(struct application *application)
{
    double nanoseconds = strtod(bench_ask(&application->jvm, "define %d", CLASSES), NULL);
    bench_add(&application->loading, nanoseconds / 1e6);
}

static void write_subjects(const struct bench *bench, struct application *application)
{
    bench_ask(&application->jvm, "write 0 %u 0 %s/classes", MANY_PATCHES, bench->directory);
}

void bench_hook(const struct bench *bench)
{
    static struct application applications[KINDS];
    const char *const options[] = { "bench.App", NULL };
    struct application writer;
    bench_start_java(bench, &writer.jvm, options);
    write_subjects(bench, &writer);
    bench_end(&writer.jvm);
    for (size_t i = 0; i < KINDS; i++) {
        applications[i].loading.count = 0;
        start(bench, &applications[i], i != WITHOUT_AGENT);
    }
    patch(bench, &applications[ONE_PATCHED], 1);
    patch(bench, &applications[MANY_PATCHED], MANY_PATCHES);
    for (size_t i = 0; i < KINDS; i++) /* warms up */
        (void)bench_ask(&applications[i].jvm, "define %d", CLASSES);
    for (unsigned round = 0; round < bench->repeats; round++) {
        for (size_t i = 0; i < KINDS; i++)
            measure(&applications[(i + round) % KINDS]);
    }
    const struct bench_samples *none = &applications[NOTHING_PATCHED].loading;
    bench_print_heading("Loading 10,000 classes", "milliseconds of processor time");
    bench_print("without the agent", &applications[WITHOUT_AGENT].loading, none);
    bench_print("with the agent, nothing patched", none, NULL);
    bench_print("one other class patched", &applications[ONE_PATCHED].loading, none);
    bench_print("1,000 other classes patched", &applications[MANY_PATCHED].loading, none);
    for (size_t i = 0; i < KINDS; i++)
        bench_end(&applications[i].jvm);
}
