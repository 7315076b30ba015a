/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/words.h"

#include "classfile/names.h"
#include "classfile/reader.h"
#include "classfile/utf8.h"

#include "core/alloc.h"
#include "core/text.h"

#include <stdarg.h>
#include <string.h>

static void append(struct hd_words *words, const void *data, size_t length)
{
    if (!words->failed)
        words->failed = hd_buffer_append(&words->text, data, length, words->err) != 0;
}

static bool has_room(struct hd_words *words)
{
    if (words->text.length < HD_WORDS_MAX)
        return true;
    if (!words->is_cut)
        append(words, "...", 3);
    words->is_cut = true;
    return false;
}

void hd_words_add(struct hd_words *words, const char *text)
{
    if (has_room(words))
        append(words, text, strlen(text));
}

void hd_words_add_format(struct hd_words *words, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    hd_text_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    hd_words_add(words, text);
}

/* Not longer than HD_WORDS_NAME_MAX, and not within a character. */
static struct hd_bytes shortened(struct hd_bytes text)
{
    size_t length = hd_text_fit((const char *)text.data, text.length, HD_WORDS_NAME_MAX);
    return (struct hd_bytes){ text.data, length };
}

void hd_words_add_modified(struct hd_words *words, struct hd_bytes text)
{
    struct hd_bytes shown = shortened(text);
    if (words->failed || !has_room(words))
        return;
    words->failed = hd_utf8_append_printable(&words->text, shown, words->err) != 0;
    if (shown.length < text.length)
        append(words, "...", 3);
}

static void add_dotted(struct hd_words *words, struct hd_bytes name)
{
    size_t start = words->text.length;
    hd_words_add_modified(words, name);
    for (size_t i = start; i < words->text.length; i++) {
        if (words->text.data[i] == '/')
            words->text.data[i] = '.';
    }
}

void hd_words_add_class(struct hd_words *words, struct hd_bytes name)
{
    if (hd_descriptor_dimensions(name) > 0)
        hd_words_add_type(words, name, HD_NAMING_FULL);
    else
        add_dotted(words, name);
}

static const char *primitive_word(uint8_t letter)
{
    switch (letter) {
    case 'B':
        return "byte";
    case 'C':
        return "char";
    case 'D':
        return "double";
    case 'F':
        return "float";
    case 'I':
        return "int";
    case 'J':
        return "long";
    case 'S':
        return "short";
    case 'Z':
        return "boolean";
    case 'V':
        return "void";
    default:
        return "?";
    }
}

static struct hd_bytes simple_name(struct hd_bytes name)
{
    const uint8_t *slash = memrchr(name.data, '/', name.length);
    if (slash == NULL)
        return name;
    size_t skipped = (size_t)(slash + 1 - name.data);
    return (struct hd_bytes){ name.data + skipped, name.length - skipped };
}

void hd_words_add_type(struct hd_words *words, struct hd_bytes descriptor, enum hd_naming naming)
{
    unsigned dimensions = hd_descriptor_dimensions(descriptor);
    struct hd_bytes element = { descriptor.data + dimensions, descriptor.length - dimensions };
    if (element.length >= 3 && element.data[0] == 'L') {
        struct hd_bytes name = { element.data + 1, element.length - 2 };
        add_dotted(words, naming == HD_NAMING_SIMPLE ? simple_name(name) : name);
    } else {
        hd_words_add(words, primitive_word(element.length > 0 ? element.data[0] : 0));
    }
    for (unsigned i = 0; i < dimensions; i++)
        hd_words_add(words, "[]");
}

void hd_words_add_method(struct hd_words *words, struct hd_bytes name, struct hd_bytes descriptor,
                         enum hd_naming naming)
{
    hd_words_add_modified(words, name);
    hd_words_add(words, "(");
    struct hd_bytes rest = { descriptor.data + 1, descriptor.length - 1 };
    const char *separator = "";
    struct hd_bytes parameter;
    while ((parameter = hd_descriptor_next(&rest)).length > 0) {
        hd_words_add(words, separator);
        hd_words_add_type(words, parameter, naming);
        separator = ", ";
    }
    hd_words_add(words, ")");
    if (naming == HD_NAMING_SIMPLE || rest.length < 2)
        return;
    hd_words_add(words, ": ");
    hd_words_add_type(words, (struct hd_bytes){ rest.data + 1, rest.length - 1 }, naming);
}

/* What a parameter is called: "String;" of "[Ljava/lang/String;" and a primitive's letter. */
static struct hd_bytes simple_element(struct hd_bytes parameter)
{
    unsigned dimensions = hd_descriptor_dimensions(parameter);
    struct hd_bytes element = { parameter.data + dimensions, parameter.length - dimensions };
    if (element.data[0] != 'L')
        return element;
    return simple_name((struct hd_bytes){ element.data + 1, element.length - 1 });
}

bool hd_words_read_alike(struct hd_bytes a, struct hd_bytes b)
{
    struct hd_bytes rest_a = { a.data + 1, a.length - 1 };
    struct hd_bytes rest_b = { b.data + 1, b.length - 1 };
    for (;;) {
        struct hd_bytes one = hd_descriptor_next(&rest_a);
        struct hd_bytes other = hd_descriptor_next(&rest_b);
        if (one.length == 0 || other.length == 0)
            return one.length == other.length;
        if (hd_descriptor_dimensions(one) != hd_descriptor_dimensions(other) ||
            !hd_bytes_equal(simple_element(one), simple_element(other)))
            return false;
    }
}

struct modifier {
    uint16_t flag;
    const char *word;
};

static const struct modifier class_modifiers[] = {
    { 0x0001, "public" },    { 0x0002, "private" },    { 0x0004, "protected" },
    { 0x0008, "static" },    { 0x0400, "abstract" },   { 0x0010, "final" },
    { 0x0200, "interface" }, { 0x2000, "annotation" }, { 0x4000, "enum" },
    { 0x1000, "synthetic" }, { 0x8000, "module" },     { 0, NULL }
};

static const struct modifier field_modifiers[] = { { 0x0001, "public" },    { 0x0002, "private" },
                                                   { 0x0004, "protected" }, { 0x0008, "static" },
                                                   { 0x0010, "final" },     { 0x0040, "volatile" },
                                                   { 0x0080, "transient" }, { 0x4000, "enum" },
                                                   { 0x1000, "synthetic" }, { 0, NULL } };

static const struct modifier method_modifiers[] = { { 0x0001, "public" },
                                                    { 0x0002, "private" },
                                                    { 0x0004, "protected" },
                                                    { 0x0008, "static" },
                                                    { 0x0400, "abstract" },
                                                    { 0x0010, "final" },
                                                    { 0x0020, "synchronized" },
                                                    { 0x0100, "native" },
                                                    { 0x0800, "strictfp" },
                                                    { 0x0080, "varargs" },
                                                    { 0x0040, "bridge" },
                                                    { 0x1000, "synthetic" },
                                                    { 0, NULL } };

static const struct modifier *modifiers_of(enum hd_modifier_owner owner)
{
    switch (owner) {
    case HD_MODIFIERS_OF_CLASS:
        return class_modifiers;
    case HD_MODIFIERS_OF_FIELD:
        return field_modifiers;
    default:
        return method_modifiers;
    }
}

void hd_words_add_modifiers(struct hd_words *words, uint16_t access, enum hd_modifier_owner owner)
{
    const char *separator = "";
    for (const struct modifier *modifier = modifiers_of(owner); modifier->word != NULL;
         modifier++) {
        if ((access & modifier->flag) == 0)
            continue;
        hd_words_add(words, separator);
        hd_words_add(words, modifier->word);
        separator = " ";
    }
    if (separator[0] == '\0')
        hd_words_add(words, "package-private");
}

char *hd_words_take(struct hd_words *words)
{
    append(words, "", 1);
    if (words->failed) {
        hd_buffer_close(&words->text);
        return NULL;
    }
    size_t length;
    return (char *)hd_buffer_steal(&words->text, &length);
}
