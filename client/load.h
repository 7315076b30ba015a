/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PATHs of a command become one bundle: class files by the name inside them, directories with
 * all class files below, jars and wars with theirs. A single jar travels as it is, so that its
 * digest is that of the file. Main thread.
 */
#ifndef HD_CLIENT_LOAD_H
#define HD_CLIENT_LOAD_H

#include "core/bundle.h"

#include <stdbool.h>

/* HD_E_USAGE: no such path, no class in any of them, not a class file; the text names the path. */
HD_CHECKED int hd_load_paths(char *const *paths, size_t count, struct hd_bundle **out,
                             struct hd_error *err);

/* The same for somebody who ships the bundle and does not look into it: a single jar stays packed
 * (hd_bundle_open_packed_take), for the agent unpacks and checks it anyway. */
HD_CHECKED int hd_load_to_ship(char *const *paths, size_t count, struct hd_bundle **out,
                               struct hd_error *err);

/* Whether that is done in no time: a small single jar. */
bool hd_load_is_quick(char *const *paths, size_t count);

/* A jar in memory; name is what people call it. Copied. Errors as hd_bundle_open_take. */
HD_CHECKED int hd_load_jar(struct hd_bytes jar, const char *name, struct hd_bundle **out,
                           struct hd_error *err);

/* Reads one file whole, at most HD_BUNDLE_MAX_BYTES. *data is hd_alloc memory. */
HD_CHECKED int hd_load_file(const char *path, uint8_t **data, size_t *length, struct hd_error *err);

#endif
