/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs an application to have the agent there: with and without it by turns. */
#include "tests/bench/bench.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGENT    "-agentpath:" HD_BENCH_AGENT "=log=/dev/null"
#define NO_AGENT "-Dno.agent=yes" /* so that both lines have the same length */

struct pair {
    struct bench_samples without, with;
};

static void print_pair(const struct pair *pair)
{
    bench_print("without the agent", &pair->without, NULL);
    bench_print("with the agent", &pair->with, &pair->without);
}

static double start_up_once(const struct bench *bench, const char *option)
{
    char java[PATH_MAX];
    snprintf(java, sizeof java, "%s/bin/java", bench->jdk->home);
    const char *const arguments[] = { java, option, "-cp", HD_BENCH_JAVA, "bench.Hello", NULL };
    return bench_time_process(arguments, NULL);
}

void bench_start_up(const struct bench *bench)
{
    struct pair pair = { 0 };
    (void)start_up_once(bench, NO_AGENT);
    (void)start_up_once(bench, AGENT);
    for (unsigned i = 0; i < 2 * bench->repeats; i++) {
        bench_add(&pair.without, start_up_once(bench, NO_AGENT));
        bench_add(&pair.with, start_up_once(bench, AGENT));
    }
    bench_print_heading("Start and end of a program that says one word", "milliseconds");
    print_pair(&pair);
}

static double work_once(const struct bench *bench, const char *option)
{
    char java[PATH_MAX], errors[PATH_MAX];
    struct e2e_process jvm;
    snprintf(java, sizeof java, "%s/bin/java", bench->jdk->home);
    snprintf(errors, sizeof errors, "%s/jvm.err", bench->directory);
    const char *const arguments[] = { java,          option,       "-XX:+UseSerialGC",
                                      "-Xms256m",    "-Xmx256m",   "-cp",
                                      HD_BENCH_JAVA, "bench.Work", NULL };
    e2e_process_start(&jvm, arguments, NULL, errors);
    double nanoseconds = strtod(e2e_process_hear(&jvm, 120), NULL);
    e2e_process_end(&jvm);
    return nanoseconds / 1e6;
}

void bench_throughput(const struct bench *bench)
{
    struct pair pair = { 0 };
    for (unsigned i = 0; i < bench->repeats / 2; i++) {
        bench_add(&pair.without, work_once(bench, NO_AGENT));
        bench_add(&pair.with, work_once(bench, AGENT));
    }
    bench_print_heading("A fixed amount of computing and allocating", "milliseconds");
    print_pair(&pair);
}

/* A number behind a word in a file below /proc; -1 where it is not there. */
static double proc_number(const char *path, const char *word)
{
    char line[256];
    double number = -1;
    FILE *file = fopen(path, "re");
    while (file != NULL && number < 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, word, strlen(word)) == 0)
            number = strtod(line + strlen(word), NULL);
    if (file != NULL)
        fclose(file);
    return number;
}

static void start_waiting(const struct bench *bench, struct e2e_process *jvm, const char *option)
{
    const char *const options[] = { option,    "-XX:+UseSerialGC",    "-Xint",       "-Xms64m",
                                    "-Xmx64m", "-XX:+AlwaysPreTouch", "bench.Hello", "wait",
                                    NULL };
    bench_start_java(bench, jvm, options);
}

static double memory_once(const struct bench *bench, const char *option)
{
    struct e2e_process jvm;
    char path[64];
    start_waiting(bench, &jvm, option);
    poll(NULL, 0, 1000); /* until what starts in the background has started */
    snprintf(path, sizeof path, "/proc/%d/status", (int)jvm.pid);
    double kilobytes = proc_number(path, "VmRSS:");
    bench_end(&jvm);
    return kilobytes / 1024;
}

void bench_memory(const struct bench *bench)
{
    struct pair pair = { 0 };
    for (unsigned i = 0; i < bench->repeats / 2; i++) {
        bench_add(&pair.without, memory_once(bench, NO_AGENT));
        bench_add(&pair.with, memory_once(bench, AGENT));
    }
    bench_print_heading("Resident memory of an idle JVM (-Xint, heap touched)", "megabytes");
    print_pair(&pair);
    printf("  %-44s %10.2f\n", "added by the agent",
           bench_median(&pair.with) - bench_median(&pair.without));
}

struct switches {
    double voluntary, involuntary;
    unsigned threads;
};

static struct switches count_switches(pid_t pid)
{
    struct switches total = { 0 };
    char directory[64], path[PATH_MAX], name[32] = "";
    snprintf(directory, sizeof directory, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(directory);
    for (struct dirent *entry; tasks != NULL && (entry = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s/comm", directory, entry->d_name);
        FILE *file = fopen(path, "re");
        bool ours = file != NULL && fgets(name, sizeof name, file) != NULL &&
                    strncmp(name, "hotdrop-", 8) == 0;
        if (file != NULL)
            fclose(file);
        if (!ours)
            continue;
        snprintf(path, sizeof path, "%s/%s/status", directory, entry->d_name);
        total.voluntary += proc_number(path, "voluntary_ctxt_switches:");
        total.involuntary += proc_number(path, "nonvoluntary_ctxt_switches:");
        total.threads++;
    }
    if (tasks != NULL)
        closedir(tasks);
    return total;
}

void bench_idle(const struct bench *bench, unsigned seconds)
{
    struct e2e_process jvm;
    start_waiting(bench, &jvm, AGENT);
    poll(NULL, 0, 2000);
    struct switches before = count_switches(jvm.pid);
    poll(NULL, 0, (int)seconds * 1000);
    struct switches after = count_switches(jvm.pid);
    bench_end(&jvm);
    printf(
        "\nIdle for %u s, the agent's %u threads: %.0f voluntary context switches, %.0f others\n",
        seconds, after.threads, after.voluntary - before.voluntary,
        after.involuntary - before.involuntary);
}
