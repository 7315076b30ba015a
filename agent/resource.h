/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The class file a class loader would read, asked of the loader itself (ClassLoader.findResource,
 * through JNI), or found beside those of other classes that it has answered for (origin.h).
 *
 * It runs code of the application: a loader may answer anything, throw, or never come back. Engine
 * thread only.
 */
#ifndef HD_AGENT_RESOURCE_H
#define HD_AGENT_RESOURCE_H

#include "agent/jvm.h"
#include "core/buffer.h"
#include "core/error.h"

#include <stdint.h>

/* Larger answers count as none: no class file comes near (JVMS §4.11). */
#define HD_RESOURCE_MAX_SIZE ((size_t)16 << 20)

#define HD_RESOURCE_ALWAYS_THERE INT64_MIN /* inside the JDK's own image */
#define HD_RESOURCE_AGE_UNKNOWN  INT64_MAX

struct hd_resource {
    uint8_t *file; /* hd_free; NULL: no such resource */
    size_t length;
    /* of the file, or of the jar around it: contents or place in the directory tree, whatever
     * came last; microseconds since the epoch, or one of the two above */
    int64_t changed_at;
};

enum hd_resource_search {
    HD_RESOURCE_OWN,         /* only what the loader itself would define */
    HD_RESOURCE_WITH_PARENTS /* then what it sees: some loaders answer getResource only */
};

/* The methods and classes the search needs, looked up once, and only before the first search: to look
 * them up loads a class that most programs do without until then. */
struct hd_resources;

HD_CHECKED int hd_resources_new(const struct hd_jvm *jvm, struct hd_resources **out,
                                struct hd_error *err);
void hd_resources_free(struct hd_resources *resources, JNIEnv *jni);

/* class NULL: it is not loaded. loader NULL: boot, by the system's own search. A loader that throws, and a resource that
 * cannot be read, count as none (file NULL). Fails only for want of memory. Leaves no exception
 * pending. */
HD_CHECKED int hd_resource_read(struct hd_resources *resources, JNIEnv *jni, jclass class,
                                jobject loader, const char *internal_name,
                                enum hd_resource_search search, struct hd_resource *out,
                                struct hd_error *err);

#endif
