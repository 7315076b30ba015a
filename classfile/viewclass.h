/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JVM's view of a class in the shape of a class file, as far as it goes: hierarchy, members, code
 * and pool, no attributes. Borrows the view. Belongs to one thread.
 */
#ifndef HD_CLASSFILE_VIEWCLASS_H
#define HD_CLASSFILE_VIEWCLASS_H

#include "classfile/pool.h"
#include "classfile/vmview.h"

struct hd_view_class {
    struct hd_class class_file; /* name and access are the view's; pool has count 1 where the view's
                                   cannot be read */
    struct hd_pool pool;
    struct hd_arena arena;
};

HD_CHECKED int hd_view_class_init(struct hd_view_class *out, const struct hd_vm_view *view,
                                  struct hd_error *err);
void hd_view_class_close(struct hd_view_class *view);

#endif
