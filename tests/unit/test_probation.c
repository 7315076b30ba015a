/* SPDX-License-Identifier: Apache-2.0 */
/* The trial of a deployment as the engine decides it; no JVM is needed for that. */
#include "agent/probation.h"

#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct hd_origin alice = { .way = HD_WAY_LOCAL_SOCKET, .who = "uid:1000 (alice)" };
static const struct hd_origin the_loop = { .way = HD_WAY_AGENT, .who = "hotdrop agent" };

static struct hd_job *new_job(enum hd_job_kind kind, const struct hd_origin *origin,
                              uint64_t number)
{
    struct hd_job *job = hd_job_new(kind, origin);
    assert_non_null(job);
    if (kind == HD_JOB_CONFIRM)
        return job;
    job->deployment = hd_deployment_new(
        kind == HD_JOB_ROLLBACK ? HD_DEPLOYMENT_ROLLBACK : HD_DEPLOYMENT_PUSH, origin);
    assert_non_null(job->deployment);
    job->deployment->number = number;
    job->deployment->applied = true;
    return job;
}

/* Deployment 3 goes on trial for a minute, at moment 0. */
static struct hd_probation open_trial(void)
{
    struct hd_probation probation = { 0 };
    struct hd_job *job = new_job(HD_JOB_DEPLOY, &alice, 3);
    job->confirm_within = 60000;
    assert_true(hd_probation_admits(&probation, job, 0));
    hd_probation_follow(&probation, job, 3, 0);
    assert_int_equal(probation.deployment, 3);
    assert_int_equal(job->deployment->trial.end, HD_TRIAL_OPEN);
    assert_int_equal(job->deployment->trial.milliseconds, 60000);
    hd_job_free(job);
    return probation;
}

static void expect_end(const struct hd_job *job, uint64_t deployment, enum hd_trial_end how)
{
    assert_int_equal(job->trial_end.deployment, deployment);
    if (deployment != 0)
        assert_int_equal(job->trial_end.how, how);
}

static void what_changed_nothing_is_on_no_trial(void **state)
{
    (void)state;
    struct hd_probation probation = { 0 };
    struct hd_job *job = new_job(HD_JOB_DEPLOY, &alice, 3);
    job->confirm_within = 60000;
    hd_probation_follow(&probation, job, 2, 0); /* all was live already: no state of its own */
    assert_int_equal(probation.deployment, 0);
    job->deployment->applied = false; /* new classes stayed of what the JVM refused */
    hd_probation_follow(&probation, job, 3, 0);
    assert_int_equal(probation.deployment, 0);
    assert_int_equal(job->deployment->trial.end, HD_TRIAL_NONE);
    hd_job_free(job);
}

static void a_push_is_refused_and_told_how_long(void **state)
{
    (void)state;
    struct hd_probation probation = open_trial();
    struct hd_job *push = new_job(HD_JOB_DEPLOY, &alice, 4);
    assert_false(hd_probation_admits(&probation, push, 18500000));
    assert_int_equal(push->deployment->error_reason, HD_REASON_TRIAL_OPEN);
    assert_non_null(strstr(push->deployment->error_message, "deployment 3 by uid:1000 (alice)"));
    assert_non_null(strstr(push->deployment->error_message, "with 42 s left"));
    hd_job_free(push);
    struct hd_job *check = new_job(HD_JOB_CHECK, &alice, 0);
    assert_true(hd_probation_admits(&probation, check, 1));
    hd_job_free(check);
}

static void a_confirmation_ends_it_once(void **state)
{
    (void)state;
    struct hd_probation probation = open_trial();
    struct hd_job *other = new_job(HD_JOB_CONFIRM, &alice, 0);
    other->trial = 4;
    hd_probation_confirm(&probation, other);
    expect_end(other, 0, HD_TRIAL_NONE);
    struct hd_job *first = new_job(HD_JOB_CONFIRM, &alice, 0);
    struct hd_job *second = new_job(HD_JOB_CONFIRM, &alice, 0);
    first->trial = 3;
    hd_probation_confirm(&probation, first);
    expect_end(first, 3, HD_TRIAL_CONFIRMED);
    hd_probation_confirm(&probation, second);
    expect_end(second, 0, HD_TRIAL_NONE);
    hd_job_free(other);
    hd_job_free(first);
    hd_job_free(second);
}

static void the_loops_rollback_is_moot_after_a_confirmation(void **state)
{
    (void)state;
    struct hd_probation probation = open_trial();
    struct hd_job *expiry = hd_job_new(HD_JOB_ROLLBACK, &the_loop);
    struct hd_job *confirmation = new_job(HD_JOB_CONFIRM, &alice, 0);
    expiry->trial = 3;
    assert_false(hd_probation_is_moot(&probation, expiry));
    hd_probation_confirm(&probation, confirmation);
    assert_true(hd_probation_is_moot(&probation, expiry));
    hd_job_free(expiry);
    hd_job_free(confirmation);
}

static void a_confirmation_after_the_time_confirms_nothing(void **state)
{
    (void)state;
    struct hd_probation probation = open_trial();
    struct hd_job *expiry = new_job(HD_JOB_ROLLBACK, &the_loop, 4);
    struct hd_job *confirmation = new_job(HD_JOB_CONFIRM, &alice, 0);
    expiry->trial = 3;
    assert_true(hd_probation_admits(&probation, expiry, 60000000));
    hd_probation_follow(&probation, expiry, 2, 60000000);
    expect_end(expiry, 3, HD_TRIAL_ROLLED_BACK);
    hd_probation_confirm(&probation, confirmation);
    expect_end(confirmation, 0, HD_TRIAL_NONE);
    hd_job_free(expiry);
    hd_job_free(confirmation);
}

static void a_rollback_by_hand_ends_it_only_if_it_leads_elsewhere(void **state)
{
    (void)state;
    struct hd_probation probation = open_trial();
    struct hd_job *nowhere = new_job(HD_JOB_ROLLBACK, &alice, 4);
    hd_probation_follow(&probation, nowhere, 3, 0); /* to 3 itself, or it was refused */
    expect_end(nowhere, 0, HD_TRIAL_NONE);
    struct hd_job *back = new_job(HD_JOB_ROLLBACK, &alice, 5);
    assert_true(hd_probation_admits(&probation, back, 0));
    hd_probation_follow(&probation, back, 1, 0);
    expect_end(back, 3, HD_TRIAL_ROLLED_BACK);
    assert_int_equal(probation.deployment, 0);
    hd_job_free(nowhere);
    hd_job_free(back);
}

static void a_refused_way_back_ends_it_when_its_time_is_over_and_not_before(void **state)
{
    (void)state;
    struct hd_probation probation = open_trial();
    struct hd_job *smoke = new_job(HD_JOB_ROLLBACK, &alice, 4);
    smoke->trial = 3;
    smoke->deployment->applied = false;
    hd_probation_follow(&probation, smoke, 3, 0);
    expect_end(smoke, 0, HD_TRIAL_NONE);
    struct hd_job *expiry = new_job(HD_JOB_ROLLBACK, &the_loop, 5);
    expiry->trial = 3;
    expiry->deployment->applied = false;
    hd_probation_follow(&probation, expiry, 3, 0);
    expect_end(expiry, 3, HD_TRIAL_ROLLBACK_REFUSED);
    assert_int_equal(probation.deployment, 0);
    hd_job_free(smoke);
    hd_job_free(expiry);
}

static void a_rollback_of_another_trial_is_refused(void **state)
{
    (void)state;
    struct hd_probation probation = open_trial();
    struct hd_job *late = new_job(HD_JOB_ROLLBACK, &alice, 9);
    late->trial = 2;
    assert_false(hd_probation_admits(&probation, late, 0));
    assert_int_equal(late->deployment->error_reason, HD_REASON_NO_TRIAL);
    assert_false(hd_probation_is_moot(&probation, late)); /* a client's gets an answer */
    hd_job_free(late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_changed_nothing_is_on_no_trial),
        cmocka_unit_test(a_push_is_refused_and_told_how_long),
        cmocka_unit_test(a_confirmation_ends_it_once),
        cmocka_unit_test(the_loops_rollback_is_moot_after_a_confirmation),
        cmocka_unit_test(a_confirmation_after_the_time_confirms_nothing),
        cmocka_unit_test(a_rollback_by_hand_ends_it_only_if_it_leads_elsewhere),
        cmocka_unit_test(a_refused_way_back_ends_it_when_its_time_is_over_and_not_before),
        cmocka_unit_test(a_rollback_of_another_trial_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
