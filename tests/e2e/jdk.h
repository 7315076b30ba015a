/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JDKs of this machine: HOTDROP_JDKS, else JAVA_HOME and /usr/lib/jvm; each once, whatever
 * links lead to it.
 */
#ifndef HD_E2E_JDK_H
#define HD_E2E_JDK_H

#include "tests/e2e/harness.h"

#define E2E_MAX_JDKS 16

struct e2e_jdk_list {
    struct e2e_jdk jdks[E2E_MAX_JDKS];
    size_t count;
};

void e2e_jdk_find(struct e2e_jdk_list *list);

#endif
