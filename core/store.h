/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store: what of a JVM's deployments outlives it, in a directory of its own.
 *
 *   lock          held (flock) by the JVM that uses the store; its pid is inside
 *   journal       core/journal.h: a line before a deployment goes live and one after it
 *   bundles/      HEX.jar: the bundles, by their digest, and HEX.kept: the class files of what is
 *                 kept; up to HD_STORE_MAX_BYTES and HD_STORE_MAX_FILES, and those that were used
 *                 longest ago and that kept.json does not name go first, with a journal line each
 *   kept.json     what is live again after a restart: replaced by rename, never written in place;
 *                 its digest stands in the journal before that ("keep") and after it ("kept")
 *
 * Nothing goes live that the store could not take down first: every function is on disk when it
 * returns 0. Engine thread; hd_store_open on the thread that starts the agent.
 */
#ifndef HD_CORE_STORE_H
#define HD_CORE_STORE_H

#include "core/buffer.h"
#include "core/journal.h"
#include "core/report.h"

/* No bundle is larger (HD_BUNDLE_MAX_BYTES). */
#define HD_STORE_MAX_BYTES (UINT64_C(1) << 30)
#define HD_STORE_MAX_FILES 10000
/* So much of the journal's end is read word for word when a store opens. */
#define HD_STORE_READ_BYTES (UINT64_C(4) << 20)

struct hd_store;

/* Makes the directory (0700) and what is in it where missing, and calls visit (may be NULL) for the
 * lines of the journal, as hd_journal_read does, but for deployments further than
 * HD_STORE_READ_BYTES from its end that were not signed. HD_E_DENIED: it belongs to another user or
 * is open to others, or another JVM (the text names its pid) holds it; HD_E_FORMAT: the journal was
 * changed; HD_E_SYSTEM. */
HD_CHECKED int hd_store_open(const char *directory,
                             int (*visit)(const json_t *entry, void *context, struct hd_error *err),
                             void *context, struct hd_store **out, struct hd_error *err);
void hd_store_close(struct hd_store *store);

/* The highest number that a deployment in the journal has; 0: none. */
uint64_t hd_store_last_number(const struct hd_store *store);
/* Digest of the journal's last line, to be anchored elsewhere. A borrow until the next call. */
const char *hd_store_head(const struct hd_store *store);

/* What a crash left open in the journal is closed: a deployment that has begun and not ended gets
 * an "interrupted" line, a keep that has no "kept" gets that, or "keep-interrupted". Does nothing
 * where nothing is open. hd_store_begin and hd_store_set_kept do it too. */
HD_CHECKED int hd_store_settle(struct hd_store *store, struct hd_error *err);
/* Before the deployment goes live: its bundle (jar.length 0: none) and a "begin" line. */
HD_CHECKED int hd_store_begin(struct hd_store *store, const struct hd_deployment *deployment,
                              struct hd_bytes jar, struct hd_error *err);
/* After it, or instead of it when it was refused: an "end" line with the deployment of that number
 * as hd_deployment_full_to_json gave it. Borrows it. */
HD_CHECKED int hd_store_end_document(struct hd_store *store, uint64_t number, json_t *document,
                                     struct hd_error *err);
/* Any other event. Takes fields (an object, or NULL for none) even on failure. */
HD_CHECKED int hd_store_note_take(struct hd_store *store, const char *event, json_t *fields,
                                  struct hd_error *err);

/* Keeps contents below bundles/ as HEX.kept; digest is its SHA-256 in hex. */
HD_CHECKED int hd_store_put_kept_files(struct hd_store *store, struct hd_bytes contents,
                                       char digest[HD_DIGEST_HEX_SIZE], struct hd_error *err);
/* Appends what was put under that digest. HD_E_NOT_FOUND; HD_E_FORMAT: it is not what was put. */
HD_CHECKED int hd_store_read_kept_files(const struct hd_store *store, const char *digest,
                                        struct hd_buffer *out, struct hd_error *err);
/* Appends the bundle of that digest. HD_E_NOT_FOUND; HD_E_FORMAT: it is not that. */
HD_CHECKED int hd_store_read_bundle(const struct hd_store *store, const char *digest,
                                    struct hd_buffer *out, struct hd_error *err);
/* Replaces kept.json. Takes fields (for the journal's "keep" line: who, why; may be NULL) even on
 * failure; kept is borrowed. After a failure it is either the old or the new, and the next
 * hd_store_settle says which. */
HD_CHECKED int hd_store_set_kept(struct hd_store *store, const json_t *kept, json_t *fields,
                                 struct hd_error *err);
/* What is kept; *out NULL: nothing. A new reference. HD_E_FORMAT: the file is damaged, missing, or
 * not what the journal says was kept. */
HD_CHECKED int hd_store_kept(const struct hd_store *store, json_t **out, struct hd_error *err);

#endif
