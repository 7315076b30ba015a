/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic constants in an order that HotSpot can merge.
 *
 * When RedefineClasses merges the new constant pool into the old one, HotSpot 11 to 25 appends a
 * bootstrap method while it is still appending another that has it among its arguments, and both
 * land in the same place (append_operand in jvmtiRedefineClasses.cpp): the JVM dies in the call or
 * soon after. Sound classes do that: javac 21 writes nested dynamic constants for a switch over
 * patterns with an enum constant in it, and renaming that constant is enough. It never happens
 * where a dynamic constant stands in the pool before all that are made of it.
 *
 * Pure; any thread.
 */
#ifndef HD_CLASSFILE_DYNAMICS_H
#define HD_CLASSFILE_DYNAMICS_H

#include "classfile/class.h"

/* *out becomes a copy of the class file, of the same length and meaning, with its Dynamic and
 * InvokeDynamic constants (JVMS §4.4.10) in such an order; or NULL where they stand so already, as
 * in nearly every class. The caller frees it with hd_free. HD_E_LIMIT where an ldc would have to
 * reach past constant 255. */
HD_CHECKED int hd_dynamics_put_in_order(const struct hd_class *class_file, uint8_t **out,
                                        struct hd_error *err);

#endif
