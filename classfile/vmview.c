/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/vmview.h"

#include "classfile/code.h"
#include "classfile/compare.h"
#include "classfile/members.h"
#include "classfile/viewclass.h"

#include <string.h>

static const struct hd_constant no_constants[1];

static struct hd_bytes bytes_of(const char *text)
{
    if (text == NULL)
        return HD_NO_BYTES;
    return (struct hd_bytes){ (const uint8_t *)text, strlen(text) };
}

static int copy_members(struct hd_arena *arena, const struct hd_vm_member *source, size_t count,
                        const struct hd_member **out, const uint16_t **out_order,
                        struct hd_error *err)
{
    if (count > UINT16_MAX)
        return hd_error_set(err, HD_E_LIMIT, "%zu members in one class", count);
    struct hd_member *members = hd_arena_array(arena, count, sizeof *members, err);
    uint16_t *order = hd_arena_array(arena, count, sizeof *order, err);
    if (members == NULL || order == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        members[i].name = bytes_of(source[i].name);
        members[i].descriptor = bytes_of(source[i].descriptor);
        members[i].access = source[i].access;
        members[i].code.bytecode = source[i].bytecode;
    }
    hd_members_sort(members, order, count);
    *out = members;
    *out_order = order;
    return 0;
}

static int copy_interfaces(struct hd_view_class *out, const struct hd_vm_view *view,
                           struct hd_error *err)
{
    struct hd_bytes *interfaces =
        hd_arena_array(&out->arena, view->interface_count, sizeof *interfaces, err);
    if (interfaces == NULL)
        return -1;
    for (size_t i = 0; i < view->interface_count; i++)
        interfaces[i] = bytes_of(view->interfaces[i]);
    out->class_file.interfaces = interfaces;
    out->class_file.interface_count = view->interface_count;
    return 0;
}

/* A pool that cannot be read is left out: then no code can be recognised, which is the truth. Only
 * memory is an error. */
static int read_pool(struct hd_view_class *out, const struct hd_vm_view *view, struct hd_error *err)
{
    out->pool = (struct hd_pool){ .constants = no_constants, .count = 1 };
    out->class_file.pool = &out->pool;
    if (view->pool_count == 0)
        return 0;
    struct hd_error problem = HD_ERROR_INIT;
    struct hd_reader in = hd_reader_over(view->pool_bytes, &problem);
    if (hd_pool_parse(&in, view->pool_count, UINT16_MAX, false, &out->arena, &out->pool,
                      &problem) != 0 &&
        problem.code == HD_E_MEMORY)
        return hd_error_set_memory(err);
    return 0;
}

static int fill(struct hd_view_class *out, const struct hd_vm_view *view, struct hd_error *err)
{
    struct hd_class *class_file = &out->class_file;
    class_file->major = HD_MAJOR_UNKNOWN;
    class_file->access = view->access;
    class_file->name = bytes_of(view->name);
    class_file->super_name = bytes_of(view->super_name);
    class_file->field_count = view->field_count;
    class_file->method_count = view->method_count;
    if (copy_interfaces(out, view, err) != 0 ||
        copy_members(&out->arena, view->fields, view->field_count, &class_file->fields,
                     &class_file->field_order, err) != 0 ||
        copy_members(&out->arena, view->methods, view->method_count, &class_file->methods,
                     &class_file->method_order, err) != 0)
        return -1;
    return read_pool(out, view, err);
}

int hd_view_class_init(struct hd_view_class *out, const struct hd_vm_view *view,
                       struct hd_error *err)
{
    memset(out, 0, sizeof *out);
    hd_arena_init(&out->arena, 4096 + 4 * view->pool_bytes.length);
    if (fill(out, view, err) == 0)
        return 0;
    hd_view_class_close(out);
    return -1;
}

void hd_view_class_close(struct hd_view_class *view)
{
    hd_arena_close(&view->arena);
}

/* The difference is from what the JVM holds (before) to the file (after): what the file lacks, an
 * agent added. */
static enum hd_view_match weigh(const struct hd_difference *difference)
{
    switch (difference->kind) {
    case HD_DIFFERENCE_FIELD_REMOVED:
    case HD_DIFFERENCE_METHOD_REMOVED:
    case HD_DIFFERENCE_METHOD_BODY:
    case HD_DIFFERENCE_INITIALIZER:
    case HD_DIFFERENCE_SYNTHETIC_RENUMBERED:
        return HD_VIEW_EDITED;
    default:
        return HD_VIEW_OTHER;
    }
}

int hd_view_match_file(const struct hd_vm_view *view, const struct hd_class *file,
                       enum hd_view_match *out, struct hd_error *err)
{
    struct hd_comparison comparison;
    if (hd_compare_view(view, file, &comparison, err) != 0)
        return -1;
    enum hd_view_match match = HD_VIEW_SAME;
    for (size_t i = 0; i < comparison.count; i++) {
        enum hd_view_match one = weigh(&comparison.differences[i]);
        if (one > match)
            match = one;
    }
    hd_comparison_close(&comparison);
    *out = match;
    return 0;
}
