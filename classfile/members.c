/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/members.h"

#include "classfile/attributes.h"

#include <stdlib.h>

#define CLASS_FLAGS                          0x7631
#define INNER_CLASS_FLAGS                    (CLASS_FLAGS | 0x000E)
#define FIELD_FLAGS                          0x50DF
#define METHOD_FLAGS                         0x1DFF
#define INITIALIZER_FLAGS                    0x0808
#define ACC_SUPER                            0x0020
#define FIRST_MAJOR_WITH_ABSTRACT_INTERFACES 50
#define FIRST_MAJOR_OF_STATIC_INITIALIZERS   51

static uint16_t synthetic_flag(const struct hd_attributes *attributes)
{
    bool is_synthetic = (attributes->kinds & HD_ATTRIBUTE_BIT(HD_ATTRIBUTE_SYNTHETIC)) != 0;
    return is_synthetic ? HD_ACC_SYNTHETIC : 0;
}

static uint16_t abstract_flag(const struct hd_class *class_file, uint16_t access)
{
    bool old_interface = (access & HD_ACC_INTERFACE) != 0 &&
                         class_file->major < FIRST_MAJOR_WITH_ABSTRACT_INTERFACES;
    return old_interface ? HD_ACC_ABSTRACT : 0;
}

uint16_t hd_effective_class_access(const struct hd_class *class_file)
{
    uint16_t access = class_file->access & CLASS_FLAGS;
    access |= synthetic_flag(&class_file->attributes);
    return access | abstract_flag(class_file, access);
}

/* The flags of the class in its own InnerClasses attribute; false where it is not in there. */
static bool own_inner_flags(const struct hd_class *class_file, uint16_t *out)
{
    const struct hd_attribute *attribute =
        hd_attribute_find(&class_file->attributes, HD_ATTRIBUTE_INNER_CLASSES);
    if (attribute == NULL)
        return false;
    struct hd_reader in = hd_reader_over(attribute->contents, NULL);
    unsigned count = hd_read_u2(&in);
    for (unsigned i = 0; i < count && !in.failed; i++) {
        const uint8_t *entry = hd_read_bytes(&in, 8).data;
        if (!in.failed && hd_bytes_equal(hd_pool_named_text(class_file->pool, hd_u2_at(entry)),
                                         class_file->name)) {
            *out = hd_u2_at(entry + 6);
            return true;
        }
    }
    return false;
}

uint16_t hd_reflected_class_access(const struct hd_class *class_file)
{
    uint16_t access;
    if (!own_inner_flags(class_file, &access))
        return hd_effective_class_access(class_file) & ~ACC_SUPER;
    access &= INNER_CLASS_FLAGS & ~ACC_SUPER;
    return access | abstract_flag(class_file, access);
}

uint16_t hd_effective_field_access(const struct hd_member *field)
{
    return (field->access & FIELD_FLAGS) | synthetic_flag(&field->attributes);
}

uint16_t hd_effective_method_access(const struct hd_class *class_file,
                                    const struct hd_member *method)
{
    uint16_t access = (method->access & METHOD_FLAGS) | synthetic_flag(&method->attributes);
    if (!hd_bytes_are(method->name, "<clinit>"))
        return access;
    return class_file->major < FIRST_MAJOR_OF_STATIC_INITIALIZERS ? HD_ACC_STATIC
                                                                  : access & INITIALIZER_FLAGS;
}

int hd_text_order(struct hd_bytes a, struct hd_bytes b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 && a.data != b.data ? memcmp(a.data, b.data, shorter) : 0;
    if (order != 0)
        return order;
    return (a.length > b.length) - (a.length < b.length);
}

int hd_member_order(const struct hd_member *a, const struct hd_member *b)
{
    int order = hd_text_order(a->name, b->name);
    return order != 0 ? order : hd_text_order(a->descriptor, b->descriptor);
}

static int order_of_numbers(const void *a, const void *b, void *members)
{
    const struct hd_member *list = members;
    return hd_member_order(&list[*(const uint16_t *)a], &list[*(const uint16_t *)b]);
}

/* For the few members that most classes have: no memory, no calls. */
static void insert(const struct hd_member *members, uint16_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        for (; place > 0 && hd_member_order(&members[order[place - 1]], &members[i]) > 0; place--)
            order[place] = order[place - 1];
        order[place] = (uint16_t)i;
    }
}

void hd_members_sort(const struct hd_member *members, uint16_t *order, size_t count)
{
    enum { FEW = 12 };
    if (count <= FEW) {
        insert(members, order, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = (uint16_t)i;
    qsort_r(order, count, sizeof *order, order_of_numbers, (void *)(uintptr_t)members);
}

static const struct hd_member *find(const struct hd_member *members, const uint16_t *order,
                                    size_t count, const struct hd_member *wanted)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int step = hd_member_order(wanted, &members[order[middle]]);
        if (step == 0)
            return &members[order[middle]];
        if (step < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct hd_member *hd_class_find_field(const struct hd_class *class_file, struct hd_bytes name,
                                            struct hd_bytes descriptor)
{
    const struct hd_member wanted = { .name = name, .descriptor = descriptor };
    return find(class_file->fields, class_file->field_order, class_file->field_count, &wanted);
}

const struct hd_member *hd_class_find_method(const struct hd_class *class_file,
                                             struct hd_bytes name, struct hd_bytes descriptor)
{
    const struct hd_member wanted = { .name = name, .descriptor = descriptor };
    return find(class_file->methods, class_file->method_order, class_file->method_count, &wanted);
}
