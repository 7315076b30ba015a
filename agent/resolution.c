/* SPDX-License-Identifier: Apache-2.0 */
/* What was resolved, once it is there (resolve.h). */
#include "agent/resolve.h"

#include "core/alloc.h"

static void delete_global(JNIEnv *jni, jobject global)
{
    if (global != NULL)
        (*jni)->DeleteGlobalRef(jni, global);
}

static void leave_out_classes(struct hd_resolved_name *name, JNIEnv *jni,
                              bool (*unwanted)(void *context, jobject loader), void *context)
{
    size_t kept = 0;
    for (size_t i = 0; i < name->class_count; i++) {
        const struct hd_resolved_class class = name->classes[i];
        if (!unwanted(context, class.loader)) {
            name->classes[kept++] = class;
            continue;
        }
        delete_global(jni, class.class);
        delete_global(jni, class.loader);
    }
    name->class_count = kept;
}

static void leave_out_packages(struct hd_resolved_name *name, JNIEnv *jni,
                               bool (*unwanted)(void *context, jobject loader), void *context)
{
    size_t kept = 0;
    for (size_t i = 0; i < name->package_loader_count; i++) {
        jobject loader = name->package_loaders[i];
        jclass neighbour = name->package_neighbours[i];
        if (!unwanted(context, loader)) {
            name->package_loaders[kept] = loader;
            name->package_neighbours[kept++] = neighbour;
            continue;
        }
        delete_global(jni, loader);
        delete_global(jni, neighbour);
    }
    name->package_loader_count = kept;
}

void hd_resolution_leave_out(struct hd_resolution *resolution, JNIEnv *jni,
                             bool (*unwanted)(void *context, jobject loader), void *context)
{
    for (size_t i = 0; i < resolution->count; i++) {
        leave_out_classes(&resolution->names[i], jni, unwanted, context);
        leave_out_packages(&resolution->names[i], jni, unwanted, context);
    }
}

static void close_name(struct hd_resolved_name *name, JNIEnv *jni)
{
    for (size_t i = 0; i < name->class_count; i++) {
        delete_global(jni, name->classes[i].class);
        delete_global(jni, name->classes[i].loader);
    }
    for (size_t i = 0; i < name->package_loader_count; i++) {
        delete_global(jni, name->package_loaders[i]);
        delete_global(jni, name->package_neighbours[i]);
    }
    hd_free(name->classes);
    hd_free(name->package_loaders);
    hd_free(name->package_neighbours);
}

void hd_resolution_close(struct hd_resolution *resolution, JNIEnv *jni)
{
    for (size_t i = 0; resolution->names != NULL && i < resolution->count; i++)
        close_name(&resolution->names[i], jni);
    hd_free(resolution->names);
    *resolution = (struct hd_resolution){ NULL, 0 };
}
