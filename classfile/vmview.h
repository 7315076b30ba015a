/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a JVM says of a loaded class without being disturbed: the results of JVMTI's
 * GetConstantPool, GetBytecodes, GetClassMethods, GetClassFields and GetClassModifiers, as plain
 * data. Retransforming a class to look at it changes it (JDK 8-17 lose parameter names), these
 * calls do not.
 *
 * The agent fills a view and owns its memory; the functions here only read. Pure; any thread.
 */
#ifndef HD_CLASSFILE_VMVIEW_H
#define HD_CLASSFILE_VMVIEW_H

#include "classfile/class.h"

struct hd_vm_member {
    const char *name; /* Modified UTF-8, as JVMTI gives it */
    const char *descriptor;
    uint16_t access;
    struct hd_bytes bytecode; /* methods with code, where the JVM gave it; else length 0 */
};

struct hd_vm_view {
    const char *name; /* internal form */
    const char
        *super_name; /* NULL for java/lang/Object and for interfaces where the JVM says none */
    uint16_t access; /* as GetClassModifiers: for a nested class these are the InnerClasses flags
                        (JVMS §4.7.6) */
    const char *const *interfaces;
    size_t interface_count;
    const struct hd_vm_member *fields; /* in the order of the class file */
    size_t field_count;
    const struct hd_vm_member *methods;
    size_t method_count;
    uint16_t pool_count;        /* constant_pool_count; 0 where the JVM gave no pool */
    struct hd_bytes pool_bytes; /* as in a class file, without the count */
};

enum hd_view_match {
    HD_VIEW_SAME, /* hierarchy, members and the meaning of every method's code are those of the file
                   */
    HD_VIEW_EDITED, /* everything of the file is there, but code differs or members were added: an
                       agent edited it at load, or it is another version */
    HD_VIEW_OTHER   /* a member, a flag or the hierarchy of the file is not what the JVM holds */
};

/* Compares a class file with what the JVM holds, by meaning: constant-pool and method order do not
 * count, nor does what JVMTI cannot show (bootstrap arguments, attributes). Fails only for want of
 * memory; a pool the JVM gives that cannot be read counts as HD_VIEW_EDITED. */
HD_CHECKED int hd_view_match_file(const struct hd_vm_view *view, const struct hd_class *file,
                                  enum hd_view_match *out, struct hd_error *err);

#endif
