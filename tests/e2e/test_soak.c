/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push and rollback, round after round, while threads call the class all the time: no answer is
 * wrong, and nothing grows. HD_E2E_ROUNDS says how many (200).
 */
#include "tests/e2e/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_ROUNDS = 200, SAMPLES = 40 };

/* So that what grows is not the Java heap. */
#define ALL_HEAP_AT_ONCE "-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch"
#define OTHER_AGENT      "-javaagent:" HD_E2E_BINARY "/editing-agent.jar="

/* In KiB; of the process, and of the JVM's metaspace. */
struct sample {
    long resident;
    long metaspace;
};

struct soak {
    struct e2e *e2e;
    long rounds;
    struct sample samples[SAMPLES];
    long calls;
    long retransformations; /* the other agent's, and those that failed */
    long refused;
};

static void compile_shop(const struct e2e *e2e, int answer, const char *classes)
{
    char source[512];
    snprintf(source, sizeof source,
             "package demo; public class Shop implements java.util.function.IntSupplier { "
             "public int getAsInt() { int sum = 0; for (int i = 0; i < 10; i++) sum += %d; "
             "return sum / 10; } }",
             answer);
    e2e_write(e2e, "source/demo/Shop.java", source);
    e2e_compile(e2e, "source", classes, "");
}

static long rounds_wanted(void)
{
    const char *text = getenv("HD_E2E_ROUNDS");
    long rounds = text != NULL ? strtol(text, NULL, 10) : USUAL_ROUNDS;
    return rounds >= SAMPLES ? rounds : SAMPLES;
}

/* Our own agent first, as the documentation says. */
static void start(struct soak *soak, struct e2e *e2e, const char *other_agent)
{
    char ours[600], class_path[600];
    *soak = (struct soak){ .e2e = e2e, .rounds = rounds_wanted() };
    compile_shop(e2e, 1, e2e->classes);
    compile_shop(e2e, 2, "after");
    snprintf(ours, sizeof ours, "max-rate=100000/min");
    snprintf(class_path, sizeof class_path, "%s:%s", HD_E2E_JAVA, e2e->classes);
    const char *const alone[] = { ALL_HEAP_AT_ONCE, "-cp", class_path, "Soak", NULL };
    const char *const both[] = {
        other_agent, "-Dsoak.retransform=yes", ALL_HEAP_AT_ONCE, "-cp", class_path, "Soak", NULL
    };
    e2e_start_java(e2e, ours, other_agent != NULL ? both : alone, e2e->errors);
    assert_string_equal(e2e_process_hear(&e2e->jvm, 90), "ready");
}

static void do_or_fail(const struct soak *soak, const char *command, const char *path)
{
    struct e2e_answer answer;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)soak->e2e->jvm.pid);
    e2e_client(soak->e2e, &answer, command, "--json", "--pid", pid, path, NULL);
    if (answer.status != 0)
        fail_msg("%s: %s", command, answer.output);
    e2e_answer_close(&answer);
}

static void go_round(const struct soak *soak)
{
    struct e2e *e2e = soak->e2e;
    e2e_expect(e2e, "moving", "ok");
    do_or_fail(soak, "push", e2e_path(e2e, "after"));
    e2e_expect(e2e, "settled 2", "ok");
    e2e_expect(e2e, "moving", "ok");
    do_or_fail(soak, "rollback", NULL);
    e2e_expect(e2e, "settled 1", "ok");
}

static long resident_of(pid_t pid)
{
    char path[64], line[256];
    long kibibytes = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (kibibytes < 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kibibytes = strtol(line + 6, NULL, 10);
    fclose(file);
    return kibibytes;
}

static void look(struct soak *soak, long number)
{
    char *rest;
    const char *figures = e2e_ask(soak->e2e, "figures");
    soak->calls = strtol(figures, &rest, 10);
    long wrong = strtol(rest, &rest, 10);
    if (wrong != 0)
        fail_msg("%ld wrong answers of %ld: %s", wrong, soak->calls,
                 e2e_ask(soak->e2e, "evidence"));
    soak->samples[number].metaspace = strtol(rest, &rest, 10);
    soak->retransformations = strtol(rest, &rest, 10);
    soak->refused = strtol(rest, NULL, 10);
    soak->samples[number].resident = resident_of(soak->e2e->jvm.pid);
}

static struct sample mean_of_quarter(const struct soak *soak, int quarter)
{
    struct sample sum = { 0, 0 };
    for (int i = quarter * SAMPLES / 4; i < (quarter + 1) * SAMPLES / 4; i++) {
        sum.resident += soak->samples[i].resident;
        sum.metaspace += soak->samples[i].metaspace;
    }
    return (struct sample){ sum.resident / (SAMPLES / 4), sum.metaspace / (SAMPLES / 4) };
}

/* Before that HotSpot has old versions of a class until it unloads classes, and then not all of them:
 * docs/jdks.md has what it takes without us. */
#define FIRST_RELEASE_THAT_FREES_OLD_VERSIONS 17

/* The first quarter warms up. What remains to grow is the history, up to its bound. */
static void expect_flat(const struct soak *soak)
{
    enum { RESIDENT_KIB = 6 * 1024, METASPACE_KIB = 512 };
    struct sample early = mean_of_quarter(soak, 1), late = mean_of_quarter(soak, 3);
    printf("%ld rounds, %ld calls, %ld retransformations (%ld refused by the JVM): "
           "resident %ld -> %ld KiB, metaspace %ld -> %ld KiB\n",
           soak->rounds, soak->calls, soak->retransformations, soak->refused, early.resident,
           late.resident, early.metaspace, late.metaspace);
    if (soak->e2e->jdk->feature < FIRST_RELEASE_THAT_FREES_OLD_VERSIONS)
        return;
#ifndef HD_E2E_PRELOAD /* AddressSanitizer holds back what is freed */
    assert_true(late.resident - early.resident < RESIDENT_KIB);
#endif
    assert_true(late.metaspace - early.metaspace < METASPACE_KIB);
}

static void run(struct e2e *e2e, const char *other_agent)
{
    struct soak soak;
    start(&soak, e2e, other_agent);
    long done = 0;
    for (long sample = 0; sample < SAMPLES; sample++) {
        for (; done < soak.rounds * (sample + 1) / SAMPLES; done++)
            go_round(&soak);
        look(&soak, sample);
    }
    assert_true(soak.calls > soak.rounds);
    assert_true(other_agent == NULL || soak.retransformations - soak.refused > soak.rounds);
    expect_flat(&soak);
}

static void rounds_under_load_give_no_wrong_answer_and_leak_nothing(void **state)
{
    run(*state, NULL);
}

static void the_same_beside_an_agent_that_retransforms_all_the_time(void **state)
{
    run(*state, OTHER_AGENT "always");
}

/* Of a class that nobody edits the JVM caches nothing: what a retransformation has fetched is whole,
 * and of before. */
static void the_same_beside_one_that_retransforms_and_edits_nothing(void **state)
{
    run(*state, OTHER_AGENT "never");
}

/* AddressSanitizer would end the JVM for what the JVM reads beside the other agent
 * (docs/guarantees.md, "Not promised"). */
#ifdef HD_E2E_PRELOAD
enum { CASES_THAT_RUN = 1 };
#else
enum { CASES_THAT_RUN = 3 };
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(rounds_under_load_give_no_wrong_answer_and_leak_nothing),
        E2E_CASE(the_same_beside_an_agent_that_retransforms_all_the_time),
        E2E_CASE(the_same_beside_one_that_retransforms_and_edits_nothing),
    };
    return e2e_run(__FILE__, tests, CASES_THAT_RUN);
}
