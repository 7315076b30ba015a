/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's allocations and system calls fail in turn while two classes are pushed or dropped, with a store: one of them each
 * time, or all from one on, until the push makes fewer of them. Each time the application answers with both classes or
 * with neither, as the client or the report says; what went wrong is said; and the next push works.
 *
 * A sample of the calls, or with HD_E2E_EVERY_FAULT=1 each of them.
 */
#include "tests/e2e/application.h"
#include "tests/e2e/faults/world.h"

#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- ways in: each returns how often the fault struck ---------------------------------------- */

static int push(struct world *world, struct e2e_answer *answer)
{
    next_word(world);
    shop_command(world->e2e, answer, "push", e2e_path(world->e2e, "after"));
    return answer->status;
}

static void push_well(struct world *world, const struct fault *before)
{
    struct e2e_answer answer;
    if (push(world, &answer) != 0)
        fail_with(before, "the push after it", answer.output);
    e2e_answer_close(&answer);
    expect_live(world, world->word);
}

static void go_back(struct world *world)
{
    shop_do(world->e2e, "rollback", "0");
    expect_live(world, 0);
}

/* It does one job after the other: what was pushed before has come to its end. */
static void await_engine(struct world *world)
{
    shop_do(world->e2e, "check", e2e_path(world->e2e, "after"));
}

/* 0: both are live; 1 and 3: neither; 5: nobody knows, but neither or both. */
static void judge_push(struct world *world, const struct fault *fault,
                       const struct e2e_answer *answer, const char *log)
{
    unsigned live = world->word;
    if (answer->status != 0 && answer->status != 1 && answer->status != 3 && answer->status != 5)
        fail_with(fault, "the client's end", answer->output);
    if (answer->status == 1 || answer->status == 3)
        live = 0;
    if (answer->status == 5)
        await_engine(world);
    if (answer->status == 5 && strcmp(e2e_ask(world->e2e, "call demo.N00000 run"), "w00000") == 0)
        live = 0;
    expect_live(world, live);
    if (answer->status == 1 || answer->status == 5)
        expect_a_line(fault, log);
    world->refused += live == 0;
}

static unsigned by_push(struct world *world, const struct fault *fault)
{
    struct e2e_answer answer;
    begin_round(world);
    free(read_log(world));
    arm(world, fault);
    (void)push(world, &answer);
    unsigned hits = disarm(world);
    char *log = read_log(world);
    show(fault, answer.output, log);
    judge_push(world, fault, &answer, log);
    free(log);
    e2e_answer_close(&answer);
    push_well(world, fault);
    go_back(world);
    return hits;
}

static size_t settled(const struct world *world, const char *verdict)
{
    glob_t found;
    if (glob(e2e_path(world->e2e, "drop/%s/*", verdict), 0, NULL, &found) != 0)
        return 0;
    size_t count_found = found.gl_pathc;
    globfree(&found);
    return count_found;
}

/* Both classes arrive in one directory. */
static void drop(struct world *world)
{
    char name[32];
    next_word(world);
    snprintf(name, sizeof name, "d%05u", world->word);
    const char *const copy[] = { "cp", "-r", e2e_path(world->e2e, "after"),
                                 e2e_path(world->e2e, "arriving"), NULL };
    e2e_tool(NULL, copy);
    assert_return_code(
        rename(e2e_path(world->e2e, "arriving"), e2e_path(world->e2e, "drop/%s", name)), errno);
}

/* The file is made in a directory that is made in the drop directory. */
static void drop_below(struct world *world)
{
    char directory[32];
    world->word++;
    snprintf(directory, sizeof directory, "drop/d%05u", world->word);
    assert_return_code(mkdir(e2e_path(world->e2e, "%s", directory), 0700), errno);
    write_class(world, directory, 0, world->word);
}

/* Nothing more becomes of what was dropped. */
static bool is_final(const struct fault *fault, const char *log)
{
    return fault->function != HD_FAULT_NONE &&
           (strstr(log, "left in place") != NULL || strstr(log, "inotify watches") != NULL ||
            strstr(log, "inotify_add_watch") != NULL || strstr(log, " in .claimed/") != NULL);
}

/* Until it is known what became of what was dropped: its place, or a line. The caller frees. */
static char *await_settled(struct world *world, const struct fault *fault, size_t done,
                           size_t refused)
{
    enum { TICKS = 6000, MOST = 1 << 20 };
    char *log = calloc(1, MOST);
    assert_non_null(log);
    for (int i = 0; i < TICKS; i++) {
        char *more = read_log(world);
        if (strlen(log) + strlen(more) < MOST)
            memcpy(log + strlen(log), more, strlen(more) + 1);
        free(more);
        if (settled(world, ".done") > done || settled(world, ".refused") > refused ||
            is_final(fault, log))
            return log;
        poll(NULL, 0, 10);
    }
    fail_with(fault, "what was dropped is nowhere", log);
    return log;
}

static void drop_well(struct world *world, const struct fault *before, void (*way)(struct world *))
{
    static const struct fault none;
    char answer[16];
    size_t done = settled(world, ".done"), refused = settled(world, ".refused");
    way(world);
    char *log = await_settled(world, &none, done, refused);
    snprintf(answer, sizeof answer, "w%05u", world->word);
    e2e_await(world->e2e, "call demo.N00000 run", answer);
    if (settled(world, ".refused") > refused + 1)
        fail_with(before, "what was dropped after it", log);
    free(log);
}

/* A file that was left in place and said so would come with the next one. */
static void remove_left(const struct world *world)
{
    char left[32];
    snprintf(left, sizeof left, "drop/d%05u", world->word);
    const char *const remove[] = { "rm", "-rf", e2e_path(world->e2e, "%s", left), NULL };
    e2e_tool(NULL, remove);
}

static unsigned by_drop_of(struct world *world, const struct fault *fault,
                           void (*way)(struct world *))
{
    begin_round(world);
    free(read_log(world));
    size_t done = settled(world, ".done"), refused = settled(world, ".refused");
    arm(world, fault);
    way(world);
    char *log = await_settled(world, fault, done, refused);
    unsigned hits = disarm(world);
    shop_do(world->e2e, "history", NULL); /* the loop has said what it had to */
    char *more = read_log(world);
    log = realloc(log, strlen(log) + strlen(more) + 1);
    assert_non_null(log);
    memcpy(log + strlen(log), more, strlen(more) + 1);
    free(more);
    show(fault, "dropped", log);
    bool live = strcmp(e2e_ask(world->e2e, "call demo.N00000 run"), "w00000") != 0;
    expect_answer(world, 0, live ? world->word : 0);
    if (way == drop)
        expect_answer(world, world->round, live ? world->word : 0);
    if (!live)
        expect_a_line(fault, log);
    world->refused += live ? 0 : 1;
    free(log);
    remove_left(world);
    drop_well(world, fault, way);
    go_back(world);
    return hits;
}

static unsigned by_drop(struct world *world, const struct fault *fault)
{
    return by_drop_of(world, fault, drop);
}

static unsigned by_drop_below(struct world *world, const struct fault *fault)
{
    return by_drop_of(world, fault, drop_below);
}

/* ---- which calls, and how they fail ---------------------------------------------------------- */

static const struct fault heap[] = {
    { F(malloc), ENOMEM, false, 0 },  { F(calloc), ENOMEM, false, 0 },
    { F(realloc), ENOMEM, false, 0 }, { F(malloc), ENOMEM, true, 0 },
    { F(calloc), ENOMEM, true, 0 },
};

/* Those that do not last are what a signal, a full queue or a peer causes now and then. */
static const struct fault push_calls[] = {
    { F(accept4), EMFILE, false, 0 },
    { F(accept4), ENOMEM, true, 0 },
    { F(accept4), ECONNABORTED, false, 0 },
    { F(accept4), EINTR, false, 0 },
    { F(getsockopt), ENOBUFS, true, 0 },
    { F(socketpair), EMFILE, true, 0 },
    { F(fcntl), EMFILE, true, 0 },
    { F(recv), ECONNRESET, false, 0 },
    { F(recv), EINTR, false, 0 },
    { F(recv), EAGAIN, false, 0 },
    { F(send), EPIPE, false, 0 },
    { F(send), ENOBUFS, false, 0 },
    { F(send), EINTR, false, 0 },
    { F(send), EAGAIN, false, 0 },
    { F(poll), EINTR, false, 0 },
    { F(poll), ENOMEM, false, 0 },
    { F(open), EMFILE, true, 0 },
    { F(open), EACCES, false, 0 },
    { F(openat), ENOSPC, false, 0 },
    { F(openat), EMFILE, true, 0 },
    { F(read), EIO, false, 0 },
    { F(read), EINTR, false, 0 },
    { F(write), ENOSPC, false, 0 },
    { F(write), ENOSPC, true, 0 },
    { F(write), EIO, false, 0 },
    { F(write), EINTR, false, 0 },
    { F(write), EAGAIN, false, 0 },
    { F(renameat), ENOSPC, false, 0 },
    { F(renameat), EIO, true, 0 },
    { F(fsync), EIO, false, 0 },
    { F(fsync), ENOSPC, true, 0 },
    { F(fdatasync), EIO, false, 0 },
    { F(fdatasync), ENOSPC, true, 0 },
    { F(fstat), EIO, false, 0 },
    { F(fstatat), EACCES, false, 0 },
    { F(fstatat), EIO, true, 0 },
};

static const struct fault drop_calls[] = {
    { F(openat), EMFILE, false, 0 },    { F(openat), EACCES, false, 0 },
    { F(openat), EMFILE, true, 0 },     { F(read), EIO, false, 0 },
    { F(read), EINTR, false, 0 },       { F(read), EAGAIN, false, 0 },
    { F(write), ENOSPC, false, 0 },     { F(write), ENOSPC, true, 0 },
    { F(mkdirat), ENOSPC, true, 0 },    { F(mkdirat), EACCES, false, 0 },
    { F(renameat), ENOSPC, false, 0 },  { F(renameat), EIO, true, 0 },
    { F(fstat), EIO, false, 0 },        { F(fstatat), EIO, true, 0 },
    { F(fsync), EIO, false, 0 },        { F(fdatasync), EIO, false, 0 },
    { F(fdopendir), ENOMEM, false, 0 }, { F(malloc), ENOMEM, false, 0 },
    { F(calloc), ENOMEM, false, 0 },
};

static const struct fault below_calls[] = {
    { F(inotify_add_watch), ENOSPC, false, 0 },
    { F(inotify_add_watch), ENOMEM, true, 0 },
    { F(openat), EMFILE, false, 0 },
    { F(read), EIO, false, 0 },
    { F(read), EINTR, false, 0 },
    { F(timerfd_settime), EINVAL, false, 0 },
};

/* The first, and of so many one; each where it may take long. A client waits for seconds where the agent cannot answer at all. */
static unsigned step(const struct fault *fault)
{
    enum { OF_HEAP = 41, OF_CALLS = 4, ALL = 10000 };
    if (getenv("HD_E2E_EVERY_FAULT") != NULL)
        return 1;
    if (fault->function == F(malloc) || fault->function == F(calloc))
        return OF_HEAP;
    return fault->lasting ? ALL : OF_CALLS;
}

static void try_all(struct world *world, const struct fault *faults, size_t count_of_faults,
                    unsigned (*way)(struct world *, const struct fault *))
{
    enum { MOST_CALLS = 5000 };
    for (size_t i = 0; i < count_of_faults; i++) {
        struct fault fault = faults[i];
        unsigned struck = 0;
        for (fault.nth = 1; fault.nth < MOST_CALLS; fault.nth += step(&fault)) {
            if (way(world, &fault) == 0)
                break;
            struck++;
        }
        if (struck == 0)
            fail_with(&fault, "it was to be tried so often", "");
        world->struck += struck;
    }
}

static void close_world(struct world *world)
{
    shop_close(world->e2e);
    assert_int_equal(shop_verify(world->e2e, e2e_path(world->e2e, "store")), 0);
    fprintf(stderr, "%lu faults struck, %lu of them kept the classes from being live\n",
            world->struck, world->refused);
    munmap(world->faults, sizeof *world->faults);
}

#define TRY(world, faults, way) try_all(world, faults, sizeof(faults) / sizeof(faults)[0], way)

static void allocations_that_fail_during_a_push_refuse_it_at_most(void **state)
{
    struct world world;
    open_world(&world, *state);
    TRY(&world, heap, by_push);
    close_world(&world);
}

static void system_calls_that_fail_during_a_push_refuse_it_at_most(void **state)
{
    struct world world;
    open_world(&world, *state);
    TRY(&world, push_calls, by_push);
    close_world(&world);
}

static void calls_that_fail_while_a_directory_is_taken_refuse_it_at_most(void **state)
{
    struct world world;
    open_world(&world, *state);
    TRY(&world, drop_calls, by_drop);
    close_world(&world);
}

static void calls_that_fail_while_a_file_arrives_are_said_and_the_next_one_works(void **state)
{
    struct world world;
    open_world(&world, *state);
    TRY(&world, below_calls, by_drop_below);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(allocations_that_fail_during_a_push_refuse_it_at_most),
        E2E_CASE(system_calls_that_fail_during_a_push_refuse_it_at_most),
        E2E_CASE(calls_that_fail_while_a_directory_is_taken_refuse_it_at_most),
        E2E_CASE(calls_that_fail_while_a_file_arrives_are_said_and_the_next_one_works),
    };
    return E2E_RUN(tests);
}
