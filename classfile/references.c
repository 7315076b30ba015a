/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/class.h"

#include "classfile/names.h"
#include "classfile/pool.h"

/* "[[Lcom/example/Foo;" → "com/example/Foo"; length 0 for arrays of primitives. */
static struct hd_bytes element_class(struct hd_bytes name)
{
    unsigned dimensions = hd_descriptor_dimensions(name);
    if (dimensions == 0)
        return name;
    if (name.data[dimensions] != 'L')
        return (struct hd_bytes){ name.data, 0 };
    return (struct hd_bytes){ name.data + dimensions + 1, name.length - dimensions - 2 };
}

static bool describe(const struct hd_pool *pool, unsigned index, struct hd_reference *out)
{
    enum hd_tag tag = hd_pool_tag(pool, index);
    if (tag == HD_TAG_CLASS) {
        *out = (struct hd_reference){ .kind = HD_REFERENCE_CLASS,
                                      .owner = element_class(hd_pool_named_text(pool, index)) };
        return out->owner.length > 0;
    }
    if (tag != HD_TAG_FIELD && tag != HD_TAG_METHOD && tag != HD_TAG_INTERFACE_METHOD)
        return false;
    struct hd_bytes owner = hd_pool_member_owner(pool, index);
    if (hd_descriptor_dimensions(owner) > 0)
        return false; /* clone() of an array: every array has it */
    *out = (struct hd_reference){ tag == HD_TAG_FIELD ? HD_REFERENCE_FIELD : HD_REFERENCE_METHOD,
                                  owner, hd_pool_member_name(pool, index),
                                  hd_pool_member_descriptor(pool, index) };
    return true;
}

void hd_class_each_reference(const struct hd_class *class_file,
                             bool (*visit)(const struct hd_reference *reference, void *context),
                             void *context)
{
    for (unsigned i = 1; i < class_file->pool->count; i++) {
        struct hd_reference reference;
        if (describe(class_file->pool, i, &reference) && !visit(&reference, context))
            return;
    }
}
