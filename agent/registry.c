/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/registry.h"

#include "core/alloc.h"
#include "core/map.h"

#include <string.h>

/* A class name that ever had an entry. Names stay, so that the map never has to forget a key. */
struct slot {
    char *name;
    struct hd_live *first;
};

struct hd_registry {
    struct slot *slots;
    size_t slot_count;
    size_t slot_capacity;
    struct hd_map index; /* name → slot */
    size_t count;
};

struct hd_registry *hd_registry_new(void)
{
    return hd_alloc_zeroed(1, sizeof(struct hd_registry));
}

void hd_live_free(struct hd_live *live, JNIEnv *jni)
{
    if (live == NULL)
        return;
    if (live->loader != NULL)
        (*jni)->DeleteWeakGlobalRef(jni, live->loader);
    for (size_t i = 0; i < HD_PATCH_EARLIER; i++)
        hd_blob_release(live->earlier[i]);
    hd_blob_release(live->base);
    hd_blob_release(live->family);
    hd_blob_release(live->file);
    hd_live_forget_patch(live, jni);
    hd_free(live->label);
    hd_free(live);
}

void hd_live_forget_patch(struct hd_live *live, JNIEnv *jni)
{
    hd_patch_release(live->patch, jni);
    live->patch = NULL;
}

int hd_live_set_base(struct hd_live *live, struct hd_bytes base, enum hd_base_standing standing,
                     struct hd_error *err)
{
    struct hd_blob *blob;
    if (hd_blob_of(base, &blob, err) != 0)
        return -1;
    hd_blob_release(live->base);
    live->base = blob;
    live->standing = standing;
    return 0;
}

/* The latest first; what the class is by now, and its base, are none. */
static void add_earlier(struct hd_live *live, struct hd_blob *blob)
{
    struct hd_blob **earlier = live->earlier;
    if (blob == NULL || blob == live->file || blob == live->base)
        return;
    for (size_t i = 0; i < HD_PATCH_EARLIER; i++) {
        if (earlier[i] == blob)
            return;
    }
    hd_blob_release(earlier[HD_PATCH_EARLIER - 1]);
    memmove(earlier + 1, earlier, (HD_PATCH_EARLIER - 1) * sizeof(struct hd_blob *));
    earlier[0] = hd_blob_keep(blob);
}

void hd_live_set_file_take(struct hd_live *live, JNIEnv *jni, struct hd_blob *file)
{
    struct hd_blob *before = live->file;
    live->file = file;
    add_earlier(live, before);
    hd_blob_release(before);
    hd_live_forget_patch(live, jni);
}

static enum hd_patch_place place_of(const struct hd_live *live)
{
    if (live->any_loader)
        return HD_PATCH_FIRST;
    return live->state == HD_LIVE_PENDING ? HD_PATCH_WAITS : HD_PATCH_LOADED;
}

struct hd_patch *hd_live_patch(struct hd_live *live, JNIEnv *jni, struct hd_error *err)
{
    if (live->patch != NULL)
        return live->patch;
    struct hd_patch like = { .place = place_of(live),
                             .class_name = live->internal_name,
                             .loader = live->loader,
                             .base = live->base,
                             .file = live->file,
                             .deployment = live->deployment };
    memcpy(like.earlier, live->earlier, sizeof like.earlier);
    return hd_patch_new(jni, &like, &live->patch, err) == 0 ? live->patch : NULL;
}

void hd_registry_free(struct hd_registry *registry, JNIEnv *jni)
{
    if (registry == NULL)
        return;
    for (size_t i = 0; i < registry->slot_count; i++) {
        for (struct hd_live *live = registry->slots[i].first, *next; live != NULL; live = next) {
            next = live->next;
            hd_live_free(live, jni);
        }
        hd_free(registry->slots[i].name);
    }
    hd_map_close(&registry->index);
    hd_free(registry->slots);
    hd_free(registry);
}

static struct hd_live *first_of(const struct hd_registry *registry, const char *internal_name)
{
    size_t slot;
    if (!hd_map_find(&registry->index, hd_map_key(internal_name), &slot))
        return NULL;
    return registry->slots[slot].first;
}

/* A weak reference to a collected loader is the same object as NULL, which is how JNI writes boot.
 */
static bool is_of_loader(JNIEnv *jni, const struct hd_live *live, jobject loader)
{
    if (live->any_loader)
        return false;
    if (live->loader == NULL || loader == NULL)
        return live->loader == NULL && loader == NULL;
    return (*jni)->IsSameObject(jni, live->loader, loader);
}

struct hd_live *hd_registry_find(const struct hd_registry *registry, JNIEnv *jni,
                                 const char *internal_name, jobject loader)
{
    struct hd_live *live = first_of(registry, internal_name);
    while (live != NULL && !is_of_loader(jni, live, loader))
        live = live->next;
    return live;
}

const struct hd_live *hd_registry_find_only(const struct hd_registry *registry,
                                            const char *internal_name)
{
    const struct hd_live *live = first_of(registry, internal_name);
    return live != NULL && live->next == NULL ? live : NULL;
}

struct hd_live *hd_registry_find_any(const struct hd_registry *registry, const char *internal_name)
{
    struct hd_live *live = first_of(registry, internal_name);
    while (live != NULL && !live->any_loader)
        live = live->next;
    return live;
}

static int add_slot(struct hd_registry *registry, const char *internal_name, size_t *slot,
                    struct hd_error *err)
{
    if (registry->slot_count == registry->slot_capacity) {
        size_t capacity = registry->slot_capacity > 0 ? registry->slot_capacity * 2 : 64;
        struct slot *grown = hd_realloc_array(registry->slots, capacity, sizeof *grown);
        if (grown == NULL)
            return hd_error_set_memory(err);
        registry->slots = grown;
        registry->slot_capacity = capacity;
    }
    char *name = hd_strdup(internal_name);
    if (name == NULL)
        return hd_error_set_memory(err);
    if (hd_map_put(&registry->index, hd_map_key(name), registry->slot_count, err) != 0) {
        hd_free(name);
        return -1;
    }
    *slot = registry->slot_count++;
    registry->slots[*slot] = (struct slot){ .name = name };
    return 0;
}

static int fill(JNIEnv *jni, const struct hd_live_wanted *wanted, struct hd_live *live,
                struct hd_error *err)
{
    live->any_loader = wanted->any_loader;
    live->state = wanted->state;
    live->label = hd_strdup(wanted->label);
    if (live->label == NULL)
        return hd_error_set_memory(err);
    live->file = hd_blob_keep(wanted->held);
    if (live->file == NULL && hd_blob_of(wanted->file, &live->file, err) != 0)
        return -1;
    if (wanted->any_loader || wanted->loader == NULL)
        return 0;
    live->loader = (*jni)->NewWeakGlobalRef(jni, wanted->loader);
    if (live->loader != NULL)
        return 0;
    (*jni)->ExceptionClear(jni);
    return hd_error_set_memory(err);
}

/* The base is what was there before the first deployment; a patch on a patch does not change it. */
static void inherit(struct hd_live *live, const struct hd_live *from)
{
    if (from->state == HD_LIVE_DEFINED || from->was_defined)
        live->state = HD_LIVE_DEFINED;
    live->base = hd_blob_keep(from->base);
    live->family = hd_blob_keep(from->family);
    live->standing = from->standing;
    for (size_t i = HD_PATCH_EARLIER; i-- > 0;)
        add_earlier(live, from->earlier[i]);
    if (from->state != HD_LIVE_PENDING)
        add_earlier(live, from->file);
}

int hd_registry_prepare(struct hd_registry *registry, JNIEnv *jni,
                        const struct hd_live_wanted *wanted, struct hd_live **out,
                        struct hd_error *err)
{
    size_t slot;
    if (!hd_map_find(&registry->index, hd_map_key(wanted->internal_name), &slot) &&
        add_slot(registry, wanted->internal_name, &slot, err) != 0)
        return -1;
    struct hd_live *live = hd_alloc_zeroed(1, sizeof *live);
    if (live == NULL)
        return hd_error_set_memory(err);
    if (fill(jni, wanted, live, err) != 0) {
        hd_live_free(live, jni);
        return -1;
    }
    live->slot = slot;
    live->internal_name = registry->slots[slot].name;
    live->replaces = wanted->any_loader
                         ? hd_registry_find_any(registry, wanted->internal_name)
                         : hd_registry_find(registry, jni, wanted->internal_name, wanted->loader);
    if (live->replaces != NULL)
        inherit(live, live->replaces);
    *out = live;
    return 0;
}

void hd_registry_put_take(struct hd_registry *registry, JNIEnv *jni, struct hd_live *live)
{
    if (live->replaces != NULL) {
        hd_registry_remove(registry, jni, live->replaces);
        live->replaces = NULL;
    }
    struct slot *slot = &registry->slots[live->slot];
    live->next = slot->first;
    slot->first = live;
    registry->count++;
}

void hd_registry_remove(struct hd_registry *registry, JNIEnv *jni, struct hd_live *live)
{
    struct hd_live **at = &registry->slots[live->slot].first;
    while (*at != live)
        at = &(*at)->next;
    *at = live->next;
    registry->count--;
    hd_live_free(live, jni);
}

static bool has_ended(JNIEnv *jni, const struct hd_live *live,
                      bool (*is_over)(void *context, JNIEnv *jni, jobject loader), void *context)
{
    if (live->loader == NULL || (*jni)->IsSameObject(jni, live->loader, NULL))
        return live->loader != NULL;
    jobject loader = is_over == NULL ? NULL : (*jni)->NewLocalRef(jni, live->loader);
    if (loader == NULL)
        return false;
    bool over = is_over(context, jni, loader);
    (*jni)->DeleteLocalRef(jni, loader);
    return over;
}

void hd_registry_sweep(struct hd_registry *registry, JNIEnv *jni,
                       bool (*is_over)(void *context, JNIEnv *jni, jobject loader), void *context)
{
    for (size_t i = 0; i < registry->slot_count; i++) {
        for (struct hd_live *live = registry->slots[i].first, *next; live != NULL; live = next) {
            next = live->next;
            if (has_ended(jni, live, is_over, context))
                hd_registry_remove(registry, jni, live);
        }
    }
}

void hd_registry_drop_wrong_bases(struct hd_registry *registry, JNIEnv *jni,
                                  bool (*in_effect)(void *context, uint64_t deployment),
                                  void *context)
{
    for (size_t i = 0; i < registry->slot_count; i++) {
        for (struct hd_live *live = registry->slots[i].first, *next; live != NULL; live = next) {
            next = live->next;
            if (live->state == HD_LIVE_WRONG_BASE && !in_effect(context, live->deployment))
                hd_registry_remove(registry, jni, live);
        }
    }
}

bool hd_registry_has_wrong_base(const struct hd_registry *registry, const char *internal_name,
                                uint64_t deployment)
{
    const struct hd_live *live = first_of(registry, internal_name);
    while (live != NULL && (live->state != HD_LIVE_WRONG_BASE || live->deployment != deployment))
        live = live->next;
    return live != NULL;
}

size_t hd_registry_count(const struct hd_registry *registry)
{
    return registry->count;
}

void hd_registry_each(const struct hd_registry *registry,
                      void (*visit)(struct hd_live *live, void *context), void *context)
{
    for (size_t i = 0; i < registry->slot_count; i++) {
        for (struct hd_live *live = registry->slots[i].first; live != NULL; live = live->next)
            visit(live, context);
    }
}

bool hd_live_differs_from_base(const struct hd_live *live)
{
    return !hd_blob_same(live->base, live->file);
}
