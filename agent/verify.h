/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verifier's own words. RedefineClasses says no more than "fails verification"; defining the same bytes in a loader of our own, whose parent is the
 * class's loader, and linking them there makes the JVM throw the VerifyError with its text. The loader and its class are garbage afterwards.
 *
 * Engine thread only.
 */
#ifndef HD_AGENT_VERIFY_H
#define HD_AGENT_VERIFY_H

#include "agent/jvm.h"

#define HD_VERIFY_LOADER "java/security/SecureClassLoader"
/* The loader is an instance of just that class, which no application can make (its constructors are protected): so a walk over the loaded classes can tell
 * what was put there from what is the application's, until it is collected. */

/* loader NULL: boot. True: text holds what the verifier says, on one line, in UTF-8, cut to capacity. False: it is content with the class there, or the class cannot be put there (a package-private superclass, a java.* name). Runs the
 * loader's loadClass, no code of the class itself: it is linked, not initialised. */
bool hd_verify_words(JNIEnv *jni, jobject loader, const char *internal_name, struct hd_bytes file,
                     char *text, size_t capacity);

#endif
