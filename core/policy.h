/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which classes may be swapped, and how often: allow= and deny= patterns and the rate limit. Engine
 * thread (patterns are read-only and may be read anywhere).
 */
#ifndef HD_CORE_POLICY_H
#define HD_CORE_POLICY_H

#include "core/options.h"

#include <stdbool.h>

/* Pattern over a class name in the Java form: '*' matches within a package segment, '**' across. */
bool hd_policy_matches(const char *pattern, const char *class_name);

/* The rule where allow= patterns are given and none of them matches. */
#define HD_POLICY_NO_RULE "no allow= pattern"

/* Deny wins over allow; java.**, javax.**, jdk.**, sun.** are denied unless an allow pattern that
 * itself starts with one of those names matches. *rule (may be NULL) is the pattern that decided,
 * borrowed from options or static. */
bool hd_policy_allows(const struct hd_options *options, const char *class_name, const char **rule);

/* A sliding minute. */
struct hd_rate {
    uint64_t per_minute;
    int64_t *times; /* ring of the last per_minute admissions, microseconds */
    size_t next;
    size_t count;
};
HD_CHECKED int hd_rate_init(struct hd_rate *rate, uint64_t per_minute, struct hd_error *err);
/* True and counted, or false with the seconds to wait in *retry_after. */
bool hd_rate_admit(struct hd_rate *rate, int64_t now_microseconds, unsigned *retry_after);
void hd_rate_close(struct hd_rate *rate);

#endif
