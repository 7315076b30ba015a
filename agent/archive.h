/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store (core/store.h) as the road sees it: nothing goes live that is not on disk first, and
 * where that cannot be had, nothing goes live.
 *
 * Without store= there is no archive: NULL is a valid one everywhere here, which takes everything
 * and keeps nothing. A store that cannot be opened makes an archive that refuses everything.
 *
 * A deployment whose end could not be written is held (HD_ARCHIVE_UNWRITTEN_MAX of them), and
 * written before the next one begins: until that works, there is no next one. Engine thread;
 * opened on the thread that starts the agent.
 */
#ifndef HD_AGENT_ARCHIVE_H
#define HD_AGENT_ARCHIVE_H

#include "core/bundle.h"
#include "core/kept.h"
#include "core/past.h"
#include "core/sequences.h"

#define HD_ARCHIVE_UNWRITTEN_MAX 64

struct hd_archive;

/* Opens the store; one log line where it cannot be had. Fails only for want of memory. */
HD_CHECKED int hd_archive_open(const char *directory, struct hd_archive **out,
                               struct hd_error *err);
void hd_archive_close(struct hd_archive *archive);

/* The highest number a deployment of the store has; 0: none. */
uint64_t hd_archive_last_number(const struct hd_archive *archive);
/* Moves out the deployments of earlier JVMs; NULL when there is no store. */
struct hd_past *hd_archive_steal_past(struct hd_archive *archive);

/* Which signed bundles have been live (core/sequences.h); NULL when there is no store. A borrow. */
const struct hd_sequences *hd_archive_sequences(const struct hd_archive *archive);

/* Whether the store can be written, as far as is known: what is still unwritten is written now. -1
 * with the words for whoever wants to deploy. */
HD_CHECKED int hd_archive_check(struct hd_archive *archive, struct hd_error *err);
/* On disk before it goes live: bundle (may be NULL) and the deployment as it is planned. */
HD_CHECKED int hd_archive_begin(struct hd_archive *archive, const struct hd_deployment *deployment,
                                struct hd_bundle *bundle, struct hd_error *err);
/* Its end, or its refusal. On failure it is held, and the log says so loudly. Logs the journal's
 * head, to be anchored elsewhere. */
HD_CHECKED int hd_archive_end(struct hd_archive *archive, const struct hd_deployment *deployment,
                              struct hd_error *err);
/* The same for what happened to a class without a deployment: {"class","loader","patch_of"}. */
void hd_archive_note_class(struct hd_archive *archive, const char *event, const char *internal_name,
                           const char *label, uint64_t deployment);
/* Another event for the journal. Takes fields (may be NULL) even on failure, which is logged. */
void hd_archive_note_take(struct hd_archive *archive, const char *event, json_t *fields);

/* A line for each of these (core/refusals.h). */
void hd_archive_note_refusals(struct hd_archive *archive, const json_t *refusals);

/* As hd_store_read_bundle. HD_E_NOT_FOUND where there is no store. */
HD_CHECKED int hd_archive_read_bundle(const struct hd_archive *archive, const char *digest,
                                      struct hd_buffer *out, struct hd_error *err);

/* What is live again after a restart (core/kept.h). HD_E_NOT_FOUND: there is no store. */
HD_CHECKED int hd_archive_read_kept(struct hd_archive *archive, struct hd_kept *out,
                                    struct hd_error *err);
/* Takes fields (who, why, for the journal) even on failure. */
HD_CHECKED int hd_archive_write_kept(struct hd_archive *archive, const struct hd_kept *kept,
                                     json_t *fields, struct hd_error *err);
/* It is kept, and what of it is set aside: for hd_archive_kept. Where there is a store. */
void hd_archive_note_kept(struct hd_archive *archive, const struct hd_kept *kept);
/* What was noted as set aside is so in kept too, for now. HD_E_MEMORY. */
HD_CHECKED int hd_archive_set_aside_as_noted(const struct hd_archive *archive, struct hd_kept *kept,
                                             struct hd_error *err);
/* {"state":N,"who":"…","classes":N,"set_aside":[{"class","loader","deployment","why"}]} as it was
 * last noted or written; NULL: nothing is kept, or nothing was noted. A borrow until then. */
const json_t *hd_archive_kept(const struct hd_archive *archive);

#endif
