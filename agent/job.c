/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/engine.h"

#include "agent/status.h"
#include "core/alloc.h"

struct hd_job *hd_job_new(enum hd_job_kind kind, const struct hd_origin *origin)
{
    struct hd_job *job = hd_alloc_zeroed(1, sizeof *job);
    if (job == NULL)
        return NULL;
    job->kind = kind;
    job->origin = *origin;
    return job;
}

void hd_job_free(struct hd_job *job)
{
    if (job == NULL)
        return;
    hd_manifest_close(&job->manifest);
    hd_ahead_free(job->ahead);
    hd_bundle_free(job->bundle);
    hd_deployment_release(job->deployment);
    hd_status_free(job->status);
    json_decref(job->kept.document);
    if (job->restart != NULL)
        hd_kept_close(job->restart);
    hd_free(job->restart);
    hd_free(job->loader);
    hd_free(job->message);
    hd_free(job->expect);
    hd_free(job->emergency);
    json_decref(job->stacks);
    json_decref(job->refusals);
    hd_authorized_close(&job->behalf.signers);
    hd_free(job);
}
