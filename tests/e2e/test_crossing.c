/* SPDX-License-Identifier: Apache-2.0 */
/* A confirmation and the end of a trial's time cross: exactly one of them wins, and both know
 * which. */
#include "tests/e2e/road.h"

#include <pthread.h>

enum { CROSSINGS = 400 };

static pthread_barrier_t start;

static struct hd_job *expiry_of(uint64_t deployment)
{
    const struct hd_origin by_itself = { .way = HD_WAY_AGENT, .who = "hotdrop agent" };
    struct hd_job *job = hd_job_new(HD_JOB_ROLLBACK, &by_itself);
    assert_non_null(job);
    job->trial = deployment;
    return job;
}

static void *submit_at_once(void *job)
{
    pthread_barrier_wait(&start);
    road_submit(job);
    return NULL;
}

static uint64_t push_on_trial(const char *directory)
{
    struct hd_job *job = road_job(PUSH, road_bundle(directory, "p/A"));
    job->confirm_within = 60000;
    road_submit(job);
    job = road_collect();
    uint64_t number = job->deployment->number;
    road_expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_int_equal(job->deployment->trial.end, HD_TRIAL_OPEN);
    hd_job_free(job);
    return number;
}

static void roll_back_by_hand(void)
{
    road_submit(road_new_job(HD_JOB_ROLLBACK));
    struct hd_job *job = road_collect();
    assert_true(job->deployment->applied);
    hd_job_free(job);
}

/* True when the confirmation won. first and second: in the order in which the engine took them. */
static bool judge(uint64_t deployment, const struct hd_job *first, const struct hd_job *second)
{
    assert_int_equal(first->trial_end.deployment, deployment);
    assert_int_equal(second->trial_end.deployment, 0);
    bool confirmed = first->kind == HD_JOB_CONFIRM;
    assert_int_equal(first->trial_end.how, confirmed ? HD_TRIAL_CONFIRMED : HD_TRIAL_ROLLED_BACK);
    const struct hd_job *expiry = confirmed ? second : first;
    assert_int_equal(expiry->kind, HD_JOB_ROLLBACK);
    assert_true(confirmed == (expiry->deployment == NULL));
    return confirmed;
}

static bool cross(const char *directory, jobject loader)
{
    uint64_t deployment = push_on_trial(directory);
    struct hd_job *jobs[2] = { road_new_job(HD_JOB_CONFIRM), expiry_of(deployment) };
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, submit_at_once, jobs[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    struct hd_job *first = road_collect(), *second = road_collect();
    bool confirmed = judge(deployment, first, second);
    hd_job_free(first);
    hd_job_free(second);
    assert_int_equal(road_v(loader, "p.A"), confirmed ? 2 : 1);
    if (confirmed)
        roll_back_by_hand();
    return confirmed;
}

static void exactly_one_wins(void **state)
{
    (void)state;
    jobject loader = road_shop_with_a("crossing");
    const char *next = road_compile(A("2"));
    char directory[512];
    int confirmed = 0;
    snprintf(directory, sizeof directory, "%s", next);
    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    for (int i = 0; i < CROSSINGS; i++) {
        (*embedded.jni)->PushLocalFrame(embedded.jni, 64);
        confirmed += cross(directory, loader);
        (*embedded.jni)->PopLocalFrame(embedded.jni, NULL);
    }
    pthread_barrier_destroy(&start);
    assert_int_equal(road_v(loader, "p.A"), 1);
    printf("%d crossings: %d confirmed, %d rolled back\n", CROSSINGS, confirmed,
           CROSSINGS - confirmed);
    assert_true(confirmed > 0 && confirmed < CROSSINGS); /* they do cross */
    road_drop(loader);
}

/* Whoever ends a trial is not turned away because others wait. */
static void the_end_of_a_trial_is_taken_when_the_queue_is_full(void **state)
{
    (void)state;
    enum { LIMIT = 64 };
    jobject loader = road_shop_with_a("full");
    struct hd_error err = HD_ERROR_INIT;
    uint64_t deployment = push_on_trial(road_compile(A("2")));
    road_tell(loader, "hang");
    road_submit(road_job(CHECK, road_bundle(road_compile(B("2")), "p/B")));
    road_tell(loader, "awaitQuestion");
    for (int i = 0; i < LIMIT; i++)
        road_submit(road_new_job(HD_JOB_STATUS));
    struct hd_job *one_too_many = road_new_job(HD_JOB_STATUS);
    assert_int_equal(hd_engine_submit(road.engine, one_too_many, &err), -1);
    hd_job_free(one_too_many);
    road_submit(expiry_of(deployment));
    road_submit(road_new_job(HD_JOB_CONFIRM));
    road_tell(loader, "answer");
    bool ended = false;
    while (!ended) {
        struct hd_job *job = road_collect();
        ended = job->trial_end.deployment == deployment;
        hd_job_free(job);
    }
    road_drop(loader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROAD_TEST(exactly_one_wins),
        ROAD_TEST(the_end_of_a_trial_is_taken_when_the_queue_is_full),
    };
    return EMBEDDED_RUN(tests);
}
