/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a changed class to live code: three JVMs of the same application side by side, one bare, one
 * with the agent, one with jdwp, and in each round the same bytes through each. The agent's hook
 * would take part in a bare redefinition, so that needs a JVM of its own.
 */
#include "tests/bench/bench.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SIZES      4
#define SUBJECTS   1113
#define WARM_UP    1112 /* the subject that only warms up */
#define LOOSE      1111 /* the one that is dropped as a loose file, besides */
#define SETTLE_MS  30.0
#define JDB_ROUNDS 3

/* Each size has subjects of its own, so that the first time of one is not the second of another. */
static const struct {
    unsigned from, count;
} sizes[SIZES] = { { 0, 1 }, { 1, 10 }, { 11, 100 }, { 111, 1000 } };

struct results {
    struct bench_samples bare[SIZES], first[SIZES], known[SIZES], push[SIZES], jdb[SIZES], loose;
    struct bench_samples there_and_back[SIZES], bare_there_and_back[SIZES];
};

struct jvms {
    struct e2e_process bare, agent, jdwp;
    char port[8];
};

static double as_ms(const char *nanoseconds)
{
    char *end;
    long long value = strtoll(nanoseconds, &end, 10);
    if (*end != '\0' || value < 0) {
        fprintf(stderr, "hotdrop-bench: a swap failed: %s\n", nanoseconds);
        exit(1);
    }
    return (double)value / 1e6;
}

static void start_jvms(const struct bench *bench, struct jvms *jvms, unsigned loaded,
                       unsigned start)
{
    char agent[PATH_MAX], jdwp[128];
    snprintf(agent, sizeof agent,
             "-agentpath:" HD_BENCH_AGENT "=drop=%s/drop,log=%s/agent.log,max-rate=100000/min",
             bench->directory, bench->directory);
    snprintf(jvms->port, sizeof jvms->port, "%u", 18200 + start);
    snprintf(jdwp, sizeof jdwp,
             "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,quiet=y,address=127.0.0.1:%s",
             jvms->port);
    const char *const bare_options[] = { "-Xmx512m", "bench.App", NULL };
    const char *const agent_options[] = { agent, "-Xmx512m", "bench.App", NULL };
    const char *const jdwp_options[] = { jdwp, "-Xmx512m", "bench.App", NULL };
    bench_start_java(bench, &jvms->bare, bare_options);
    bench_start_java(bench, &jvms->agent, agent_options);
    bench_start_java(bench, &jvms->jdwp, jdwp_options);
    bench_ask(&jvms->bare, "load %d %u", SUBJECTS, loaded);
    bench_ask(&jvms->agent, "load %d %u", SUBJECTS, loaded);
    bench_ask(&jvms->jdwp, "load %d %u", SUBJECTS, loaded);
}

static void end_jvms(struct jvms *jvms)
{
    bench_end(&jvms->bare);
    bench_end(&jvms->agent);
    bench_end(&jvms->jdwp);
}

/* The bare JVM does all the writing, and has nothing else to do meanwhile. For so long nobody looks
 * whether it is live. */
static double drop(const struct bench *bench, struct jvms *jvms, unsigned from, unsigned count,
                   unsigned version, double quiet_ms)
{
    bench_ask(&jvms->bare, "jar %u %u %u %s/next.jar", from, count, version, bench->directory);
    return as_ms(bench_ask(&jvms->agent, "drop %u %u %s/next.jar %s/drop/v%u-%u.jar %.0f", from,
                           version, bench->directory, bench->directory, version, count,
                           quiet_ms * 1e6));
}

/* What is live sooner than that is said to be live then. */
static double safely_before(const struct bench_samples *known)
{
    return known->count > 0 ? bench_median(known) * 0.75 : 0;
}

/* The first time is another thing than later ones. */
static void drop_jar(const struct bench *bench, struct jvms *jvms, struct results *results,
                     unsigned i, unsigned round)
{
    struct bench_samples *known = &results->known[i];
    double quiet = round == 1 ? 0 : safely_before(known);
    bench_add(round == 1 ? &results->first[i] : known,
              drop(bench, jvms, sizes[i].from, sizes[i].count, 2 * round, quiet));
}

static double drop_loose_file(const struct bench *bench, struct jvms *jvms, unsigned version)
{
    bench_ask(&jvms->bare, "write %d 1 %u %s/loose", LOOSE, version, bench->directory);
    return as_ms(bench_ask(&jvms->agent,
                           "drop %d %u %s/loose/bench/Subject_%06d.class %s/drop/Subject.class 0",
                           LOOSE, version, bench->directory, LOOSE, bench->directory));
}

static void expect_version(struct e2e_process *jvm, unsigned from, unsigned version)
{
    unsigned long live = strtoul(bench_ask(jvm, "answer %u", from), NULL, 10);
    if (live != version) {
        fprintf(stderr, "hotdrop-bench: subject %u is at version %lu, not %u\n", from, live,
                version);
        exit(1);
    }
}

static double push(const struct bench *bench, struct jvms *jvms, unsigned from, unsigned count,
                   unsigned version)
{
    char jar[PATH_MAX], pid[16];
    snprintf(jar, sizeof jar, "%s/push.jar", bench->directory);
    snprintf(pid, sizeof pid, "%d", (int)jvms->agent.pid);
    bench_ask(&jvms->bare, "jar %u %u %u %s", from, count, version, jar);
    const char *const arguments[] = { HD_BENCH_CLIENT, "push", "--pid", pid, jar, NULL };
    double took = bench_time_process(arguments, NULL);
    expect_version(&jvms->agent, from, version);
    return took;
}

static double roll_back(const struct jvms *jvms)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)jvms->agent.pid);
    const char *const arguments[] = { HD_BENCH_CLIENT, "rollback", "--pid", pid, NULL };
    return bench_time_process(arguments, NULL);
}

static double jdb(const struct bench *bench, struct jvms *jvms, unsigned from, unsigned count,
                  unsigned version)
{
    char program[PATH_MAX], script[PATH_MAX], address[32];
    snprintf(program, sizeof program, "%s/bin/jdb", bench->jdk->home);
    snprintf(script, sizeof script, "%s/jdb.script", bench->directory);
    snprintf(address, sizeof address, "127.0.0.1:%s", jvms->port);
    bench_ask(&jvms->bare, "write %u %u %u %s/jdb", from, count, version, bench->directory);
    FILE *file = fopen(script, "we");
    for (unsigned i = from; file != NULL && i < from + count; i++)
        fprintf(file, "redefine bench.Subject_%06u %s/jdb/bench/Subject_%06u.class\n", i,
                bench->directory, i);
    if (file == NULL || fputs("quit\n", file) < 0 || fclose(file) != 0)
        exit(1);
    const char *const arguments[] = { program, "-attach", address, NULL };
    double took = bench_time_process(arguments, script);
    expect_version(&jvms->jdwp, from + count - 1, version);
    return took;
}

/* A push and its rollback as two processes, and the two bare calls that they come down to. */
static void go_there_and_back(const struct bench *bench, struct jvms *jvms, struct results *results,
                              unsigned i, unsigned version)
{
    unsigned from = sizes[i].from, count = sizes[i].count;
    double bare = as_ms(bench_ask(&jvms->bare, "bare %u %u %u", from, count, version + 1));
    bare += as_ms(bench_ask(&jvms->bare, "bare %u %u %u", from, count, version));
    double ours = push(bench, jvms, from, count, version + 1) + roll_back(jvms);
    expect_version(&jvms->agent, from, version);
    bench_add(&results->bare_there_and_back[i], bare);
    bench_add(&results->there_and_back[i], ours);
}

static void run_round(const struct bench *bench, struct jvms *jvms, struct results *results,
                      unsigned round)
{
    for (unsigned i = 0; i < SIZES; i++) {
        unsigned from = sizes[i].from, count = sizes[i].count, version = 2 * round;
        bench_add(&results->bare[i],
                  as_ms(bench_ask(&jvms->bare, "bare %u %u %u", from, count, version)));
        drop_jar(bench, jvms, results, i, round);
        go_there_and_back(bench, jvms, results, i, version);
        bench_add(&results->push[i], push(bench, jvms, from, count, version + 1));
    }
    bench_add(&results->loose, drop_loose_file(bench, jvms, round) - SETTLE_MS);
}

static void run_start(const struct bench *bench, unsigned loaded, unsigned start,
                      struct results *results)
{
    struct jvms jvms;
    start_jvms(bench, &jvms, loaded, start);
    as_ms(bench_ask(&jvms.bare, "bare %d 1 1", WARM_UP));
    (void)drop(bench, &jvms, WARM_UP, 1, 1, 0);
    (void)drop_loose_file(bench, &jvms, 1000);
    for (unsigned round = 1; round <= bench->rounds; round++)
        run_round(bench, &jvms, results, round);
    /* A thousand classes take jdb so long that once a start must do. */
    for (unsigned round = 1; round <= JDB_ROUNDS; round++)
        for (unsigned i = 0; i < (round == 1 ? SIZES : SIZES - 1); i++)
            bench_add(&results->jdb[i], jdb(bench, &jvms, sizes[i].from, sizes[i].count, round));
    end_jvms(&jvms);
}

static void print_results(const struct bench *bench, unsigned loaded, const struct results *results)
{
    char title[128], what[64];
    snprintf(title, sizeof title,
             "Until live, JDK %u, %u classes loaded; ratio to the bare call, of jdb to push",
             bench->jdk->feature, loaded);
    bench_print_heading(title, "milliseconds");
    for (unsigned i = 0; i < SIZES; i++) {
        snprintf(what, sizeof what, "%u class%s, bare RedefineClasses", sizes[i].count,
                 sizes[i].count > 1 ? "es" : "");
        bench_print(what, &results->bare[i], NULL);
        bench_print("  jar dropped, base known", &results->known[i], &results->bare[i]);
        bench_print("  jar dropped, for the first time", &results->first[i], &results->bare[i]);
        if (i == 0)
            bench_print("  loose file dropped, less 30 ms of settling", &results->loose,
                        &results->bare[i]);
        bench_print("  hotdrop push, the whole process", &results->push[i], &results->bare[i]);
        bench_print("  bare calls there and back", &results->bare_there_and_back[i], NULL);
        bench_print("  push and rollback, both processes", &results->there_and_back[i],
                    &results->bare_there_and_back[i]);
        bench_print("  jdb redefine, the whole process", &results->jdb[i], &results->push[i]);
        printf("  %-44s %10.1f\n", "  jdb to the bare call: what no push can exceed",
               bench_median(&results->jdb[i]) / bench_median(&results->bare[i]));
    }
}

void bench_swaps(const struct bench *bench, unsigned loaded)
{
    static struct results results;
    char path[PATH_MAX];
    struct e2e_process writer;
    const char *const options[] = { "bench.App", NULL };
    memset(&results, 0, sizeof results);
    snprintf(path, sizeof path, "%s/drop", bench->directory);
    (void)mkdir(path, 0700);
    bench_start_java(bench, &writer, options);
    bench_ask(&writer, "write 0 %d 0 %s/classes", SUBJECTS, bench->directory);
    bench_end(&writer);
    for (unsigned start = 0; start < bench->starts; start++)
        run_start(bench, loaded, start, &results);
    print_results(bench, loaded, &results);
}
