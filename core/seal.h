/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle's seal: its manifest and who signed it. Judged alike by the agent, before anything of
 * the bundle is used, and by `hotdrop verify`. Any thread.
 */
#ifndef HD_CORE_SEAL_H
#define HD_CORE_SEAL_H

#include "core/manifest.h"
#include "core/reason.h"
#include "core/signers.h"

#define HD_SEAL_MAX_SIGNATURES 16

struct hd_seal {
    struct hd_manifest manifest;
    /* whose valid signatures it has, each once; borrowed from the signers */
    const char *principals[HD_SEAL_MAX_SIGNATURES];
    size_t principal_count;
    uint64_t signature_count; /* with those of keys that are not among the signers */
};

struct hd_seal_terms {
    const struct hd_signers *signers;
    unsigned approvals; /* how many different signers it needs; 1 is the least */
    const char *target; /* the application that asks; NULL: it has no name */
    bool any_target;    /* the target does not matter */
    bool any_time;      /* nor do the manifest's times: it was let in when they did */
    int64_t now;        /* seconds since the epoch */
};

/* NONE: the bundle is just what its manifest says, enough allowed signers have signed that, and it
 * is for this target and this time. Then the caller closes *out. Otherwise why not, err says it in
 * words, and *out is untouched; a bundle without manifest or without signatures is
 * SIGNATURE_REQUIRED. JVM_ERROR: memory, or a library. */
enum hd_reason hd_seal_judge(const struct hd_bundle *bundle, const struct hd_seal_terms *terms,
                             struct hd_seal *out, struct hd_error *err);
void hd_seal_close(struct hd_seal *seal);

#endif
