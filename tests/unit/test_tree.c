/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compiling.h"

static void a_tree_is_remembered_by_class_name(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    write_text(&compiling->sandbox, "t/com/notes.txt", "x");
    remember(compiling);
    assert_int_equal(compiling->remembered, 1);
    assert_string_equal(compiling->last_remembered, "com/A");
}

static void a_changed_class_is_deployed_and_stays_where_it_is(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    watch(compiling);
    put_salted(compiling, "t/com/A.class", "com/A", "2");
    struct hd_job *job = fake_loop_await_job(&compiling->loop);
    assert_int_equal(job->origin.way, HD_WAY_WATCH);
    assert_string_equal(job->origin.from, at(&compiling->sandbox, "t"));
    assert_string_equal(hd_bundle_name(job->bundle), "com/A.class");
    assert_non_null(job_class(job, "com/A"));
    succeed(compiling);
    assert_true(exists(&compiling->sandbox, "t/com/A.class"));
    assert_false(fake_loop_settle(&compiling->loop));
}

static void only_changed_content_counts(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    put_salted(compiling, "t/com/B.class", "com/B", "1");
    watch(compiling);
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    put_salted(compiling, "t/com/B.class", "com/B", "2");
    expect_classes(compiling, 1);
    assert_non_null(job_class(compiling->loop.jobs[0], "com/B"));
    succeed(compiling);
    put_salted(compiling, "t/com/B.class", "com/B", "2");
    assert_false(fake_loop_settle(&compiling->loop));
}

static void what_changed_between_remembering_and_watching_is_deployed(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    put_salted(compiling, "t/com/B.class", "com/B", "1");
    remember(compiling);
    put_salted(compiling, "t/com/A.class", "com/A", "2");
    open_tree(compiling);
    expect_classes(compiling, 1);
}

static void a_compile_of_hundreds_is_one_deployment(void **state)
{
    struct compiling *compiling = *state;
    watch(compiling);
    for (int i = 0; i < 400; i++) {
        char path[64];
        char name[64];
        snprintf(path, sizeof path, "t/com/C%d.class", i);
        snprintf(name, sizeof name, "com/C%d", i);
        put_salted(compiling, path, name, "1");
    }
    expect_classes(compiling, 400);
    succeed(compiling);
    assert_false(fake_loop_settle(&compiling->loop));
}

static void after_a_refusal_the_next_compile_pushes_all_that_is_still_different(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    put_salted(compiling, "t/com/B.class", "com/B", "1");
    watch(compiling);
    put_salted(compiling, "t/com/A.class", "com/A", "2");
    expect_classes(compiling, 1);
    fake_loop_answer(&compiling->loop, HD_OUTCOME_REFUSED, HD_REASON_FIELD_ADDED);
    assert_false(fake_loop_settle(&compiling->loop));
    put_salted(compiling, "t/com/B.class", "com/B", "2");
    expect_classes(compiling, 2);
    succeed(compiling);
    put_salted(compiling, "t/com/B.class", "com/B", "3");
    expect_classes(compiling, 1);
}

static void going_back_after_a_refusal_leaves_nothing_to_push(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    watch(compiling);
    put_salted(compiling, "t/com/A.class", "com/A", "2");
    expect_classes(compiling, 1);
    fake_loop_answer(&compiling->loop, HD_OUTCOME_REFUSED, HD_REASON_FIELD_ADDED);
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    assert_false(fake_loop_settle(&compiling->loop));
}

static void a_refused_class_that_was_deleted_is_not_pushed_again(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/B.class", "com/B", "1");
    watch(compiling);
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    expect_classes(compiling, 1);
    fake_loop_answer(&compiling->loop, HD_OUTCOME_REFUSED, HD_REASON_FIELD_ADDED);
    assert_int_equal(unlink(at(&compiling->sandbox, "t/com/A.class")), 0);
    put_salted(compiling, "t/com/B.class", "com/B", "2");
    expect_classes(compiling, 1);
    assert_non_null(job_class(compiling->loop.jobs[0], "com/B"));
}

static void a_compile_during_a_deployment_is_the_next_deployment(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    watch(compiling);
    put_salted(compiling, "t/com/A.class", "com/A", "2");
    expect_classes(compiling, 1);
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    assert_true(fake_loop_run(&compiling->loop, PATIENCE_MS, fake_loop_is_idle, &compiling->loop));
    assert_int_equal(compiling->loop.job_count, 1);
    succeed(compiling);
    expect_classes(compiling, 1);
    succeed(compiling);
    assert_false(fake_loop_settle(&compiling->loop));
}

static void a_clean_build_deploys_only_what_changed(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    put_salted(compiling, "t/com/B.class", "com/B", "1");
    watch(compiling);
    sandbox_delete(at(&compiling->sandbox, "t"));
    assert_false(fake_loop_settle(&compiling->loop));
    make_directory(&compiling->sandbox, "t");
    make_directory(&compiling->sandbox, "t/com");
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    put_salted(compiling, "t/com/B.class", "com/B", "2");
    expect_classes(compiling, 1);
    assert_non_null(job_class(compiling->loop.jobs[0], "com/B"));
}

static void a_tree_that_does_not_exist_yet_is_waited_for(void **state)
{
    struct compiling *compiling = *state;
    sandbox_delete(at(&compiling->sandbox, "t"));
    watch(compiling);
    assert_int_equal(compiling->remembered, 0);
    make_directory(&compiling->sandbox, "t");
    make_directory(&compiling->sandbox, "t/com");
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    expect_classes(compiling, 1);
}

static void a_tree_that_is_a_file_is_an_error(void **state)
{
    struct compiling *compiling = *state;
    write_text(&compiling->sandbox, "f", "x");
    struct hd_error err = HD_ERROR_INIT;
    struct hd_tree *tree = NULL;
    assert_int_equal(
        hd_tree_remember(at(&compiling->sandbox, "f"), count_remembered, compiling, &tree, &err),
        -1);
    assert_non_null(strstr(err.text, "not a directory"));
}

static void links_and_what_is_no_class_of_its_own_are_left_alone(void **state)
{
    struct compiling *compiling = *state;
    make_directory(&compiling->sandbox, "t/META-INF");
    put_salted(compiling, "outside", "com/Linked", "1");
    watch(compiling);
    assert_int_equal(symlink("../../outside", at(&compiling->sandbox, "t/com/Linked.class")), 0);
    put_salted(compiling, "t/META-INF/A.class", "A", "1");
    put_salted(compiling, "t/module-info.class", "module-info", "1");
    write_text(&compiling->sandbox, "t/lib.jar", "x");
    assert_false(fake_loop_settle(&compiling->loop));
}

static void a_class_gone_to_another_path_is_deployed_under_its_name(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    watch(compiling);
    put_salted(compiling, "t/com/A.class", "com/Other", "1");
    expect_classes(compiling, 1);
    assert_non_null(job_class(compiling->loop.jobs[0], "com/Other"));
}

static void a_tree_closed_during_a_deployment_leaves_the_job_alone(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    watch(compiling);
    put_salted(compiling, "t/com/A.class", "com/A", "2");
    expect_classes(compiling, 1);
    hd_tree_close(compiling->tree);
    compiling->tree = NULL;
    succeed(compiling);
}

static void more_than_the_limit_is_too_large(void **state)
{
    struct compiling *compiling = *state;
    compiling->loop.options.max_bundle = 100;
    watch(compiling);
    put_salted(compiling, "t/com/A.class", "com/A",
               "a salt that makes this class file longer than the hundred bytes that are allowed");
    struct hd_job *job = fake_loop_await_job(&compiling->loop);
    assert_null(job->bundle);
    assert_int_equal(job->deployment->error_reason, HD_REASON_TOO_LARGE);
}

static int remember_and_close(void *context, struct hd_error *err)
{
    struct compiling *compiling = context;
    struct hd_tree *tree = NULL;
    if (hd_tree_remember(at(&compiling->sandbox, "t"), count_remembered, compiling, &tree, err) !=
        0)
        return -1;
    hd_tree_close(tree);
    return 0;
}

static void every_failed_allocation_while_remembering_is_told(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    put(compiling, "t/com/User.class", &user_of_foo);
    fail_every_allocation(remember_and_close, compiling);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static bool somebody_was_refused(void *context)
{
    struct compiling *compiling = context;
    return compiling->loop.refusals > 0;
}

static void files_of_somebody_who_may_not_push_are_not_deployed(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    watch(compiling);
    compiling->loop.access.jvm_user = geteuid() + 1; /* so this user is nobody, but for root */
    if (geteuid() == 0)
        assert_int_equal(chown(at(&compiling->sandbox, "t"), 12345, (gid_t)-1), 0);
    put_salted(compiling, "t/com/A.class", "com/A", "2");
    if (geteuid() == 0) {
        fake_loop_await_job(&compiling->loop); /* root's file, in another's directory */
        succeed(compiling);
        put_salted(compiling, "t/com/B.class", "com/B", "1");
        assert_int_equal(chown(at(&compiling->sandbox, "t/com/B.class"), 12345, (gid_t)-1), 0);
    }
    assert_true(fake_loop_run(&compiling->loop, PATIENCE_MS, somebody_was_refused, compiling));
    assert_int_equal(compiling->loop.job_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(a_tree_is_remembered_by_class_name),
        TREE_TEST(a_changed_class_is_deployed_and_stays_where_it_is),
        TREE_TEST(only_changed_content_counts),
        TREE_TEST(files_of_somebody_who_may_not_push_are_not_deployed),
        TREE_TEST(what_changed_between_remembering_and_watching_is_deployed),
        TREE_TEST(a_compile_of_hundreds_is_one_deployment),
        TREE_TEST(after_a_refusal_the_next_compile_pushes_all_that_is_still_different),
        TREE_TEST(going_back_after_a_refusal_leaves_nothing_to_push),
        TREE_TEST(a_refused_class_that_was_deleted_is_not_pushed_again),
        TREE_TEST(a_compile_during_a_deployment_is_the_next_deployment),
        TREE_TEST(a_clean_build_deploys_only_what_changed),
        TREE_TEST(a_tree_that_does_not_exist_yet_is_waited_for),
        TREE_TEST(a_tree_that_is_a_file_is_an_error),
        TREE_TEST(links_and_what_is_no_class_of_its_own_are_left_alone),
        TREE_TEST(a_class_gone_to_another_path_is_deployed_under_its_name),
        TREE_TEST(a_tree_closed_during_a_deployment_leaves_the_job_alone),
        TREE_TEST(more_than_the_limit_is_too_large),
        TREE_TEST(every_failed_allocation_while_remembering_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
