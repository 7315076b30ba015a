/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sandbox.h"

#include "agent/drop.h"
#include "agent/drop_bundle.h"
#include "tests/unit/class_maker.h"
#include "tests/unit/every_allocation.h"
#include "tests/unit/fake_loop.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/wait.h>

struct dropping {
    struct sandbox sandbox;
    struct hd_loop loop;
    struct hd_drop *drop;
};

static int start(void **state)
{
    struct dropping *dropping = calloc(1, sizeof *dropping);
    sandbox_make(&dropping->sandbox);
    make_directory(&dropping->sandbox, "d");
    fake_loop_init(&dropping->loop);
    *state = dropping;
    return 0;
}

static int stop(void **state)
{
    struct dropping *dropping = *state;
    hd_drop_close(dropping->drop);
    fake_loop_close(&dropping->loop);
    sandbox_delete(dropping->sandbox.path);
    free(dropping);
    return hd_alloc_outstanding() == 0 ? 0 : -1;
}

static void open_drop(struct dropping *dropping)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_drop_open(&dropping->loop, at(&dropping->sandbox, "d"), &dropping->drop, &err) != 0)
        fail_msg("%s", err.text);
}

static void expect_no_drop(struct dropping *dropping, enum hd_error_code code, const char *words)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_drop *drop = NULL;
    assert_int_equal(hd_drop_open(&dropping->loop, at(&dropping->sandbox, "d"), &drop, &err), -1);
    assert_int_equal(err.code, code);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.text);
}

static void put_class(const struct dropping *dropping, const char *path, const char *name)
{
    struct made_file file = make_class(&(struct made_class){ .name = name });
    write_bytes(&dropping->sandbox, path, file.data, file.length);
}

/* The only entry of a directory, in a static buffer; fails the test when there is not exactly
 * one. */
static const char *only_entry(const struct dropping *dropping, const char *directory)
{
    static char path[512];
    DIR *entries = opendir(at(&dropping->sandbox, directory));
    assert_non_null(entries);
    int count = 0;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    }
    closedir(entries);
    assert_int_equal(count, 1);
    return path;
}

static bool is_empty(const struct dropping *dropping, const char *directory)
{
    DIR *entries = opendir(at(&dropping->sandbox, directory));
    assert_non_null(entries);
    int count = 0;
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count == 2;
}

static bool has_below(const struct dropping *dropping, const char *top, const char *path)
{
    char name[1024];
    snprintf(name, sizeof name, "%s/%s", top, path);
    return exists(&dropping->sandbox, name);
}

static json_t *report_in(const struct dropping *dropping, const char *directory)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/report.json", directory);
    json_t *report = json_load_file(at(&dropping->sandbox, path), 0, NULL);
    assert_non_null(report);
    return report;
}

/* The report of the only refused deployment says reason, and words somewhere in its message. */
static void expect_refused(const struct dropping *dropping, const char *reason, const char *words)
{
    json_t *report = report_in(dropping, only_entry(dropping, "d/.refused"));
    json_t *error = json_object_get(report, "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), reason);
    const char *message = json_string_value(json_object_get(error, "message"));
    if (message == NULL || strstr(message, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, message);
    json_decref(report);
    assert_true(is_empty(dropping, "d/.claimed"));
    assert_true(is_empty(dropping, "d/.done"));
}

static void a_dropped_class_is_deployed_and_moved_to_done_with_its_report(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    put_class(dropping, "d/Greeter.class", "com/example/Greeter");
    struct hd_job *job = fake_loop_await_job(&dropping->loop);
    assert_int_equal(job->kind, HD_JOB_DEPLOY);
    assert_int_equal(hd_bundle_class_count(job->bundle), 1);
    assert_non_null(job_class(job, "com/example/Greeter"));
    assert_string_equal(hd_bundle_name(job->bundle), "Greeter.class");
    assert_int_equal(job->origin.way, HD_WAY_DROP);
    assert_string_equal(job->origin.from, at(&dropping->sandbox, "d"));
    char who[32];
    snprintf(who, sizeof who, "uid:%u", geteuid());
    assert_memory_equal(job->origin.who, who, strlen(who));
    assert_false(exists(&dropping->sandbox, "d/Greeter.class"));
    assert_true(is_empty(dropping, "d/.done"));

    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    const char *done = only_entry(dropping, "d/.done");
    assert_true(has_below(dropping, done, "Greeter.class"));
    assert_string_equal(strrchr(done, '-'), "-1");
    json_t *report = report_in(dropping, done);
    assert_int_equal(json_integer_value(json_object_get(report, "deployment")), 1);
    json_decref(report);
    assert_true(is_empty(dropping, "d/.claimed"));
    assert_true(is_empty(dropping, "d/.refused"));
}

static void a_refused_class_is_moved_to_refused(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    make_directory(&dropping->sandbox, "d/com");
    put_class(dropping, "d/com/Greeter.class", "com/Greeter");
    fake_loop_await_job(&dropping->loop);
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REFUSED, HD_REASON_FIELD_ADDED);
    assert_true(has_below(dropping, only_entry(dropping, "d/.refused"), "com/Greeter.class"));
    assert_true(is_empty(dropping, "d/.done"));
}

static void files_that_come_together_are_one_deployment(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    for (int i = 0; i < 300; i++) {
        char path[64];
        char name[64];
        snprintf(path, sizeof path, "d/C%d.class", i);
        snprintf(name, sizeof name, "com/example/C%d", i);
        put_class(dropping, path, name);
    }
    struct hd_job *job = fake_loop_await_job(&dropping->loop);
    assert_int_equal(hd_bundle_class_count(job->bundle), 300);
    assert_string_equal(hd_bundle_name(job->bundle), "C0.class and 299 more");
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    fake_loop_expect_no_job(&dropping->loop, 100);
}

static void the_next_deployment_waits_for_the_one_under_way(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    put_class(dropping, "d/A.class", "A");
    fake_loop_await_job(&dropping->loop);
    put_class(dropping, "d/B.class", "B");
    (void)fake_loop_run(&dropping->loop, 150, fake_loop_never, NULL);
    assert_int_equal(dropping->loop.job_count, 1);
    assert_false(exists(&dropping->sandbox, "d/B.class"));
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_non_null(job_class(fake_loop_await_job(&dropping->loop), "B"));
}

static void what_is_there_at_the_start_is_deployed(void **state)
{
    struct dropping *dropping = *state;
    put_class(dropping, "d/A.class", "A");
    open_drop(dropping);
    assert_non_null(job_class(fake_loop_await_job(&dropping->loop), "A"));
}

static void a_directory_renamed_in_is_one_deployment_with_all_in_it(void **state)
{
    struct dropping *dropping = *state;
    make_directory(&dropping->sandbox, "new");
    make_directory(&dropping->sandbox, "new/sub");
    put_class(dropping, "new/A.class", "com/A");
    put_class(dropping, "new/sub/B.class", "com/sub/B");
    write_text(&dropping->sandbox, "new/module-notes.txt", "x");
    open_drop(dropping);
    rename_in(&dropping->sandbox, "new", "d/new");
    struct hd_job *job = fake_loop_await_job(&dropping->loop);
    assert_int_equal(hd_bundle_class_count(job->bundle), 2);
    assert_string_equal(hd_bundle_name(job->bundle), "new");
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    const char *done = only_entry(dropping, "d/.done");
    assert_true(has_below(dropping, done, "new/sub/B.class"));
    assert_true(has_below(dropping, done, "new/module-notes.txt"));
}

static void what_is_no_class_file_refuses_the_deployment_with_a_row_a_file(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    write_text(&dropping->sandbox, "d/A.class", "this is no class file");
    put_class(dropping, "d/B.class", "com/B");
    struct hd_job *job = fake_loop_await_job(&dropping->loop);
    assert_null(job->bundle);
    assert_int_equal(job->deployment->row_count, 2);
    assert_int_equal(hd_deployment_count(job->deployment, HD_OUTCOME_REFUSED), 1);
    assert_int_equal(hd_deployment_count(job->deployment, HD_OUTCOME_WITHHELD), 1);
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    expect_refused(dropping, "malformed-class", "A.class");
}

static void a_broken_jar_is_refused(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    write_text(&dropping->sandbox, "d/app.jar", "PK this is no jar");
    fake_loop_await_job(&dropping->loop);
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    expect_refused(dropping, "malformed-bundle", "");
    assert_true(has_below(dropping, only_entry(dropping, "d/.refused"), "app.jar"));
}

static void a_jar_is_a_deployment_by_itself(void **state)
{
    struct dropping *dropping = *state;
    struct hd_error err = HD_ERROR_INIT;
    struct made_file file = make_class(&(struct made_class){ .name = "com/A" });
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    assert_int_equal(hd_bundle_builder_add(builder, "com/A",
                                           (struct hd_bytes){ file.data, file.length }, "A", &err),
                     0);
    struct hd_bundle *bundle = NULL;
    struct hd_bytes jar;
    assert_int_equal(hd_bundle_build_take(builder, "x", &bundle, &err), 0);
    assert_int_equal(hd_bundle_jar(bundle, &jar, &err), 0);
    open_drop(dropping);
    put_class(dropping, "d/B.class", "com/B");
    write_bytes(&dropping->sandbox, "d/app.jar", jar.data, jar.length);
    hd_bundle_free(bundle);

    struct hd_job *job = fake_loop_await_job(&dropping->loop);
    assert_string_equal(hd_bundle_name(job->bundle), "app.jar");
    assert_non_null(job_class(job, "com/A"));
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_non_null(job_class(fake_loop_await_job(&dropping->loop), "com/B"));
}

static void expect_link_refused(struct dropping *dropping, const char *name, const char *words)
{
    fake_loop_await_job(&dropping->loop);
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    expect_refused(dropping, "not-authorised", words);
    assert_true(has_below(dropping, only_entry(dropping, "d/.refused"), name));
    assert_true(exists(&dropping->sandbox, "secret"));
}

static void a_symbolic_link_is_refused_unread(void **state)
{
    struct dropping *dropping = *state;
    put_class(dropping, "secret", "A");
    open_drop(dropping);
    assert_int_equal(symlink("../secret", at(&dropping->sandbox, "d/A.class")), 0);
    expect_link_refused(dropping, "A.class", "symbolic link");
}

static void a_linked_directory_is_refused(void **state)
{
    struct dropping *dropping = *state;
    make_directory(&dropping->sandbox, "secret");
    open_drop(dropping);
    assert_int_equal(symlink("../secret", at(&dropping->sandbox, "d/com")), 0);
    expect_link_refused(dropping, "com", "symbolic link");
}

static void a_hard_link_is_refused(void **state)
{
    struct dropping *dropping = *state;
    put_class(dropping, "secret", "A");
    open_drop(dropping);
    assert_int_equal(link(at(&dropping->sandbox, "secret"), at(&dropping->sandbox, "d/A.class")),
                     0);
    expect_link_refused(dropping, "A.class", "hard link");
}

static void a_pipe_is_refused_without_blocking(void **state)
{
    struct dropping *dropping = *state;
    put_class(dropping, "secret", "A");
    open_drop(dropping);
    assert_int_equal(mkfifo(at(&dropping->sandbox, "d/A.class"), 0600), 0);
    expect_link_refused(dropping, "A.class", "named pipe");
}

static void a_file_of_another_user_is_refused(void **state)
{
    struct dropping *dropping = *state;
    put_class(dropping, "secret", "A");
    put_class(dropping, "foreign", "A");
    if (chown(at(&dropping->sandbox, "foreign"), 4242, (gid_t)-1) != 0)
        skip();
    open_drop(dropping);
    rename_in(&dropping->sandbox, "foreign", "d/A.class");
    expect_link_refused(dropping, "A.class", "4242");
}

static void more_than_the_limit_is_too_large(void **state)
{
    struct dropping *dropping = *state;
    dropping->loop.options.max_bundle = 100;
    open_drop(dropping);
    put_class(
        dropping, "d/A.class",
        "com/example/a/name/that/makes/the/file/longer/than/the/limit/of/one/hundred/bytes/A");
    fake_loop_await_job(&dropping->loop);
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    expect_refused(dropping, "too-large", "A.class");
}

static void a_full_queue_is_an_answer_too(void **state)
{
    struct dropping *dropping = *state;
    dropping->loop.refuses_jobs = true;
    open_drop(dropping);
    put_class(dropping, "d/A.class", "A");
    fake_loop_expect_no_job(&dropping->loop, 150);
    expect_refused(dropping, "rate-limited", "64 jobs");
}

static void what_a_crash_left_is_moved_to_refused_at_the_next_start(void **state)
{
    struct dropping *dropping = *state;
    open_drop(dropping);
    put_class(dropping, "d/A.class", "A");
    fake_loop_await_job(&dropping->loop);
    hd_drop_close(dropping->drop);
    dropping->drop = NULL;
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_false(is_empty(dropping, "d/.claimed"));
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
    put_class(dropping, "d/A.class", "A");
    fake_loop_expect_no_job(&dropping->loop, 200);
    bool kept = exists(&dropping->sandbox, "d/A.class");
    unmount(dropping);
    assert_true(kept);
}

static int read_claim(void *context, struct hd_error *err)
{
    struct hd_drop_reading reading = { 0 };
    if (hd_drop_bundle_read(context, "/drop", 1 << 20, 17, &reading, err) != 0)
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

#define DROP_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DROP_TEST(a_dropped_class_is_deployed_and_moved_to_done_with_its_report),
        DROP_TEST(a_refused_class_is_moved_to_refused),
        DROP_TEST(files_that_come_together_are_one_deployment),
        DROP_TEST(the_next_deployment_waits_for_the_one_under_way),
        DROP_TEST(what_is_there_at_the_start_is_deployed),
        DROP_TEST(a_directory_renamed_in_is_one_deployment_with_all_in_it),
        DROP_TEST(what_is_no_class_file_refuses_the_deployment_with_a_row_a_file),
        DROP_TEST(a_broken_jar_is_refused),
        DROP_TEST(a_jar_is_a_deployment_by_itself),
        DROP_TEST(a_symbolic_link_is_refused_unread),
        DROP_TEST(a_linked_directory_is_refused),
        DROP_TEST(a_hard_link_is_refused),
        DROP_TEST(a_pipe_is_refused_without_blocking),
        DROP_TEST(a_file_of_another_user_is_refused),
        DROP_TEST(more_than_the_limit_is_too_large),
        DROP_TEST(a_full_queue_is_an_answer_too),
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
        DROP_TEST(every_failed_allocation_while_reading_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
