/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/names.h"

#include "classfile/reader.h"

#include <string.h>

#define MAX_DIMENSIONS      255
#define MAX_PARAMETER_SLOTS 255

/* What a byte is in a name (JVMS §4.2) and at the end of a descriptor (§4.3.2); 0 for all the
 * others. */
enum { DOT_OR_BRACKET = 1, SLASH = 2, ANGLE = 4, SEMICOLON = 8, PRIMITIVE = 16, NAME_BYTES = 15 };
static const uint8_t byte_kinds[256] = {
    ['.'] = DOT_OR_BRACKET, ['['] = DOT_OR_BRACKET, [';'] = SEMICOLON, ['/'] = SLASH,
    ['<'] = ANGLE,          ['>'] = ANGLE,          ['B'] = PRIMITIVE, ['C'] = PRIMITIVE,
    ['D'] = PRIMITIVE,      ['F'] = PRIMITIVE,      ['I'] = PRIMITIVE, ['J'] = PRIMITIVE,
    ['S'] = PRIMITIVE,      ['Z'] = PRIMITIVE
};

/* How many bytes from there on are of no kind that stops. */
static size_t run_without(struct hd_bytes text, size_t from, uint8_t kinds)
{
    size_t i = from;
    while (i < text.length && (byte_kinds[text.data[i]] & kinds) == 0)
        i++;
    return i - from;
}

bool hd_name_is_unqualified(struct hd_bytes name)
{
    return name.length > 0 &&
           run_without(name, 0, DOT_OR_BRACKET | SLASH | SEMICOLON) == name.length;
}

bool hd_name_is_method(struct hd_bytes name)
{
    if (name.length > 0 && run_without(name, 0, NAME_BYTES) == name.length)
        return true;
    return hd_bytes_are(name, "<init>") || hd_bytes_are(name, "<clinit>");
}

/* The length of the class name in front of a ';' or the end; 0 when it is not one. */
static size_t class_name_length(struct hd_bytes text)
{
    size_t i = 0;
    for (;;) {
        size_t segment = run_without(text, i, DOT_OR_BRACKET | SLASH | SEMICOLON);
        i += segment;
        if (segment == 0)
            return 0;
        if (i == text.length || text.data[i] == ';')
            return i;
        if (text.data[i] != '/')
            return 0;
        i++;
    }
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

struct hd_bytes hd_descriptor_next(struct hd_bytes *rest)
{
    const struct hd_bytes none = { rest->data, 0 };
    size_t dimensions = hd_descriptor_dimensions(*rest);
    if (dimensions > MAX_DIMENSIONS || dimensions == rest->length)
        return none;
    size_t length = dimensions + 1;
    uint8_t first = rest->data[dimensions];
    if (first == 'L') {
        struct hd_bytes tail = { rest->data + length, rest->length - length };
        size_t name = class_name_length(tail);
        if (name == 0 || name == tail.length)
            return none;
        length += name + 1;
    } else if ((byte_kinds[first] & PRIMITIVE) == 0) {
        return none;
    }
    struct hd_bytes taken = { rest->data, length };
    rest->data += length;
    rest->length -= length;
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
    struct hd_bytes rest = descriptor;
    return hd_descriptor_next(&rest).length > 0 && rest.length == 0;
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
