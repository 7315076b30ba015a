/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a class loader is called: "boot", "platform", "app", else the simple name of its class with
 * [context or name] where it has one ("ParallelWebappClassLoader[shop]"), and a number after it
 * only where two live loaders would look alike ("URLClassLoader#2"). Never toString(): that is the
 * application's code and may say anything.
 *
 * Engine thread only. Keeps weak references to the loaders it has named, so that a number stays
 * with its loader and a dead one is dropped.
 */
#ifndef HD_AGENT_LABEL_H
#define HD_AGENT_LABEL_H

#include "core/error.h"

#include <jni.h>

struct hd_labels;

HD_CHECKED int hd_labels_new(JNIEnv *jni, struct hd_labels **out, struct hd_error *err);
void hd_labels_free(struct hd_labels *labels, JNIEnv *jni);
/* loader NULL: "boot". The string is valid as long as the loader lives and labels is not freed. On
 * failure (memory) NULL. Clears any exception the loader's getName or getContextName throws. */
const char *hd_labels_of(struct hd_labels *labels, JNIEnv *jni, jobject loader);
/* True when the loader itself says that its application was stopped: Tomcat's, after an undeploy or
 * reload. Nothing runs in it any more; only the garbage collector has not been there yet. The next
 * loader of that name takes over its label. */
bool hd_labels_is_stopped(struct hd_labels *labels, JNIEnv *jni, jobject loader);
/* True when text is the whole label of a loader that lives and has been named. */
bool hd_labels_is_whole(const struct hd_labels *labels, JNIEnv *jni, const char *text);
/* Is this loader one that text means: a part of its label, or all of it? Without the number that a
 * label may have, so a whole label with a number matches none. Runs the loader's getName; any
 * thread. */
bool hd_labels_match(const struct hd_labels *labels, JNIEnv *jni, jobject loader, const char *text,
                     bool whole);

#endif
