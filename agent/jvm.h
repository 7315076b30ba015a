/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JVM this agent lives in: its JVMTI environment, what it can do, and what it takes.
 *
 * Filled once when the agent starts (hd_jvm_open in Agent_OnLoad/OnAttach, hd_jvm_examine once the
 * VM is live), then read-only for every thread. There is no wrapper around JVMTI: it is a function
 * table, and a unit test fills in one of its own.
 */
#ifndef HD_AGENT_JVM_H
#define HD_AGENT_JVM_H

#include "classfile/verdict.h"
#include "core/error.h"

#include <jni.h>
#include <jvmti.h>

struct hd_jvm {
    JavaVM *vm;
    jvmtiEnv *jvmti;
    /* A second environment, one that retransformations are shown to; NULL where the JVM does not
     * give it. For the hook. */
    jvmtiEnv *retransforming;
    struct hd_jvm_rules rules;
    char version[128]; /* java.vm.version, "17.0.15+6-Debian-1deb12u1" */
    bool verifies;     /* false: -XX:-BytecodeVerificationRemote or -Xverify:none */
    /* when the JVM started (attached to later: its process), microseconds since the epoch; 0 where
     * the system does not tell: then nothing counts as older */
    int64_t started_at;
    uint32_t user; /* effective uid of the JVM */
    int pid;       /* as the JVM itself sees it (innermost namespace) */
};

/* Gets a JVMTI 1.2 environment of our own (JDK 8 knows no newer) and the capabilities to
 * redefine, see bytecodes and constant pools. HD_E_JVM names what the JVM does not give. */
HD_CHECKED int hd_jvm_open(JavaVM *vm, struct hd_jvm *out, struct hd_error *err);

/* Gives both environments back. */
void hd_jvm_close(struct hd_jvm *jvm);

/* In the live phase: version, rules, verifier. Never fails: what cannot be told is left at its
 * safe value (feature release from JVMTI's own version, no added methods, verifies). */
void hd_jvm_examine(struct hd_jvm *jvm, JNIEnv *jni);

/* "JVMTI_ERROR_…" for people, e.g. "FAILS_VERIFICATION (62)". Static for known codes, else from
 * a per-thread buffer. */
const char *hd_jvm_error_name(jvmtiError error);

/* Clears a pending Java exception and writes "java.lang.VerifyError: message" to text (cut to
 * capacity); false when none was pending. Runs Throwable.toString. */
bool hd_jvm_take_exception(JNIEnv *jni, char *text, size_t capacity);

#endif
