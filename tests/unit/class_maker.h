/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small class files made in the test: a name, a superclass, interfaces, native methods, fields, and
 * what the pool refers to.
 */
#ifndef HD_TESTS_CLASS_MAKER_H
#define HD_TESTS_CLASS_MAKER_H

#include <stdint.h>
#include <string.h>

/* JVMS §4.4 tags */
enum {
    MADE_UTF8 = 1,
    MADE_CLASS = 7,
    MADE_FIELDREF = 9,
    MADE_METHODREF = 10,
    MADE_NAME_AND_TYPE = 12
};

#define MADE_MAX 8

struct made_member {
    const char *name;
    const char *descriptor;
};

struct made_reference {
    int tag; /* MADE_CLASS, MADE_FIELDREF, MADE_METHODREF */
    const char *owner;
    const char *name;
    const char *descriptor;
};

/* Lists end with an all-NULL item. */
struct made_class {
    const char *name;
    const char *super; /* NULL: java/lang/Object */
    const char *interfaces[MADE_MAX];
    struct made_member fields[MADE_MAX];
    struct made_member methods[MADE_MAX];
    struct made_reference references[MADE_MAX];
    const char *salt; /* makes the bytes differ and nothing else; NULL: none */
};

struct made_file {
    uint8_t data[8192];
    size_t length;
    uint16_t pool_count;
};

static inline void made_u1(struct made_file *file, unsigned value)
{
    file->data[file->length++] = (uint8_t)value;
}

static inline void made_u2(struct made_file *file, unsigned value)
{
    made_u1(file, value >> 8);
    made_u1(file, value & 0xFF);
}

static inline uint16_t made_utf8(struct made_file *file, const char *text)
{
    made_u1(file, MADE_UTF8);
    made_u2(file, (unsigned)strlen(text));
    memcpy(file->data + file->length, text, strlen(text));
    file->length += strlen(text);
    return ++file->pool_count;
}

static inline uint16_t made_class_constant(struct made_file *file, const char *name)
{
    uint16_t utf8 = made_utf8(file, name);
    made_u1(file, MADE_CLASS);
    made_u2(file, utf8);
    return ++file->pool_count;
}

static inline void made_reference_constant(struct made_file *file,
                                           const struct made_reference *reference)
{
    uint16_t owner = made_class_constant(file, reference->owner);
    if (reference->tag == MADE_CLASS)
        return;
    uint16_t name = made_utf8(file, reference->name);
    uint16_t descriptor = made_utf8(file, reference->descriptor);
    made_u1(file, MADE_NAME_AND_TYPE);
    made_u2(file, name);
    made_u2(file, descriptor);
    uint16_t name_and_type = ++file->pool_count;
    made_u1(file, (unsigned)reference->tag);
    made_u2(file, owner);
    made_u2(file, name_and_type);
    ++file->pool_count;
}

static inline size_t made_count(const struct made_member *members)
{
    size_t count = 0;
    while (count < MADE_MAX && members[count].name != NULL)
        count++;
    return count;
}

static inline void made_member_names(struct made_file *file, const struct made_member *members,
                                     uint16_t (*names)[2])
{
    for (size_t i = 0; i < made_count(members); i++) {
        names[i][0] = made_utf8(file, members[i].name);
        names[i][1] = made_utf8(file, members[i].descriptor);
    }
}

static inline void made_members(struct made_file *file, const struct made_member *members,
                                uint16_t (*names)[2], unsigned access)
{
    made_u2(file, (unsigned)made_count(members));
    for (size_t i = 0; i < made_count(members); i++) {
        made_u2(file, access);
        made_u2(file, names[i][0]);
        made_u2(file, names[i][1]);
        made_u2(file, 0);
    }
}

static inline struct made_file make_class(const struct made_class *spec)
{
    struct made_file file = { .length = 0 };
    static const uint8_t head[] = { 0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 52, 0, 0 };
    memcpy(file.data, head, sizeof head);
    file.length = sizeof head;
    uint16_t this_class = made_class_constant(&file, spec->name);
    uint16_t super =
        made_class_constant(&file, spec->super != NULL ? spec->super : "java/lang/Object");
    uint16_t interfaces[MADE_MAX];
    size_t interface_count = 0;
    for (; interface_count < MADE_MAX && spec->interfaces[interface_count] != NULL;
         interface_count++)
        interfaces[interface_count] = made_class_constant(&file, spec->interfaces[interface_count]);
    uint16_t fields[MADE_MAX][2];
    uint16_t methods[MADE_MAX][2];
    made_member_names(&file, spec->fields, fields);
    made_member_names(&file, spec->methods, methods);
    for (size_t i = 0; i < MADE_MAX && spec->references[i].owner != NULL; i++)
        made_reference_constant(&file, &spec->references[i]);
    if (spec->salt != NULL)
        made_utf8(&file, spec->salt);
    file.data[8] = (uint8_t)((file.pool_count + 1) >> 8);
    file.data[9] = (uint8_t)(file.pool_count + 1);
    made_u2(&file, 0x0021); /* public, super */
    made_u2(&file, this_class);
    made_u2(&file, super);
    made_u2(&file, (unsigned)interface_count);
    for (size_t i = 0; i < interface_count; i++)
        made_u2(&file, interfaces[i]);
    made_members(&file, spec->fields, fields, 0x0001);
    made_members(&file, spec->methods, methods, 0x0101); /* public native: no Code */
    made_u2(&file, 0);
    return file;
}

#endif
