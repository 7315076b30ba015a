/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compiling.h"

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
    assert_false(fake_loop_settle(&compiling->loop));
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
    assert_true(fake_now_ms() - before < 2000);
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
    assert_false(fake_loop_settle(&compiling->loop));
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
