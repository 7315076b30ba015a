/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index of the classes that are loaded, by name and by package, so that a deployment does not
 * walk over all of them.
 *
 * There is nothing of it until it is first needed: then the JVM's ClassLoad event is switched on in
 * an environment of its own, and one walk fills it. From then on the event brings what loads
 * (arrivals.h), and the engine puts that in its place when it looks something up. Where some of it
 * was let go of, the next lookup walks again.
 *
 * ClassLoad, not ClassPrepare: that comes when a class is linked. HotSpot posts it for every class
 * that it defines, whoever defined it and wherever the class file came from (class data sharing,
 * JNI, Lookup), right after the class can be found; once more for each other loader that finds the
 * class by asking its parents; and not for arrays. It passes over what loads while a virtual thread
 * is being mounted: classes of the JDK's own, which are never swapped.
 *
 * Engine thread only.
 */
#ifndef HD_AGENT_LOADED_H
#define HD_AGENT_LOADED_H

#include "agent/jvm.h"
#include "core/buffer.h"

enum hd_loaded_key {
    HD_LOADED_BY_NAME,   /* "com/example/Foo" */
    HD_LOADED_BY_PACKAGE /* "com/example"; empty for the unnamed package */
};

/* Local references. */
struct hd_loaded_list {
    jclass *classes;
    size_t count;
    size_t capacity;
};

struct hd_loaded;

/* NULL when memory is out. Asks nothing of the JVM. There is one at a time in a process. */
struct hd_loaded *hd_loaded_new(const struct hd_jvm *jvm);
/* Switches the event off. */
void hd_loaded_free(struct hd_loaded *loaded, JNIEnv *jni);

/* Brings the index up to date. False: it is not to be had (memory, or the JVM does not give the
 * event), and who asks has to walk. */
bool hd_loaded_update(struct hd_loaded *loaded, JNIEnv *jni);
/* How many local references hd_loaded_find makes at most. */
size_t hd_loaded_count(const struct hd_loaded *loaded, enum hd_loaded_key key,
                       struct hd_bytes text);
/* Appends every loaded class of that name or package, and perhaps some others: only a hash of the
 * name is kept. In the order in which they came. HD_E_MEMORY. */
HD_CHECKED int hd_loaded_find(struct hd_loaded *loaded, JNIEnv *jni, enum hd_loaded_key key,
                              struct hd_bytes text, struct hd_loaded_list *out,
                              struct hd_error *err);
void hd_loaded_list_close(struct hd_loaded_list *list);

/* "com/example" of "com/example/Foo"; empty for the unnamed package. */
struct hd_bytes hd_loaded_package_of(struct hd_bytes name);

/* Bytes of our own that it takes; the JVM has 8 more for each class. */
size_t hd_loaded_size(const struct hd_loaded *loaded);

#endif
