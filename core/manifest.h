/* SPDX-License-Identifier: Apache-2.0 */
/*
 * META-INF/hotdrop.json of a bundle: what it is, for whom, until when, and what each class in it
 * must be. This is what signatures cover, so it names everything that counts.
 *
 *   { "hotdrop": 1, "name": "price-fix", "version": "1.4.2", "target": "shop", "sequence": 1790000000000,
 *     "not-before": "2026-09-21T00:00:00Z", "expires": "2026-10-21T00:00:00Z",
 *     "classes": { "com/example/Price.class": { "sha256": "<hex>", "base": "<hex>" } } }
 *
 * sequence and classes must be there; name, version, target, the times and base may be missing. What
 * is not known here may restrict what is signed: a manifest with another key is refused. Any
 * thread; a struct hd_manifest belongs to one at a time.
 */
#ifndef HD_CORE_MANIFEST_H
#define HD_CORE_MANIFEST_H

#include "core/bundle.h"
#include "core/digest.h"

#include <jansson.h>

struct hd_manifest_class {
    const char *path; /* of the entry in the jar; borrowed from the manifest */
    struct hd_digest file;
    bool has_base;
    struct hd_digest base; /* fingerprint of the class that it replaces (classfile/fingerprint.h) */
};

struct hd_manifest {
    json_t *json;     /* what the texts borrow from */
    const char *name; /* NULL: not given, as version and target */
    const char *version;
    const char *target;
    uint64_t sequence;
    int64_t not_before;                /* seconds since the epoch; INT64_MIN: not given */
    int64_t expires;                   /* INT64_MAX: not given */
    struct hd_manifest_class *classes; /* sorted by path */
    size_t class_count;
};

/* HD_E_FORMAT says which member is wrong. The caller closes *out. */
HD_CHECKED int hd_manifest_read(struct hd_bytes text, struct hd_manifest *out,
                                struct hd_error *err);
void hd_manifest_close(struct hd_manifest *manifest);
/* NULL where it names no such entry. */
const struct hd_manifest_class *hd_manifest_find(const struct hd_manifest *manifest,
                                                 const char *path);
/* Is the bundle, whose manifest this is, just what it says: the same class entries, none more and
 * none less, each with its digest? HD_E_FORMAT names one that is not. */
HD_CHECKED int hd_manifest_check_bundle(const struct hd_manifest *manifest,
                                        const struct hd_bundle *bundle, struct hd_error *err);

/* "2026-09-21T00:00:00Z" (RFC 3339, in UTC) to seconds since the epoch. HD_E_FORMAT. */
HD_CHECKED int hd_manifest_read_time(const char *text, int64_t *out, struct hd_error *err);

#endif
