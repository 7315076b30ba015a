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
#include "core/digest.h"
#include "core/report.h"

enum hd_live_state {
    HD_LIVE_REDEFINED,
    HD_LIVE_DEFINED,
    HD_LIVE_PENDING /* the loader has not loaded the class yet; file is what it will get */
};

struct hd_live {
    const char *internal_name; /* borrowed from the registry, for its life */
    char *label;               /* "" with any_loader */
    jweak loader;              /* NULL: boot, or any_loader */
    bool any_loader;           /* pending in the first loader that loads it */
    enum hd_live_state state;
    /* the class file before the first deployment; NULL where there was none or it is not known */
    uint8_t *base;
    size_t base_length;
    enum hd_base_standing standing; /* how much base proves */
    bool has_fingerprint;           /* pending: of base */
    struct hd_digest fingerprint;
    uint8_t *file;
    size_t length;
    /* at most how many the JVM's constant pool of the class has by now; 0: as many as file */
    unsigned pool_slots;
    uint64_t deployment;
    char who[sizeof((struct hd_origin *)NULL)->who];
    int64_t when; /* microseconds since the epoch */
    /* the registry's own */
    bool has_base_digest;
    struct hd_digest base_digest; /* SHA-256 of base, all zero where there is none */
    bool has_file_digest;
    struct hd_digest file_digest;
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
/* The patch that waits for the first loader to load the class; NULL when there is none. */
struct hd_live *hd_registry_find_any(const struct hd_registry *registry, const char *internal_name);

struct hd_live_wanted {
    const char *internal_name;
    const char *label;
    jobject loader;
    bool any_loader;
    enum hd_live_state state;
    struct hd_bytes file; /* copied */
};
/* A new entry, not yet in place, with base unknown. The caller fills in the rest, and puts or frees
 * it. */
HD_CHECKED int hd_registry_prepare(struct hd_registry *registry, JNIEnv *jni,
                                   const struct hd_live_wanted *wanted, struct hd_live **out,
                                   struct hd_error *err);
void hd_live_free(struct hd_live *live, JNIEnv *jni);
/* In place of the one it replaces, whose base it inherits. Cannot fail. */
void hd_registry_put_take(struct hd_registry *registry, JNIEnv *jni, struct hd_live *live);
void hd_registry_remove(struct hd_registry *registry, JNIEnv *jni, struct hd_live *live);
/* Drops the entries of loaders that were collected, or of which is_over (may be NULL) says that
 * nothing runs in them any more. */
void hd_registry_sweep(struct hd_registry *registry, JNIEnv *jni,
                       bool (*is_over)(void *context, JNIEnv *jni, jobject loader), void *context);

size_t hd_registry_count(const struct hd_registry *registry);
/* Calls visit for every entry, in no order; visit may not put or remove. */
void hd_registry_each(const struct hd_registry *registry,
                      void (*visit)(struct hd_live *live, void *context), void *context);
/* True where the entry says that what is live is not what the loader's own file says: false for one
 * that a deployment brought back to its base. */
bool hd_live_differs_from_base(const struct hd_live *live);

#endif
