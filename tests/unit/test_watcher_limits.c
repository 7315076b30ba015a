/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/watching.h"

static long queue_length(void)
{
    long length = 0;
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &length), 1);
    fclose(file);
    return length;
}

static void a_queue_that_overflows_is_made_up_for_by_a_walk(void **state)
{
    struct watching *watching = *state;
    long count = queue_length() + 2000;
    if (count > 100000)
        skip();
    make_directory(&watching->sandbox, "w/com");
    watch(watching);
    for (long i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "w/com/C%ld.class", i);
        write_text(&watching->sandbox, name, "c");
    }
    make_directory(&watching->sandbox, "w/late");
    write_text(&watching->sandbox, "w/late/A.class", "a");
    int64_t before = now_ms();
    await_batch(watching);
    assert_true(now_ms() - before < 3000);
    assert_true(watching->batch.rescanned);
    assert_int_equal(watching->batch.count, count + 1);
    write_text(&watching->sandbox, "w/late/B.class", "b");
    expect_only(watching, "late/B.class");
    assert_false(watching->batch.rescanned);
}

static void a_rescan_reports_every_file_at_once(void **state)
{
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "w/com");
    write_text(&watching->sandbox, "w/com/A.class", "a");
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 20000 });
    write_text(&watching->sandbox, "w/B.class", "b");
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_watcher_rescan(watching->watcher, &err), 0);
    await_batch(watching);
    assert_int_equal(watching->batch.count, 2);
    assert_true(watching->batch.rescanned);
}

static void a_directory_that_is_deleted_is_an_error(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    sandbox_delete(at(&watching->sandbox, "w"));
    expect_dispatch_error(watching, HD_E_NOT_FOUND);
    expect_silence(watching);
}

static void a_deleted_directory_is_noticed_even_while_somebody_holds_it(void **state)
{
    struct watching *watching = *state;
    write_text(&watching->sandbox, "w/.lock", "");
    int holder = open(at(&watching->sandbox, "w/.lock"), O_RDONLY | O_CLOEXEC);
    watch(watching);
    sandbox_delete(at(&watching->sandbox, "w"));
    expect_dispatch_error(watching, HD_E_NOT_FOUND);
    close(holder);
}

static void a_directory_that_does_not_exist_is_an_error(void **state)
{
    struct watching *watching = *state;
    struct hd_watcher_options options = { .settle_ms = 30 };
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(
        hd_watcher_new(at(&watching->sandbox, "none"), &options, &watching->watcher, NULL, &err),
        -1);
    assert_int_equal(err.code, HD_E_NOT_FOUND);
    assert_non_null(strstr(err.text, "none"));
}

static void an_awaited_directory_may_come_late(void **state)
{
    struct watching *watching = *state;
    sandbox_delete(at(&watching->sandbox, "w"));
    struct hd_watcher_options options = { .settle_ms = 30, .await_directory = true };
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_watcher_new(at(&watching->sandbox, "w/target/classes"), &options,
                                    &watching->watcher, NULL, &err),
                     0);
    write_text(&watching->sandbox, "other", "x");
    expect_silence(watching);
    make_directory(&watching->sandbox, "w");
    expect_silence(watching);
    make_directory(&watching->sandbox, "w/target");
    make_directory(&watching->sandbox, "w/target/classes");
    write_text(&watching->sandbox, "w/target/classes/A.class", "a");
    expect_only(watching, "A.class");
    assert_true(watching->batch.rescanned);
}

static void an_awaited_directory_survives_clean_builds(void **state)
{
    struct watching *watching = *state;
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 30, .await_directory = true });
    for (int i = 0; i < 5; i++) {
        write_text(&watching->sandbox, "w/A.class", "a");
        expect_only(watching, "A.class");
        sandbox_delete(at(&watching->sandbox, "w"));
        if (i % 2 == 0)
            expect_silence(watching);
        make_directory(&watching->sandbox, "w");
    }
    rename_in(&watching->sandbox, "w", "aside");
    make_directory(&watching->sandbox, "w");
    write_text(&watching->sandbox, "w/B.class", "b");
    expect_only(watching, "B.class");
}

static void twenty_thousand_files_at_once_are_cheap(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    for (int i = 0; i < 20000; i++) {
        char name[64];
        snprintf(name, sizeof name, "w/C%d.class", i);
        write_text(&watching->sandbox, name, "c");
    }
    struct timespec before;
    struct timespec after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    await_batch(watching);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    assert_int_equal(watching->batch.count, 20000);
    double seconds =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    print_message("20,000 files: %.0f ms of CPU\n", seconds * 1000);
    assert_true(seconds < 2.0);
}

static void every_failed_allocation_loses_nothing(void **state)
{
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "w/com");
    watch_drops(watching);
    for (unsigned long nth = 1; nth < 30; nth++) {
        hd_alloc_fail_at(nth);
        write_text(&watching->sandbox, "w/com/A.class", "a");
        bool got = false;
        int64_t end = now_ms() + PATIENCE_MS;
        while (!got && now_ms() < end) {
            struct hd_error err = HD_ERROR_INIT;
            struct pollfd poller = { .fd = hd_watcher_descriptor(watching->watcher),
                                     .events = POLLIN };
            poll(&poller, 1, 1000);
            hd_watch_batch_close(&watching->batch);
            int result = hd_watcher_dispatch(watching->watcher, &watching->batch, &err);
            assert_true(result == 0 || err.code == HD_E_MEMORY);
            got = result == 0 && has(watching, "com/A.class");
        }
        assert_true(got);
    }
    hd_alloc_fail_at(0);
}

static void every_failed_allocation_at_the_start_is_clean(void **state)
{
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "w/com");
    write_text(&watching->sandbox, "w/com/A.class", "a");
    struct hd_watcher_options options = { .settle_ms = 30, .report_existing = true };
    unsigned long nth = 0;
    int result = -1;
    while (result != 0) {
        struct hd_error err = HD_ERROR_INIT;
        char *warning = NULL;
        hd_alloc_fail_at(++nth);
        result = hd_watcher_new(at(&watching->sandbox, "w"), &options, &watching->watcher, &warning,
                                &err);
        hd_alloc_fail_at(0);
        if (result != 0) {
            assert_int_equal(err.code, HD_E_MEMORY);
            assert_int_equal(hd_alloc_outstanding(), 0);
        }
    }
    assert_true(nth > 5);
}

/* In a user namespace of its own, where the limit can be set without harm to others; false where
 * that is not allowed. */
static bool limit_watches_to(const char *number)
{
    if (unshare(CLONE_NEWUSER) != 0)
        return false;
    int file = open("/proc/sys/user/max_inotify_watches", O_WRONLY | O_CLOEXEC);
    bool written = file >= 0 && write(file, number, strlen(number)) > 0;
    close(file);
    return written;
}

static void with_exhausted_watches(void **state)
{
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "w/a");
    make_directory(&watching->sandbox, "w/b");
    make_directory(&watching->sandbox, "w/c");
    watch(watching);
    expect_dispatch_error(watching, HD_E_LIMIT);
    write_text(&watching->sandbox, "w/a/A.class", "a");
    write_text(&watching->sandbox, "w/b/A.class", "a");
    write_text(&watching->sandbox, "w/c/A.class", "a");
    write_text(&watching->sandbox, "w/A.class", "a");
    await_batch(watching);
    assert_true(watching->batch.rescanned);
    assert_int_equal(watching->batch.count, 4);
    expect_silence(watching);
}

enum { CHILD_PASSED = 42, CHILD_SKIPPED = 43 };

static void exhausted_watches_are_told_once_and_made_up_for_by_walks(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        if (!limit_watches_to("2"))
            _exit(CHILD_SKIPPED);
        const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(with_exhausted_watches,
                                                                            start, stop) };
        _exit(cmocka_run_group_tests(tests, NULL, NULL) == 0 ? CHILD_PASSED : 1);
    }
    (void)state;
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), CHILD_PASSED);
}

#define WATCHER_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCHER_TEST(a_queue_that_overflows_is_made_up_for_by_a_walk),
        WATCHER_TEST(a_rescan_reports_every_file_at_once),
        WATCHER_TEST(a_directory_that_is_deleted_is_an_error),
        WATCHER_TEST(a_deleted_directory_is_noticed_even_while_somebody_holds_it),
        WATCHER_TEST(a_directory_that_does_not_exist_is_an_error),
        WATCHER_TEST(an_awaited_directory_may_come_late),
        WATCHER_TEST(an_awaited_directory_survives_clean_builds),
        WATCHER_TEST(twenty_thousand_files_at_once_are_cheap),
        WATCHER_TEST(every_failed_allocation_loses_nothing),
        WATCHER_TEST(every_failed_allocation_at_the_start_is_clean),
        cmocka_unit_test(exhausted_watches_are_told_once_and_made_up_for_by_walks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
