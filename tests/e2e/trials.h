/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shop whose only answer is a word, and deployments of it on trial: what the tests of trials and
 * smoke tests share. Every helper fails the running test when something is not as it should be.
 */
#ifndef HD_E2E_TRIALS_H
#define HD_E2E_TRIALS_H

#include "tests/e2e/harness.h"

/* demo.Shop.run() answers that; compiled into classes. */
void trial_compile(const struct e2e *e2e, const char *answer, const char *classes);
/* A JVM whose shop answers "start", and is loaded. */
void trial_start(struct e2e *e2e, const char *agent_options);
/* Of the JVM, as text; valid until the next call. */
const char *trial_pid(const struct e2e *e2e);
/* hotdrop COMMAND --json --pid <jvm> [argument]; the caller closes the answer. */
void trial_command(const struct e2e *e2e, struct e2e_answer *answer, const char *name,
                   const char *argument);
/* Compiles and pushes with an option and its value. */
void trial_push(const struct e2e *e2e, struct e2e_answer *answer, const char *word,
                const char *option, const char *value);
/* … with --confirm-within, which must succeed. */
void trial_push_on_trial(const struct e2e *e2e, const char *word, const char *time);
/* hotdrop show NUMBER; the caller json_decrefs. */
json_t *trial_shown(const struct e2e *e2e, const char *number);

/* A member that contains the text, or is the number. */
void trial_expect_text(const json_t *object, const char *key, const char *text);
void trial_expect_number(const json_t *object, const char *key, json_int_t number);
/* How the trial of that deployment ended, by which rollback (0: none), and who ended it. */
void trial_expect_end(const struct e2e *e2e, const char *deployment, const char *how,
                      json_int_t rollback, const char *who);
/* Exit status 1, and an error with that reason and these words. */
void trial_expect_error(const struct e2e_answer *answer, const char *reason, const char *words);

#endif
