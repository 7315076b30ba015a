/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate that allowed-signers= puts before the road: with it, nothing that is not signed by whom
 * it must be gets onto the road, whichever way it came. The file of signers is read again when it
 * has changed. Engine thread only.
 */
#ifndef HD_AGENT_GATE_H
#define HD_AGENT_GATE_H

#include "agent/archive.h"
#include "agent/engine.h"
#include "core/options.h"
#include "core/seal.h"

#include <sys/stat.h>

/* All zero: nothing was read yet. */
struct hd_gate {
    struct hd_signers *signers;
    struct stat read_from; /* the file as it was when signers was read */
};
void hd_gate_close(struct hd_gate *gate);

/* True when the job's bundle may go on; its manifest is then in job->manifest, and who signed it in
 * the deployment, for history and journal. Else the deployment is failed with the reason. Jobs without a bundle, and
 * agents without allowed-signers=, pass. */
bool hd_gate_admits(struct hd_gate *gate, const struct hd_options *options,
                    const struct hd_archive *archive, struct hd_job *job);

#endif
