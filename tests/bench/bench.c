/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures Hotdrop beside bare RedefineClasses and jdb, and what the agent costs an application.
 * Prints; judges nothing.
 *
 * Usage: hotdrop-bench [--quick] [swap|start|work|memory|idle|hook…]   (every part where none is named)
 */
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_SECONDS 120
#define MAX_ARGUMENTS  32

extern char **environ;

static void die(const char *what)
{
    fprintf(stderr, "hotdrop-bench: %s\n", what);
    exit(1);
}

void bench_start_java(const struct bench *bench, struct e2e_process *jvm,
                      const char *const *options)
{
    char java[PATH_MAX], class_path[PATH_MAX], errors[PATH_MAX];
    snprintf(java, sizeof java, "%s/bin/java", bench->jdk->home);
    snprintf(class_path, sizeof class_path, HD_BENCH_JAVA ":%s/classes", bench->directory);
    snprintf(errors, sizeof errors, "%s/jvm.err", bench->directory);
    const char *arguments[MAX_ARGUMENTS] = { java, "-cp", class_path,
                                             "-Dbench.bare=" HD_BENCH_BARE };
    size_t count = 4;
    if (bench->jdk->feature >= 22)
        arguments[count++] = "--enable-native-access=ALL-UNNAMED";
    for (size_t i = 0; options[i] != NULL && count < MAX_ARGUMENTS - 1; i++)
        arguments[count++] = options[i];
    e2e_process_start(jvm, arguments, NULL, errors);
    const char *line;
    do
        line = e2e_process_hear(jvm, ANSWER_SECONDS);
    while (strcmp(line, "ready") != 0);
}

const char *bench_ask(struct e2e_process *jvm, const char *format, ...)
{
    char command[2 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    e2e_process_tell(jvm, command);
    return e2e_process_hear(jvm, ANSWER_SECONDS);
}

void bench_end(struct e2e_process *jvm)
{
    e2e_process_end(jvm);
}

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

double bench_time_process(const char *const argv[], const char *input)
{
    posix_spawn_file_actions_t files;
    pid_t pid;
    int status = 0;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, input != NULL ? input : "/dev/null",
                                     O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    double begun = milliseconds();
    if (posix_spawn(&pid, argv[0], &files, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        die(argv[0]);
    waitpid(pid, &status, 0);
    double took = milliseconds() - begun;
    posix_spawn_file_actions_destroy(&files);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die(argv[0]);
    return took;
}

/* ---- the machine, and what is asked for
 * ------------------------------------------------------------ */

static void print_processor(void)
{
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "model name", 10) == 0) {
            printf("processor:%s", strchr(line, ':') + 1);
            break;
        }
    if (file != NULL)
        fclose(file);
}

static void print_machine(void)
{
    struct utsname system;
    double load[1] = { 0 };
    uname(&system);
    (void)getloadavg(load, 1);
    print_processor();
    printf("%ld processors, %ld MB, Linux %s, load before the run %.2f\n",
           sysconf(_SC_NPROCESSORS_ONLN), sysconf(_SC_PHYS_PAGES) / 256, system.release, load[0]);
}

static bool is_wanted(const char *part, int count, char **arguments)
{
    bool any_named = false;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], part) == 0)
            return true;
        any_named = any_named || arguments[i][0] != '-';
    }
    return !any_named;
}

static void measure(struct bench *bench, int count, char **arguments, bool quick)
{
    snprintf(bench->directory, sizeof bench->directory, "/tmp/hotdrop-bench-XXXXXX");
    if (mkdtemp(bench->directory) == NULL)
        die(bench->directory);
    if (is_wanted("swap", count, arguments)) {
        bench_swaps(bench, 2000);
        bench_swaps(bench, 20000);
    }
    if (is_wanted("start", count, arguments))
        bench_start_up(bench);
    if (is_wanted("work", count, arguments))
        bench_throughput(bench);
    if (is_wanted("memory", count, arguments))
        bench_memory(bench);
    if (is_wanted("idle", count, arguments))
        bench_idle(bench, quick ? 5 : 30);
    if (is_wanted("hook", count, arguments))
        bench_hook(bench);
    char remove[128];
    snprintf(remove, sizeof remove, "rm -rf '%s'", bench->directory);
    if (system(remove) != 0)
        fprintf(stderr, "hotdrop-bench: %s was not removed\n", bench->directory);
}

int main(int count, char **arguments)
{
    static struct e2e_jdk_list jdks;
    bool quick = count > 1 && strcmp(arguments[1], "--quick") == 0;
    e2e_jdk_find(&jdks);
    if (jdks.count == 0)
        die("no JDK was found: set HOTDROP_JDKS or JAVA_HOME");
    print_machine();
    for (size_t i = 0; i < jdks.count; i++) {
        struct bench bench = { .jdk = &jdks.jdks[i],
                               .starts = quick ? 1 : 3,
                               .rounds = quick ? 3 : 6,
                               .repeats = quick ? 5 : 30 };
        printf("\n==== JDK %u (%s)\n", bench.jdk->feature, bench.jdk->home);
        measure(&bench, count, arguments, quick);
    }
    return 0;
}
