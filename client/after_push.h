/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a push may still do after its report: run a smoke test that confirms or rolls back
 * (--smoke), and wait until no thread is in old code (--wait-drained). Main thread.
 */
#ifndef HD_CLIENT_AFTER_PUSH_H
#define HD_CLIENT_AFTER_PUSH_H

#include "client/invocation.h"
#include "client/target.h"

#include <jansson.h>

/* How long the deployment is to be on trial: --confirm-within, a minute for --smoke without it, 0
 * for neither. */
uint64_t hd_trial_milliseconds(const struct hd_invocation *invocation);

/* report: the push's, printed already where people read; it is completed with what happened since
 * ("smoke", "trial", "rollback", "pushed", "drained"; docs/man/hotdrop.1). status: of the push.
 * Returns the exit status of it all. */
int hd_after_push(const struct hd_invocation *invocation, const struct hd_target *target,
                  json_t *report, int status);

#endif
