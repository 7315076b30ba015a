/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attributes that JVMS §4.7 defines, by name and by format. Pure; any thread.
 */
#ifndef HD_CLASSFILE_ATTRIBUTES_H
#define HD_CLASSFILE_ATTRIBUTES_H

#include "classfile/class.h"
#include "classfile/walk.h"

enum hd_attribute_kind {
    HD_ATTRIBUTE_UNKNOWN = 0,
    HD_ATTRIBUTE_CODE,
    HD_ATTRIBUTE_CONSTANT_VALUE,
    HD_ATTRIBUTE_STACK_MAP_TABLE,
    HD_ATTRIBUTE_EXCEPTIONS,
    HD_ATTRIBUTE_INNER_CLASSES,
    HD_ATTRIBUTE_ENCLOSING_METHOD,
    HD_ATTRIBUTE_SYNTHETIC,
    HD_ATTRIBUTE_SIGNATURE,
    HD_ATTRIBUTE_SOURCE_FILE,
    HD_ATTRIBUTE_SOURCE_DEBUG_EXTENSION,
    HD_ATTRIBUTE_LINE_NUMBER_TABLE,
    HD_ATTRIBUTE_LOCAL_VARIABLE_TABLE,
    HD_ATTRIBUTE_LOCAL_VARIABLE_TYPE_TABLE,
    HD_ATTRIBUTE_DEPRECATED,
    HD_ATTRIBUTE_VISIBLE_ANNOTATIONS,
    HD_ATTRIBUTE_INVISIBLE_ANNOTATIONS,
    HD_ATTRIBUTE_VISIBLE_PARAMETER_ANNOTATIONS,
    HD_ATTRIBUTE_INVISIBLE_PARAMETER_ANNOTATIONS,
    HD_ATTRIBUTE_VISIBLE_TYPE_ANNOTATIONS,
    HD_ATTRIBUTE_INVISIBLE_TYPE_ANNOTATIONS,
    HD_ATTRIBUTE_ANNOTATION_DEFAULT,
    HD_ATTRIBUTE_BOOTSTRAP_METHODS,
    HD_ATTRIBUTE_METHOD_PARAMETERS,
    HD_ATTRIBUTE_MODULE,
    HD_ATTRIBUTE_MODULE_PACKAGES,
    HD_ATTRIBUTE_MODULE_MAIN_CLASS,
    HD_ATTRIBUTE_NEST_HOST,
    HD_ATTRIBUTE_NEST_MEMBERS,
    HD_ATTRIBUTE_RECORD,
    HD_ATTRIBUTE_PERMITTED_SUBCLASSES,
    HD_ATTRIBUTE_KIND_COUNT
};

/* In sets of kinds. */
#define HD_ATTRIBUTE_BIT(kind) (UINT32_C(1) << (kind))
_Static_assert(HD_ATTRIBUTE_KIND_COUNT <= 32, "a set of kinds has 32 bits");

enum hd_attribute_kind hd_attribute_kind_of(struct hd_bytes name);
/* The same for a Utf8 of a pool, which keeps the answer. */
enum hd_attribute_kind hd_attribute_kind_at(const struct hd_pool *pool, unsigned name);

static inline struct hd_bytes hd_attribute_name(const struct hd_pool *pool,
                                                const struct hd_attribute *attribute)
{
    return hd_pool_text(pool, attribute->name);
}

/* Walks the contents (everything but Code, whose parts class.c takes apart) to their last byte. */
HD_CHECKED int hd_attribute_walk(enum hd_attribute_kind kind, struct hd_walk *walk);

/* Keeps count of what one place already has. */
struct hd_attribute_set {
    uint64_t seen;
};
/* Fails for a second attribute of a kind that may stand there only once, and for Code and Record in
 * a place they do not belong. */
HD_CHECKED int hd_attribute_admit(struct hd_attribute_set *set, enum hd_attribute_kind kind,
                                  enum hd_place place, struct hd_error *err);

/* The first attribute of a kind; NULL where there is none. */
const struct hd_attribute *hd_attribute_find(const struct hd_attributes *attributes,
                                             enum hd_attribute_kind kind);

/* In annotations.c and stackmap.c; walk->in may still be partly read. */
void hd_annotations_walk(struct hd_walk *walk);
void hd_parameter_annotations_walk(struct hd_walk *walk);
void hd_type_annotations_walk(struct hd_walk *walk);
void hd_annotation_default_walk(struct hd_walk *walk);
void hd_stack_map_table_walk(struct hd_walk *walk);

#endif
