/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members in order, and what HotSpot makes of flags: it drops unknown bits, reads the Synthetic
 * attribute as a flag, and keeps of <clinit>'s flags only static and strict. Comparisons have to
 * start from there. Pure; any thread.
 */
#ifndef HD_CLASSFILE_MEMBERS_H
#define HD_CLASSFILE_MEMBERS_H

#include "classfile/class.h"

/* The flags that RedefineClasses compares: those of the class file, not those of InnerClasses. */
uint16_t hd_effective_class_access(const struct hd_class *class_file);
/* The flags GetClassModifiers gives: for a nested class those of InnerClasses (JVMS §4.7.6),
 * without ACC_SUPER. */
uint16_t hd_reflected_class_access(const struct hd_class *class_file);
uint16_t hd_effective_field_access(const struct hd_member *field);
uint16_t hd_effective_method_access(const struct hd_class *class_file,
                                    const struct hd_member *method);

/* Fills order with 0 to count - 1, sorted by hd_member_order. */
void hd_members_sort(const struct hd_member *members, uint16_t *order, size_t count);

/* How the bytes of two texts compare: negative, 0, positive. */
int hd_text_order(struct hd_bytes a, struct hd_bytes b);

#endif
