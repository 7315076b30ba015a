/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/watching.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
