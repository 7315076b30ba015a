/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new class into an existing loader, with a neighbour's protection domain:
 * ClassLoader.defineClass(String, byte[], int, int, ProtectionDomain) through JNI, JNI DefineClass
 * for the boot loader. It must happen before the classes that use it are redefined: a failed
 * resolution is remembered by the JVM (JVMS §5.4.3). Engine thread only.
 */
#ifndef HD_AGENT_DEFINE_H
#define HD_AGENT_DEFINE_H

#include "agent/jvm.h"
#include "core/reason.h"

/* neighbour: a class whose protection domain the new one gets; NULL: none. On success *defined is a
 * global reference. On failure *reason says which kind, err carries the JVM's words
 * ("java.lang.LinkageError: …"). */
HD_CHECKED int hd_define_class(JNIEnv *jni, jobject loader, jclass neighbour,
                               const char *internal_name, struct hd_bytes file, jclass *defined,
                               enum hd_reason *reason, struct hd_error *err);

/* Fills order with indexes 0..count-1 so that superclasses and interfaces within the set come
 * before their users; cycles (which the JVM will refuse) keep the given order. */
HD_CHECKED int hd_define_order(const struct hd_class *const *classes, size_t count, size_t *order,
                               struct hd_error *err);

#endif
