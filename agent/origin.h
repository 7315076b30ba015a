/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory that a class was read from, known from another class of the same one, so that its
 * loader need not be asked for the file of each.
 *
 * It counts for classes of the JDK's own loaders of a class path only, URLClassLoader itself and
 * the application's, not of their subclasses: they give every class that they read from an element
 * of their path one and the same protection domain, whose code source is that element. So where
 * such a loader has answered findResource of one class with a file below its code source, the
 * others of that domain were read from files below it, too: what findResource would say, or better,
 * if an earlier element has got a file of that name since. A class in a named module is asked for:
 * its module's code source says nothing of --patch-module. So is one whose file is not there.
 *
 * Engine thread only.
 */
#ifndef HD_AGENT_ORIGIN_H
#define HD_AGENT_ORIGIN_H

#include "agent/jvm.h"

struct hd_origins;

/* NULL when memory is out. Asks nothing of the JVM. jvm is borrowed. */
struct hd_origins *hd_origins_new(const struct hd_jvm *jvm);
void hd_origins_free(struct hd_origins *origins, JNIEnv *jni);

/* The file of a loaded class; *path is NULL where only its loader knows. HD_E_MEMORY. The caller
 * frees *path. No exception is left pending, and no local reference. */
HD_CHECKED int hd_origins_find(struct hd_origins *origins, JNIEnv *jni, jclass class,
                               jobject loader, const char *internal_name, char **path,
                               struct hd_error *err);
/* The loader (not NULL) has answered findResource of the class with this file. Where memory is out
 * nothing is learnt. */
void hd_origins_learn(struct hd_origins *origins, JNIEnv *jni, jclass class, jobject loader,
                      const char *internal_name, const char *path);

#endif
