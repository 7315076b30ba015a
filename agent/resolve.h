/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to classes and loaders: from the index of loaded classes, or, without one, by one walk over
 * all of them for a whole deployment. Both give the same answer.
 *
 * Engine thread only. The result owns global references, freed with hd_resolution_close.
 */
#ifndef HD_AGENT_RESOLVE_H
#define HD_AGENT_RESOLVE_H

#include "agent/loaded.h"

struct hd_resolved_class {
    jclass class;    /* global reference */
    jobject loader;  /* global reference; NULL: boot */
    bool modifiable; /* JVMTI IsModifiableClass */
};

/* For one wanted name. */
struct hd_resolved_name {
    const char *name;                  /* borrowed from the caller's list */
    struct hd_resolved_class *classes; /* every loader that DEFINES it (not just sees it) */
    size_t class_count;
    /* where class_count is 0: who defines another class of its package; global references */
    jobject *package_loaders;
    /* one class of that package for each (for its protection domain); global references */
    jclass *package_neighbours;
    size_t package_loader_count;
};

struct hd_resolution {
    struct hd_resolved_name *names; /* same order as wanted */
    size_t count;
};

/* wanted: internal names, "com/example/Foo". Hidden classes (JEP 371) and arrays never match.
 * loaded NULL: walks. HD_E_JVM, HD_E_MEMORY. */
HD_CHECKED int hd_resolve(const struct hd_jvm *jvm, JNIEnv *jni, struct hd_loaded *loaded,
                          const char *const *wanted, size_t count, struct hd_resolution *out,
                          struct hd_error *err);
/* Forgets what is in loaders of which unwanted says so, classes and packages alike. */
void hd_resolution_leave_out(struct hd_resolution *resolution, JNIEnv *jni,
                             bool (*unwanted)(void *context, jobject loader), void *context);
void hd_resolution_close(struct hd_resolution *resolution, JNIEnv *jni);

#endif
