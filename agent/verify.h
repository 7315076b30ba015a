/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verifier's own words. RedefineClasses says no more than "fails verification", and defining a
 * new class does not verify it. Defined in a loader of our own, whose parent is the loader that is
 * meant, and linked there, the same bytes make the JVM throw the VerifyError with its text. That
 * loader and its classes are garbage afterwards. They are linked, never initialised: no code of
 * theirs runs, only the parent's loadClass.
 *
 * Engine thread only.
 */
#ifndef HD_AGENT_VERIFY_H
#define HD_AGENT_VERIFY_H

#include "agent/jvm.h"
#include "core/reason.h"

/* Such a loader is an instance of just this class, which no application can make (its constructors
 * are protected): so a walk over the loaded classes can tell what was put there from what is the
 * application's, until it is collected. */
#define HD_VERIFY_LOADER "java/security/SecureClassLoader"

/* A loader for trials; parent NULL: boot. A global reference, NULL when it cannot be had. */
jobject hd_verify_new_loader(JNIEnv *jni, jobject parent);
/* The class there: a global reference. NULL when it cannot be put there: *reason and err say why as
 * hd_define_class does. Only HD_REASON_MISSING_MEMBER (no such superclass) would be the same in the
 * loader that is meant; a package-private superclass, say, is in reach there. */
jclass hd_verify_define(JNIEnv *jni, jobject loader, const char *internal_name,
                        struct hd_bytes file, enum hd_reason *reason, struct hd_error *err);

/* True: the verifier rejects the class, and text holds what it says, on one line, in UTF-8, cut to
 * capacity. False: it is content, or it cannot be asked: something that the class needs does not
 * link, or it objects to protected access, which in its own loader (another run-time package, JVMS
 * §5.3) may be in order. */
bool hd_verify_rejects(JNIEnv *jni, jclass class, char *text, size_t capacity);

/* The three together, for one class. False also where it cannot be put there. */
bool hd_verify_words(JNIEnv *jni, jobject loader, const char *internal_name, struct hd_bytes file,
                     char *text, size_t capacity);

#endif
