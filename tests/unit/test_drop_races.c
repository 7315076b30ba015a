/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody swaps files for links, pipes and directories, and the directories themselves, between the
 * agent's look at them and its use of them: 10,000 times, beside proper files that are deployed.
 */
#include "tests/unit/dropping.h"

#include "core/log.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#define SWAPS        10000
#define SWAPS_A_TURN 50
#define NAMES        8

struct hostile {
    const struct sandbox *sandbox;
    struct made_file proper;
    sem_t turns; /* of the loop, so that the swaps are spread over what it does */
    atomic_bool ended;
    unsigned long swapped;
};

/* ---- the other side: nothing here may fail the test, for it is a thread of its own ------------ */

struct paths {
    char top[64];
    char staged[128];
    char target[128];
};

static void stage_link(const struct paths *paths)
{
    (void)!symlink("../outside/Secret.class", paths->staged);
}

static void stage_linked_directory(const struct paths *paths)
{
    (void)!symlink("../outside", paths->staged);
}

static void stage_pipe(const struct paths *paths)
{
    (void)mkfifo(paths->staged, 0600);
}

static void stage_directory(const struct paths *paths)
{
    (void)mkdir(paths->staged, 0700);
}

static void stage_hard_link(const struct paths *paths)
{
    char secret[128];
    snprintf(secret, sizeof secret, "%s/outside/Secret.class", paths->top);
    (void)!link(secret, paths->staged);
}

static void stage_nothing(const struct paths *paths)
{
    (void)paths;
}

static void (*const stages[])(const struct paths *) = { stage_link,      stage_linked_directory,
                                                        stage_pipe,      stage_directory,
                                                        stage_hard_link, stage_nothing };
#define STAGES (sizeof stages / sizeof stages[0])

static void write_proper(const struct hostile *hostile, const char *path)
{
    (void)unlink(path); /* it may be a name of what is outside */
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    (void)!write(file, hostile->proper.data, hostile->proper.length);
    close(file);
}

/* One name stands for a proper file, and at once for something else; back and forth. */
static void swap_a_name(struct hostile *hostile, unsigned long i)
{
    struct paths paths;
    snprintf(paths.top, sizeof paths.top, "%s", hostile->sandbox->path);
    snprintf(paths.staged, sizeof paths.staged, "%s/staged", paths.top);
    snprintf(paths.target, sizeof paths.target, "%s/d/A%lu.class", paths.top, i % NAMES);
    write_proper(hostile, paths.target);
    stages[i % STAGES](&paths);
    if (renameat2(AT_FDCWD, paths.staged, AT_FDCWD, paths.target, RENAME_EXCHANGE) != 0)
        (void)rename(paths.staged, paths.target);
    if (i % 3 == 0)
        (void)renameat2(AT_FDCWD, paths.staged, AT_FDCWD, paths.target, RENAME_EXCHANGE);
    if (unlink(paths.staged) != 0)
        (void)rmdir(paths.staged);
    if (i % 5 == 0 && unlink(paths.target) != 0)
        (void)rmdir(paths.target);
}

/* A tree, and one of its directories swapped for a link while it is taken. */
static void swap_in_a_tree(struct hostile *hostile, unsigned long i)
{
    char path[160], moved[160];
    snprintf(path, sizeof path, "%s/tree", hostile->sandbox->path);
    (void)mkdir(path, 0700);
    int tree = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    (void)mkdirat(tree, "com", 0700);
    (void)!symlinkat("../../../../outside", tree, ".beside");
    snprintf(path, sizeof path, "%s/tree/com/Proper.class", hostile->sandbox->path);
    write_proper(hostile, path);
    snprintf(path, sizeof path, "%s/tree", hostile->sandbox->path);
    snprintf(moved, sizeof moved, "%s/d/t%lu", hostile->sandbox->path, i);
    (void)rename(path, moved);
    for (int n = 0; n < 3; n++)
        (void)renameat2(tree, "com", tree, ".beside", RENAME_EXCHANGE);
    close(tree);
}

/* What the agent moves files into: the name may lie, the agent holds the directory itself. */
static void swap_what_it_moves_into(struct hostile *hostile, unsigned long i)
{
    static const char *const own[] = { ".claimed", ".done", ".refused", ".hotdrop.lock" };
    char path[160], away[160];
    snprintf(path, sizeof path, "%s/d/%s", hostile->sandbox->path, own[i % 4]);
    snprintf(away, sizeof away, "%s/d/.away", hostile->sandbox->path);
    if (rename(path, away) != 0)
        return;
    (void)!symlink("../outside", path);
    sched_yield();
    (void)unlink(path);
    (void)rename(away, path);
}

static void *swap_all(void *context)
{
    struct hostile *hostile = context;
    for (unsigned long i = 0; i < SWAPS; i++, hostile->swapped++) {
        if (i % SWAPS_A_TURN == 0)
            (void)sem_wait(&hostile->turns);
        if (i % 16 == 7)
            swap_in_a_tree(hostile, i);
        else if (i % 16 == 15)
            swap_what_it_moves_into(hostile, i);
        else
            swap_a_name(hostile, i);
    }
    atomic_store(&hostile->ended, true);
    return NULL;
}

/* ---- our side -------------------------------------------------------------------------------- */

struct tally {
    unsigned long deployed;
    unsigned long refused;
};

/* Whatever is deployed is the proper class, byte for byte. */
static void answer_jobs(struct dropping *dropping, const struct hostile *hostile,
                        struct tally *tally)
{
    while (dropping->loop.job_count > 0) {
        const struct hd_job *job = dropping->loop.jobs[0];
        bool refused = job->deployment != NULL;
        for (size_t i = 0; !refused && i < hd_bundle_class_count(job->bundle); i++) {
            const struct hd_bundle_class *class = hd_bundle_class_at(job->bundle, i);
            assert_string_equal(class->name, "Proper");
            assert_int_equal(class->file.length, hostile->proper.length);
            assert_memory_equal(class->file.data, hostile->proper.data, class->file.length);
        }
        tally->deployed += !refused;
        tally->refused += refused;
        fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    }
}

static void expect_outside_untouched(const struct dropping *dropping)
{
    struct stat status;
    assert_string_equal(only_entry(dropping, "outside"), "outside/Secret.class");
    assert_int_equal(stat(at(&dropping->sandbox, "outside/Secret.class"), &status), 0);
    assert_int_equal(status.st_atim.tv_sec, 1);
    assert_int_equal(status.st_mtim.tv_sec, 1000);
}

/* A link that is left over would refuse what comes together with it; a burst that was long settles in a second. */
static void take_the_rest(struct dropping *dropping)
{
    enum { QUIET_MS = 2000 };
    while (fake_loop_run(&dropping->loop, QUIET_MS, fake_loop_has_job, &dropping->loop))
        fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
}

static bool deploys(struct dropping *dropping)
{
    bool deployed = false;
    take_the_rest(dropping);
    put_class(dropping, "d/Last.class", "Last");
    for (int64_t end = fake_now_ms() + PATIENCE_MS; !deployed && fake_now_ms() < end;) {
        fake_loop_turn(&dropping->loop, 20);
        while (dropping->loop.job_count > 0) {
            deployed = deployed || job_class(dropping->loop.jobs[0], "Last") != NULL;
            fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
        }
    }
    return deployed;
}

static void log_to_a_file(const struct dropping *dropping)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_log_open(at(&dropping->sandbox, "log"), HD_LOG_INFO, &err), 0);
}

static unsigned count_in_log(const struct dropping *dropping, const char *text)
{
    char line[8192];
    unsigned count = 0;
    FILE *log = fopen(at(&dropping->sandbox, "log"), "re");
    while (log != NULL && fgets(line, sizeof line, log) != NULL)
        count += strstr(line, text) != NULL;
    if (log != NULL)
        fclose(log);
    return count;
}

static void swaps_between_check_and_use_deploy_nothing_wrong(void **state)
{
    struct dropping *dropping = *state;
    struct hostile hostile = { .sandbox = &dropping->sandbox,
                               .proper = make_class(&(struct made_class){ .name = "Proper" }) };
    struct tally tally = { 0 };
    pthread_t thread;
    dropping->loop.options.settle_ms = 1;
    log_to_a_file(dropping);
    make_outside(dropping);
    open_drop(dropping);
    assert_int_equal(sem_init(&hostile.turns, 0, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, swap_all, &hostile), 0);
    while (!atomic_load(&hostile.ended)) {
        fake_loop_turn(&dropping->loop, 1);
        answer_jobs(dropping, &hostile, &tally);
        assert_int_equal(sem_post(&hostile.turns), 0);
    }
    pthread_join(thread, NULL);
    sem_destroy(&hostile.turns);
    assert_int_equal(hostile.swapped, SWAPS);
    fprintf(stderr, "%d swaps: %lu deployed, %lu refused\n", SWAPS, tally.deployed, tally.refused);
    assert_true(tally.deployed > 0 && tally.refused > 0);
    expect_outside_untouched(dropping);
    assert_true(deploys(dropping));
}

/* What was read is what is deployed, whatever becomes of the file. */
static void a_file_rewritten_after_it_was_taken_changes_nothing(void **state)
{
    struct dropping *dropping = *state;
    struct made_file proper = make_class(&(struct made_class){ .name = "Proper" });
    open_drop(dropping);
    put_class(dropping, "d/A.class", "Proper");
    int held = open(at(&dropping->sandbox, "d/A.class"), O_RDWR | O_CLOEXEC);
    const struct hd_bundle_class *class = job_class(fake_loop_await_job(&dropping->loop), "Proper");
    assert_true(pwrite(held, "rewritten", 9, 0) == 9);
    close(held);
    assert_non_null(class);
    assert_memory_equal(class->file.data, proper.data, proper.length);
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
}

static bool is_said_to_be_gone(void *context)
{
    return count_in_log(context, "is gone") > 0;
}

/* Nothing more is deployed from there, which is said once; not even when it is there again: who made it is not known. */
static void expect_gone_for_good(struct dropping *dropping)
{
    assert_true(fake_loop_run(&dropping->loop, PATIENCE_MS, is_said_to_be_gone, dropping));
    fake_loop_expect_no_job(&dropping->loop, 100);
    assert_int_equal(count_in_log(dropping, "is gone"), 1);
    assert_int_equal(count_in_log(dropping, "create it and restart the JVM"), 1);
}

static void a_directory_swapped_for_a_link_is_left(void **state)
{
    struct dropping *dropping = *state;
    log_to_a_file(dropping);
    make_outside(dropping);
    open_drop(dropping);
    rename_in(&dropping->sandbox, "d", "moved");
    assert_int_equal(symlink("outside", at(&dropping->sandbox, "d")), 0);
    expect_gone_for_good(dropping);
    expect_outside_untouched(dropping);
}

static void a_directory_that_is_deleted_and_made_again_is_left(void **state)
{
    struct dropping *dropping = *state;
    log_to_a_file(dropping);
    open_drop(dropping);
    sandbox_delete(at(&dropping->sandbox, "d"));
    make_directory(&dropping->sandbox, "d");
    put_class(dropping, "d/A.class", "A");
    expect_gone_for_good(dropping);
    assert_true(exists(&dropping->sandbox, "d/A.class"));
    assert_false(exists(&dropping->sandbox, "d/.claimed"));
}

#define DROP_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DROP_TEST(swaps_between_check_and_use_deploy_nothing_wrong),
        DROP_TEST(a_file_rewritten_after_it_was_taken_changes_nothing),
        DROP_TEST(a_directory_swapped_for_a_link_is_left),
        DROP_TEST(a_directory_that_is_deleted_and_made_again_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
