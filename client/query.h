/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question to an agent, and its answer: what the commands that only ask share. Main thread.
 */
#ifndef HD_CLIENT_QUERY_H
#define HD_CLIENT_QUERY_H

#include "client/invocation.h"
#include "client/target.h"
#include "core/message.h"

#include <jansson.h>

/* Connects, asks, hangs up. *answer is a new reference. HD_E_CONNECTION; HD_E_DENIED: the agent's
 * own words. */
HD_CHECKED int hd_query_ask(const struct hd_target *target, const struct hd_request *request,
                            json_t **answer, struct hd_error *err);

/* What a command is about: finds the target and asks it. Returns HD_EXIT_GOOD with *answer, a new
 * reference without "type" and "id"; any other exit status once it has printed why. */
HD_CHECKED int hd_query_put(const struct hd_invocation *invocation,
                            const struct hd_request *request, json_t **answer);

#endif
