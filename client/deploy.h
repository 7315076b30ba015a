/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle to a target and the answer back: what push, check and watch share. Main thread.
 */
#ifndef HD_CLIENT_DEPLOY_H
#define HD_CLIENT_DEPLOY_H

#include "client/conn.h"
#include "client/invocation.h"
#include "client/target.h"
#include "core/bundle.h"
#include "core/message.h"

#include <jansson.h>

/* Sends it, prints the answer (table, or one line of JSON) and returns the exit status. The
 * bundle stays the caller's. conn: open to that target, and consumed; NULL: one is opened. report:
 * as with hd_deploy_request; only without --smoke and --wait-drained. */
int hd_deploy_bundle(const struct hd_invocation *invocation, const struct hd_target *target,
                     struct hd_conn *conn, enum hd_request_type type, struct hd_bundle *bundle,
                     json_t **report);

/* Any request that is answered by a report. conn: as above. *report (unless NULL): the document, a new reference,
 * or NULL where none came. */
int hd_deploy_request(const struct hd_invocation *invocation, const struct hd_target *target,
                      struct hd_conn *conn, const struct hd_request *request, struct hd_bytes jar,
                      json_t **report);

#endif
