/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 at random moments of pushes, rollbacks, keeps and starts: after each, the store opens, its
 * journal verifies, no half deployment is called done, and what is kept is the state before the keep
 * or the one after it.
 *
 * HD_E2E_KILLS says how many (20), HD_E2E_SEED repeats a run.
 */
#include "tests/e2e/shop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 8, MOST_EXPECTED = 2 };

/* What may be live after the next start: the words of the one or two states that may be kept. */
struct expected {
    char words[MOST_EXPECTED][16];
    size_t count;
};

struct run {
    struct e2e *e2e;
    unsigned seed;
    struct expected expected;
    size_t unknown; /* operations whose client never heard how they ended */
    size_t interrupted;
};

static int random_below(struct run *run, int bound)
{
    return rand_r(&run->seed) % bound;
}

/* The moment is random: there is nothing to await. */
static void let_pass_micros(int micros)
{
    const struct timespec time = { micros / 1000000, (long)(micros % 1000000) * 1000 };
    (void)ppoll(NULL, 0, &time, NULL);
}

static unsigned long number_from(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

static void expect_only(struct run *run, const char *word)
{
    run->expected.count = 1;
    snprintf(run->expected.words[0], sizeof run->expected.words[0], "%s", word);
}

static void expect_also(struct run *run, const char *word)
{
    snprintf(run->expected.words[1], sizeof run->expected.words[1], "%s", word);
    run->expected.count = 2;
}

/* ---- the journal ----------------------------------------------------------------------------- */

/* Every deployment that begins has one end, or is called interrupted, before the next begins. */
static void check_journal(struct run *run, json_int_t acknowledged)
{
    char *line = NULL;
    size_t capacity = 0, interrupted = 0;
    json_int_t open = 0;
    bool found = acknowledged == 0;
    FILE *file = fopen(e2e_path(run->e2e, "store/journal"), "re");
    assert_non_null(file);
    while (getline(&line, &capacity, file) != -1) {
        json_t *entry = json_loads(line, 0, NULL);
        const char *event = json_string_value(json_object_get(entry, "event"));
        json_int_t number = json_integer_value(json_object_get(entry, "deployment"));
        assert_non_null(event);
        if (strcmp(event, "begin") == 0) {
            assert_int_equal(open, 0);
            open = number;
        } else if (strcmp(event, "end") == 0 || strcmp(event, "interrupted") == 0) {
            assert_true(open == 0 || open == number);
            open = 0;
            interrupted += strcmp(event, "interrupted") == 0;
            found |= number == acknowledged && strcmp(event, "end") == 0 &&
                     json_is_true(json_object_get(entry, "applied"));
        }
        json_decref(entry);
    }
    free(line);
    fclose(file);
    assert_int_equal(open, 0);
    assert_true(found);
    run->interrupted = interrupted;
}

/* What history calls applied has an end. */
static void check_history(const struct run *run)
{
    struct e2e_answer answer;
    size_t index;
    json_t *deployment;
    shop_command(run->e2e, &answer, "history", NULL);
    assert_int_equal(answer.status, 0);
    size_t interrupted = 0;
    json_array_foreach(json_object_get(answer.json, "deployments"), index, deployment)
    {
        const json_t *error = json_object_get(deployment, "error");
        const char *reason = json_string_value(json_object_get(error, "reason"));
        bool cut = reason != NULL && strcmp(reason, "interrupted") == 0;
        interrupted += cut;
        assert_false(cut && json_is_true(json_object_get(deployment, "applied")));
    }
    if (json_integer_value(json_object_get(answer.json, "dropped")) == 0)
        assert_int_equal(interrupted, run->interrupted);
    e2e_answer_close(&answer);
}

/* ---- operations ------------------------------------------------------------------------------ */

static const char *directory_of(const struct run *run, const char *word)
{
    return e2e_path(run->e2e, "words/%s", word);
}

static void push_now(const struct run *run, const char *word)
{
    struct e2e_answer answer;
    e2e_deploy(run->e2e, &answer, "push", directory_of(run, word));
    if (answer.status != 0)
        fail_msg("push %s: %s", word, answer.output);
    e2e_answer_close(&answer);
}

static void kill_jvm(struct run *run)
{
    char socket[64];
    snprintf(socket, sizeof socket, "/tmp/.hotdrop_pid%d", (int)run->e2e->jvm.pid);
    e2e_process_end(&run->e2e->jvm);
    unlink(socket);
}

/* The client begins, and some moments later the JVM is gone. The deployment that it was told is
 * applied; 0: none. *done: the client says that all is well. */
static json_int_t begin_and_kill(struct run *run, const char *const *words, bool *done)
{
    struct e2e_process client = { 0 };
    const char *arguments[16] = { HD_E2E_CLIENT };
    char pid[16];
    int status;
    size_t count = 1;
    snprintf(pid, sizeof pid, "%d", (int)run->e2e->jvm.pid);
    while (*words != NULL)
        arguments[count++] = *words++;
    arguments[count++] = "--json";
    arguments[count++] = "--pid";
    arguments[count] = pid;
    e2e_process_start(&client, arguments, NULL, "/dev/null");
    let_pass_micros(random_below(run, random_below(run, 2) == 0 ? 14000 : 60000));
    kill_jvm(run);
    char *output = e2e_process_finish(&client, 90, &status);
    json_t *report = json_loads(output, 0, NULL);
    *done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    run->unknown += !*done;
    json_int_t number = json_is_true(json_object_get(report, "applied"))
                            ? json_integer_value(json_object_get(report, "deployment"))
                            : 0;
    json_decref(report);
    free(output);
    return number;
}

static json_int_t keep_and_kill(struct run *run, const char *const *words, const char *kept)
{
    bool done = false;
    expect_also(run, kept);
    json_int_t number = begin_and_kill(run, words, &done);
    if (done)
        expect_only(run, kept);
    return number;
}

enum operation { PUSH, ROLL_BACK, KEEP, PUSH_AND_KEEP, KEEP_NOTHING, OPERATIONS };

static json_int_t operate(struct run *run)
{
    char word[16], path[300];
    bool done;
    enum operation operation = (enum operation)random_below(run, OPERATIONS);
    snprintf(word, sizeof word, "w%d", random_below(run, WORDS));
    snprintf(path, sizeof path, "%s", directory_of(run, word));
    const char *const push[] = { "push", path, NULL };
    const char *const push_and_keep[] = { "push", "--keep", path, NULL };
    const char *const roll_back[] = { "rollback", "0", NULL };
    const char *const keep[] = { "keep", NULL };
    if (operation != PUSH && operation != PUSH_AND_KEEP)
        push_now(run, word);
    switch (operation) {
    case ROLL_BACK:
        return begin_and_kill(run, roll_back, &done);
    case KEEP:
        return keep_and_kill(run, keep, word);
    case PUSH_AND_KEEP:
        return keep_and_kill(run, push_and_keep, word);
    case KEEP_NOTHING:
        shop_do(run->e2e, "rollback", "0");
        return keep_and_kill(run, keep, "start");
    default:
        return begin_and_kill(run, push, &done);
    }
}

/* ---- a round --------------------------------------------------------------------------------- */

static void check_live(struct run *run)
{
    char live[16];
    snprintf(live, sizeof live, "%s", e2e_ask(run->e2e, "call demo.Shop run"));
    for (size_t i = 0; i < run->expected.count; i++) {
        if (strcmp(run->expected.words[i], live) != 0)
            continue;
        expect_only(run, live);
        return;
    }
    fail_msg("%s is live, which is neither %s nor %s", live, run->expected.words[0],
             run->expected.words[1]);
}

/* Also while it starts. */
static void kill_at_start(struct run *run)
{
    char agent[600], class_path[600];
    snprintf(agent, sizeof agent, "store=%s", e2e_path(run->e2e, "store"));
    snprintf(class_path, sizeof class_path, "%s:%s", HD_E2E_JAVA, run->e2e->classes);
    const char *const arguments[] = { "-cp", class_path, "Target", NULL };
    e2e_start_java(run->e2e, agent, arguments, run->e2e->errors);
    let_pass_micros(30000 + random_below(run, 70000));
    kill_jvm(run);
}

static void play_round(struct run *run)
{
    json_int_t acknowledged = operate(run);
    assert_int_equal(shop_verify(run->e2e, e2e_path(run->e2e, "store")), 0);
    if (random_below(run, 5) == 0) {
        kill_at_start(run);
        assert_int_equal(shop_verify(run->e2e, e2e_path(run->e2e, "store")), 0);
    }
    shop_open(run->e2e);
    check_live(run);
    check_journal(run, acknowledged);
    check_history(run);
}

static void whatever_moment_a_jvm_is_killed_the_store_tells_the_truth(void **state)
{
    struct e2e *e2e = *state;
    unsigned long kills = number_from("HD_E2E_KILLS", 20);
    struct run run = { .e2e = e2e,
                       .seed = (unsigned)number_from("HD_E2E_SEED", (unsigned long)time(NULL)) };
    fprintf(stderr, "HD_E2E_SEED=%u\n", run.seed);
    for (int i = 0; i < WORDS; i++) {
        char word[16];
        snprintf(word, sizeof word, "w%d", i);
        shop_compile(e2e, word, directory_of(&run, word));
    }
    expect_only(&run, "start");
    shop_open(e2e);
    for (unsigned long i = 0; i < kills; i++)
        play_round(&run);
    fprintf(stderr,
            "%lu kills: %zu operations whose client did not hear their end, %zu deployments "
            "interrupted\n",
            kills, run.unknown, run.interrupted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(whatever_moment_a_jvm_is_killed_the_store_tells_the_truth),
    };
    return E2E_RUN(tests);
}
