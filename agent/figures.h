/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Hotdrop holds in memory, for status: the way back, and the index of loaded classes. Engine
 * thread only.
 */
#ifndef HD_AGENT_FIGURES_H
#define HD_AGENT_FIGURES_H

#include "agent/loaded.h"
#include "agent/registry.h"

/* {"originals","patches","index"}: bytes of class files as they were before, each counted once
 * however many loaders have it; of all else that is held to make a state live again; and of the
 * index. A new reference; NULL when memory is out. */
json_t *hd_figures_of_memory(const struct hd_registry *registry, const struct hd_loaded *loaded);

#endif
