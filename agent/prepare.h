/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be done of a class file before anybody asks for it, because it needs no JVM: the check
 * that stands in front of the JVM. Pure, and of any thread, but what is foreseen (foresee.h).
 */
#ifndef HD_AGENT_PREPARE_H
#define HD_AGENT_PREPARE_H

#include "agent/foresee.h"
#include "core/bundle.h"

struct hd_prepared {
    enum hd_reason reason; /* HD_REASON_NONE, or why it is refused in every JVM of these rules */
    char *message;
    /* NULL, or the same file as HotSpot survives merging it (classfile/dynamics.h) */
    uint8_t *ordered;
    unsigned pool_slots;
    /* as it was parsed, borrowing the file's bytes; NULL where it was refused or forgotten: a thousand
     * of them would take many megabytes */
    struct hd_class *file;
    struct hd_blob *blob; /* of the file, where there is one already; or NULL */
    struct hd_foreseen foreseen;
};
#define HD_PREPARED_INIT                                                                           \
    {                                                                                              \
        .reason = HD_REASON_NONE                                                                   \
    }

/* Is the file sound, of this JVM's version and of the name its path says? Fills an empty *prepared.
 * HD_E_MEMORY. */
HD_CHECKED int hd_prepare(const struct hd_bundle_class *from, const struct hd_jvm_rules *rules,
                          struct hd_prepared *prepared, struct hd_error *err);
/* Of a file that was not refused: parsed again if it was forgotten. HD_E_MEMORY. */
HD_CHECKED int hd_prepared_read(struct hd_prepared *prepared, const struct hd_bundle_class *from,
                                struct hd_error *err);
void hd_prepared_forget(struct hd_prepared *prepared);
/* Leaves it empty. */
void hd_prepared_close(struct hd_prepared *prepared);

#endif
