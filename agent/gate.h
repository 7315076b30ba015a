/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate that allowed-signers= puts before the road: with it, nothing that is not signed by whom
 * it must be gets onto the road, whichever way it came; nor does a rollback bring it back
 * (gate_return.c). The file of signers is read again when it
 * has changed. Engine thread only.
 */
#ifndef HD_AGENT_GATE_H
#define HD_AGENT_GATE_H

#include "agent/archive.h"
#include "agent/engine.h"
#include "core/map.h"
#include "core/options.h"
#include "core/seal.h"
#include "core/trusted_file.h"

/* A class file that came in a signed bundle. */
struct hd_gate_origin {
    struct hd_digest file;
    char bundle[HD_DIGEST_HEX_SIZE];
};

/* All zero: nothing was read yet. */
struct hd_gate {
    struct hd_signers *signers;
    struct hd_file_stamp read_from; /* the file as it was when signers was read */
    /* of what has gone live since the JVM started, the newest last */
    struct hd_gate_origin *origins;
    size_t origin_count;
    size_t origin_capacity;
    struct hd_map origin_index; /* by file */
};
/* Past that many the older half is forgotten: what came then cannot be kept any more. */
#define HD_GATE_MAX_ORIGINS ((size_t)1 << 18)

void hd_gate_close(struct hd_gate *gate);

/* Whoever sent the job may not, so somebody who signed its bundle must be able to
 * (job->behalf): signatures first, then roles. True where that is so, or where the sender may
 * anyway. Else job->deployment, made here, is failed with the reason, and has no number yet. False
 * with deployment NULL: memory is out. */
bool hd_gate_vouches(struct hd_gate *gate, const struct hd_options *options,
                     const struct hd_archive *archive, struct hd_job *job);
/* True when the job's bundle may go on; its manifest is then in job->manifest, and who signed it in
 * the deployment, for history and journal. Else the deployment is failed with the reason. Jobs
 * without a bundle, and agents without allowed-signers=, pass. */
bool hd_gate_admits(struct hd_gate *gate, const struct hd_options *options,
                    const struct hd_archive *archive, struct hd_job *job);

/* The deployment changed what is live: which bundle its classes came in is remembered. What memory is out for
 * cannot be kept later. */
void hd_gate_remember(struct hd_gate *gate, const struct hd_job *job);
/* The signed bundle that this class file came in last; NULL when it came in none. A borrow until the
 * next deployment. */
const char *hd_gate_find_bundle(const struct hd_gate *gate, const struct hd_digest *file);

/* What is kept becomes live after a restart only if the bundle it came in, which the store holds,
 * is signed as the file of signers says now (its times apart). What is not is set aside in kept,
 * and said loudly. Does nothing without allowed-signers=. HD_E_MEMORY: then nothing of kept may
 * become live. (gate_kept.c) */
HD_CHECKED int hd_gate_judge_kept(struct hd_gate *gate, const struct hd_options *options,
                                  const struct hd_archive *archive, unsigned feature_release,
                                  struct hd_kept *kept, struct hd_error *err);
/* Is that bundle of the store signed as it must be now? Its times do not matter: they counted when it
 * came. NONE: *out is the caller's. STORE_UNAVAILABLE: it is not there, or cannot be read. Else as
 * hd_seal_judge. The signers must be known. (gate_kept.c) */
enum hd_reason hd_gate_judge_stored(struct hd_gate *gate, const struct hd_options *options,
                                    const struct hd_archive *archive, unsigned feature_release,
                                    const char *digest, struct hd_bundle **out,
                                    struct hd_error *err);
/* A class file came in that signed bundle, which the store has. What memory is out for is not noted. */
void hd_gate_note_origin(struct hd_gate *gate, const struct hd_digest *file, const char *bundle);

/* Shared by gate.c and gate_kept.c: is the bundle signed as it must be, in an emergency by one of
 * those who are named for it? As hd_seal_judge. The signers must be known. */
HD_CHECKED int hd_gate_know_signers(struct hd_gate *gate, const char *path, struct hd_error *err);
enum hd_reason hd_gate_judge_seal(const struct hd_options *options, const struct hd_bundle *bundle,
                                  bool emergency, struct hd_seal_terms *terms, struct hd_seal *out,
                                  struct hd_error *err);

#endif
