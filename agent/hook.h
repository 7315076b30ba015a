/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ClassFileLoadHook: gives classes that load later their patch.
 *
 * The engine publishes an immutable patch set; the hook, on whatever application thread loads a
 * class, looks the name up under a read lock and never waits for the engine. The event is on only
 * while a patch set exists. What it did (applied, or left alone because the loader's file is not
 * the base the patch was made for) is handed on through the callback given to hd_hook_new, which
 * must be cheap and thread-safe.
 */
#ifndef HD_AGENT_HOOK_H
#define HD_AGENT_HOOK_H

#include "agent/jvm.h"
#include "core/digest.h"

struct hd_patch {
    char *class_name; /* internal form */
    jweak loader;     /* NULL with any_loader false: boot */
    bool any_loader;  /* the first loader that defines it */
    bool has_base;
    struct hd_digest base; /* fingerprint of the file the patch was made for */
    uint8_t *file;
    size_t length;
    uint64_t deployment;
};

enum hd_hook_event_kind { HD_HOOK_APPLIED, HD_HOOK_WRONG_BASE };
struct hd_hook_event {
    enum hd_hook_event_kind kind;
    char *class_name;
    uint64_t deployment;
    jweak loader; /* the loader that defined it; NULL: boot; the receiver deletes it */
};

struct hd_hook;
/* report takes the event (frees class_name and the event with hd_free). An event that memory is
 * out for is lost. */
HD_CHECKED int hd_hook_new(const struct hd_jvm *jvm,
                           void (*report)(struct hd_hook_event *event, void *context),
                           void *context, struct hd_hook **out, struct hd_error *err);
/* Consumes patches (an hd_alloc array and all it points to) even on failure. count 0 turns the
 * event off. Engine thread. */
HD_CHECKED int hd_hook_publish_take(struct hd_hook *hook, JNIEnv *jni, struct hd_patch *patches,
                                    size_t count, struct hd_error *err);
/* To be set as jvmtiEventCallbacks.ClassFileLoadHook. Finds its hook through
 * GetEnvironmentLocalStorage, which is the hook's alone. Redefinitions and retransformations
 * pass as they come. */
void JNICALL hd_hook_class_file_load(jvmtiEnv *jvmti, JNIEnv *jni, jclass class_being_redefined,
                                     jobject loader, const char *name, jobject protection_domain,
                                     jint length, const unsigned char *file, jint *new_length,
                                     unsigned char **new_file);
/* Classes of this name that the calling thread defines pass as they come, until it is called
 * again; NULL: none. For the engine, which has its own bytes to define: neither they nor a trial
 * are what a pending patch waits for. Borrowed. */
void hd_hook_let_pass(const char *internal_name);
/* From now on every class passes as it comes; for the VMDeath callback. Any thread; does not
 * wait. */
void hd_hook_shut(struct hd_hook *hook);
/* Turns the event off and waits for the classes that are inside. */
void hd_hook_free(struct hd_hook *hook, JNIEnv *jni);

#endif
