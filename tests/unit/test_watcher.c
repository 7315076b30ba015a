/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sandbox.h"

#include "core/alloc.h"
#include "watcher/watcher.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

/* Longer than any batch may take; only a failing test waits so long. */
#define PATIENCE_MS 10000
/* For "nothing comes": well over the settle time of these tests. */
#define SILENCE_MS 150

struct watching {
    struct sandbox sandbox;
    struct hd_watcher *watcher;
    struct hd_watch_batch batch;
};

static int start(void **state)
{
    struct watching *watching = calloc(1, sizeof *watching);
    sandbox_make(&watching->sandbox);
    make_directory(&watching->sandbox, "w");
    *state = watching;
    return 0;
}

static int stop(void **state)
{
    struct watching *watching = *state;
    hd_watch_batch_close(&watching->batch);
    hd_watcher_free(watching->watcher);
    sandbox_delete(watching->sandbox.path);
    free(watching);
    return hd_alloc_outstanding() == 0 ? 0 : -1;
}

static void watch_with(struct watching *watching, struct hd_watcher_options options)
{
    struct hd_error err = HD_ERROR_INIT;
    char *warning = NULL;
    if (hd_watcher_new(at(&watching->sandbox, "w"), &options, &watching->watcher, &warning, &err) !=
        0)
        fail_msg("%s", err.text);
    assert_null(warning);
}

static void watch(struct watching *watching)
{
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 30 });
}

static void watch_drops(struct watching *watching)
{
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 30, .lone_jars = true });
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Dispatches until there is a batch; false when patience_ms pass without one. */
static bool batch_within(struct watching *watching, int64_t patience_ms)
{
    hd_watch_batch_close(&watching->batch);
    int64_t end = now_ms() + patience_ms;
    for (;;) {
        int64_t left = end - now_ms();
        struct pollfd poller = { .fd = hd_watcher_descriptor(watching->watcher), .events = POLLIN };
        if (left <= 0 || poll(&poller, 1, (int)left) == 0)
            return false;
        struct hd_error err = HD_ERROR_INIT;
        if (hd_watcher_dispatch(watching->watcher, &watching->batch, &err) != 0)
            fail_msg("%s", err.text);
        if (watching->batch.count > 0)
            return true;
    }
}

static void await_batch(struct watching *watching)
{
    assert_true(batch_within(watching, PATIENCE_MS));
}

static void expect_silence(struct watching *watching)
{
    if (batch_within(watching, SILENCE_MS))
        fail_msg("unexpected: %s", watching->batch.items[0].path);
}

static bool has(const struct watching *watching, const char *path)
{
    for (size_t i = 0; i < watching->batch.count; i++)
        if (strcmp(watching->batch.items[i].path, path) == 0)
            return true;
    return false;
}

static void expect_only(struct watching *watching, const char *path)
{
    await_batch(watching);
    assert_int_equal(watching->batch.count, 1);
    assert_string_equal(watching->batch.items[0].path, path);
}

static void expect_dispatch_error(struct watching *watching, enum hd_error_code code)
{
    for (;;) {
        struct pollfd poller = { .fd = hd_watcher_descriptor(watching->watcher), .events = POLLIN };
        assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
        struct hd_error err = HD_ERROR_INIT;
        if (hd_watcher_dispatch(watching->watcher, &watching->batch, &err) != 0) {
            assert_int_equal(err.code, code);
            return;
        }
        assert_int_equal(watching->batch.count, 0);
    }
}

static void a_written_file_is_a_batch_after_the_quiet_time(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    int64_t before = now_ms();
    write_text(&watching->sandbox, "w/A.class", "a");
    expect_only(watching, "A.class");
    assert_true(now_ms() - before >= 29);
    assert_int_equal(watching->batch.items[0].kind, HD_WATCH_FILE);
    assert_false(watching->batch.rescanned);
    assert_true(watching->batch.first_event > 1000000000000000);
    expect_silence(watching);
}

static void files_that_come_together_are_one_batch_in_order(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    write_text(&watching->sandbox, "w/B.class", "b");
    write_text(&watching->sandbox, "w/A.class", "a");
    write_text(&watching->sandbox, "w/B.class", "again");
    await_batch(watching);
    assert_int_equal(watching->batch.count, 2);
    assert_string_equal(watching->batch.items[0].path, "B.class");
    assert_string_equal(watching->batch.items[1].path, "A.class");
}

static void a_burst_of_hundreds_with_pauses_is_one_batch(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    for (int i = 0; i < 600; i++) {
        char name[64];
        snprintf(name, sizeof name, "w/C%d.class", i);
        write_text(&watching->sandbox, name, "c");
        if (i % 50 == 49) {
            hd_watch_batch_close(&watching->batch);
            struct hd_error err = HD_ERROR_INIT;
            assert_int_equal(hd_watcher_dispatch(watching->watcher, &watching->batch, &err), 0);
            assert_int_equal(watching->batch.count, 0);
            poll(NULL, 0, 10);
        }
    }
    await_batch(watching);
    assert_int_equal(watching->batch.count, 600);
}

static void a_file_still_open_is_not_reported_until_it_is_closed(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    int file = open_for_writing(&watching->sandbox, "w/A.class");
    assert_int_equal(write(file, "half", 4), 4);
    expect_silence(watching);
    close(file);
    expect_only(watching, "A.class");
}

static void a_file_still_open_keeps_others_at_most_a_second(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    int file = open_for_writing(&watching->sandbox, "w/A.class");
    write_text(&watching->sandbox, "w/B.class", "b");
    expect_only(watching, "B.class");
    write_text(&watching->sandbox, "w/C.class", "c");
    int64_t before = now_ms();
    expect_only(watching, "C.class");
    assert_true(now_ms() - before < 800);
    close(file);
    expect_only(watching, "A.class");
}

static void a_batch_waits_for_a_file_that_is_being_written(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    int file = open_for_writing(&watching->sandbox, "w/A.class");
    write_text(&watching->sandbox, "w/B.class", "b");
    expect_silence(watching);
    close(file);
    await_batch(watching);
    assert_int_equal(watching->batch.count, 2);
}

static void a_renamed_file_is_complete(void **state)
{
    struct watching *watching = *state;
    write_text(&watching->sandbox, "outside", "a");
    watch(watching);
    rename_in(&watching->sandbox, "outside", "w/A.class");
    expect_only(watching, "A.class");
}

static void a_temporary_file_counts_under_its_last_name_only(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    write_text(&watching->sandbox, "w/A.class.tmp", "a");
    write_text(&watching->sandbox, "w/.A.class.swp", "a");
    rename_in(&watching->sandbox, "w/A.class.tmp", "w/A.class");
    expect_only(watching, "A.class");
}

static void what_is_not_a_result_is_ignored(void **state)
{
    static const char *const names[] = { "w/A.class~",       "w/A.class.part",     "w/.A.class",
                                         "w/A.class.swx",    "w/a.jar.crdownload", "w/notes.txt",
                                         "w/a.jar.filepart", "w/.class",           "w/4913" };
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "w/.done");
    watch_drops(watching);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        write_text(&watching->sandbox, names[i], "x");
    write_text(&watching->sandbox, "w/.done/A.class", "x");
    make_directory(&watching->sandbox, "w/.claimed");
    write_text(&watching->sandbox, "w/.claimed/A.class", "x");
    expect_silence(watching);
}

static void a_file_that_is_gone_again_is_not_reported(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    write_text(&watching->sandbox, "w/A.class", "a");
    write_text(&watching->sandbox, "w/B.class", "b");
    assert_int_equal(unlink(at(&watching->sandbox, "w/A.class")), 0);
    expect_only(watching, "B.class");
}

static void files_in_new_directories_are_seen(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    make_directory(&watching->sandbox, "w/com");
    make_directory(&watching->sandbox, "w/com/example");
    write_text(&watching->sandbox, "w/com/example/A.class", "a");
    expect_only(watching, "com/example/A.class");
    write_text(&watching->sandbox, "w/com/example/B.class", "b");
    expect_only(watching, "com/example/B.class");
}

static void a_directory_made_twice_is_seen_twice(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    for (int i = 0; i < 3; i++) {
        make_directory(&watching->sandbox, "w/com");
        write_text(&watching->sandbox, "w/com/A.class", "a");
        expect_only(watching, "com/A.class");
        sandbox_delete(at(&watching->sandbox, "w/com"));
        expect_silence(watching);
    }
}

static void a_directory_renamed_in_brings_its_files(void **state)
{
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "com");
    make_directory(&watching->sandbox, "com/example");
    write_text(&watching->sandbox, "com/example/A.class", "a");
    write_text(&watching->sandbox, "com/B.class", "b");
    watch(watching);
    rename_in(&watching->sandbox, "com", "w/com");
    await_batch(watching);
    assert_int_equal(watching->batch.count, 2);
    assert_true(has(watching, "com/example/A.class"));
    assert_true(has(watching, "com/B.class"));
}

static void a_directory_renamed_out_is_no_longer_watched(void **state)
{
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "w/com");
    make_directory(&watching->sandbox, "w/com/example");
    watch(watching);
    rename_in(&watching->sandbox, "w/com", "com");
    make_directory(&watching->sandbox, "w/com");
    make_directory(&watching->sandbox, "w/com/example");
    write_text(&watching->sandbox, "w/com/example/A.class", "a");
    expect_only(watching, "com/example/A.class");
    write_text(&watching->sandbox, "com/example/A.class", "a");
    write_text(&watching->sandbox, "com/A.class", "a");
    expect_silence(watching);
}

static void a_directory_renamed_within_is_known_by_its_new_name(void **state)
{
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "w/a");
    make_directory(&watching->sandbox, "w/a/b");
    watch(watching);
    rename_in(&watching->sandbox, "w/a", "w/c");
    write_text(&watching->sandbox, "w/c/b/A.class", "a");
    expect_only(watching, "c/b/A.class");
    write_text(&watching->sandbox, "w/c/b/B.class", "b");
    expect_only(watching, "c/b/B.class");
}

static void existing_files_come_first_when_asked_for(void **state)
{
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "w/com");
    write_text(&watching->sandbox, "w/com/A.class", "a");
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 30, .report_existing = true });
    expect_only(watching, "com/A.class");
}

static void existing_files_are_not_reported_otherwise(void **state)
{
    struct watching *watching = *state;
    write_text(&watching->sandbox, "w/A.class", "a");
    watch(watching);
    expect_silence(watching);
}

static void an_existing_file_with_a_writer_waits_for_its_close(void **state)
{
    struct watching *watching = *state;
    int file = open_for_writing(&watching->sandbox, "w/A.class");
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 30, .report_existing = true });
    expect_silence(watching);
    assert_int_equal(write(file, "x", 1), 1);
    close(file);
    expect_only(watching, "A.class");
}

static void a_jar_in_a_drop_directory_does_not_wait_and_is_alone(void **state)
{
    struct watching *watching = *state;
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 20000, .lone_jars = true });
    write_text(&watching->sandbox, "w/A.class", "a");
    write_text(&watching->sandbox, "w/one.jar", "1");
    write_text(&watching->sandbox, "w/two.war", "2");
    expect_only(watching, "one.jar");
    expect_only(watching, "two.war");
    expect_silence(watching);
}

static void a_jar_in_a_compilers_tree_is_like_any_file(void **state)
{
    struct watching *watching = *state;
    watch(watching);
    write_text(&watching->sandbox, "w/A.class", "a");
    write_text(&watching->sandbox, "w/one.jar", "1");
    await_batch(watching);
    assert_int_equal(watching->batch.count, 2);
}

static void existing_jars_in_a_drop_directory_are_alone_too(void **state)
{
    struct watching *watching = *state;
    write_text(&watching->sandbox, "w/one.jar", "1");
    write_text(&watching->sandbox, "w/A.class", "1");
    write_text(&watching->sandbox, "w/B.class", "1");
    watch_with(watching, (struct hd_watcher_options){
                             .settle_ms = 30, .lone_jars = true, .report_existing = true });
    await_batch(watching);
    assert_int_equal(watching->batch.count, 2);
    expect_only(watching, "one.jar");
}

static void a_directory_renamed_into_a_drop_directory_is_one_item(void **state)
{
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "com");
    write_text(&watching->sandbox, "com/A.class", "a");
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 20000, .lone_jars = true });
    rename_in(&watching->sandbox, "com", "w/com");
    expect_only(watching, "com");
    assert_int_equal(watching->batch.items[0].kind, HD_WATCH_DIRECTORY);
}

static void links_and_pipes_are_reported_in_a_drop_directory(void **state)
{
    struct watching *watching = *state;
    write_text(&watching->sandbox, "outside", "a");
    watch_drops(watching);
    assert_int_equal(symlink("/nowhere", at(&watching->sandbox, "w/S.class")), 0);
    assert_int_equal(symlink("/etc", at(&watching->sandbox, "w/com")), 0);
    assert_int_equal(link(at(&watching->sandbox, "outside"), at(&watching->sandbox, "w/H.class")),
                     0);
    assert_int_equal(mkfifo(at(&watching->sandbox, "w/F.class"), 0600), 0);
    await_batch(watching);
    assert_int_equal(watching->batch.count, 4);
    assert_true(has(watching, "S.class") && has(watching, "com") && has(watching, "H.class") &&
                has(watching, "F.class"));
}

static void a_linked_directory_is_never_entered(void **state)
{
    struct watching *watching = *state;
    make_directory(&watching->sandbox, "outside");
    write_text(&watching->sandbox, "outside/A.class", "a");
    assert_int_equal(symlink("../outside", at(&watching->sandbox, "w/com")), 0);
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 30, .report_existing = true });
    write_text(&watching->sandbox, "outside/B.class", "b");
    expect_silence(watching);
}

static void a_file_linked_into_place_and_unlinked_elsewhere_is_seen(void **state)
{
    struct watching *watching = *state;
    write_text(&watching->sandbox, "outside", "a");
    watch(watching);
    assert_int_equal(link(at(&watching->sandbox, "outside"), at(&watching->sandbox, "w/A.class")),
                     0);
    assert_int_equal(unlink(at(&watching->sandbox, "outside")), 0);
    expect_only(watching, "A.class");
}

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
        WATCHER_TEST(a_written_file_is_a_batch_after_the_quiet_time),
        WATCHER_TEST(files_that_come_together_are_one_batch_in_order),
        WATCHER_TEST(a_burst_of_hundreds_with_pauses_is_one_batch),
        WATCHER_TEST(a_file_still_open_is_not_reported_until_it_is_closed),
        WATCHER_TEST(a_file_still_open_keeps_others_at_most_a_second),
        WATCHER_TEST(a_batch_waits_for_a_file_that_is_being_written),
        WATCHER_TEST(a_renamed_file_is_complete),
        WATCHER_TEST(a_temporary_file_counts_under_its_last_name_only),
        WATCHER_TEST(what_is_not_a_result_is_ignored),
        WATCHER_TEST(a_file_that_is_gone_again_is_not_reported),
        WATCHER_TEST(files_in_new_directories_are_seen),
        WATCHER_TEST(a_directory_made_twice_is_seen_twice),
        WATCHER_TEST(a_directory_renamed_in_brings_its_files),
        WATCHER_TEST(a_directory_renamed_out_is_no_longer_watched),
        WATCHER_TEST(a_directory_renamed_within_is_known_by_its_new_name),
        WATCHER_TEST(existing_files_come_first_when_asked_for),
        WATCHER_TEST(existing_files_are_not_reported_otherwise),
        WATCHER_TEST(an_existing_file_with_a_writer_waits_for_its_close),
        WATCHER_TEST(a_jar_in_a_drop_directory_does_not_wait_and_is_alone),
        WATCHER_TEST(a_jar_in_a_compilers_tree_is_like_any_file),
        WATCHER_TEST(existing_jars_in_a_drop_directory_are_alone_too),
        WATCHER_TEST(a_directory_renamed_into_a_drop_directory_is_one_item),
        WATCHER_TEST(links_and_pipes_are_reported_in_a_drop_directory),
        WATCHER_TEST(a_linked_directory_is_never_entered),
        WATCHER_TEST(a_file_linked_into_place_and_unlinked_elsewhere_is_seen),
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
