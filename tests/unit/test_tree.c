/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sandbox.h"

#include "agent/tree.h"
#include "tests/unit/class_maker.h"
#include "tests/unit/every_allocation.h"
#include "tests/unit/fake_loop.h"

struct compiling {
    struct sandbox sandbox;
    struct hd_loop loop;
    struct hd_tree *tree;
    size_t remembered;
    char last_remembered[64];
};

static int start(void **state)
{
    struct compiling *compiling = calloc(1, sizeof *compiling);
    sandbox_make(&compiling->sandbox);
    make_directory(&compiling->sandbox, "t");
    make_directory(&compiling->sandbox, "t/com");
    fake_loop_init(&compiling->loop);
    compiling->loop.options.settle_ms = 10;
    *state = compiling;
    return 0;
}

static int stop(void **state)
{
    struct compiling *compiling = *state;
    hd_tree_close(compiling->tree);
    fake_loop_close(&compiling->loop);
    sandbox_delete(compiling->sandbox.path);
    free(compiling);
    return hd_alloc_outstanding() == 0 ? 0 : -1;
}

static void count_remembered(void *context, const char *internal_name, struct hd_bytes file)
{
    struct compiling *compiling = context;
    assert_true(file.length > 0);
    compiling->remembered++;
    snprintf(compiling->last_remembered, sizeof compiling->last_remembered, "%s", internal_name);
}

static void remember(struct compiling *compiling)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_tree_remember(at(&compiling->sandbox, "t"), count_remembered, compiling,
                         &compiling->tree, &err) != 0)
        fail_msg("%s", err.text);
}

static void open_tree(struct compiling *compiling)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_tree_open(compiling->tree, &compiling->loop, &err) != 0)
        fail_msg("%s", err.text);
}

/* Remembers, opens, and lets the batch of what is there pass. */
static void watch(struct compiling *compiling)
{
    remember(compiling);
    open_tree(compiling);
    fake_loop_expect_no_job(&compiling->loop, 120);
}

static void put(const struct compiling *compiling, const char *path, const struct made_class *spec)
{
    struct made_file file = make_class(spec);
    write_bytes(&compiling->sandbox, path, file.data, file.length);
}

static void put_salted(const struct compiling *compiling, const char *path, const char *name,
                       const char *salt)
{
    put(compiling, path, &(struct made_class){ .name = name, .salt = salt });
}

static void expect_classes(struct compiling *compiling, size_t count)
{
    struct hd_job *job = fake_loop_await_job(&compiling->loop);
    assert_non_null(job->bundle);
    assert_int_equal(hd_bundle_class_count(job->bundle), count);
}

static void succeed(struct compiling *compiling)
{
    fake_loop_answer(&compiling->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
}

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
    fake_loop_expect_no_job(&compiling->loop, 120);
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
    fake_loop_expect_no_job(&compiling->loop, 120);
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
    fake_loop_expect_no_job(&compiling->loop, 120);
}

static const struct made_class user_of_foo = {
    .name = "com/User", .references = { { MADE_METHODREF, "com/Lib", "foo", "()V" } }
};

static void a_class_waits_for_a_member_that_comes(void **state)
{
    struct compiling *compiling = *state;
    put(compiling, "t/com/Lib.class", &(struct made_class){ .name = "com/Lib" });
    put(compiling, "t/com/User.class", &(struct made_class){ .name = "com/User" });
    watch(compiling);
    put(compiling, "t/com/User.class", &user_of_foo);
    fake_loop_expect_no_job(&compiling->loop, 300);
    put(compiling, "t/com/Lib.class",
        &(struct made_class){ .name = "com/Lib", .methods = { { "foo", "()V" } } });
    expect_classes(compiling, 2);
    succeed(compiling);
    fake_loop_expect_no_job(&compiling->loop, 2500);
}

static void a_member_that_never_comes_is_reported_and_the_others_are_withheld(void **state)
{
    struct compiling *compiling = *state;
    put(compiling, "t/com/Lib.class", &(struct made_class){ .name = "com/Lib" });
    watch(compiling);
    int64_t before = fake_now_ms();
    put(compiling, "t/com/User.class", &user_of_foo);
    put_salted(compiling, "t/com/Fine.class", "com/Fine", "1");
    struct hd_job *job = fake_loop_await_job(&compiling->loop);
    assert_true(fake_now_ms() - before >= 2000 && fake_now_ms() - before < 4000);
    assert_null(job->bundle);
    assert_int_equal(job->deployment->row_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct hd_row *row = &job->deployment->rows[i];
        bool user = strcmp(row->class_name, "com.User") == 0;
        assert_int_equal(row->outcome, user ? HD_OUTCOME_REFUSED : HD_OUTCOME_WITHHELD);
        if (!user)
            continue;
        assert_int_equal(row->reason, HD_REASON_MISSING_MEMBER);
        assert_non_null(strstr(row->message, "com.Lib has no method foo()"));
    }
    assert_false(hd_deployment_is_good(job->deployment));
    succeed(compiling);

    /* The next compile brings the member, and everything that is not live yet is pushed with it. */
    put(compiling, "t/com/Lib.class",
        &(struct made_class){ .name = "com/Lib", .methods = { { "foo", "()V" } } });
    expect_classes(compiling, 3);
}

static void a_missing_field_is_missing_too(void **state)
{
    struct compiling *compiling = *state;
    put(compiling, "t/com/Lib.class",
        &(struct made_class){ .name = "com/Lib", .methods = { { "size", "()I" } } });
    watch(compiling);
    put(compiling, "t/com/User.class",
        &(struct made_class){ .name = "com/User",
                              .references = { { MADE_FIELDREF, "com/Lib", "size", "I" } } });
    struct hd_job *job = fake_loop_await_job(&compiling->loop);
    assert_non_null(strstr(job->deployment->rows[0].message, "com.Lib has no field int size"));
}

static void members_are_found_in_supertypes_as_far_as_the_tree_reaches(void **state)
{
    struct compiling *compiling = *state;
    put(compiling, "t/com/Api.class",
        &(struct made_class){ .name = "com/Api", .methods = { { "api", "()V" } } });
    put(compiling, "t/com/Base.class",
        &(struct made_class){
            .name = "com/Base", .interfaces = { "com/Api" }, .fields = { { "base", "I" } } });
    put(compiling, "t/com/Lib.class",
        &(struct made_class){ .name = "com/Lib", .super = "com/Base" });
    put(compiling, "t/com/Elsewhere.class",
        &(struct made_class){ .name = "com/Elsewhere", .super = "org/Jar" });
    watch(compiling);
    put(compiling, "t/com/User.class",
        &(struct made_class){
            .name = "com/User",
            .references = { { MADE_METHODREF, "com/Lib", "api", "()V" },
                            { MADE_FIELDREF, "com/Lib", "base", "I" },
                            { MADE_METHODREF, "com/Lib", "toString", "()Ljava/lang/String;" },
                            { MADE_METHODREF, "com/Elsewhere", "anything", "()V" },
                            { MADE_METHODREF, "org/Jar", "anything", "()V" },
                            { MADE_CLASS, "org/other/Unknown", NULL, NULL } } });
    expect_classes(compiling, 1);
}

static void what_every_compiled_class_refers_to_is_there(void **state)
{
    struct compiling *compiling = *state;
    watch(compiling);
    put(compiling, "t/com/User.class",
        &(struct made_class){
            .name = "com/User",
            .references = { { MADE_METHODREF, "java/lang/Object", "<init>", "()V" } } });
    expect_classes(compiling, 1);
}

static void constructors_are_not_inherited(void **state)
{
    struct compiling *compiling = *state;
    put(compiling, "t/com/Lib.class",
        &(struct made_class){ .name = "com/Lib", .super = "org/Jar" });
    watch(compiling);
    put(compiling, "t/com/User.class",
        &(struct made_class){ .name = "com/User",
                              .references = { { MADE_METHODREF, "com/Lib", "<init>", "(I)V" } } });
    assert_null(fake_loop_await_job(&compiling->loop)->bundle);
}

static const struct made_class user_of_new = {
    .name = "com/User", .references = { { MADE_CLASS, "com/New", NULL, NULL } }
};

static void a_class_of_the_trees_packages_is_waited_for(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/User.class", "com/User", "1");
    watch(compiling);
    put(compiling, "t/com/User.class", &user_of_new);
    fake_loop_expect_no_job(&compiling->loop, 300);
    put_salted(compiling, "t/com/New.class", "com/New", "1");
    expect_classes(compiling, 2);
}

static void a_class_that_stays_away_is_reported_once_and_then_taken_to_come_from_elsewhere(
    void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/User.class", "com/User", "1");
    watch(compiling);
    put(compiling, "t/com/User.class", &user_of_new);
    struct hd_job *job = fake_loop_await_job(&compiling->loop);
    assert_int_equal(job->deployment->rows[0].reason, HD_REASON_MISSING_MEMBER);
    assert_non_null(strstr(job->deployment->rows[0].message, "com.New is not there"));
    succeed(compiling);
    put(compiling, "t/com/User.class", &user_of_new);
    expect_classes(compiling, 1);
}

static void a_class_that_was_elsewhere_from_the_start_is_not_waited_for(void **state)
{
    struct compiling *compiling = *state;
    struct made_class user = user_of_new;
    put(compiling, "t/com/User.class", &user);
    watch(compiling);
    user.salt = "2";
    int64_t before = fake_now_ms();
    put(compiling, "t/com/User.class", &user);
    expect_classes(compiling, 1);
    assert_true(fake_now_ms() - before < 1000);
}

static void a_half_written_class_is_waited_for_and_then_reported(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    watch(compiling);
    struct made_file file =
        make_class(&(struct made_class){ .name = "com/A", .salt = "a longer salt" });
    write_bytes(&compiling->sandbox, "t/com/A.class", file.data, file.length - 7);
    fake_loop_expect_no_job(&compiling->loop, 300);
    write_bytes(&compiling->sandbox, "t/com/A.class", file.data, file.length);
    expect_classes(compiling, 1);
    succeed(compiling);

    write_bytes(&compiling->sandbox, "t/com/A.class", file.data, 5);
    struct hd_job *job = fake_loop_await_job(&compiling->loop);
    assert_null(job->bundle);
    assert_string_equal(job->deployment->rows[0].class_name, "com.A");
    assert_int_equal(job->deployment->rows[0].reason, HD_REASON_MALFORMED_CLASS);
    succeed(compiling);
    write_bytes(&compiling->sandbox, "t/com/A.class", file.data, file.length);
    fake_loop_expect_no_job(&compiling->loop, 120);
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
    fake_loop_expect_no_job(&compiling->loop, 120);
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
    fake_loop_expect_no_job(&compiling->loop, 120);
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
    (void)fake_loop_run(&compiling->loop, 150, fake_loop_never, NULL);
    assert_int_equal(compiling->loop.job_count, 1);
    succeed(compiling);
    expect_classes(compiling, 1);
    succeed(compiling);
    fake_loop_expect_no_job(&compiling->loop, 120);
}

static void a_clean_build_deploys_only_what_changed(void **state)
{
    struct compiling *compiling = *state;
    put_salted(compiling, "t/com/A.class", "com/A", "1");
    put_salted(compiling, "t/com/B.class", "com/B", "1");
    watch(compiling);
    sandbox_delete(at(&compiling->sandbox, "t"));
    fake_loop_expect_no_job(&compiling->loop, 120);
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
    fake_loop_expect_no_job(&compiling->loop, 200);
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

/* Whatever fails, the agent goes on, and the next compile makes up for it. */
static void every_failed_allocation_during_a_compile_is_survived(void **state)
{
    struct compiling *compiling = *state;
    put(compiling, "t/com/Lib.class",
        &(struct made_class){ .name = "com/Lib", .methods = { { "foo", "()V" } } });
    watch(compiling);
    for (unsigned long nth = 1; nth < 120; nth++) {
        char salt[32];
        snprintf(salt, sizeof salt, "%lu", nth);
        struct made_class user = user_of_foo;
        user.salt = salt;
        put(compiling, "t/com/User.class", &user);
        hd_alloc_fail_at(nth);
        (void)fake_loop_run(&compiling->loop, 60, fake_loop_has_job, &compiling->loop);
        hd_alloc_fail_at(0);
        if (compiling->loop.job_count == 0)
            put_salted(compiling, "t/com/Other.class", "com/Other", salt);
        struct hd_job *job = fake_loop_await_job(&compiling->loop);
        assert_non_null(job->bundle);
        while (job_class(job, "com/User") == NULL) {
            succeed(compiling);
            job = fake_loop_await_job(&compiling->loop);
        }
        succeed(compiling);
    }
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(a_tree_is_remembered_by_class_name),
        TREE_TEST(a_changed_class_is_deployed_and_stays_where_it_is),
        TREE_TEST(only_changed_content_counts),
        TREE_TEST(what_changed_between_remembering_and_watching_is_deployed),
        TREE_TEST(a_compile_of_hundreds_is_one_deployment),
        TREE_TEST(a_class_waits_for_a_member_that_comes),
        TREE_TEST(a_member_that_never_comes_is_reported_and_the_others_are_withheld),
        TREE_TEST(a_missing_field_is_missing_too),
        TREE_TEST(members_are_found_in_supertypes_as_far_as_the_tree_reaches),
        TREE_TEST(what_every_compiled_class_refers_to_is_there),
        TREE_TEST(constructors_are_not_inherited),
        TREE_TEST(a_class_of_the_trees_packages_is_waited_for),
        TREE_TEST(a_class_that_stays_away_is_reported_once_and_then_taken_to_come_from_elsewhere),
        TREE_TEST(a_class_that_was_elsewhere_from_the_start_is_not_waited_for),
        TREE_TEST(a_half_written_class_is_waited_for_and_then_reported),
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
        TREE_TEST(every_failed_allocation_during_a_compile_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
