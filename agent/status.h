/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is live that is not in the application's own files: the status document of docs/protocol.md,
 * and the state, a short digest of it.
 *
 * After every job the engine takes a snapshot, flat and cheap. It belongs to whom it is given to:
 * the loop makes a document of it when somebody asks, which after most deployments nobody does.
 */
#ifndef HD_AGENT_STATUS_H
#define HD_AGENT_STATUS_H

#include "agent/forced.h"
#include "agent/frames.h"
#include "agent/registry.h"

#define HD_STATE_SIZE 17 /* 16 hexadecimal digits and a NUL */

/* The first 16 digits of the SHA-256 over a line "class NUL label NUL base NUL live LF" for each
 * class whose live code is not that of its base, sorted; base and live are SHA-256 in hex, that of
 * base is all zeros where there is none. Pending patches do not count: they are not live. Equal on
 * two JVMs with the same patches on the same base. For want of memory state becomes "". Engine thread. */
void hd_status_digest(struct hd_registry *registry, char state[HD_STATE_SIZE]);

struct hd_status;

/* As it is now; it borrows nothing. Takes fields, what the document says beside the rows; NULL as for
 * want of memory. forced may be NULL: nothing was; frames may be NULL: threads are not counted. NULL
 * when memory is out. Engine thread. */
struct hd_status *hd_status_new_take(struct hd_registry *registry,
                                     const struct hd_forced_marks *forced,
                                     const struct hd_old_frames *frames, json_t *fields);
void hd_status_free(struct hd_status *status);

/* The document, without "type" and "id"; "busy" is null. A new reference; NULL when memory is out.
 * Any thread, one at a time. */
json_t *hd_status_to_json(const struct hd_status *status, const struct hd_jvm *jvm);

#endif
