/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Hotdrop has put live, or holds ready, per class and loader: the bytes before, the bytes now,
 * and whose deployment it was.
 *
 * Nothing here keeps a loader alive: references are weak, and the entries of a loader that was
 * collected are dropped. An entry is prepared before anything is touched (that may fail) and put in
 * place afterwards (that cannot). Engine thread only.
 */
#ifndef HD_AGENT_REGISTRY_H
#define HD_AGENT_REGISTRY_H

#include "agent/base.h"
#include "agent/patch.h"
#include "core/report.h"

enum hd_live_state {
    HD_LIVE_REDEFINED,
    HD_LIVE_DEFINED,
    HD_LIVE_PENDING,   /* the loader has not loaded the class yet; file is what it will get */
    HD_LIVE_FOREIGN,   /* somebody else redefined it since; file is what they gave */
    HD_LIVE_WRONG_BASE /* it loaded from another file than the patch is for: its own is live */
};

struct hd_live {
    const char *internal_name; /* borrowed from the registry, for its life */
    char *label;               /* "" with any_loader */
    jweak loader;              /* NULL: boot, or any_loader */
    bool any_loader;           /* pending in the first loader that loads it */
    enum hd_live_state state;
    /* the class file before the first deployment; NULL where there was none or it is not known */
    struct hd_blob *base;
    enum hd_base_standing standing; /* how much base proves */
    /* the base of the deployment's patch that the loader got when it came; NULL: it was there */
    struct hd_blob *family;
    struct hd_blob *file;
    struct hd_blob *earlier[HD_PATCH_EARLIER]; /* what it was before file, latest first */
    bool was_defined;                          /* FOREIGN: by a deployment */
    /* at most how many the JVM's constant pool of the class has by now; 0: as many as file */
    unsigned pool_slots;
    uint64_t deployment;
    char who[sizeof((struct hd_origin *)NULL)->who];
    int64_t when; /* microseconds since the epoch */
    /* the registry's own */
    struct hd_patch *patch;   /* as the hook gets it; NULL: not made yet */
    unsigned reapplied;       /* how often, since the deployment */
    bool superseded;          /* while hd_road_publish looks: a newer pending patch stands in */
    struct hd_live *replaces; /* prepared entries: the one that goes when this one is put */
    size_t slot;
    struct hd_live *next;
};

struct hd_registry;

/* NULL when memory is out. */
struct hd_registry *hd_registry_new(void);
void hd_registry_free(struct hd_registry *registry, JNIEnv *jni);

/* The entry of that class in that loader (NULL: boot), live or pending; NULL when there is none.
 * Borrowed until the next put or sweep. */
struct hd_live *hd_registry_find(const struct hd_registry *registry, JNIEnv *jni,
                                 const char *internal_name, jobject loader);
/* The entry of that name where there is no second one; else NULL. */
const struct hd_live *hd_registry_find_only(const struct hd_registry *registry,
                                            const char *internal_name);
/* The patch that waits for the first loader to load the class; NULL when there is none. */
struct hd_live *hd_registry_find_any(const struct hd_registry *registry, const char *internal_name);

struct hd_live_wanted {
    const char *internal_name;
    const char *label;
    jobject loader;
    bool any_loader;
    enum hd_live_state state;
    struct hd_bytes file; /* copied, unless held is there */
    struct hd_blob *held; /* of file; borrowed; may be NULL */
};
/* A new entry, not yet in place; its base is that of the one it replaces, or unknown. The caller
 * fills in the rest, and puts or frees it. */
HD_CHECKED int hd_registry_prepare(struct hd_registry *registry, JNIEnv *jni,
                                   const struct hd_live_wanted *wanted, struct hd_live **out,
                                   struct hd_error *err);
void hd_live_free(struct hd_live *live, JNIEnv *jni);
/* What was live before, where it is known better than from the entry that is replaced. */
HD_CHECKED int hd_live_set_base(struct hd_live *live, struct hd_bytes base,
                                enum hd_base_standing standing, struct hd_error *err);
/* Another file is live, or will be. Takes one reference; the one before counts as earlier. */
void hd_live_set_file_take(struct hd_live *live, JNIEnv *jni, struct hd_blob *file);
/* For the hook, and made now where it was not yet; borrowed. NULL when memory is out. */
struct hd_patch *hd_live_patch(struct hd_live *live, JNIEnv *jni, struct hd_error *err);
/* The entry says something else now than the patch that was made of it. */
void hd_live_forget_patch(struct hd_live *live, JNIEnv *jni);
/* In place of the one it replaces. Cannot fail. */
void hd_registry_put_take(struct hd_registry *registry, JNIEnv *jni, struct hd_live *live);
void hd_registry_remove(struct hd_registry *registry, JNIEnv *jni, struct hd_live *live);
/* Drops the entries of loaders that were collected, or of which is_over (may be NULL) says that
 * nothing runs in them any more. */
void hd_registry_sweep(struct hd_registry *registry, JNIEnv *jni,
                       bool (*is_over)(void *context, JNIEnv *jni, jobject loader), void *context);

/* Drops the WRONG_BASE entries of deployments of which in_effect says that they are no more. */
void hd_registry_drop_wrong_bases(struct hd_registry *registry, JNIEnv *jni,
                                  bool (*in_effect)(void *context, uint64_t deployment),
                                  void *context);
/* True when a loader is known already that missed that deployment's patch of the class. */
bool hd_registry_has_wrong_base(const struct hd_registry *registry, const char *internal_name,
                                uint64_t deployment);

size_t hd_registry_count(const struct hd_registry *registry);
/* Calls visit for every entry, in no order; visit may not put or remove. */
void hd_registry_each(const struct hd_registry *registry,
                      void (*visit)(struct hd_live *live, void *context), void *context);
/* True where the entry says that what is live is not what the loader's own file says: false for one
 * that a deployment brought back to its base. */
bool hd_live_differs_from_base(const struct hd_live *live);

#endif
