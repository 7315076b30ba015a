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
    hd_free(live->label);
    hd_free(live->base);
    hd_free(live->file);
    hd_free(live);
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
    live->file = (uint8_t *)hd_strndup((const char *)wanted->file.data, wanted->file.length);
    live->length = wanted->file.length;
    if (live->label == NULL || live->file == NULL)
        return hd_error_set_memory(err);
    if (wanted->any_loader || wanted->loader == NULL)
        return 0;
    live->loader = (*jni)->NewWeakGlobalRef(jni, wanted->loader);
    if (live->loader != NULL)
        return 0;
    (*jni)->ExceptionClear(jni);
    return hd_error_set_memory(err);
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
    *out = live;
    return 0;
}

/* The base is what was there before the first deployment; a patch on a patch does not change it. */
static void inherit_base(struct hd_live *live, struct hd_live *from)
{
    if (from->state == HD_LIVE_DEFINED)
        live->state = HD_LIVE_DEFINED;
    if (live->base != NULL)
        return;
    live->base = from->base;
    live->base_length = from->base_length;
    live->standing = from->standing;
    live->has_fingerprint = from->has_fingerprint;
    live->fingerprint = from->fingerprint;
    live->has_base_digest = from->has_base_digest;
    live->base_digest = from->base_digest;
    from->base = NULL;
}

void hd_registry_put_take(struct hd_registry *registry, JNIEnv *jni, struct hd_live *live)
{
    if (live->replaces != NULL) {
        inherit_base(live, live->replaces);
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
    return live->base == NULL || live->base_length != live->length ||
           memcmp(live->base, live->file, live->length) != 0;
}
