/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the comparison will find, worked out before the deployment begins: while the rest of a large
 * jar is being unpacked the engine has time, and a class that was just checked is still in the
 * processor's cache. Only of classes that a deployment put in one loader and nobody has changed
 * since: those need no loader to be asked. It is of use if that very file is still live then.
 *
 * On the engine thread, or on another while the engine waits for it: the registry is only read.
 */
#ifndef HD_AGENT_FORESEE_H
#define HD_AGENT_FORESEE_H

#include "agent/registry.h"
#include "classfile/class.h"
#include "classfile/verdict.h"

struct hd_foreseen {
    struct hd_blob *live; /* what was compared with, one reference; NULL: nothing was */
    unsigned live_slots;  /* of its constant pool */
    struct hd_verdict verdict;
};

/* Leaves *out empty where there is nothing to compare with, or memory is out. */
void hd_foresee(const struct hd_registry *registry, const struct hd_jvm_rules *rules,
                const char *internal_name, const struct hd_class *file, struct hd_foreseen *out);
void hd_foreseen_close(struct hd_foreseen *foreseen);

#endif
