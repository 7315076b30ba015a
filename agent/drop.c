/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/drop.h"

#include "agent/access.h"
#include "agent/drop_bundle.h"
#include "agent/loop_lws.h"
#include "agent/peer.h"
#include "core/alloc.h"
#include "core/log.h"
#include "core/refusals.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Whoever copies a tree file by file may be between two files of a directory that was emptied under
 * his hands: it is removed only after this much quiet. */
#define SWEEP_SECONDS 2

struct queued {
    struct hd_claim *claim;
    struct queued *next;
};

struct hd_drop {
    struct hd_loop *loop;
    struct hd_drop_place place;
    struct hd_watcher *watcher;
    struct hd_loop_watch *watch;
    int sweep_timer;
    struct hd_loop_watch *sweep_watch;
    struct queued *first; /* claims that wait for their turn */
    struct queued *last;
    struct hd_claim *claim; /* being deployed, by */
    struct hd_job *job;     /* which belongs to the engine or the loop */
};

static void settle(struct hd_drop *drop, const struct hd_claim *claim,
                   const struct hd_deployment *deployment)
{
    struct hd_error err = HD_ERROR_INIT;
    char where[128];
    if (hd_drop_place_settle(&drop->place, claim, deployment, where, sizeof where, &err) != 0)
        hd_log(HD_LOG_WARN, "drop directory %s: deployment %llu: %s", drop->place.path,
               (unsigned long long)deployment->number, err.text);
    if (hd_deployment_is_good(deployment))
        hd_log(HD_LOG_INFO, "drop directory %s: deployment %llu is in %s", drop->place.path,
               (unsigned long long)deployment->number, where);
    else
        hd_log(HD_LOG_WARN,
               "drop directory %s: refused%s%s; the files and why are in %s/report.json",
               drop->place.path, deployment->error_message != NULL ? ": " : "",
               deployment->error_message != NULL ? deployment->error_message : "", where);
    hd_drop_place_prepare(&drop->place);
}

static void settle_failed(struct hd_drop *drop, const struct hd_claim *claim, enum hd_reason reason,
                          const char *words)
{
    struct hd_origin origin = { .way = HD_WAY_DROP };
    hd_text_escape(drop->place.path, origin.from, sizeof origin.from);
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &origin);
    if (deployment == NULL) {
        hd_log(HD_LOG_ERROR, "drop directory %s: %s; the files are in .claimed/%s",
               drop->place.path, words, claim->name);
        return;
    }
    deployment->started_at = hd_text_now();
    hd_deployment_fail(deployment, reason, "%s", words);
    settle(drop, claim, deployment);
    hd_deployment_release(deployment);
}

/* ---- jobs ---- */

static void pump(struct hd_drop *drop);

static void finished(struct hd_job *job, void *owner)
{
    struct hd_drop *drop = owner;
    if (drop == NULL)
        return;
    if (job->deployment != NULL)
        settle(drop, drop->claim, job->deployment);
    else
        settle_failed(drop, drop->claim, HD_REASON_JVM_ERROR, "the agent ran out of memory");
    hd_claim_free(drop->claim);
    drop->claim = NULL;
    drop->job = NULL;
    pump(drop);
}

/* To drop a file is to push it. */
static const struct hd_request push = { .type = HD_REQUEST_PUSH };

/* A claim that is being read: whose is it? */
struct reading {
    struct hd_drop *drop;
    const struct hd_claim *claim;
    enum hd_role role;
    bool wants_voucher; /* its owner may not push it, but one of its signers might */
};

static int refuse_owner(struct reading *reading, uint32_t owner_uid, const char *shown,
                        struct hd_error *err)
{
    char key[32];
    struct hd_origin origin = { .way = HD_WAY_DROP };
    const struct hd_refusal refusal = { .origin = &origin,
                                        .peer = key,
                                        .what = hd_role_request_word(&push),
                                        .why = err->text,
                                        .role = reading->role,
                                        .needed = hd_role_needed(&push) };
    hd_error_set(err, HD_E_DENIED, "%s belongs to uid %u, whose role here is %s; a push needs %s",
                 shown, owner_uid, hd_role_word(reading->role), hd_role_word(refusal.needed));
    snprintf(key, sizeof key, "uid:%u", owner_uid);
    hd_peer_describe_user(owner_uid, origin.who, sizeof origin.who);
    hd_text_escape(reading->drop->place.path, origin.from, sizeof origin.from);
    hd_loop_refused(reading->drop->loop, &refusal);
    return -1;
}

static int may_drop(void *context, uint32_t owner_uid, const char *shown, struct hd_error *err)
{
    struct reading *reading = context;
    struct hd_access *access = hd_loop_access(reading->drop->loop);
    reading->role = hd_access_of_uid(access, owner_uid);
    if (reading->role >= hd_role_needed(&push))
        return 0;
    reading->wants_voucher = hd_drop_is_lone_archive(reading->claim) &&
                             hd_access_has_signer(access, hd_role_needed(&push));
    return reading->wants_voucher ? 0 : refuse_owner(reading, owner_uid, shown, err);
}

static int ask_for_voucher(const struct reading *reading, struct hd_job *job, struct hd_error *err)
{
    if (!reading->wants_voucher)
        return 0;
    job->behalf.role = reading->role;
    job->behalf.needed = hd_role_needed(&push);
    return hd_access_copy_signers(hd_loop_access(reading->drop->loop), &job->behalf.signers, err);
}

static struct hd_job *make_job(struct hd_drop *drop, const struct hd_claim *claim,
                               struct hd_error *err)
{
    struct hd_drop_reading read = { 0 };
    struct reading reading = { .drop = drop, .claim = claim };
    const struct hd_owner_rule owners = { may_drop, &reading };
    if (hd_drop_bundle_read(claim, drop->place.path, &owners,
                            hd_loop_options(drop->loop)->max_bundle,
                            hd_loop_jvm(drop->loop)->rules.feature_release,
                            hd_loop_engine(drop->loop), &read, err) != 0)
        return NULL;
    struct hd_job *job = hd_job_new(HD_JOB_DEPLOY, &read.origin);
    if (job == NULL) {
        hd_ahead_free(read.ahead);
        hd_bundle_free(read.bundle);
        hd_deployment_release(read.refused);
        (void)hd_error_set_memory(err);
        return NULL;
    }
    job->bundle = read.bundle;
    job->ahead = read.ahead;
    job->deployment = read.refused;
    job->finished = finished;
    job->owner = drop;
    if (ask_for_voucher(&reading, job, err) == 0)
        return job;
    hd_job_free(job);
    return NULL;
}

/* True when the claim is under way. */
static bool submit(struct hd_drop *drop, struct hd_claim *claim)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_job *job =
        hd_claim_resume(&drop->place, claim, &err) == 0 ? make_job(drop, claim, &err) : NULL;
    if (job == NULL) {
        settle_failed(drop, claim, HD_REASON_JVM_ERROR, err.text);
        return false;
    }
    drop->claim = claim;
    drop->job = job;
    if (hd_loop_submit(drop->loop, job, &err) == 0)
        return true;
    drop->claim = NULL;
    drop->job = NULL;
    hd_job_free(job);
    settle_failed(drop, claim,
                  err.code == HD_E_LIMIT ? HD_REASON_RATE_LIMITED : HD_REASON_JVM_ERROR, err.text);
    return false;
}

static struct hd_claim *next_claim(struct hd_drop *drop)
{
    struct queued *queued = drop->first;
    struct hd_claim *claim = queued->claim;
    drop->first = queued->next;
    if (drop->first == NULL)
        drop->last = NULL;
    hd_free(queued);
    return claim;
}

static void pump(struct hd_drop *drop)
{
    while (drop->job == NULL && drop->first != NULL) {
        struct hd_claim *claim = next_claim(drop);
        if (!submit(drop, claim))
            hd_claim_free(claim);
    }
}

/* ---- files ---- */

static void enqueue_take(struct hd_drop *drop, struct hd_claim *claim)
{
    struct queued *queued = hd_alloc_zeroed(1, sizeof *queued);
    if (queued == NULL) {
        settle_failed(drop, claim, HD_REASON_JVM_ERROR, "the agent ran out of memory");
        hd_claim_free(claim);
        return;
    }
    queued->claim = claim;
    if (drop->job != NULL)
        hd_claim_rest(claim);
    if (drop->last != NULL)
        drop->last->next = queued;
    else
        drop->first = queued;
    drop->last = queued;
}

static void arm_sweep(struct hd_drop *drop)
{
    const struct itimerspec when = { .it_value = { .tv_sec = SWEEP_SECONDS } };
    if (drop->place.left_count > 0)
        (void)timerfd_settime(drop->sweep_timer, 0, &when, NULL);
}

static void take_batch(struct hd_drop *drop, const struct hd_watch_batch *batch)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_claim *claim = NULL;
    if (hd_drop_place_claim(&drop->place, batch, &claim, &err) != 0) {
        hd_log(HD_LOG_ERROR, "drop directory %s: %zu file%s not deployed and left in place: %s",
               drop->place.path, batch->count, batch->count == 1 ? "" : "s", err.text);
        return;
    }
    if (claim == NULL)
        return;
    enqueue_take(drop, claim);
    arm_sweep(drop);
    pump(drop);
}

static void readable(void *context)
{
    struct hd_drop *drop = context;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_watch_batch batch;
    if (hd_watcher_dispatch(drop->watcher, &batch, &err) == 0) {
        if (batch.count > 0)
            take_batch(drop, &batch);
        hd_watch_batch_close(&batch);
        return;
    }
    if (err.code == HD_E_NOT_FOUND)
        hd_log(HD_LOG_ERROR,
               "drop directory %s is gone, so nothing more is deployed from it: create it and "
               "restart the JVM",
               drop->place.path);
    else
        hd_log(HD_LOG_WARN, "drop directory %s: %s", drop->place.path, err.text);
}

static void sweep_due(void *context)
{
    struct hd_drop *drop = context;
    uint64_t expirations;
    if (read(drop->sweep_timer, &expirations, sizeof expirations) > 0)
        hd_drop_place_sweep(&drop->place);
}

/* ---- open and close ---- */

static void recover(struct hd_drop *drop)
{
    struct hd_error err = HD_ERROR_INIT;
    size_t count = 0;
    if (hd_drop_place_recover(&drop->place, &count, &err) != 0)
        hd_log(HD_LOG_WARN, "drop directory %s: what an earlier JVM left in .claimed: %s",
               drop->place.path, err.text);
    if (count > 0)
        hd_log(HD_LOG_WARN,
               "drop directory %s: an earlier JVM ended in the middle of %zu deployment%s; the "
               "files are in .refused",
               drop->place.path, count, count == 1 ? "" : "s");
}

static int start_watching(struct hd_drop *drop, struct hd_error *err)
{
    const struct hd_watcher_options options = { .settle_ms = hd_loop_options(drop->loop)->settle_ms,
                                                .lone_jars = true,
                                                .report_existing = true };
    char *warning = NULL;
    if (hd_watcher_new(drop->place.path, &options, &drop->watcher, &warning, err) != 0)
        return -1;
    if (warning != NULL)
        hd_log(HD_LOG_WARN, "drop directory %s", warning);
    hd_free(warning);
    return hd_loop_watch(drop->loop, hd_watcher_descriptor(drop->watcher), readable, drop,
                         &drop->watch, err);
}

static int start_sweeping(struct hd_drop *drop, struct hd_error *err)
{
    drop->sweep_timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (drop->sweep_timer < 0)
        return hd_error_set_errno(err, errno, "timerfd_create");
    return hd_loop_watch(drop->loop, drop->sweep_timer, sweep_due, drop, &drop->sweep_watch, err);
}

int hd_drop_open(struct hd_loop *loop, const char *directory, struct hd_drop **out,
                 struct hd_error *err)
{
    struct hd_drop *drop = hd_alloc_zeroed(1, sizeof *drop);
    if (drop == NULL)
        return hd_error_set_memory(err);
    drop->loop = loop;
    drop->sweep_timer = -1;
    if (hd_drop_place_open(directory, &drop->place, err) != 0) {
        hd_free(drop);
        return -1;
    }
    recover(drop);
    hd_drop_place_prepare(&drop->place);
    if (start_sweeping(drop, err) != 0 || start_watching(drop, err) != 0) {
        hd_drop_close(drop);
        return -1;
    }
    *out = drop;
    return 0;
}

void hd_drop_close(struct hd_drop *drop)
{
    if (drop == NULL)
        return;
    if (drop->job != NULL)
        drop->job->owner = NULL;
    hd_claim_free(drop->claim);
    while (drop->first != NULL)
        hd_claim_free(next_claim(drop));
    if (drop->watch != NULL)
        hd_loop_unwatch(drop->watch);
    if (drop->sweep_watch != NULL)
        hd_loop_unwatch(drop->sweep_watch);
    hd_watcher_free(drop->watcher);
    if (drop->sweep_timer >= 0)
        close(drop->sweep_timer);
    hd_drop_place_close(&drop->place);
    hd_free(drop);
}
