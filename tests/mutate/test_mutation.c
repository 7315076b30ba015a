/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Class files that pass our check never kill the JVM: mutants of classes with every attribute that
 * javac writes are pushed through the agent's socket, and what is accepted is executed. The work is
 * done by tests/mutate/java/mutate/Run.java inside the JVM; here JVM after JVM is started, each
 * with a seed of its own, and what they did is added up.
 *
 * Usage: e2e_mutation --seconds N | --accepted N     (for each JDK)
 * HOTDROP_SEED: the first JVM's seed (1); the others count on from there. The seed decides every
 * mutant.
 */
#include "tests/e2e/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUTANTS_PER_JVM      12000
#define MOST_SECONDS_PER_JVM 300
#define GRACE_SECONDS        60

static unsigned seconds_wanted;
static unsigned long accepted_wanted;

struct total {
    unsigned long jvms, pushed, accepted, executed, stuck;
};

static unsigned long first_seed(void)
{
    const char *chosen = getenv("HOTDROP_SEED");
    return chosen != NULL ? strtoul(chosen, NULL, 10) : 1;
}

static void compile_victims(const struct e2e *e2e, const char *version, const char *classes)
{
    char path[512];
    snprintf(path, sizeof path, HD_MUTATE_SOURCE "/version-%s", version);
    e2e_compile(e2e, path, classes, "-g");
    e2e_compile(e2e, HD_MUTATE_SOURCE "/victims", classes, "-g -parameters -Xlint:none");
    if (e2e->jdk->feature >= 21)
        e2e_compile(e2e, HD_MUTATE_SOURCE "/victims21", classes, "-g -parameters -Xlint:none");
}

/* One JVM in three compiles what it runs almost at once, with all its compilers. */
static void start_jvm(struct e2e *e2e, unsigned long seed, unsigned seconds)
{
    char options[10][512];
    bool compiles = seed % 3 == 0;
    snprintf(options[0], sizeof options[0], "-Dmutate.seed=%lu", seed);
    snprintf(options[1], sizeof options[1], "-Dmutate.mutants=%d", MUTANTS_PER_JVM);
    snprintf(options[2], sizeof options[2], "-Dmutate.seconds=%u", seconds);
    snprintf(options[3], sizeof options[3], "-Dmutate.socket=%s/socket", e2e->directory);
    snprintf(options[4], sizeof options[4], "-Dmutate.kept=" HD_MUTATE_KEPT "/jdk%u-seed%lu.mutant",
             e2e->jdk->feature, seed);
    snprintf(options[5], sizeof options[5], "-Dmutate.first=%s", e2e->classes);
    snprintf(options[6], sizeof options[6], "-Dmutate.second=%s/second", e2e->directory);
    snprintf(options[7], sizeof options[7], "-XX:ErrorFile=" HD_MUTATE_KEPT "/jdk%u-seed%lu.log",
             e2e->jdk->feature, seed);
    snprintf(options[8], sizeof options[8], "-XX:TieredStopAtLevel=%d", compiles ? 4 : 1);
    snprintf(options[9], sizeof options[9], "-XX:CompileThresholdScaling=%s",
             compiles ? "0.02" : "1");
    char agent_options[256];
    snprintf(agent_options, sizeof agent_options, "listen=unix:%s/socket,max-rate=100000/min",
             e2e->directory);
    const char *jvm_options[] = { options[0],
                                  options[1],
                                  options[2],
                                  options[3],
                                  options[4],
                                  options[5],
                                  options[6],
                                  options[7],
                                  options[8],
                                  options[9],
                                  "-XX:-CreateCoredumpOnCrash",
                                  "-Xlog:disable",
                                  "-Dsun.reflect.inflationThreshold=1000000000",
                                  "-Djdk.reflect.useNativeAccessorOnly=true",
                                  NULL };
    e2e_start(e2e, agent_options, jvm_options);
}

static void add_up(struct total *total, const char *answer)
{
    unsigned long pushed, accepted, executed, stuck;
    if (sscanf(answer, "pushed=%lu accepted=%lu executed=%lu stuck=%lu", &pushed, &accepted,
               &executed, &stuck) != 4)
        fail_msg("the run inside the JVM failed: %s", answer);
    assert_int_equal(executed, accepted);
    total->jvms++;
    total->pushed += pushed;
    total->accepted += accepted;
    total->executed += executed;
    total->stuck += stuck;
}

/* A mutant that never returns keeps the JVM from ending by itself. */
static void end_jvm(struct e2e *e2e, bool stuck)
{
    int status;
    if (stuck) {
        e2e_process_end(&e2e->jvm);
        return;
    }
    free(e2e_process_finish(&e2e->jvm, GRACE_SECONDS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void run_jvm(struct e2e *e2e, unsigned long seed, unsigned seconds, struct total *total)
{
    char kept[512];
    unsigned long stuck_before = total->stuck;
    print_message("JDK %u, seed %lu; if this JVM dies, what it was pushed last is " HD_MUTATE_KEPT
                  "/jdk%u-seed%lu.mutant (4 bytes of length, "
                  "then the jar)\n",
                  e2e->jdk->feature, seed, e2e->jdk->feature, seed);
    start_jvm(e2e, seed, seconds);
    e2e_process_tell(&e2e->jvm, "call mutate.Run run");
    const char *answer = e2e_process_hear(&e2e->jvm, seconds + GRACE_SECONDS);
    print_message("  %s\n", answer);
    add_up(total, answer);
    end_jvm(e2e, total->stuck > stuck_before);
    snprintf(kept, sizeof kept, HD_MUTATE_KEPT "/jdk%u-seed%lu.mutant", e2e->jdk->feature, seed);
    unlink(kept);
}

static void accepted_mutants_do_not_kill_the_jvm(void **state)
{
    struct e2e *e2e = *state;
    struct total total = { 0 };
    if (e2e->jdk->feature < 17)
        skip(); /* records, sealed classes, Unix sockets in Java */
    assert_true(mkdir(HD_MUTATE_KEPT, 0700) == 0 || errno == EEXIST);
    compile_victims(e2e, "a", e2e->classes);
    compile_victims(e2e, "b", e2e_path(e2e, "second"));
    e2e_compile(e2e, HD_MUTATE_SOURCE "/java", e2e->classes, "");
    time_t begun = time(NULL);
    for (unsigned long seed = first_seed();; seed++) {
        unsigned left = MOST_SECONDS_PER_JVM;
        time_t passed = time(NULL) - begun;
        if (accepted_wanted > 0 ? total.accepted >= accepted_wanted
                                : passed >= (time_t)seconds_wanted)
            break;
        if (accepted_wanted == 0 && seconds_wanted - (unsigned)passed < left)
            left = seconds_wanted - (unsigned)passed;
        run_jvm(e2e, seed, left, &total);
    }
    print_message("JDK %u: %lu mutants pushed, %lu accepted, %lu executed, in %lu JVMs (%lu left "
                  "with a mutant that does not return); "
                  "none died\n",
                  e2e->jdk->feature, total.pushed, total.accepted, total.executed, total.jvms,
                  total.stuck);
    assert_true(total.accepted > 0);
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "--seconds") == 0)
        seconds_wanted = (unsigned)strtoul(arguments[2], NULL, 10);
    if (count == 3 && strcmp(arguments[1], "--accepted") == 0)
        accepted_wanted = strtoul(arguments[2], NULL, 10);
    if (seconds_wanted == 0 && accepted_wanted == 0) {
        fprintf(stderr, "usage: %s --seconds N | --accepted N\n", arguments[0]);
        return 2;
    }
    const struct CMUnitTest tests[] = { E2E_CASE(accepted_mutants_do_not_kill_the_jvm) };
    return E2E_RUN(tests);
}
