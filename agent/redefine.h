/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that calls RedefineClasses (JVMTI), for real and as a rehearsal.
 *
 * A redefinition is atomic: one bad class and nothing is applied. The rehearsal rests on that:
 * HotSpot parses, compares and verifies the classes of a call in order, so a call whose last class
 * can never be accepted (a class file of another name for a JDK marker interface,
 * JVMTI_ERROR_NAMES_DONT_MATCH) gives every class before it the JVM's true verdict, in its own
 * loader, and changes nothing.
 *
 * Engine thread only.
 */
#ifndef HD_AGENT_REDEFINE_H
#define HD_AGENT_REDEFINE_H

#include "agent/jvm.h"
#include "core/reason.h"

struct hd_redefinition {
    jclass class;   /* borrowed reference */
    jobject loader; /* borrowed; NULL: boot */
    const char *internal_name;
    struct hd_bytes file;
    enum hd_reason reason; /* out: HD_REASON_NONE, or why the JVM refuses this one */
    char *message;         /* out: the JVM's words; hd_free; NULL where accepted */
};

/* One RedefineClasses call for all. On refusal returns -1 with err set and finds the culprits by
 * rehearsing one by one: their reason and message are set. */
HD_CHECKED int hd_redefine_all(const struct hd_jvm *jvm, JNIEnv *jni, struct hd_redefinition *items,
                               size_t count, struct hd_error *err);

/* The JVM's verdict on each without changing anything: first all at once, on refusal one by one. 0
 * when the rehearsal itself worked, whatever the verdicts. -1: it could not be done (err), nothing
 * known. */
HD_CHECKED int hd_redefine_rehearse(const struct hd_jvm *jvm, JNIEnv *jni,
                                    struct hd_redefinition *items, size_t count,
                                    struct hd_error *err);

#endif
