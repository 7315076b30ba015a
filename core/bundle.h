/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle: the classes that travel together. On the wire and on disk it is an ordinary jar whose SHA-256 is its identity; loose class files become one by
 * hd_bundle_builder, which always makes the same jar of the same classes.
 *
 * A struct hd_bundle owns its bytes; its classes borrow them. It is immutable once made and may be handed from thread to thread. Jars are read with libzip.
 */
#ifndef HD_CORE_BUNDLE_H
#define HD_CORE_BUNDLE_H

#include "core/buffer.h"
#include "core/digest.h"

struct hd_bundle_class {
    const char *entry;    /* the path in the jar, "BOOT-INF/classes/com/example/Foo.class"; UTF-8 */
    const char *name;     /* what the path says: "com/example/Foo" */
    struct hd_bytes file;
};

struct hd_bundle;

struct hd_bundle_limits {
    uint64_t max_bytes;       /* of all classes unpacked together, and of the jar */
    uint64_t max_class_bytes; /* of one class; 16 MiB is generous */
    uint64_t max_entries;     /* entries in the jar, of any kind */
};
#define HD_BUNDLE_MAX_CLASS_BYTES (UINT64_C(16) << 20)
#define HD_BUNDLE_MAX_ENTRIES UINT64_C(200000)

/* Reads a jar: class entries at their package paths, also below BOOT-INF/classes/ and WEB-INF/classes/; module-info and package-info without code are skipped (package-info is an ordinary
 * class: kept); of META-INF/versions/N the highest N <= feature_release counts and replaces the plain entry (feature_release 0: a client that does not know the JVM: versions are kept out of
 * classes but stay in the jar). Other entries are ignored. Consumes jar (hd_alloc memory) even on failure. HD_E_FORMAT: not a jar, encrypted, damaged (CRC), the same class twice, no class at
 * all, an entry name that escapes or is not UTF-8; HD_E_LIMIT: more than limits allow, checked before unpacking and again while unpacking. name is what people call it (file name), copied. */
HD_CHECKED int hd_bundle_open_take(uint8_t *jar, size_t length, const char *name, const struct hd_bundle_limits *limits,
                                   unsigned feature_release, struct hd_bundle **out, struct hd_error *err);
void hd_bundle_free(struct hd_bundle *bundle);

const char *hd_bundle_name(const struct hd_bundle *bundle);
size_t hd_bundle_class_count(const struct hd_bundle *bundle);
const struct hd_bundle_class *hd_bundle_class_at(const struct hd_bundle *bundle, size_t index);
/* The jar itself: what was given, or for a built bundle made on first call (then the bundle may not be shared between threads during that call). */
HD_CHECKED int hd_bundle_jar(struct hd_bundle *bundle, struct hd_bytes *out, struct hd_error *err);
/* SHA-256 of the jar. */
HD_CHECKED int hd_bundle_digest(struct hd_bundle *bundle, struct hd_digest *out, struct hd_error *err);

/* Loose class files together. */
struct hd_bundle_builder;
struct hd_bundle_builder *hd_bundle_builder_new(void);
/* internal_name as in the class file ("com/example/Foo"). The file is copied. HD_E_FORMAT when that name is there already with other content (naming both origins); the same
 * content twice is accepted once. origin: where it came from, for that message. */
HD_CHECKED int hd_bundle_builder_add(struct hd_bundle_builder *builder, const char *internal_name, struct hd_bytes file,
                                     const char *origin, struct hd_error *err);
size_t hd_bundle_builder_count(const struct hd_bundle_builder *builder);
/* Consumes the builder even on failure. Classes are sorted by name; the jar is stored uncompressed with fixed times: same classes, same digest. */
HD_CHECKED int hd_bundle_build_take(struct hd_bundle_builder *builder, const char *name, struct hd_bundle **out, struct hd_error *err);
void hd_bundle_builder_free(struct hd_bundle_builder *builder);

#endif
