/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A class file, read and checked to the last byte (JVMS §4).
 *
 * hd_class_parse is the full structural check that stands in front of the JVM: HotSpot 17 to 25 die
 * of class files whose annotations, stack maps or bootstrap arguments carry one wrong index, even
 * though RedefineClasses accepts them. So every attribute that JVMS §4.7 defines is read to its
 * end, every index is in range and of the right kind, annotations nest at most HD_CLASS_MAX_NESTING
 * deep, and nothing recurses.
 *
 * Pure functions over bytes; any thread. A struct hd_class borrows the bytes it was parsed from:
 * they must outlive it and may not change.
 */
#ifndef HD_CLASSFILE_CLASS_H
#define HD_CLASSFILE_CLASS_H

#include "core/buffer.h"
#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

#define HD_CLASS_MAX_NESTING 64

/* JVMS §4.1, §4.5, §4.6 access and property flags that callers ask about. */
enum {
    HD_ACC_PUBLIC = 0x0001,
    HD_ACC_PRIVATE = 0x0002,
    HD_ACC_PROTECTED = 0x0004,
    HD_ACC_STATIC = 0x0008,
    HD_ACC_FINAL = 0x0010,
    HD_ACC_INTERFACE = 0x0200,
    HD_ACC_ABSTRACT = 0x0400,
    HD_ACC_SYNTHETIC = 0x1000,
    HD_ACC_ANNOTATION = 0x2000,
    HD_ACC_ENUM = 0x4000,
    HD_ACC_MODULE = 0x8000
};

struct hd_attribute {
    struct hd_bytes contents; /* the info bytes */
    uint16_t name;            /* where in the pool */
    uint16_t kind; /* enum hd_attribute_kind of classfile/attributes.h; 0 where the name is none
                      that JVMS §4.7 defines */
};

struct hd_attributes {
    const struct hd_attribute *list;
    uint32_t count;
    uint32_t kinds; /* a bit for each enum hd_attribute_kind that is in the list */
};

/* The Code attribute (JVMS §4.7.3), absent (bytecode.length 0) for abstract and native methods. */
struct hd_code {
    uint16_t max_stack;
    uint16_t max_locals;
    struct hd_bytes bytecode;
    struct hd_bytes exception_table; /* 8 bytes an entry */
    struct hd_attributes attributes;
};

/* A field or a method. */
struct hd_member {
    struct hd_bytes name;       /* Modified UTF-8 */
    struct hd_bytes descriptor; /* JVMS §4.3 */
    uint16_t access;
    struct hd_attributes attributes;
    struct hd_code code; /* methods only */
};

struct hd_pool; /* classfile/pool.h */

struct hd_class {
    struct hd_bytes file;
    uint16_t minor;
    uint16_t major;
    uint16_t access;
    struct hd_bytes name; /* internal form, "com/example/Foo" (JVMS §4.2.1), Modified UTF-8 */
    struct hd_bytes super_name; /* length 0 for java/lang/Object and module-info */
    const struct hd_bytes *interfaces;
    size_t interface_count;
    const struct hd_member *fields;
    size_t field_count;
    const uint16_t *field_order; /* field_count numbers into fields: sorted by name, then descriptor
                                    (hd_member_order) */
    const struct hd_member *methods;
    size_t method_count;
    const uint16_t *method_order; /* the same for methods */
    struct hd_attributes attributes;
    const struct hd_pool *pool;
};

/* Reads and checks a class file. On success *out is the caller's, freed with hd_class_free.
 * HD_E_FORMAT names the structure, its index or byte offset and what is wrong; HD_E_VERSION for
 * major versions newer than this parser knows (it knows 45 to HD_CLASS_MAX_MAJOR). */
#define HD_CLASS_MAX_MAJOR 72 /* JDK 28 */
HD_CHECKED int hd_class_parse(const uint8_t *data, size_t length, struct hd_class **out,
                              struct hd_error *err);
/* The same bytes once more, after hd_class_parse has accepted them: they are read and not checked
 * again, which takes a quarter of the time. Never for bytes from outside. */
HD_CHECKED int hd_class_parse_again(const uint8_t *data, size_t length, struct hd_class **out,
                                    struct hd_error *err);
void hd_class_free(struct hd_class *class_file);

/* Orders members by the bytes of their names, then of their descriptors: negative, 0, positive. */
int hd_member_order(const struct hd_member *a, const struct hd_member *b);

/* The field or method of that name and descriptor; NULL where there is none. It lives as long as
 * the class. */
const struct hd_member *hd_class_find_field(const struct hd_class *class_file, struct hd_bytes name,
                                            struct hd_bytes descriptor);
const struct hd_member *hd_class_find_method(const struct hd_class *class_file,
                                             struct hd_bytes name, struct hd_bytes descriptor);

/* Only the name (internal form) and major version, without the full check: to sort files before the
 * check. The name borrows data. */
HD_CHECKED int hd_class_peek(const uint8_t *data, size_t length, struct hd_bytes *name,
                             uint16_t *major, struct hd_error *err);

/* What the class's code and pool refer to (JVMS §4.4.1, §4.4.2): for order of definition and for
 * "is the rest of the compile there yet". */
enum hd_reference_kind { HD_REFERENCE_CLASS, HD_REFERENCE_FIELD, HD_REFERENCE_METHOD };
struct hd_reference {
    enum hd_reference_kind kind;
    struct hd_bytes owner; /* internal class name; array types are reduced to their element class,
                              primitives left out */
    struct hd_bytes name;  /* FIELD and METHOD only */
    struct hd_bytes descriptor; /* FIELD and METHOD only */
};
/* Calls visit for each reference until it returns false. */
void hd_class_each_reference(const struct hd_class *class_file,
                             bool (*visit)(const struct hd_reference *reference, void *context),
                             void *context);

#endif
