/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base.h"

#include "agent/remembered.h"
#include "agent/resource.h"
#include "core/alloc.h"

#include <string.h>

struct hd_base_finder {
    const struct hd_jvm *jvm;
    struct hd_resources *resources;
    struct hd_remembered remembered;
};

/* A file that may be the one the class was defined from. */
struct candidate {
    uint8_t *file;
    size_t length;
    struct hd_class *class_file;
    bool newer;    /* than the JVM */
    bool compared; /* false: the JVM shows nothing of the class */
    enum hd_view_match match;
};

int hd_base_finder_new(const struct hd_jvm *jvm, struct hd_base_finder **out, struct hd_error *err)
{
    struct hd_base_finder *finder = hd_alloc_zeroed(1, sizeof *finder);
    if (finder == NULL)
        return hd_error_set_memory(err);
    finder->jvm = jvm;
    if (hd_resources_new(jvm, &finder->resources, err) != 0) {
        hd_free(finder);
        return -1;
    }
    *out = finder;
    return 0;
}

void hd_base_finder_free(struct hd_base_finder *finder, JNIEnv *jni)
{
    if (finder == NULL)
        return;
    hd_resources_free(finder->resources, jni);
    hd_remembered_close(&finder->remembered);
    hd_free(finder);
}

int hd_base_remember(struct hd_base_finder *finder, const char *internal_name, struct hd_bytes file,
                     struct hd_error *err)
{
    return hd_remembered_put(&finder->remembered, internal_name, file, err);
}

static bool is_newer(const struct hd_base_finder *finder, const struct hd_resource *resource)
{
    return resource->changed_at >= finder->jvm->started_at &&
           resource->changed_at != HD_RESOURCE_ALWAYS_THERE;
}

static void close_candidate(struct candidate *candidate)
{
    hd_class_free(candidate->class_file);
    hd_free(candidate->file);
    *candidate = (struct candidate){ 0 };
}

/* Drops the candidate, leaving none, where the file is not a sound class file of that name. */
static int parse_candidate(struct candidate *candidate, const char *internal_name,
                           struct hd_error *err)
{
    struct hd_error broken = HD_ERROR_INIT;
    if (hd_class_parse(candidate->file, candidate->length, &candidate->class_file, &broken) != 0) {
        close_candidate(candidate);
        return broken.code == HD_E_MEMORY ? hd_error_set_memory(err) : 0;
    }
    struct hd_bytes name = candidate->class_file->name;
    if (name.length != strlen(internal_name) || memcmp(name.data, internal_name, name.length) != 0)
        close_candidate(candidate);
    return 0;
}

static int compare_candidate(struct candidate *candidate, const char *internal_name,
                             const struct hd_vm_view *view, struct hd_error *err)
{
    if (parse_candidate(candidate, internal_name, err) != 0)
        return -1;
    if (candidate->file == NULL || view == NULL)
        return 0;
    candidate->compared = true;
    return hd_view_match_file(view, candidate->class_file, &candidate->match, err);
}

static bool is_match(const struct candidate *candidate, enum hd_view_match match)
{
    return candidate->file != NULL && candidate->compared && candidate->match == match;
}

static int remembered_candidate(const struct hd_base_finder *finder, const char *internal_name,
                                const struct hd_vm_view *view, struct candidate *out,
                                struct hd_error *err)
{
    struct hd_bytes kept = hd_remembered_get(&finder->remembered, internal_name);
    if (kept.length == 0)
        return 0;
    struct hd_buffer copy = HD_BUFFER_INIT;
    if (hd_buffer_append(&copy, kept.data, kept.length, err) != 0)
        return -1;
    out->file = hd_buffer_steal(&copy, &out->length);
    return compare_candidate(out, internal_name, view, err);
}

static int resource_candidate(const struct hd_base_finder *finder, JNIEnv *jni, jclass class,
                              jobject loader, const char *internal_name,
                              const struct hd_vm_view *view, struct candidate *out,
                              struct hd_error *err)
{
    struct hd_resource resource = { 0 };
    if (hd_resource_read(finder->resources, jni, class, loader, internal_name,
                         HD_RESOURCE_WITH_PARENTS, &resource, err) != 0)
        return -1;
    if (resource.file == NULL)
        return 0;
    out->newer = is_newer(finder, &resource);
    out->file = resource.file;
    out->length = resource.length;
    return compare_candidate(out, internal_name, view, err);
}

/* Moves the candidate's file into the base. */
static void settle_on(struct candidate *candidate, enum hd_base_standing standing,
                      struct hd_base *base)
{
    base->standing = standing;
    base->file = candidate->file;
    base->length = candidate->length;
    base->class_file = candidate->class_file;
    *candidate = (struct candidate){ 0 };
}

/* What the loader's own resource proves by itself. */
static enum hd_base_standing judge_resource(const struct candidate *resource)
{
    if (resource->file == NULL)
        return HD_BASE_UNKNOWN;
    if (!resource->compared)
        return resource->newer ? HD_BASE_UNKNOWN : HD_BASE_LIKELY;
    if (resource->match == HD_VIEW_SAME)
        return resource->newer ? HD_BASE_LIKELY : HD_BASE_PROVEN;
    if (resource->match == HD_VIEW_EDITED && !resource->newer)
        return HD_BASE_EDITED;
    return HD_BASE_UNKNOWN;
}

/* A remembered file that is what the JVM holds needs no other. One that is edited, or of another
 * loader's class of the same name, gives way to what the loader says. */
static int find_candidate(struct hd_base_finder *finder, JNIEnv *jni, jclass class, jobject loader,
                          const char *internal_name, struct hd_base *base, struct hd_error *err)
{
    const struct hd_vm_view *view = hd_held_view_of(base->held);
    struct candidate remembered = { 0 }, resource = { 0 };
    int result = remembered_candidate(finder, internal_name, view, &remembered, err);
    if (result != 0)
        goto out;
    if (is_match(&remembered, HD_VIEW_SAME)) {
        settle_on(&remembered, HD_BASE_PROVEN, base);
        goto out;
    }
    result = resource_candidate(finder, jni, class, loader, internal_name, view, &resource, err);
    if (result != 0)
        goto out;
    enum hd_base_standing standing = judge_resource(&resource);
    if (standing != HD_BASE_UNKNOWN)
        settle_on(&resource, standing, base);
    else if (is_match(&remembered, HD_VIEW_EDITED))
        settle_on(&remembered, HD_BASE_EDITED, base);
out:
    close_candidate(&remembered);
    close_candidate(&resource);
    return result;
}

int hd_base_find(struct hd_base_finder *finder, JNIEnv *jni, jclass class, jobject loader,
                 const char *internal_name, struct hd_base *out, struct hd_error *err)
{
    struct hd_base base = { .standing = HD_BASE_UNKNOWN };
    if (hd_held_view_capture(finder->jvm, jni, class, internal_name, &base.held, err) != 0)
        return -1;
    if (find_candidate(finder, jni, class, loader, internal_name, &base, err) != 0) {
        hd_base_close(&base);
        return -1;
    }
    *out = base;
    return 0;
}

void hd_base_close(struct hd_base *base)
{
    hd_class_free(base->class_file);
    hd_free(base->file);
    hd_held_view_free(base->held);
    *base = (struct hd_base){ .standing = HD_BASE_UNKNOWN };
}

int hd_base_resource(struct hd_base_finder *finder, JNIEnv *jni, jobject loader,
                     const char *internal_name, uint8_t **file, size_t *length, bool *found,
                     bool *newer, struct hd_error *err)
{
    struct hd_resource resource = { 0 };
    if (hd_resource_read(finder->resources, jni, NULL, loader, internal_name, HD_RESOURCE_OWN,
                         &resource, err) != 0)
        return -1;
    *found = resource.file != NULL;
    *newer = *found && is_newer(finder, &resource);
    *file = resource.file;
    *length = resource.length;
    return 0;
}
