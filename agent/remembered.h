/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Class files kept by name: how a watched tree was before the application could be recompiled. One
 * thread at a time.
 */
#ifndef HD_AGENT_REMEMBERED_H
#define HD_AGENT_REMEMBERED_H

#include "core/buffer.h"
#include "core/error.h"

struct hd_remembered {
    void *tree; /* of tsearch(3) */
};

#define HD_REMEMBERED_INIT                                                                         \
    {                                                                                              \
        NULL                                                                                       \
    }

/* Keeps a copy; an earlier one of the same name is dropped. On failure (memory) what was kept
 * stays. */
HD_CHECKED int hd_remembered_put(struct hd_remembered *remembered, const char *internal_name,
                                 struct hd_bytes file, struct hd_error *err);
/* Borrowed until the next put of this name or the close; length 0 where nothing is kept. */
struct hd_bytes hd_remembered_get(const struct hd_remembered *remembered,
                                  const char *internal_name);
void hd_remembered_close(struct hd_remembered *remembered);

#endif
