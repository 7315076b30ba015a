/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the agent into a running JVM: finds libhotdrop.so, makes it visible where the JVM lives
 * (a container sees other files), and brings back the agent's own words. Main thread.
 */
#ifndef HD_CLIENT_ATTACH_H
#define HD_CLIENT_ATTACH_H

#include "client/jvms.h"

struct hd_attach_answer {
    char words[4096]; /* what the agent said as it started; a line each */
    bool was_there;   /* it had been loaded before; the options given now do not count */
};

/* agent_file NULL: beside the running program (../lib/hotdrop of an installation, or the build
 * tree). options NULL: none. On failure err carries the JVM's or the agent's own words. */
HD_CHECKED int hd_attach(const struct hd_jvm_process *jvm, const char *agent_file,
                         const char *options, struct hd_attach_answer *out, struct hd_error *err);

#endif
