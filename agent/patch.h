/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hook gives a class: an immutable thing with a count of references, shared by registry,
 * states, every published set and the events that tell of it. Publishing anew a thousand patches
 * copies a thousand pointers.
 *
 * Made on the engine thread; kept and released on any thread that has a JNIEnv.
 */
#ifndef HD_AGENT_PATCH_H
#define HD_AGENT_PATCH_H

#include "core/blob.h"

#include <jni.h>
#include <stdatomic.h>
#include <stdbool.h>

#define HD_PATCH_EARLIER 4

enum hd_patch_place {
    HD_PATCH_LOADED,    /* one loader's class, which is loaded: it stays what file says */
    HD_PATCH_WAITS,     /* one loader, which has not loaded the class yet */
    HD_PATCH_FIRST,     /* whichever loader loads the class first, and those with the same file */
    HD_PATCH_NEWCOMERS, /* loaders that are not known yet: those whose own file is the base */
    HD_PATCH_WATCH /* no patch: the class is being deployed. Has neither file nor base */
};
/* What a retransformation begins with. */
enum hd_shown hd_patch_shown(const struct hd_patch *patch, struct hd_bytes file);

#endif
