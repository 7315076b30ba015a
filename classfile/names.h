/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and descriptors as JVMS §4.2 and §4.3 allow them, over valid Modified UTF-8. Pure; any
 * thread.
 */
#ifndef HD_CLASSFILE_NAMES_H
#define HD_CLASSFILE_NAMES_H

#include "core/buffer.h"

/* §4.2.2: a field's, local variable's or parameter's name. */
bool hd_name_is_unqualified(struct hd_bytes name);
/* §4.2.2: a method's; <init> and <clinit> included. */
bool hd_name_is_method(struct hd_bytes name);
/* §4.2.1: a class's in internal form; no array. */
bool hd_name_is_class(struct hd_bytes name);
/* What a CONSTANT_Class may name (§4.4.1): a class, or an array type's descriptor. */
bool hd_name_is_class_or_array(struct hd_bytes name);
/* §4.2.3. */
bool hd_name_is_module(struct hd_bytes name);

/* §4.3.2. */
bool hd_descriptor_is_field(struct hd_bytes descriptor);
/* §4.3.3; *slots becomes the local variables its parameters take (long and double two each),
 * without `this`; may be NULL. At most 255. */
bool hd_descriptor_is_method(struct hd_bytes descriptor, unsigned *slots);

/* Takes one field descriptor off the front of *rest; length 0 when there is none. */
struct hd_bytes hd_descriptor_next(struct hd_bytes *rest);
/* How many dimensions: the '[' in front. */
unsigned hd_descriptor_dimensions(struct hd_bytes descriptor);

#endif
