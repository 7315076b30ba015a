/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is live that is not in the application's own files: the status document of docs/protocol.md,
 * and the state, a short digest of it.
 *
 * Engine thread only.
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
 * two JVMs with the same patches on the same base. For want of memory state becomes "". */
void hd_status_digest(struct hd_registry *registry, char state[HD_STATE_SIZE]);

/* The document, without "type" and "id"; "busy" is null. forced may be NULL: nothing was;
 * frames may be NULL: threads are not counted. A new reference; NULL when memory is out. */
json_t *hd_status_to_json(const struct hd_jvm *jvm, struct hd_registry *registry,
                          const struct hd_forced_marks *forced,
                          const struct hd_old_frames *frames);

#endif
