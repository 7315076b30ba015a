/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shop (tests/e2e/shop.h) whose agent lets only signed bundles in. Keys and signatures are the
 * real ssh-keygen's. Every helper fails the running test when something is not as it should be.
 */
#ifndef HD_E2E_SIGNED_H
#define HD_E2E_SIGNED_H

#include "tests/e2e/shop.h"

/* A shell command in the test's directory; must succeed. */
void signed_run(const struct e2e *e2e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Of ann, ben and eve; the file "allowed" has ann and ben. */
void signed_make_keys(const struct e2e *e2e);
/* A JVM with the store and "allowed", and more options ("" or ",KEY=VALUE"). */
void signed_open_shop(struct e2e *e2e, const char *more_options);
/* Keys, an initialised store and a JVM. */
void signed_start(struct e2e *e2e, const char *more_options);
/* NAME.jar with a shop that answers NAME, signed by key with these options of hotdrop sign. key
 * NULL: unsigned. */
void signed_make_bundle(const struct e2e *e2e, const char *name, const char *key,
                        const char *options);
/* A push that must succeed, after which the shop answers that word. */
void signed_expect_live(struct e2e *e2e, const char *jar, const char *word);

#endif
