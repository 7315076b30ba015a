/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/refused.h"

#include "agent/engine.h"
#include "core/log.h"
#include "core/text.h"

/* When the engine takes no job, it is asked again that soon. */
#define AGAIN_MS UINT64_C(1000)

static const struct hd_origin by_itself = { .way = HD_WAY_AGENT, .who = "hotdrop agent" };

static void hand_over(lws_sorted_usec_list_t *timer);

static void try_later(struct hd_refused *refused, uint64_t milliseconds)
{
    hd_loop_timer_set(refused->loop, &refused->timer, hand_over, milliseconds);
}

/* What cannot be handed over is told in the log, and was there already, one by one. */
static void submit_take(struct hd_refused *refused, json_t *lines)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_job *job = hd_job_new(HD_JOB_REFUSED, &by_itself);
    if (job == NULL) {
        json_decref(lines);
        return;
    }
    job->refusals = lines;
    refused->job = job;
    if (hd_loop_submit(refused->loop, job, &err) == 0)
        return;
    refused->job = NULL;
    hd_log(HD_LOG_WARN, "the journal misses %zu refusal(s): %s", json_array_size(lines), err.text);
    hd_job_free(job);
}

static bool engine_is_full(const struct hd_refused *refused)
{
    return hd_engine_waiting(hd_loop_engine(refused->loop), NULL, 0, NULL) > 0;
}

/* Deployments first: refusals wait for a moment when nothing waits. */
static void hand_over(lws_sorted_usec_list_t *timer)
{
    struct hd_refused *refused = lws_container_of(timer, struct hd_refused, timer);
    int64_t now = lws_now_usecs();
    if (refused->job != NULL || !hd_refusals_any(&refused->refusals))
        return;
    if (engine_is_full(refused)) {
        try_later(refused, AGAIN_MS);
        return;
    }
    json_t *lines = hd_refusals_take(&refused->refusals, now);
    if (lines != NULL)
        submit_take(refused, lines);
    else
        try_later(refused, (uint64_t)hd_refusals_wait(&refused->refusals, now) / 1000 + AGAIN_MS);
}

void hd_refused_note(struct hd_refused *refused, const struct hd_refusal *refusal)
{
    if (hd_loop_options(refused->loop)->store == NULL)
        return;
    hd_refusals_add(&refused->refusals, refusal, hd_text_now());
    hand_over(&refused->timer);
}

/* Its sender may be gone by now; the line is written all the same. */
static void note_unvouched(struct hd_refused *refused, const struct hd_job *job)
{
    const struct hd_deployment *deployment = job->deployment;
    const struct hd_refusal refusal = { .origin = &job->origin,
                                        .peer = job->origin.who,
                                        .what = job->keep ? "push --keep" : "push",
                                        .why = deployment->error_message,
                                        .role = job->behalf.role,
                                        .needed = job->behalf.needed };
    hd_log(HD_LOG_WARN, "refused %s, %s: %s", job->origin.who, job->origin.from,
           deployment->error_message);
    hd_refused_note(refused, &refusal);
}

/* Refused for what its sender may, not for what is in it. */
static bool is_unvouched(const struct hd_job *job)
{
    const struct hd_deployment *deployment = job->deployment;
    return job->behalf.needed != HD_ROLE_NONE && deployment != NULL &&
           deployment->error_message != NULL &&
           (deployment->number == 0 || deployment->error_reason == HD_REASON_NOT_AUTHORISED);
}

void hd_refused_hear(struct hd_refused *refused, const struct hd_job *job)
{
    if (is_unvouched(job))
        note_unvouched(refused, job);
    if (job != refused->job)
        return;
    refused->job = NULL;
    hand_over(&refused->timer);
}
