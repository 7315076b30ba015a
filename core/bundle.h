/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle: the classes that travel together. On the wire and on disk it is an ordinary jar whose
 * SHA-256 is its identity; loose class files become one by hd_bundle_builder, which always makes
 * the same jar of the same classes.
 *
 * A struct hd_bundle owns its bytes; its classes borrow them. It is immutable once made and may be
 * handed from thread to thread. Jars are read with libzip.
 */
#ifndef HD_CORE_BUNDLE_H
#define HD_CORE_BUNDLE_H

#include "core/buffer.h"
#include "core/digest.h"

struct hd_bundle_class {
    const char *entry; /* the path in the jar, "BOOT-INF/classes/com/example/Foo.class"; UTF-8 */
    const char *name;  /* what the path says: "com/example/Foo"; UTF-8, not Modified UTF-8 */
    struct hd_bytes file;
};

struct hd_bundle;

struct hd_bundle_limits {
    uint64_t max_bytes;       /* of all classes unpacked together, and of the jar */
    uint64_t max_class_bytes; /* of one class; 16 MiB is generous */
    uint64_t max_entries;     /* entries in the jar, of any kind */
};
/* Of the jar, and of all that unpacks: what client, agent (max-bundle=) and store take at most. */
#define HD_BUNDLE_MAX_BYTES       (UINT64_C(1) << 30)
#define HD_BUNDLE_MAX_CLASS_BYTES (UINT64_C(16) << 20)
#define HD_BUNDLE_MAX_ENTRIES     UINT64_C(200000)

/* Reads a jar and unpacks its classes, sorted by name.
 *
 * Classes are the .class entries at their package paths, at the root and below BOOT-INF/classes/
 * and WEB-INF/classes/. module-info is skipped, package-info is a class like any other; whatever
 * else is in META-INF, BOOT-INF and WEB-INF (nested jars too) is ignored. Of META-INF/versions/N
 * the highest N up to feature_release replaces the plain entry, as in the JVM (JEP 238): not where
 * a manifest lacks "Multi-Release: true". feature_release 0, for a client that does not know the
 * JVM: versions are left out of the classes and stay in the jar.
 *
 * Consumes jar (hd_alloc memory) even on failure. name is what people call it; copied, and in front
 * of every error. HD_E_FORMAT: not a jar, damaged (CRC), encrypted, a compression other than a
 * jar's, a path that leads out or that no class can have, the same class twice, no class at all.
 * HD_E_LIMIT: more than limits allow; seen before anything is unpacked, and what unpacks to more
 * than it claimed is HD_E_FORMAT. */
HD_CHECKED int hd_bundle_open_take(uint8_t *jar, size_t length, const char *name,
                                   const struct hd_bundle_limits *limits, unsigned feature_release,
                                   struct hd_bundle **out, struct hd_error *err);
/* The same for somebody who begins with the first classes while the others are still being unpacked.
 * Called on the same thread: unpacked after each class, when the first so many of total are there
 * and stay as they are; gone when the rest cannot be unpacked, before the bundle is freed. watcher
 * may be NULL. */
struct hd_bundle_watcher {
    void (*unpacked)(void *context, const struct hd_bundle *bundle, size_t count, size_t total);
    void (*gone)(void *context);
    void *context;
};
HD_CHECKED int hd_bundle_open_watched_take(uint8_t *jar, size_t length, const char *name,
                                           const struct hd_bundle_limits *limits,
                                           unsigned feature_release,
                                           const struct hd_bundle_watcher *watcher,
                                           struct hd_bundle **out, struct hd_error *err);
/* The same for somebody who only passes the jar on: its directory is judged as above, and nothing
 * but manifest and signatures is unpacked, so that the bundle has no classes, and a damaged class
 * is for whoever unpacks it to find. */
HD_CHECKED int hd_bundle_open_packed_take(uint8_t *jar, size_t length, const char *name,
                                          const struct hd_bundle_limits *limits,
                                          struct hd_bundle **out, struct hd_error *err);
void hd_bundle_free(struct hd_bundle *bundle);

const char *hd_bundle_name(const struct hd_bundle *bundle);
size_t hd_bundle_class_count(const struct hd_bundle *bundle);
const struct hd_bundle_class *hd_bundle_class_at(const struct hd_bundle *bundle, size_t index);
/* The jar itself: what was given, or for a built bundle made on first call (then the bundle may not
 * be shared between threads during that call). */
HD_CHECKED int hd_bundle_jar(struct hd_bundle *bundle, struct hd_bytes *out, struct hd_error *err);
/* META-INF/hotdrop.json and META-INF/hotdrop.sig as they stand in the jar (core/manifest.h); length
 * 0: it has none. */
#define HD_BUNDLE_MANIFEST             "META-INF/hotdrop.json"
#define HD_BUNDLE_SIGNATURES           "META-INF/hotdrop.sig"
#define HD_BUNDLE_MAX_MANIFEST_BYTES   (UINT64_C(32) << 20)
#define HD_BUNDLE_MAX_SIGNATURES_BYTES (UINT64_C(64) << 10)
struct hd_bytes hd_bundle_manifest(const struct hd_bundle *bundle);
struct hd_bytes hd_bundle_signatures(const struct hd_bundle *bundle);
/* The paths of all class entries of a jar that has such a manifest, each with a NUL byte behind it:
 * more than its classes where there are META-INF/versions. */
struct hd_bytes hd_bundle_class_paths(const struct hd_bundle *bundle);
/* SHA-256 of the jar. */
HD_CHECKED int hd_bundle_digest(struct hd_bundle *bundle, struct hd_digest *out,
                                struct hd_error *err);

/* Loose class files together. */
struct hd_bundle_builder;
struct hd_bundle_builder *hd_bundle_builder_new(void);
/* internal_name as in the class file ("com/example/Foo"). The file is copied. HD_E_FORMAT when that
 * name is there already with other content (naming both origins); the same content twice is
 * accepted once. origin: where it came from, for that message. */
HD_CHECKED int hd_bundle_builder_add(struct hd_bundle_builder *builder, const char *internal_name,
                                     struct hd_bytes file, const char *origin,
                                     struct hd_error *err);
/* A copy of the bundle's jar with these instead of the manifest and the signatures it has, if any
 * (signatures of length 0: none). The caller frees *jar. */
HD_CHECKED int hd_bundle_seal(struct hd_bundle *bundle, struct hd_bytes manifest,
                              struct hd_bytes signatures, uint8_t **jar, size_t *length,
                              struct hd_error *err);
size_t hd_bundle_builder_count(const struct hd_bundle_builder *builder);
/* Consumes the builder even on failure. Classes are sorted by name; the jar is stored uncompressed
 * with fixed times: same classes, same digest. */
HD_CHECKED int hd_bundle_build_take(struct hd_bundle_builder *builder, const char *name,
                                    struct hd_bundle **out, struct hd_error *err);
void hd_bundle_builder_free(struct hd_bundle_builder *builder);

#endif
