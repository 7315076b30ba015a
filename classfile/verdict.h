/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Differences judged: which of them a given JVM refuses, in one reason and in words. Pure; any
 * thread.
 */
#ifndef HD_CLASSFILE_VERDICT_H
#define HD_CLASSFILE_VERDICT_H

#include "classfile/compare.h"

/* What a JVM takes beyond changed method bodies. */
struct hd_jvm_rules {
    unsigned feature_release;  /* 8, 11, 17, 21, … */
    uint16_t max_major;        /* newest class file version it reads: feature_release + 44 */
    bool adds_private_methods; /* may add methods that are private and (static or final): JDK 8-12
                                  by nature, later with -XX:+AllowRedefinitionToAddDeleteMethods */
};

struct hd_verdict {
    enum hd_reason reason; /* HD_REASON_NONE: the JVM will take it as far as the structure goes */
    unsigned warnings;     /* HD_WARNING_* bits */
    char *message; /* NULL, or every refused difference in words, one sentence: "method added:
                      bar(int); field count: int became long" */
    bool changes_anything; /* false: same meaning */
};

/* A removed method is refused on every JVM (method-removed), even where it would be taken: deleting
 * crashed HotSpot 17 under load. For several refused differences reason is that of the first in the
 * order of enum hd_difference_kind. On success the caller closes *out. Fails only for want of
 * memory. */
HD_CHECKED int hd_verdict_reach(const struct hd_comparison *comparison,
                                const struct hd_jvm_rules *rules, struct hd_verdict *out,
                                struct hd_error *err);
void hd_verdict_close(struct hd_verdict *verdict);

/* HD_REASON_VERSION_UNSUPPORTED with words in *message (caller frees with hd_free) when the class
 * file is newer than the JVM or is a preview file of another release (minor 0xFFFF, JVMS §4.1);
 * HD_REASON_NONE and NULL otherwise. */
enum hd_reason hd_verdict_version(const struct hd_class *class_file,
                                  const struct hd_jvm_rules *rules, char **message);

#endif
