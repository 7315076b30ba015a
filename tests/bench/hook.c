/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent's events cost an application that loads classes: without the agent, with the agent
 * and nothing ever deployed (no event is on), with the index of loaded classes that a first
 * deployment leaves (ClassLoad), and with patches live (ClassFileLoadHook besides), by turns. */
#include "tests/bench/bench.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define CLASSES      10000
#define MANY_PATCHES 1000

enum { WITHOUT_AGENT, NOTHING_DEPLOYED, INDEXED, ONE_PATCHED, MANY_PATCHED, KINDS };

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

static void tell(const struct bench *bench, struct application *application, const char *command,
                 unsigned count)
{
    char jar[PATH_MAX], pid[16];
    snprintf(jar, sizeof jar, "%s/patch.jar", bench->directory);
    snprintf(pid, sizeof pid, "%d", (int)application->jvm.pid);
    bench_ask(&application->jvm, "jar 0 %u 1 %s", count, jar);
    const char *const arguments[] = { HD_BENCH_CLIENT, command, "--pid", pid, jar, NULL };
    (void)bench_time_process(arguments, NULL);
}

/* With the index brought up to date, so that every class that loads is noted in it, as far as they
 * may wait. */
static void measure(const struct bench *bench, struct application *applications, size_t kind)
{
    struct application *application = &applications[kind];
    if (kind > NOTHING_DEPLOYED)
        tell(bench, application, "check", 1);
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
    tell(bench, &applications[ONE_PATCHED], "push", 1);
    tell(bench, &applications[MANY_PATCHED], "push", MANY_PATCHES);
    for (size_t i = 0; i < KINDS; i++) /* warms up */
        (void)bench_ask(&applications[i].jvm, "define %d", CLASSES);
    for (unsigned round = 0; round < bench->repeats; round++) {
        for (size_t i = 0; i < KINDS; i++)
            measure(bench, applications, (i + round) % KINDS);
    }
    const struct bench_samples *none = &applications[NOTHING_DEPLOYED].loading;
    bench_print_heading("Loading 10,000 classes", "milliseconds of processor time");
    bench_print("without the agent", &applications[WITHOUT_AGENT].loading, none);
    bench_print("with the agent, nothing deployed", none, NULL);
    bench_print("loaded classes indexed, nothing patched", &applications[INDEXED].loading, none);
    bench_print("one other class patched", &applications[ONE_PATCHED].loading, none);
    bench_print("1,000 other classes patched", &applications[MANY_PATCHED].loading, none);
    for (size_t i = 0; i < KINDS; i++)
        bench_end(&applications[i].jvm);
}
