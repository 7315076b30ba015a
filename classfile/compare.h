/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two versions of a class, and what lies between them, as a list of differences.
 *
 * The comparison is by meaning: the order of the constant pool, of methods, of nest members and of
 * permitted subclasses does not count; that of fields, interfaces and record components does,
 * because HotSpot refuses to redefine across it. Pure; any thread.
 */
#ifndef HD_CLASSFILE_COMPARE_H
#define HD_CLASSFILE_COMPARE_H

#include "classfile/class.h"
#include "classfile/vmview.h"
#include "core/reason.h"

enum hd_difference_kind {
    HD_DIFFERENCE_NAME,
    HD_DIFFERENCE_SUPERCLASS,
    HD_DIFFERENCE_INTERFACES,
    HD_DIFFERENCE_CLASS_MODIFIERS,
    HD_DIFFERENCE_FIELD_ADDED,
    HD_DIFFERENCE_FIELD_REMOVED,
    HD_DIFFERENCE_FIELD_TYPE, /* same name, another type */
    HD_DIFFERENCE_FIELD_MODIFIERS,
    HD_DIFFERENCE_FIELD_ORDER,
    HD_DIFFERENCE_ENUM_CONSTANT_ADDED,
    HD_DIFFERENCE_METHOD_ADDED,
    HD_DIFFERENCE_METHOD_REMOVED,
    HD_DIFFERENCE_METHOD_MODIFIERS,
    HD_DIFFERENCE_NEST_HOST,
    HD_DIFFERENCE_NEST_MEMBERS,
    HD_DIFFERENCE_RECORD,
    HD_DIFFERENCE_PERMITTED,
    /* from here on the JVM takes it as it is */
    HD_DIFFERENCE_METHOD_BODY,
    HD_DIFFERENCE_INITIALIZER, /* <clinit> */
    HD_DIFFERENCE_CONSTANT,    /* ConstantValue of a static final field */
    HD_DIFFERENCE_ANNOTATIONS, /* of the class, a member or a parameter; visible ones and defaults
                                */
    HD_DIFFERENCE_SYNTHETIC_RENUMBERED, /* lambda$…$N, access$N: same set of bodies under other
                                           names, or names that went and came in equal number */
    HD_DIFFERENCE_OTHER_ATTRIBUTE /* line numbers, local variables, signature, source file, …: no
                                     consequence */
};

struct hd_difference {
    enum hd_difference_kind kind;
    uint16_t
        access; /* of the new member (added) or the old one (removed); 0 where there is no member */
    char *member; /* in the Java form: "bar(int, String)", "count", "<init>(int)"; NULL for the
                     class itself; UTF-8 */
    char *before; /* in words: "private static", "int", "extends java.util.List"; may be NULL */
    char *after;
};

struct hd_comparison {
    struct hd_difference *differences;
    size_t count;
};

/* Fills *out (closed with hd_comparison_close). No difference at all: count 0: same meaning. Fails
 * only for want of memory. */
HD_CHECKED int hd_compare_classes(const struct hd_class *before, const struct hd_class *after,
                                  struct hd_comparison *out, struct hd_error *err);

/* As far as hd_verdict_reach needs it: every difference that a JVM refuses or that earns a warning, and
 * otherwise at least one where there is any. Which bodies changed is not told. */
HD_CHECKED int hd_compare_for_verdict(const struct hd_class *before, const struct hd_class *after,
                                      struct hd_comparison *out, struct hd_error *err);

/* The same for a live class whose file is not known: hierarchy, flags and members only, and
 * METHOD_BODY where the code's meaning differs. What JVMTI cannot show (nest, record, annotations,
 * constants) yields no difference. */
HD_CHECKED int hd_compare_view(const struct hd_vm_view *before, const struct hd_class *after,
                               struct hd_comparison *out, struct hd_error *err);

void hd_comparison_close(struct hd_comparison *comparison);

#endif
