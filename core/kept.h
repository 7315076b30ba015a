/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is live again after a restart, as a store holds it: kept.json names each class, the class
 * loader it was live in, the base its patch was made for and the patch itself; the bytes of both
 * stand in one file of the store's bundles.
 *
 * A class that was set aside stays in kept.json, so that nothing is lost, and is not made live.
 * Knows no JVM. One thread at a time.
 */
#ifndef HD_CORE_KEPT_H
#define HD_CORE_KEPT_H

#include "core/store.h"

struct hd_kept_class {
    char *name;                   /* internal form */
    char *loader;                 /* label; "" where none was known */
    uint64_t deployment;          /* that made it live */
    bool defined;                 /* the loader has no file of it: there is no base */
    struct hd_digest fingerprint; /* of the base (classfile/fingerprint.h) */
    /* in files, or, to be written, wherever the caller has them */
    struct hd_bytes base;
    struct hd_bytes file;
    char *aside;        /* NULL, or why it is not made live */
    bool aside_for_now; /* this JVM says so, and not the store */
    unsigned forced;    /* HD_FORCED_* bits */
    /* digest of the signed bundle that file came in, which the store then does not let go; "" */
    char bundle[HD_DIGEST_HEX_SIZE];
};

/* All zero: nothing is kept. */
struct hd_kept {
    uint64_t state; /* it is what was live right after that deployment; 0: as started */
    char *who;      /* kept it; may be NULL */
    struct hd_kept_class *classes;
    size_t count;
    struct hd_buffer files;
};

/* What the store keeps; nothing kept leaves *out all zero. HD_E_FORMAT: it was changed or damaged.
 * On success closed with hd_kept_close. */
HD_CHECKED int hd_kept_read(const struct hd_store *store, struct hd_kept *out,
                            struct hd_error *err);
/* In place of what is kept so far. Takes fields (for the journal's line) even on failure. */
HD_CHECKED int hd_kept_write(struct hd_store *store, const struct hd_kept *kept, json_t *fields,
                             struct hd_error *err);
void hd_kept_close(struct hd_kept *kept);

/* One more class, with copies of both names. NULL when memory is out. */
struct hd_kept_class *hd_kept_add(struct hd_kept *kept, const char *name, const char *loader);
/* How many are not set aside. */
size_t hd_kept_live_count(const struct hd_kept *kept);

#endif
