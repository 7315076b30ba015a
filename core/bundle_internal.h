/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bundle.c (the struct), bundle_read.c (from a jar) and bundle_build.c (from loose classes,
 * and into a jar) share. Nobody else includes this.
 */
#ifndef HD_CORE_BUNDLE_INTERNAL_H
#define HD_CORE_BUNDLE_INTERNAL_H

#include "core/bundle.h"

/* What a jar says about itself for us; empty where it says nothing. */
struct hd_bundle_notes {
    struct hd_buffer manifest;
    struct hd_buffer signatures;
    /* where there is a manifest: of all class entries, also of those that this JVM does not take,
     * each with its NUL byte */
    struct hd_buffer paths;
};

#define HD_BUNDLE_NOTES_INIT                                                                       \
    {                                                                                              \
        HD_BUFFER_INIT, HD_BUFFER_INIT, HD_BUFFER_INIT                                             \
    }

struct hd_bundle {
    char *name;
    uint8_t *jar; /* NULL for a built bundle whose jar nobody has asked for */
    size_t jar_length;
    struct hd_bundle_class *classes; /* sorted by name, borrowing from texts and files */
    size_t class_count;
    char *texts;
    size_t texts_used;
    uint8_t *files;
    size_t files_used;
    struct hd_bundle_notes notes;
};

/* An empty bundle with room for exactly this much; NULL when memory is out. text_bytes:
 * hd_bundle_text_size of all classes together. */
struct hd_bundle *hd_bundle_new(const char *name, size_t class_count, size_t text_bytes,
                                size_t file_bytes);

/* Appends a class whose entry is prefix, name and ".class" in a row. Returns where its file's bytes
 * go. */
uint8_t *hd_bundle_append_class(struct hd_bundle *bundle, struct hd_bytes prefix,
                                struct hd_bytes name, size_t file_length);
size_t hd_bundle_text_size(size_t prefix_length, size_t name_length);

/* How a jar is read: as hd_bundle_open_watched_take, or hd_bundle_open_packed_take. */
struct hd_bundle_manner {
    const struct hd_bundle_limits *limits;
    unsigned feature_release;
    const struct hd_bundle_watcher *watcher; /* may be NULL */
    bool stays_packed;
};
HD_CHECKED int hd_bundle_read_take(uint8_t *jar, size_t length, const char *name,
                                   const struct hd_bundle_manner *manner, struct hd_bundle **out,
                                   struct hd_error *err);

/* Manifest and signatures; paths are left empty. */
struct hd_entry_reader;
HD_CHECKED int hd_bundle_read_notes(struct hd_entry_reader *reader, struct hd_bundle_notes *out,
                                    struct hd_error *err);
void hd_bundle_notes_close(struct hd_bundle_notes *notes);

/* The jar of a built bundle, in hd_alloc memory. */
HD_CHECKED int hd_bundle_write_jar(const struct hd_bundle *bundle, uint8_t **jar, size_t *length,
                                   struct hd_error *err);

#endif
