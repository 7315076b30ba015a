/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts class files together byte by byte, good ones and bad ones, for tests. Needs cmocka's header
 * before this one.
 */
#ifndef HD_TESTS_CLASS_BUILDER_H
#define HD_TESTS_CLASS_BUILDER_H

#include "classfile/class.h"
#include "classfile/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
    uint8_t bytes[0x20000];
    size_t length;
};

/* Constants may be added at any time; the parts are joined by build_class. */
struct builder {
    struct part pool;
    unsigned pool_count;
    uint16_t major;
    uint16_t minor;
    uint16_t access;
    uint16_t name;
    uint16_t super_name;
    struct part interfaces, fields, methods, attributes;
    unsigned interface_count, field_count, method_count, attribute_count;
    struct part whole;
};

static inline void put_bytes(struct part *part, const void *bytes, size_t length)
{
    assert_true(part->length + length <= sizeof part->bytes);
    if (length > 0)
        memcpy(part->bytes + part->length, bytes, length);
    part->length += length;
}

static inline void put_u1(struct part *part, unsigned value)
{
    put_bytes(part, &(uint8_t){ (uint8_t)value }, 1);
}

static inline void put_u2(struct part *part, unsigned value)
{
    put_u1(part, value >> 8 & 0xFF);
    put_u1(part, value & 0xFF);
}

static inline void put_u4(struct part *part, unsigned long value)
{
    put_u2(part, (unsigned)(value >> 16 & 0xFFFF));
    put_u2(part, (unsigned)(value & 0xFFFF));
}

static inline void put_part(struct part *part, const struct part *inner)
{
    put_bytes(part, inner->bytes, inner->length);
}

static inline unsigned constant_begin(struct builder *builder, enum hd_tag tag)
{
    put_u1(&builder->pool, tag);
    return builder->pool_count++;
}

static inline unsigned utf8_bytes(struct builder *builder, const void *text, size_t length)
{
    unsigned index = constant_begin(builder, HD_TAG_UTF8);
    put_u2(&builder->pool, (unsigned)length);
    put_bytes(&builder->pool, text, length);
    return index;
}

static inline unsigned utf8(struct builder *builder, const char *text)
{
    return utf8_bytes(builder, text, strlen(text));
}

/* Class, String, MethodType, Module, Package: around a constant that is there, around a new text.
 */
static inline unsigned around(struct builder *builder, enum hd_tag tag, unsigned text)
{
    unsigned index = constant_begin(builder, tag);
    put_u2(&builder->pool, text);
    return index;
}

static inline unsigned named(struct builder *builder, enum hd_tag tag, const char *text)
{
    unsigned name = utf8(builder, text);
    return around(builder, tag, name);
}

static inline unsigned pair(struct builder *builder, enum hd_tag tag, unsigned first,
                            unsigned second)
{
    unsigned index = constant_begin(builder, tag);
    put_u2(&builder->pool, first);
    put_u2(&builder->pool, second);
    return index;
}

static inline unsigned name_and_type(struct builder *builder, const char *name,
                                     const char *descriptor)
{
    unsigned first = utf8(builder, name);
    return pair(builder, HD_TAG_NAME_AND_TYPE, first, utf8(builder, descriptor));
}

static inline unsigned member(struct builder *builder, enum hd_tag tag, const char *owner,
                              const char *name, const char *descriptor)
{
    unsigned first = named(builder, HD_TAG_CLASS, owner);
    return pair(builder, tag, first, name_and_type(builder, name, descriptor));
}

static inline unsigned dynamic(struct builder *builder, enum hd_tag tag, unsigned bootstrap,
                               const char *name, const char *descriptor)
{
    return pair(builder, tag, bootstrap, name_and_type(builder, name, descriptor));
}

static inline unsigned handle(struct builder *builder, unsigned kind, unsigned reference)
{
    unsigned index = constant_begin(builder, HD_TAG_METHOD_HANDLE);
    put_u1(&builder->pool, kind);
    put_u2(&builder->pool, reference);
    return index;
}

static inline unsigned number(struct builder *builder, enum hd_tag tag, unsigned long value)
{
    unsigned index = constant_begin(builder, tag);
    if (tag == HD_TAG_LONG || tag == HD_TAG_DOUBLE) {
        put_u4(&builder->pool, 0);
        builder->pool_count++;
    }
    put_u4(&builder->pool, value);
    return index;
}

/* A public class T that extends Object, version 61. Freed with free(). */
static inline struct builder *new_builder(void)
{
    struct builder *builder = calloc(1, sizeof *builder);
    assert_non_null(builder);
    builder->pool_count = 1;
    builder->major = 61;
    builder->access = 0x0021;
    builder->name = (uint16_t)named(builder, HD_TAG_CLASS, "T");
    builder->super_name = (uint16_t)named(builder, HD_TAG_CLASS, "java/lang/Object");
    return builder;
}

static inline void put_attribute(struct builder *builder, struct part *part, const char *name,
                                 const struct part *contents)
{
    put_u2(part, utf8(builder, name));
    put_u4(part, contents->length);
    put_part(part, contents);
}

static inline void add_class_attribute(struct builder *builder, const char *name,
                                       const struct part *contents)
{
    put_attribute(builder, &builder->attributes, name, contents);
    builder->attribute_count++;
}

/* attributes: put_attribute's output, attribute_count of them. */
static inline void put_member(struct builder *builder, struct part *part, unsigned access,
                              const char *name, const char *descriptor,
                              const struct part *attributes, unsigned attribute_count)
{
    put_u2(part, access);
    put_u2(part, utf8(builder, name));
    put_u2(part, utf8(builder, descriptor));
    put_u2(part, attribute_count);
    put_part(part, attributes);
}

static inline void add_field(struct builder *builder, unsigned access, const char *name,
                             const char *descriptor, const struct part *attributes,
                             unsigned attribute_count)
{
    put_member(builder, &builder->fields, access, name, descriptor, attributes, attribute_count);
    builder->field_count++;
}

static inline void add_method(struct builder *builder, unsigned access, const char *name,
                              const char *descriptor, const struct part *attributes,
                              unsigned attribute_count)
{
    put_member(builder, &builder->methods, access, name, descriptor, attributes, attribute_count);
    builder->method_count++;
}

/* The contents of a Code attribute: max_stack 10, max_locals 10. */
static inline void put_code(struct part *part, const uint8_t *code, size_t length,
                            const struct part *handlers, const struct part *attributes,
                            unsigned attribute_count)
{
    put_u2(part, 10);
    put_u2(part, 10);
    put_u4(part, length);
    put_bytes(part, code, length);
    put_u2(part, handlers != NULL ? (unsigned)(handlers->length / 8) : 0);
    if (handlers != NULL)
        put_part(part, handlers);
    put_u2(part, attribute_count);
    if (attributes != NULL)
        put_part(part, attributes);
}

/* A static method m()V with this code. */
static inline void add_code_method(struct builder *builder, const uint8_t *code, size_t length,
                                   const struct part *handlers, const struct part *code_attributes,
                                   unsigned code_attribute_count)
{
    struct part *contents = calloc(1, sizeof *contents);
    struct part *attributes = calloc(1, sizeof *attributes);
    put_code(contents, code, length, handlers, code_attributes, code_attribute_count);
    put_attribute(builder, attributes, "Code", contents);
    add_method(builder, HD_ACC_STATIC, "m", "()V", attributes, 1);
    free(contents);
    free(attributes);
}

/* Joins the parts; the bytes live in the builder. */
static inline struct hd_bytes build_class(struct builder *builder)
{
    struct part *whole = &builder->whole;
    whole->length = 0;
    put_u4(whole, 0xCAFEBABE);
    put_u2(whole, builder->minor);
    put_u2(whole, builder->major);
    put_u2(whole, builder->pool_count);
    put_part(whole, &builder->pool);
    put_u2(whole, builder->access);
    put_u2(whole, builder->name);
    put_u2(whole, builder->super_name);
    put_u2(whole, builder->interface_count);
    put_part(whole, &builder->interfaces);
    put_u2(whole, builder->field_count);
    put_part(whole, &builder->fields);
    put_u2(whole, builder->method_count);
    put_part(whole, &builder->methods);
    put_u2(whole, builder->attribute_count);
    put_part(whole, &builder->attributes);
    return (struct hd_bytes){ whole->bytes, whole->length };
}

/* What the parser says; copies the bytes to memory of just their size, so that reading past them is
 * caught. */
static inline enum hd_error_code parse_error(struct hd_bytes bytes, char *text, size_t size)
{
    struct hd_class *class_file = NULL;
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *copy = malloc(bytes.length > 0 ? bytes.length : 1);
    memcpy(copy, bytes.data, bytes.length);
    int result = hd_class_parse(copy, bytes.length, &class_file, &err);
    assert_true((result == 0) == (err.code == HD_OK));
    hd_class_free(class_file);
    free(copy);
    snprintf(text, size, "%s", err.text);
    return err.code;
}

static inline void expect_accepted(struct hd_bytes bytes)
{
    char text[HD_ERROR_TEXT_MAX];
    if (parse_error(bytes, text, sizeof text) != HD_OK)
        fail_msg("refused: %s", text);
}

/* wanted: part of the error's text. */
static inline void expect_refused(struct hd_bytes bytes, const char *wanted)
{
    char text[HD_ERROR_TEXT_MAX];
    if (parse_error(bytes, text, sizeof text) != HD_E_FORMAT)
        fail_msg("accepted, or refused for another reason (\"%s\"); wanted \"%s\"", text, wanted);
    if (strstr(text, wanted) == NULL)
        fail_msg("the error is \"%s\", wanted \"%s\"", text, wanted);
}

#endif
