/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compiling.h"

/* After another compile, unless nothing failed. */
static void expect_user_by_and_by(struct compiling *compiling, const char *salt)
{
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

/* Whatever fails, the agent goes on, and the next compile makes up for it. A tree for each of them: one that is written to
 * again and again learns to wait. */
static void every_failed_allocation_during_a_compile_is_survived(void **state)
{
    struct compiling *compiling = *state;
    compiling->loop.options.settle_ms = 1;
    put(compiling, "t/com/Lib.class",
        &(struct made_class){ .name = "com/Lib", .methods = { { "foo", "()V" } } });
    bool failed = true;
    for (unsigned long nth = 1; failed; nth++) {
        char salt[32];
        snprintf(salt, sizeof salt, "%lu", nth);
        struct made_class user = user_of_foo;
        user.salt = salt;
        watch(compiling);
        put(compiling, "t/com/User.class", &user);
        hd_alloc_fail_at(nth);
        (void)fake_loop_settle(&compiling->loop);
        failed = hd_alloc_fail_at(0) == 0;
        assert_true(failed || nth > 10);
        expect_user_by_and_by(compiling, salt);
        hd_tree_close(compiling->tree);
        compiling->tree = NULL;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_failed_allocation_during_a_compile_is_survived, start,
                                        stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
