/* SPDX-License-Identifier: Apache-2.0 */
/* The job that makes live again what was kept. */
#include "agent/keep.h"

#include "core/alloc.h"
#include "core/log.h"
#include "core/text.h"

/* NULL where nothing is to be made live. */
static struct hd_kept *read_kept(struct hd_road *road)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_kept *kept = hd_alloc_zeroed(1, sizeof *kept);
    if (kept == NULL)
        return NULL;
    bool whole = hd_archive_read_kept(road->archive, kept, &err) == 0 &&
                 hd_gate_judge_kept(&road->gate, road->options, road->archive,
                                    road->jvm->rules.feature_release, kept, &err) == 0;
    hd_archive_note_kept(road->archive, kept);
    if (!whole)
        hd_log(HD_LOG_ERROR, "nothing that was kept is live: %s", err.text);
    else if (hd_kept_live_count(kept) > 0)
        return kept;
    hd_kept_close(kept);
    hd_free(kept);
    return NULL;
}

struct hd_job *hd_keep_restart_job(struct hd_road *road)
{
    struct hd_kept *kept = road->archive != NULL ? read_kept(road) : NULL;
    if (kept == NULL)
        return NULL;
    struct hd_origin origin = { .way = HD_WAY_AGENT };
    hd_text_format(origin.who, sizeof origin.who, "%s", kept->who != NULL ? kept->who : "agent");
    hd_text_format(origin.from, sizeof origin.from, "store %s", road->options->store);
    struct hd_job *job = hd_job_new(HD_JOB_RESTART, &origin);
    if (job == NULL) {
        hd_log(HD_LOG_ERROR, "nothing that was kept is live: out of memory");
        hd_kept_close(kept);
        hd_free(kept);
        return NULL;
    }
    job->restart = kept;
    job->best_effort = true;
    job->message =
        hd_asprintf("what was kept after deployment %llu", (unsigned long long)kept->state);
    return job;
}
