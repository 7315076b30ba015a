/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loaders that are not known yet get: one patch for each class, base and choice of loaders,
 * found by laying the changes of one state after the other over those of its parents. For
 * states.c.
 */
#ifndef HD_AGENT_OFFERS_H
#define HD_AGENT_OFFERS_H

#include "agent/patch.h"

/* One class in one loader, as a state has it. */
struct hd_change {
    char *internal_name; /* NULL: it was not done after all */
    jweak loader;        /* NULL: boot, or any_loader */
    bool any_loader;
    struct hd_blob *file;
    /* meant for loaders that come, too, whose own file is base (NULL: not known, so for none) and
     * whose label has loader_text in it or is it (NULL: for all) */
    bool for_newcomers;
    struct hd_blob *base;
    char *loader_text;
    bool loader_is_whole;
    size_t nth; /* in which order those of a class were added */
};

struct hd_offers {
    struct hd_patch **items; /* in no order; one reference each */
    size_t count;
};

/* The offers of a state whose parent has those of before and that makes these changes. On failure
 * (memory) out is untouched; else the caller closes it. */
HD_CHECKED int hd_offers_lay_over(JNIEnv *jni, const struct hd_offers *before,
                                  const struct hd_change *changes, size_t count,
                                  uint64_t deployment, struct hd_offers *out, struct hd_error *err);
void hd_offers_close(struct hd_offers *offers, JNIEnv *jni);

#endif
