/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question to an agent, and its answer: what the commands that only ask share. Main thread.
 */
#ifndef HD_CLIENT_QUERY_H
#define HD_CLIENT_QUERY_H

#include "client/target.h"
#include "core/message.h"

/* Connects, asks, hangs up. *answer is a new reference. HD_E_DENIED, HD_E_USAGE: the agent's own
 * words; HD_E_CONNECTION. */
HD_CHECKED int hd_query_ask(const struct hd_target *target, const struct hd_request *request,
                            json_t **answer, struct hd_error *err);

#endif
