/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Class files as tests want them: read from disk, parsed, given the other pool that means the same,
 * and as a JVM would show them. No cmocka in here: the fuzzer uses it too.
 */
#ifndef HD_TESTS_CLASS_SAMPLES_H
#define HD_TESTS_CLASS_SAMPLES_H

#include "classfile/class.h"
#include "classfile/members.h"
#include "classfile/pool.h"
#include "classfile/vmview.h"

#include <stdlib.h>
#include <string.h>

/* The same class with one more constant, which nothing uses, at the end of its pool. The caller
 * frees it. NULL where the pool is full. */
static inline uint8_t *with_unused_constant(const struct hd_class *class_file, size_t *length)
{
    static const uint8_t unused[] = { HD_TAG_UTF8, 0, 6, 'u', 'n', 'u', 's', 'e', 'd' };
    unsigned count = class_file->pool->count;
    if (count == 0xFFFF)
        return NULL;
    const struct hd_bytes file = class_file->file;
    size_t pool_end = 10 + class_file->pool->raw.length;
    uint8_t *copy = malloc(file.length + sizeof unused);
    memcpy(copy, file.data, pool_end);
    memcpy(copy + pool_end, unused, sizeof unused);
    memcpy(copy + pool_end + sizeof unused, file.data + pool_end, file.length - pool_end);
    copy[8] = (uint8_t)((count + 1) >> 8);
    copy[9] = (uint8_t)(count + 1);
    *length = file.length + sizeof unused;
    return copy;
}

static inline char *text_of(struct hd_bytes bytes)
{
    char *text = malloc(bytes.length + 1);
    if (bytes.length > 0)
        memcpy(text, bytes.data, bytes.length);
    text[bytes.length] = '\0';
    return text;
}

static inline struct hd_vm_member *members_as_the_jvm_holds_them(const struct hd_class *class_file,
                                                                 bool methods)
{
    size_t count = methods ? class_file->method_count : class_file->field_count;
    const struct hd_member *members = methods ? class_file->methods : class_file->fields;
    struct hd_vm_member *copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i].name = text_of(members[i].name);
        copy[i].descriptor = text_of(members[i].descriptor);
        copy[i].access = methods ? hd_effective_method_access(class_file, &members[i])
                                 : hd_effective_field_access(&members[i]);
        copy[i].bytecode = members[i].code.bytecode;
    }
    return copy;
}

/* What JVMTI would say of the class; borrows it. Freed with free_view. */
static inline struct hd_vm_view *view_of(const struct hd_class *class_file)
{
    struct hd_vm_view *view = calloc(1, sizeof *view);
    char **interfaces = calloc(class_file->interface_count + 1, sizeof *interfaces);
    for (size_t i = 0; i < class_file->interface_count; i++)
        interfaces[i] = text_of(class_file->interfaces[i]);
    view->name = text_of(class_file->name);
    view->super_name =
        (class_file->access & HD_ACC_INTERFACE) != 0 ? NULL : text_of(class_file->super_name);
    view->access = hd_reflected_class_access(class_file);
    view->interfaces = (const char *const *)interfaces;
    view->interface_count = class_file->interface_count;
    view->fields = members_as_the_jvm_holds_them(class_file, false);
    view->field_count = class_file->field_count;
    view->methods = members_as_the_jvm_holds_them(class_file, true);
    view->method_count = class_file->method_count;
    view->pool_count = (uint16_t)class_file->pool->count;
    view->pool_bytes = class_file->pool->raw;
    return view;
}

static inline void free_vm_members(const struct hd_vm_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)members[i].name);
        free((void *)(uintptr_t)members[i].descriptor);
    }
    free((void *)(uintptr_t)members);
}

static inline void free_view(struct hd_vm_view *view)
{
    for (size_t i = 0; i < view->interface_count; i++)
        free((void *)(uintptr_t)view->interfaces[i]);
    free((void *)(uintptr_t)view->interfaces);
    free_vm_members(view->fields, view->field_count);
    free_vm_members(view->methods, view->method_count);
    free((void *)(uintptr_t)view->name);
    free((void *)(uintptr_t)view->super_name);
    free(view);
}

#endif
