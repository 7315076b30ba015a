/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loaded class as the JVM shows it to JVMTI, captured without touching it.
 *
 * The result is plain memory of our own: it needs neither JVMTI nor JNI any more. Engine thread
 * only.
 */
#ifndef HD_AGENT_VIEW_H
#define HD_AGENT_VIEW_H

#include "agent/jvm.h"
#include "classfile/vmview.h"

/* A view with the memory behind it. */
struct hd_held_view;

/* Captures class, linking it first where the JVM has not done so yet (JVMTI shows nothing of a
 * class before; a redefinition would link it too). It is never initialized. *out is NULL where
 * it cannot be linked. Fails for want of memory or of the JVM (HD_E_JVM names the function). No
 * exception is left pending. On success the caller frees *out. */
HD_CHECKED int hd_held_view_capture(const struct hd_jvm *jvm, JNIEnv *jni, jclass class,
                                    const char *internal_name, struct hd_held_view **out,
                                    struct hd_error *err);
void hd_held_view_free(struct hd_held_view *held);

/* Borrowed until held is freed; NULL for NULL. */
const struct hd_vm_view *hd_held_view_of(const struct hd_held_view *held);

#endif
