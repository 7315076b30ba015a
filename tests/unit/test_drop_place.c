/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dropping.h"

#include <sys/resource.h>

static void what_a_crash_left_is_moved_to_refused_at_the_next_start(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    put_class(dropping, "d/A.class", "A");
    fake_loop_await_job(&dropping->loop);
    hd_drop_close(dropping->drop);
    dropping->drop = NULL;
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_false(nothing_is_claimed(dropping));
    open_drop(dropping);
    expect_refused(dropping, "jvm-error", "ended while this was being applied");
    assert_true(has_below(dropping, only_entry(dropping, "d/.refused"), "A.class"));
    fake_loop_expect_no_job(&dropping->loop, 100);
}

static bool left_is_gone(void *context)
{
    return !exists(context, "d/com");
}

static void directories_that_were_emptied_are_removed_and_others_are_not(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    make_directory(&dropping->sandbox, "d/com");
    make_directory(&dropping->sandbox, "d/com/example");
    make_directory(&dropping->sandbox, "d/empty");
    make_directory(&dropping->sandbox, "d/org");
    put_class(dropping, "d/com/example/A.class", "com/example/A");
    put_class(dropping, "d/com/B.class", "com/B");
    put_class(dropping, "d/org/C.class", "org/C");
    write_text(&dropping->sandbox, "d/org/notes.txt", "x");
    fake_loop_await_job(&dropping->loop);
    assert_true(exists(&dropping->sandbox, "d/com/example"));
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_true(fake_loop_run(&dropping->loop, PATIENCE_MS, left_is_gone, &dropping->sandbox));
    assert_true(exists(&dropping->sandbox, "d/org/notes.txt"));
    assert_true(exists(&dropping->sandbox, "d/empty"));
    make_directory(&dropping->sandbox, "d/com");
    put_class(dropping, "d/com/B.class", "com/B");
    assert_non_null(job_class(fake_loop_await_job(&dropping->loop), "com/B"));
}

static void two_deployments_of_one_second_and_number_do_not_collide(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    for (int i = 0; i < 3; i++) {
        put_class(dropping, "d/A.class", "A");
        fake_loop_await_job(&dropping->loop);
        dropping->loop.last_number = 6;
        fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    }
    DIR *entries = opendir(at(&dropping->sandbox, "d/.done"));
    int count = 0;
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    assert_int_equal(count, 2 + 3);
}

static void a_missing_directory_is_named(void **state)
{
    struct dropping *dropping = *state;
    sandbox_delete(at(&dropping->sandbox, "d"));
    expect_no_drop(dropping, HD_E_NOT_FOUND, "does not exist: create it");
    assert_false(exists(&dropping->sandbox, "d"));
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
    struct dropping *dropping = *state;
    static const mode_t modes[] = { 0777, 0770, 0702, 01777 };
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(at(&dropping->sandbox, "d"), modes[i]), 0);
        expect_no_drop(dropping, HD_E_DENIED, "chmod go-w");
    }
}

static void a_directory_of_another_user_is_refused(void **state)
{
    struct dropping *dropping = *state;
    if (chown(at(&dropping->sandbox, "d"), 4242, (gid_t)-1) != 0)
        skip();
    expect_no_drop(dropping, HD_E_DENIED, "belongs to uid 4242");
}

/* As a user who may not write it; needs root to become one. */
static void a_directory_that_is_not_writable_is_refused(void **state)
{
    struct dropping *dropping = *state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(dropping->sandbox.path, 0755), 0);
    assert_int_equal(chmod(at(&dropping->sandbox, "d"), 0755), 0);
    assert_int_equal(seteuid(4242), 0);
    struct hd_error err = HD_ERROR_INIT;
    struct hd_drop *drop = NULL;
    int result = hd_drop_open(&dropping->loop, at(&dropping->sandbox, "d"), &drop, &err);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(result, -1);
    assert_int_equal(err.code, HD_E_DENIED);
    assert_non_null(strstr(err.text, "not writable"));
}

static void a_directory_held_by_another_process_names_it(void **state)
{
    struct dropping *dropping = *state;
    int told[2];
    int stay[2];
    assert_int_equal(pipe(told) | pipe(stay), 0);
    pid_t child = fork();
    if (child == 0) {
        close(stay[1]);
        struct hd_error err = HD_ERROR_INIT;
        int result =
            hd_drop_open(&dropping->loop, at(&dropping->sandbox, "d"), &dropping->drop, &err);
        char byte = (char)result;
        _exit(write(told[1], &byte, 1) == 1 && read(stay[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(stay[0]);
    char byte = 1;
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_int_equal(byte, 0);
    char words[64];
    snprintf(words, sizeof words, "held by another JVM (pid %ld)", (long)child);
    expect_no_drop(dropping, HD_E_DENIED, words);
    close(stay[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(told[0]);
    close(told[1]);
    open_drop(dropping);
}

static void the_same_directory_twice_in_one_jvm_is_refused(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    expect_no_drop(dropping, HD_E_DENIED, "by this JVM already");
}

static void a_lock_or_claim_directory_planted_as_a_link_is_refused(void **state)
{
    static const char *const planted[] = { "d/.hotdrop.lock", "d/.claimed", "d/.done",
                                           "d/.refused" };
    struct dropping *dropping = *state;
    make_directory(&dropping->sandbox, "elsewhere");
    for (size_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
        assert_int_equal(symlink("../elsewhere", at(&dropping->sandbox, planted[i])), 0);
        expect_no_drop(dropping, HD_E_SYSTEM, strrchr(planted[i], '/') + 1);
        assert_int_equal(unlink(at(&dropping->sandbox, planted[i])), 0);
    }
    open_drop(dropping);
}

static void a_drop_directory_that_goes_away_harms_nobody(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    put_class(dropping, "d/A.class", "A");
    fake_loop_await_job(&dropping->loop);
    sandbox_delete(at(&dropping->sandbox, "d"));
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    fake_loop_expect_no_job(&dropping->loop, 200);
}

/* A small file system of its own; needs root. */
static bool mount_small(struct dropping *dropping, const char *options)
{
    return mount("none", at(&dropping->sandbox, "d"), "tmpfs", 0, options) == 0;
}

static void unmount(struct dropping *dropping)
{
    hd_drop_close(dropping->drop);
    dropping->drop = NULL;
    assert_int_equal(umount2(at(&dropping->sandbox, "d"), MNT_DETACH), 0);
}

static void a_full_disk_costs_the_report_but_not_the_deployment(void **state)
{
    struct dropping *dropping = *state;
    if (!mount_small(dropping, "size=64k,mode=700"))
        skip();
    open_drop(dropping);
    put_class(dropping, "d/A.class", "A");
    int filler = open_for_writing(&dropping->sandbox, "d/filler");
    char block[4096] = { 0 };
    while (write(filler, block, sizeof block) > 0)
        continue;
    close(filler);
    (void)fake_loop_run(&dropping->loop, 200, fake_loop_never, NULL);
    assert_int_equal(dropping->loop.job_count, 1);
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    bool moved = has_below(dropping, only_entry(dropping, "d/.done"), "A.class");
    unmount(dropping);
    assert_true(moved);
}

static void files_that_cannot_be_claimed_stay_where_they_are(void **state)
{
    struct dropping *dropping = *state;
    if (!mount_small(dropping, "nr_inodes=6,mode=700"))
        skip();
    open_drop(dropping);
    assert_int_equal(rmdir(at(&dropping->sandbox, "d/.claimed/.next")), 0);
    put_class(dropping, "d/A.class", "A"); /* takes its place */
    fake_loop_expect_no_job(&dropping->loop, 200);
    bool kept = exists(&dropping->sandbox, "d/A.class");
    unmount(dropping);
    assert_true(kept);
}

static int read_claim(void *context, struct hd_error *err)
{
    struct hd_drop_reading reading = { 0 };
    if (hd_drop_bundle_read(context, "/drop", NULL, 1 << 20, 17, NULL, &reading, err) != 0)
        return -1;
    assert_non_null(reading.bundle);
    assert_null(reading.refused);
    hd_bundle_free(reading.bundle);
    return 0;
}

static void every_failed_allocation_while_reading_is_told(void **state)
{
    struct dropping *dropping = *state;
    put_class(dropping, "A.class", "com/A");
    put_class(dropping, "B.class", "com/B");
    char a[] = "A.class";
    char b[] = "B.class";
    char *paths[] = { a, b };
    struct hd_claim claim = { .paths = paths, .count = 2 };
    claim.directory = open(dropping->sandbox.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fail_every_allocation(read_claim, &claim);
    close(claim.directory);
}

static void the_directory_for_what_comes_next_is_there_before_it_comes(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    assert_true(exists(&dropping->sandbox, "d/.claimed/.next"));
    put_class(dropping, "d/A.class", "A");
    fake_loop_await_job(&dropping->loop);
    assert_false(exists(&dropping->sandbox, "d/.claimed/.next"));
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_true(exists(&dropping->sandbox, "d/.claimed/.next"));

    hd_drop_close(dropping->drop);
    dropping->drop = NULL;
    open_drop(dropping);
    assert_true(is_empty(dropping, "d/.refused")); /* nobody was interrupted */
    assert_true(exists(&dropping->sandbox, "d/.claimed/.next"));
}

static void without_that_directory_it_is_made_when_something_comes(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    assert_int_equal(rmdir(at(&dropping->sandbox, "d/.claimed/.next")), 0);
    put_class(dropping, "d/A.class", "A");
    assert_non_null(job_class(fake_loop_await_job(&dropping->loop), "A"));
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_true(has_below(dropping, only_entry(dropping, "d/.done"), "A.class"));
    assert_true(exists(&dropping->sandbox, "d/.claimed/.next"));
}

static void a_claim_that_cannot_be_opened_is_not_left_behind(void **state)
{
    struct dropping *dropping = *state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_drop_place place;
    char path[] = "A.class";
    struct hd_watch_item item = { .kind = HD_WATCH_FILE, .path = path };
    const struct hd_watch_batch batch = { .items = &item, .count = 1 };
    struct hd_claim *claim = NULL;
    struct rlimit before, none;
    put_class(dropping, "d/A.class", "A");
    assert_int_equal(hd_drop_place_open(at(&dropping->sandbox, "d"), &place, &err), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    int next = dup(0);
    close(next);
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int result = hd_drop_place_claim(&place, &batch, &claim, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(result, -1);
    assert_true(exists(&dropping->sandbox, "d/A.class"));
    assert_true(nothing_is_claimed(dropping));
    hd_drop_place_close(&place);
}

static size_t open_descriptors(void)
{
    DIR *entries = opendir("/proc/self/fd");
    size_t count = 0;
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count;
}

static void claims_that_wait_hold_no_descriptor(void **state)
{
    struct dropping *dropping = *state;
    enum { WAITING = 5 };
    char name[16], path[32];
    open_drop(dropping);
    put_class(dropping, "d/A.class", "A");
    fake_loop_await_job(&dropping->loop);
    size_t before = open_descriptors();
    for (int i = 0; i < WAITING; i++) {
        snprintf(name, sizeof name, "B%d", i);
        snprintf(path, sizeof path, "d/%s.class", name);
        put_class(dropping, path, name);
        (void)fake_loop_run(&dropping->loop, 100, fake_loop_never, NULL);
        assert_false(exists(&dropping->sandbox, path));
    }
    assert_true(open_descriptors() <= before); /* the watcher had one for a moment */
    for (int i = 0; i < WAITING; i++) {
        fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
        snprintf(name, sizeof name, "B%d", i);
        assert_non_null(job_class(fake_loop_await_job(&dropping->loop), name));
    }
}

#define DROP_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DROP_TEST(what_a_crash_left_is_moved_to_refused_at_the_next_start),
        DROP_TEST(directories_that_were_emptied_are_removed_and_others_are_not),
        DROP_TEST(two_deployments_of_one_second_and_number_do_not_collide),
        DROP_TEST(a_missing_directory_is_named),
        DROP_TEST(a_directory_that_others_may_write_is_refused),
        DROP_TEST(a_directory_of_another_user_is_refused),
        DROP_TEST(a_directory_that_is_not_writable_is_refused),
        DROP_TEST(a_directory_held_by_another_process_names_it),
        DROP_TEST(the_same_directory_twice_in_one_jvm_is_refused),
        DROP_TEST(a_lock_or_claim_directory_planted_as_a_link_is_refused),
        DROP_TEST(a_drop_directory_that_goes_away_harms_nobody),
        DROP_TEST(a_full_disk_costs_the_report_but_not_the_deployment),
        DROP_TEST(files_that_cannot_be_claimed_stay_where_they_are),
        DROP_TEST(the_directory_for_what_comes_next_is_there_before_it_comes),
        DROP_TEST(without_that_directory_it_is_made_when_something_comes),
        DROP_TEST(a_claim_that_cannot_be_opened_is_not_left_behind),
        DROP_TEST(claims_that_wait_hold_no_descriptor),
        DROP_TEST(every_failed_allocation_while_reading_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
