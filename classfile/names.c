/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/names.h"

#include "classfile/reader.h"
#include "classfile/textwords.h"

#include <string.h>

#define MAX_DIMENSIONS      255
#define MAX_PARAMETER_SLOTS 255

/* Those that JVMS §4.2 keeps out of names, . [ ; / and perhaps ESC and {. */
static uint64_t mark_separators(uint64_t word)
{
    return hd_text_mark(word | HD_IN_EVERY_BYTE('.' ^ '/'), '/') |
           hd_text_mark(word | HD_IN_EVERY_BYTE(';' ^ '['), ';' | '[');
}

/* < and > */
static uint64_t mark_angles(uint64_t word)
{
    return hd_text_mark(word | HD_IN_EVERY_BYTE('<' ^ '>'), '>');
}

static bool is_separator(uint8_t byte)
{
    return byte == '.' || byte == '[' || byte == ';' || byte == '/';
}

static bool has_separator(struct hd_bytes name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (is_separator(name.data[i]))
            return true;
    }
    return false;
}

bool hd_name_is_unqualified(struct hd_bytes name)
{
    uint64_t marks = 0;
    for (size_t i = 0; i < name.length; i += sizeof(uint64_t))
        marks |= mark_separators(hd_text_word_at(name, i));
    return name.length > 0 && (marks == 0 || !has_separator(name));
}

static bool has_angle(struct hd_bytes name)
{
    return memchr(name.data, '<', name.length) != NULL ||
           memchr(name.data, '>', name.length) != NULL;
}

bool hd_name_is_method(struct hd_bytes name)
{
    uint64_t marks = 0;
    for (size_t i = 0; i < name.length; i += sizeof(uint64_t)) {
        uint64_t word = hd_text_word_at(name, i);
        marks |= mark_separators(word) | mark_angles(word);
    }
    if (marks == 0)
        return name.length > 0;
    if (has_angle(name))
        return hd_bytes_are(name, "<init>") || hd_bytes_are(name, "<clinit>");
    return !has_separator(name);
}

/* The length of the class name in front of a ';' or the end; 0 when it is not one. */
static size_t class_name_length(struct hd_bytes text)
{
    size_t segment = 0; /* where it begins */
    for (size_t i = 0; i < text.length; i += sizeof(uint64_t)) {
        uint64_t marks = mark_separators(hd_text_word_at(text, i));
        for (; marks != 0; marks &= marks - 1) {
            size_t at = i + hd_text_first_mark(marks);
            uint8_t byte = text.data[at];
            if (byte == '.' || byte == '[' || (at == segment && (byte == '/' || byte == ';')))
                return 0;
            if (byte == ';')
                return at;
            if (byte == '/')
                segment = at + 1;
        }
    }
    return segment < text.length ? text.length : 0;
}

bool hd_name_is_class(struct hd_bytes name)
{
    return name.length > 0 && class_name_length(name) == name.length;
}

bool hd_name_is_class_or_array(struct hd_bytes name)
{
    if (name.length > 0 && name.data[0] == '[')
        return hd_descriptor_is_field(name);
    return hd_name_is_class(name);
}

bool hd_name_is_module(struct hd_bytes name)
{
    for (size_t i = 0; i < name.length; i++) {
        uint8_t byte = name.data[i];
        if (byte < 0x20 || byte == ':' || byte == '@')
            return false;
        if (byte != '\\')
            continue;
        i++;
        if (i == name.length || memchr("\\:@", name.data[i], 3) == NULL)
            return false;
    }
    return name.length > 0;
}

static bool is_primitive(uint8_t type)
{
    switch (type) {
    case 'B':
    case 'C':
    case 'D':
    case 'F':
    case 'I':
    case 'J':
    case 'S':
    case 'Z':
        return true;
    default:
        return false;
    }
}

/* The length of the field descriptor in front; 0 when there is none. */
static size_t descriptor_length(struct hd_bytes text)
{
    size_t dimensions = hd_descriptor_dimensions(text);
    if (dimensions > MAX_DIMENSIONS || dimensions == text.length)
        return 0;
    size_t length = dimensions + 1;
    if (text.data[dimensions] != 'L')
        return is_primitive(text.data[dimensions]) ? length : 0;
    struct hd_bytes tail = { text.data + length, text.length - length };
    size_t name = class_name_length(tail);
    return name > 0 && name < tail.length ? length + name + 1 : 0;
}

struct hd_bytes hd_descriptor_next(struct hd_bytes *rest)
{
    struct hd_bytes taken = { rest->data, descriptor_length(*rest) };
    rest->data += taken.length;
    rest->length -= taken.length;
    return taken;
}

unsigned hd_descriptor_dimensions(struct hd_bytes descriptor)
{
    unsigned dimensions = 0;
    while (dimensions < descriptor.length && descriptor.data[dimensions] == '[')
        dimensions++;
    return dimensions;
}

bool hd_descriptor_is_field(struct hd_bytes descriptor)
{
    return descriptor.length > 0 && descriptor_length(descriptor) == descriptor.length;
}

static unsigned slots_of(struct hd_bytes parameter)
{
    return parameter.data[0] == 'J' || parameter.data[0] == 'D' ? 2 : 1;
}

bool hd_descriptor_is_method(struct hd_bytes descriptor, unsigned *slots)
{
    if (descriptor.length < 3 || descriptor.data[0] != '(')
        return false;
    struct hd_bytes rest = { descriptor.data + 1, descriptor.length - 1 };
    unsigned used = 0;
    while (rest.length > 0 && rest.data[0] != ')') {
        struct hd_bytes parameter = hd_descriptor_next(&rest);
        if (parameter.length == 0)
            return false;
        used += slots_of(parameter);
    }
    if (rest.length < 2 || used > MAX_PARAMETER_SLOTS)
        return false;
    rest.data++;
    rest.length--;
    if (slots != NULL)
        *slots = used;
    return hd_bytes_are(rest, "V") || hd_descriptor_is_field(rest);
}
