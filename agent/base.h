/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was live before: the class file that a loaded class was defined from, found without touching
 * the class.
 *
 * In this order: our own last patch (the registry; the caller asks that first), what was remembered
 * of a watched tree, the defining loader's own resource. A candidate counts when its meaning is
 * what the JVM holds (hd_view_match_file); how much it proves depends on its age. Never by
 * retransformation: that damages classes on JDK 8-17.
 *
 * Engine thread only, except hd_base_remember (before the threads start, or on the engine thread).
 */
#ifndef HD_AGENT_BASE_H
#define HD_AGENT_BASE_H

#include "agent/view.h"

enum hd_base_standing {
    /* no file answers, or the one that does is another version (a compiler overwrote it): only
     * view is there */
    HD_BASE_UNKNOWN,
    /* the file means what the JVM holds but is newer than the JVM: what JVMTI cannot show
     * (annotations, constants) may differ */
    HD_BASE_LIKELY,
    /* means what the JVM holds, and is older than the JVM or was remembered before it ran */
    HD_BASE_PROVEN,
    /* a file older than the JVM, but the JVM holds more or other code: another agent edits this
     * class as it loads */
    HD_BASE_EDITED
};

struct hd_base {
    enum hd_base_standing standing;
    uint8_t *file; /* the raw class file; NULL for UNKNOWN */
    size_t length;
    struct hd_class *class_file; /* file, parsed */
    /* what the JVM says; NULL where the class is not prepared and could not be linked */
    struct hd_held_view *held;
};

struct hd_base_finder;

HD_CHECKED int hd_base_finder_new(const struct hd_jvm *jvm, struct hd_base_finder **out,
                                  struct hd_error *err);
void hd_base_finder_free(struct hd_base_finder *finder, JNIEnv *jni);

/* Keeps a copy of a class file as it was before the application could be recompiled. Later calls
 * for the same name replace. */
HD_CHECKED int hd_base_remember(struct hd_base_finder *finder, const char *internal_name,
                                struct hd_bytes file, struct hd_error *err);

/* The base of a loaded class. Runs the loader's findResource (application code). A loader that
 * throws counts as "no file". Fails for want of memory or of the JVM. On success the caller
 * closes *out. */
HD_CHECKED int hd_base_find(struct hd_base_finder *finder, JNIEnv *jni, jclass class,
                            jobject loader, const char *internal_name, struct hd_base *out,
                            struct hd_error *err);
void hd_base_close(struct hd_base *base);

/* The class file a loader would read for a class it has not loaded (findResource; for boot and
 * platform the system resource). found false: the loader has none. *file is hd_alloc memory.
 * newer: changed after the JVM started. */
HD_CHECKED int hd_base_resource(struct hd_base_finder *finder, JNIEnv *jni, jobject loader,
                                const char *internal_name, uint8_t **file, size_t *length,
                                bool *found, bool *newer, struct hd_error *err);

#endif
