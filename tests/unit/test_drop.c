/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dropping.h"

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
    assert_true(nothing_is_claimed(dropping));
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
