/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shop whose only answer is a word, and an agent that keeps a store: what the tests of journal,
 * keeping and crashes share. Every helper fails the running test when something is not as it should
 * be.
 */
#ifndef HD_E2E_SHOP_H
#define HD_E2E_SHOP_H

#include "tests/e2e/harness.h"

/* demo.Shop.run() answers word; compiled into classes. */
void shop_compile(const struct e2e *e2e, const char *word, const char *classes);
/* A JVM with store=<test>/store; the first call compiles a shop that answers "start". */
void shop_open(struct e2e *e2e);
/* The same with more options of agent and JVM. store NULL: <test>/store. */
void shop_open_with(struct e2e *e2e, const char *store, const char *agent_options,
                    const char *const *jvm_options);
/* Ends the JVM in good order. */
void shop_close(struct e2e *e2e);

/* Ends it and starts it again, with the same store. */
void shop_restart(struct e2e *e2e);

/* hotdrop COMMAND --json --pid <jvm> [argument]; the caller closes the answer. */
void shop_command(const struct e2e *e2e, struct e2e_answer *answer, const char *command,
                  const char *argument);
/* A push that must succeed. */
void shop_push(const struct e2e *e2e, const char *word);
/* Compiles and pushes; the caller looks at the answer and closes it. */
void shop_try_push(const struct e2e *e2e, struct e2e_answer *answer, const char *word);
/* COMMAND must end with status 0. */
void shop_do(const struct e2e *e2e, const char *command, const char *argument);
/* What the error of a report says: its reason; "" where it has none. */
const char *shop_reason(const struct e2e_answer *answer);
/* hotdrop keep [number] must be refused for that reason. */
void shop_expect_not_kept(const struct e2e *e2e, const char *number, const char *reason);
/* hotdrop journal verify of a store; its exit status. */
int shop_verify(const struct e2e *e2e, const char *store);
/* Lines of the journal with that event. */
size_t shop_count_events(const struct e2e *e2e, const char *event);

#endif
