/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ClassFileLoadHook: gives classes that load later their patch, keeps the patches of loaded
 * ones alive, and notices who changes them behind our back.
 *
 * HotSpot asks the environments that cannot retransform first, for a class that loads and for
 * RedefineClasses, never for RetransformClasses; then those that can, for all three. So there are
 * two: our main environment sees a loader's own file before most agents edit it, and every
 * redefinition; a second one sees what a retransformation begins with. That need not be what is
 * live. Before JDK 20 it is what was live when another agent first edited the class (JDK-7124710).
 * In every JDK JvmtiEnv::RetransformClasses fetches the bytes first and then waits, in
 * VM_RedefineClasses::lock_classes, until nobody else is redefining the class: after a redefinition
 * it goes on with the class file from before. So the hook answers with the patch. From 20 on the
 * bytes may have been freed meanwhile, too, and be anything; what is no class file passes, and the
 * JVM refuses it.
 *
 * The engine publishes an immutable set of patches; the hook, on whatever application thread loads
 * or changes a class, takes what it needs under a read lock and never waits for the engine. The
 * event is on only while there are patches. What it did or saw is handed on through the callback
 * given to hd_hook_new, which must be cheap and thread-safe.
 */
#ifndef HD_AGENT_HOOK_H
#define HD_AGENT_HOOK_H

#include "agent/jvm.h"
#include "agent/label.h"
#include "agent/patch.h"

enum hd_hook_event_kind {
    HD_HOOK_APPLIED,    /* a class loaded with the patch */
    HD_HOOK_WRONG_BASE, /* a class loaded from another file than the patch was made for */
    HD_HOOK_SEEN,       /* a class loaded as it comes while a deployment of it was under way */
    HD_HOOK_EDITED,     /* a retransformation began with what an agent before us made of it, or of
                           another version */
    HD_HOOK_FOREIGN     /* somebody else redefines the class right now */
};

struct hd_hook_event {
    enum hd_hook_event_kind kind;
    struct hd_patch *patch; /* one reference */
    jweak loader;           /* the class's; NULL: boot */
    /* APPLIED, WRONG_BASE, SEEN: the loader's own file; FOREIGN: the new one; EDITED: NULL. One
     * reference */
    struct hd_blob *file;
    struct hd_hook_event *next; /* the receiver's */
};
void hd_hook_event_free(struct hd_hook_event *event, JNIEnv *jni);

struct hd_hook;
/* report takes the event. An event that memory is out for is lost. labels say whether a loader is
 * one of those that a patch is for, and outlive the hook; NULL: no loader is. */
HD_CHECKED int hd_hook_new(const struct hd_jvm *jvm, const struct hd_labels *labels,
                           void (*report)(struct hd_hook_event *event, void *context),
                           void *context, struct hd_hook **out, struct hd_error *err);
/* Consumes patches (an hd_alloc array, and one reference to each) even on failure. count 0 turns
 * the event off. Engine thread. */
HD_CHECKED int hd_hook_publish_take(struct hd_hook *hook, JNIEnv *jni, struct hd_patch **patches,
                                    size_t count, struct hd_error *err);
/* To be set as jvmtiEventCallbacks.ClassFileLoadHook of the main environment; the second is the
 * hook's own affair. Finds its hook through GetEnvironmentLocalStorage, which is the hook's alone
 * in both. */
void JNICALL hd_hook_class_file_load(jvmtiEnv *jvmti, JNIEnv *jni, jclass class_being_redefined,
                                     jobject loader, const char *name, jobject protection_domain,
                                     jint length, const unsigned char *file, jint *new_length,
                                     unsigned char **new_file);
/* The same for the second environment; public for tests. */
void JNICALL hd_hook_class_file_retransform(jvmtiEnv *jvmti, JNIEnv *jni,
                                            jclass class_being_redefined, jobject loader,
                                            const char *name, jobject protection_domain,
                                            jint length, const unsigned char *file,
                                            jint *new_length, unsigned char **new_file);
/* Classes of this name that the calling thread defines pass as they come, until it is called
 * again; NULL: none. For the engine, which has its own bytes to define: neither they nor a trial
 * are what a pending patch waits for. Borrowed. */
void hd_hook_let_pass(const char *internal_name);
/* From now on, until it is called again, the calling thread's redefinitions are Hotdrop's own, of
 * these classes; borrowed. NULL and 0: they are not. Patches of these classes that have been edited
 * before are to be told first (hd_patch_forget_edit). */
void hd_hook_own_redefinition(const jvmtiClassDefinition *definitions, size_t count);
/* From now on every class passes as it comes; for the VMDeath callback. Any thread; does not
 * wait. */
void hd_hook_shut(struct hd_hook *hook);
/* Turns the event off and waits for the classes that are inside. */
void hd_hook_free(struct hd_hook *hook, JNIEnv *jni);

#endif
