/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drop directories and watched trees that the options name. Start-up thread until the loop
 * runs, then loop thread.
 */
#ifndef HD_AGENT_SOURCES_H
#define HD_AGENT_SOURCES_H

#include "agent/loop.h"

struct hd_sources;

/* Opens every drop= and watch=; watched trees are read first, for the engine to remember
 * (hd_engine_remember: so before it starts). One line in the log for each; one that cannot be
 * watched is told and left out. HD_E_MEMORY. */
HD_CHECKED int hd_sources_open(struct hd_loop *loop, struct hd_engine *engine,
                               struct hd_sources **out, struct hd_error *err);
/* Another deployment's trial is over: what the trees had refused for it is deployed now. Accepts
 * NULL. */
void hd_sources_try_again(struct hd_sources *sources);
/* Accepts NULL. */
void hd_sources_close(struct hd_sources *sources);

#endif
