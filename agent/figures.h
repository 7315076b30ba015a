/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the way back costs: bytes held for originals and for patches, for status. Engine thread
 * only.
 */
#ifndef HD_AGENT_FIGURES_H
#define HD_AGENT_FIGURES_H

#include "agent/registry.h"

/* {"originals","patches"}: bytes of class files as they were before, each counted once however many
 * loaders have it, and of all else that is held to make a state live again. A new reference; NULL
 * when memory is out. */
json_t *hd_figures_of_memory(const struct hd_registry *registry);

#endif
