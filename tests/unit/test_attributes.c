/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/class_builder.h"

/* The constants every attribute below may refer to, by these numbers. */
enum {
    TEXT = 5,  /* "Ljava/lang/String;" */
    CLASS = 7, /* java/lang/String */
    INTEGER = 8,
    LONG = 9,    /* and 10 */
    STRING = 12, /* "s" */
    FLOAT = 13,
    DOUBLE = 14, /* and 15 */
    NAME_AND_TYPE = 18,
    NAME = 11, /* "s" */
    MISSING = 200
};

static struct builder *builder_with_constants(void)
{
    struct builder *builder = new_builder();
    assert_int_equal(utf8(builder, "Ljava/lang/String;"), TEXT);
    assert_int_equal(named(builder, HD_TAG_CLASS, "java/lang/String"), CLASS);
    assert_int_equal(number(builder, HD_TAG_INTEGER, 1), INTEGER);
    assert_int_equal(number(builder, HD_TAG_LONG, 1), LONG);
    assert_int_equal(named(builder, HD_TAG_STRING, "s"), STRING);
    assert_int_equal(number(builder, HD_TAG_FLOAT, 1), FLOAT);
    assert_int_equal(number(builder, HD_TAG_DOUBLE, 1), DOUBLE);
    assert_int_equal(name_and_type(builder, "run", "()V"), NAME_AND_TYPE);
    return builder;
}

enum place { ON_CLASS, ON_FIELD, ON_METHOD, IN_CODE, ON_COMPONENT };

/* An attribute as a test wants it: wanted is NULL where it is good, else part of the error. */
struct sample {
    enum place place;
    const char *name;
    const char *wanted;
    uint8_t length;
    uint8_t bytes[40];
};

#define BYTES(...)                                                                                 \
    sizeof((const uint8_t[]){ __VA_ARGS__ }),                                                      \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NO_BYTES                                                                                   \
    0,                                                                                             \
    {                                                                                              \
        0                                                                                          \
    }
/* Two bytes of an index or a number below 256. */
#define U2(value) 0, (value)

static void put_component(struct builder *builder, struct part *record,
                          const struct part *attribute, unsigned count)
{
    put_u2(record, 1);
    put_u2(record, NAME);
    put_u2(record, TEXT);
    put_u2(record, count);
    put_part(record, attribute);
    add_class_attribute(builder, "Record", record);
}

static void put_sample(struct builder *builder, enum place place, const struct part *attribute,
                       unsigned count)
{
    static const uint8_t code[] = {
        0x03, 0x57, 0xA7, 0x00, 0x03, 0xB1
    }; /* iconst_0, pop, goto 5, return */
    struct part *record = calloc(1, sizeof *record);
    switch (place) {
    case ON_CLASS:
        put_part(&builder->attributes, attribute);
        builder->attribute_count += count;
        break;
    case ON_FIELD:
        add_field(builder, HD_ACC_STATIC, "f", "I", attribute, count);
        break;
    case ON_METHOD:
        add_method(builder, HD_ACC_ABSTRACT, "n", "(IJ)V", attribute, count);
        break;
    case IN_CODE:
        add_code_method(builder, code, sizeof code, NULL, attribute, count);
        break;
    case ON_COMPONENT:
        put_component(builder, record, attribute, count);
        break;
    }
    free(record);
}

static void try_sample(const struct sample *sample)
{
    struct builder *builder = builder_with_constants();
    struct part *contents = calloc(1, sizeof *contents);
    struct part *attribute = calloc(1, sizeof *attribute);
    put_bytes(contents, sample->bytes, sample->length);
    put_attribute(builder, attribute, sample->name, contents);
    put_sample(builder, sample->place, attribute, 1);
    print_message("%s: %s\n", sample->name, sample->wanted != NULL ? sample->wanted : "good");
    if (sample->wanted == NULL)
        expect_accepted(build_class(builder));
    else
        expect_refused(build_class(builder), sample->wanted);
    free(contents);
    free(attribute);
    free(builder);
}

static void try_samples(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        try_sample(&samples[i]);
}

#define TRY(samples) try_samples(samples, sizeof(samples) / sizeof(samples)[0])

static void every_simple_attribute_is_read_to_its_last_byte(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { ON_FIELD, "ConstantValue", NULL, BYTES(U2(INTEGER)) },
        { ON_FIELD, "ConstantValue", "constant 12 is String, not Integer", BYTES(U2(STRING)) },
        { ON_FIELD, "ConstantValue", "constant 10 is unusable", BYTES(U2(LONG + 1)) },
        { ON_FIELD, "ConstantValue", "ConstantValue: 1 bytes too long", BYTES(U2(INTEGER), 0) },
        { ON_FIELD, "ConstantValue", "ends too early", BYTES(0) },
        { ON_METHOD, "Exceptions", NULL, BYTES(U2(1), U2(CLASS)) },
        { ON_METHOD, "Exceptions", "constant 0 does not exist", BYTES(U2(1), U2(0)) },
        { ON_METHOD, "Exceptions", "ends too early", BYTES(U2(2), U2(CLASS)) },
        { ON_CLASS, "InnerClasses", NULL, BYTES(U2(1), U2(CLASS), U2(0), U2(0), U2(1)) },
        { ON_CLASS, "InnerClasses", NULL, BYTES(U2(1), U2(CLASS), U2(CLASS), U2(NAME), U2(1)) },
        { ON_CLASS, "InnerClasses", "constant 5 is Utf8, not Class",
          BYTES(U2(1), U2(TEXT), U2(0), U2(0), U2(1)) },
        { ON_CLASS, "InnerClasses", "those of a module, not of a class",
          BYTES(U2(1), U2(CLASS), U2(0), U2(0), 0x80, 1) },
        { ON_CLASS, "EnclosingMethod", NULL, BYTES(U2(CLASS), U2(NAME_AND_TYPE)) },
        { ON_CLASS, "EnclosingMethod", "not NameAndType", BYTES(U2(CLASS), U2(CLASS)) },
        { ON_FIELD, "Synthetic", NULL, NO_BYTES },
        { ON_FIELD, "Synthetic", "too long", BYTES(0) },
        { ON_METHOD, "Deprecated", "too long", BYTES(0) },
        { ON_FIELD, "Signature", NULL, BYTES(U2(TEXT)) },
        { ON_FIELD, "Signature", "not Utf8", BYTES(U2(CLASS)) },
        { ON_CLASS, "SourceFile", NULL, BYTES(U2(TEXT)) },
        { ON_CLASS, "SourceFile", "constant 200 does not exist (the pool has 1 to ",
          BYTES(U2(MISSING)) },
        { ON_CLASS, "SourceDebugExtension", NULL, BYTES(0xFF, 0) },
        { ON_METHOD, "MethodParameters", NULL, BYTES(2, U2(NAME), U2(0), U2(0), U2(0)) },
        { ON_METHOD, "MethodParameters", "ends too early",
          BYTES(3, U2(NAME), U2(0), U2(0), U2(0)) },
        { ON_METHOD, "MethodParameters", "not Utf8", BYTES(1, U2(CLASS), U2(0)) },
        { ON_CLASS, "NestHost", NULL, BYTES(U2(CLASS)) },
        { ON_CLASS, "NestHost", "constant 12 is String, not Class", BYTES(U2(STRING)) },
        { ON_CLASS, "NestMembers", NULL, BYTES(U2(2), U2(CLASS), U2(CLASS)) },
        { ON_CLASS, "NestMembers", "2 bytes too long", BYTES(U2(1), U2(CLASS), U2(CLASS)) },
        { ON_CLASS, "PermittedSubclasses", "ends too early", BYTES(U2(1)) },
        { ON_CLASS, "BootstrapMethods", "constant 7 is Class, not MethodHandle",
          BYTES(U2(1), U2(CLASS), U2(0)) },
        { ON_CLASS, "ModuleMainClass", NULL, BYTES(U2(CLASS)) },
        { ON_CLASS, "Module", "constant 7 is Class, not Module", BYTES(U2(CLASS), U2(0), U2(0)) },
        { ON_CLASS, "ModulePackages", "not Package", BYTES(U2(1), U2(CLASS)) },
        { ON_CLASS, "SomebodysOwn", NULL, BYTES(0xFF, 0xFF, 0xFF) },
    };
    TRY(samples);
}

static void annotations_are_read_inside(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { ON_CLASS, "RuntimeVisibleAnnotations", NULL, BYTES(U2(1), U2(TEXT), U2(0)) },
        { ON_CLASS, "RuntimeVisibleAnnotations", "\"s\", is not a type's descriptor",
          BYTES(U2(1), U2(NAME), U2(0)) },
        { ON_FIELD, "RuntimeVisibleAnnotations", NULL,
          BYTES(U2(1), U2(TEXT), U2(3), U2(NAME), 'I', U2(INTEGER), U2(NAME), 'J', U2(LONG),
                U2(NAME), 's', U2(NAME)) },
        { ON_METHOD, "RuntimeInvisibleAnnotations", NULL,
          BYTES(U2(1), U2(TEXT), U2(2), U2(NAME), 'D', U2(DOUBLE), U2(NAME), 'F', U2(FLOAT)) },
        { ON_CLASS, "RuntimeVisibleAnnotations", "constant 13 is Float, not Integer",
          BYTES(U2(1), U2(TEXT), U2(1), U2(NAME), 'Z', U2(FLOAT)) },
        { ON_CLASS, "RuntimeVisibleAnnotations", NULL,
          BYTES(U2(1), U2(TEXT), U2(2), U2(NAME), 'e', U2(TEXT), U2(NAME), U2(NAME), 'c',
                U2(TEXT)) },
        { ON_CLASS, "RuntimeVisibleAnnotations", NULL,
          BYTES(U2(1), U2(TEXT), U2(1), U2(NAME), '[', U2(2), '@', U2(TEXT), U2(0), '[', U2(0)) },
        { ON_CLASS, "RuntimeVisibleAnnotations", "element value tag 0x78 is unknown",
          BYTES(U2(1), U2(TEXT), U2(1), U2(NAME), 'x', U2(NAME)) },
        { ON_CLASS, "RuntimeVisibleAnnotations", "ends too early",
          BYTES(U2(1), U2(TEXT), U2(2), U2(NAME), 's', U2(NAME)) },
        { ON_CLASS, "RuntimeVisibleAnnotations", "5 bytes too long",
          BYTES(U2(1), U2(TEXT), U2(0), U2(NAME), 's', U2(NAME)) },
        { ON_METHOD, "RuntimeVisibleParameterAnnotations", NULL,
          BYTES(2, U2(0), U2(1), U2(TEXT), U2(0)) },
        { ON_METHOD, "RuntimeInvisibleParameterAnnotations", "ends too early",
          BYTES(3, U2(0), U2(1), U2(TEXT), U2(0)) },
        { ON_METHOD, "AnnotationDefault", NULL, BYTES('[', U2(1), 'c', U2(TEXT)) },
        { ON_METHOD, "AnnotationDefault", "too long", BYTES('I', U2(INTEGER), 0) },
        { ON_COMPONENT, "RuntimeVisibleAnnotations", NULL, BYTES(U2(1), U2(TEXT), U2(0)) },
        { ON_COMPONENT, "RuntimeVisibleAnnotations",
          "Record: component 0: RuntimeVisibleAnnotations: constant 200",
          BYTES(U2(1), U2(MISSING), U2(0)) },
        { ON_COMPONENT, "Signature", "Signature: 1 bytes too long", BYTES(U2(TEXT), 0) },
    };
    TRY(samples);
}

static void type_annotations_have_a_target_and_a_path(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { ON_CLASS, "RuntimeVisibleTypeAnnotations", NULL,
          BYTES(U2(1), 0x10, U2(0), 0, U2(TEXT), U2(0)) },
        { ON_CLASS, "RuntimeVisibleTypeAnnotations", NULL,
          BYTES(U2(1), 0x11, 0, 1, 0, U2(TEXT), U2(0)) },
        { ON_FIELD, "RuntimeVisibleTypeAnnotations", NULL,
          BYTES(U2(1), 0x13, 2, 0, 0, 3, 1, U2(TEXT), U2(0)) },
        { ON_FIELD, "RuntimeVisibleTypeAnnotations", "type path step 0 (kind 4",
          BYTES(U2(1), 0x13, 1, 4, 0, U2(TEXT), U2(0)) },
        { ON_FIELD, "RuntimeVisibleTypeAnnotations", "type path step 0 (kind 1, argument 2)",
          BYTES(U2(1), 0x13, 1, 1, 2, U2(TEXT), U2(0)) },
        { ON_METHOD, "RuntimeInvisibleTypeAnnotations", NULL,
          BYTES(U2(1), 0x16, 0, 0, U2(TEXT), U2(0)) },
        { ON_METHOD, "RuntimeInvisibleTypeAnnotations", "target 0x20 is unknown",
          BYTES(U2(1), 0x20, 0, U2(TEXT), U2(0)) },
        { IN_CODE, "RuntimeVisibleTypeAnnotations", NULL,
          BYTES(U2(1), 0x40, U2(1), U2(0), U2(2), U2(1), 0, U2(TEXT), U2(0)) },
        { IN_CODE, "RuntimeVisibleTypeAnnotations", NULL,
          BYTES(U2(1), 0x47, U2(0), 1, 0, U2(TEXT), U2(0)) },
        { IN_CODE, "RuntimeInvisibleTypeAnnotations", "ends too early",
          BYTES(U2(1), 0x40, U2(9), U2(0), U2(2), U2(1)) },
    };
    TRY(samples);
}

static void tables_of_code_stay_inside_the_code(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { IN_CODE, "LineNumberTable", NULL, BYTES(U2(2), U2(0), U2(7), U2(5), U2(8)) },
        { IN_CODE, "LineNumberTable", "entry 0: start_pc 6 is outside the code",
          BYTES(U2(1), U2(6), U2(7)) },
        { IN_CODE, "LocalVariableTable", NULL,
          BYTES(U2(1), U2(0), U2(6), U2(NAME), U2(TEXT), U2(9)) },
        { IN_CODE, "LocalVariableTable", "7 bytes from 0 on are not inside the code",
          BYTES(U2(1), U2(0), U2(7), U2(NAME), U2(TEXT), U2(0)) },
        { IN_CODE, "LocalVariableTable", "local variable 10, but max_locals is 10",
          BYTES(U2(1), U2(0), U2(6), U2(NAME), U2(TEXT), U2(10)) },
        { IN_CODE, "LocalVariableTable", "\"s\", is not a field descriptor",
          BYTES(U2(1), U2(0), U2(6), U2(NAME), U2(NAME), U2(0)) },
        { IN_CODE, "LocalVariableTypeTable", NULL,
          BYTES(U2(1), U2(0), U2(6), U2(NAME), U2(NAME), U2(9)) },
        { IN_CODE, "LocalVariableTypeTable", "not Utf8",
          BYTES(U2(1), U2(0), U2(6), U2(NAME), U2(CLASS), U2(9)) },
        { IN_CODE, "StackMapTable", NULL, BYTES(U2(1), 5) },
        { IN_CODE, "StackMapTable", NULL, BYTES(U2(2), 2, 66, 7, U2(CLASS)) },
        { IN_CODE, "StackMapTable", NULL,
          BYTES(U2(1), 255, U2(5), U2(2), 1, 8, U2(0), U2(1), 7, U2(CLASS)) },
        { IN_CODE, "StackMapTable", NULL, BYTES(U2(1), 250, U2(5)) },
        { IN_CODE, "StackMapTable", NULL, BYTES(U2(1), 253, U2(5), 2, 3) },
        { IN_CODE, "StackMapTable", "frame 0: no instruction starts at 4", BYTES(U2(1), 4) },
        { IN_CODE, "StackMapTable", "frame 1: no instruction starts at 6", BYTES(U2(2), 5, 0) },
        { IN_CODE, "StackMapTable", "frame type 200 is reserved", BYTES(U2(1), 200) },
        { IN_CODE, "StackMapTable", "verification type 9 is unknown", BYTES(U2(1), 64 + 5, 9) },
        { IN_CODE, "StackMapTable", "no instruction starts at 3", BYTES(U2(1), 64 + 5, 8, U2(3)) },
        { IN_CODE, "StackMapTable", "constant 5 is Utf8, not Class",
          BYTES(U2(1), 64 + 5, 7, U2(TEXT)) },
        { IN_CODE, "StackMapTable", "ends too early", BYTES(U2(1), 255, U2(5), U2(3), 1) },
    };
    TRY(samples);
}

static void a_known_name_in_the_wrong_place_is_read_all_the_same(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { ON_FIELD, "Exceptions", NULL, BYTES(U2(1), U2(CLASS)) },
        { ON_FIELD, "Exceptions", "ends too early", BYTES(U2(2), U2(CLASS)) },
        { ON_CLASS, "StackMapTable", NULL, BYTES(U2(1), 5) },
        { ON_CLASS, "StackMapTable", "is reserved", BYTES(U2(1), 200) },
        { ON_METHOD, "LineNumberTable", "ends too early", BYTES(U2(1)) },
        { ON_FIELD, "BootstrapMethods", "not MethodHandle", BYTES(U2(1), U2(CLASS), U2(0)) },
        { ON_FIELD, "Code", "Code does not belong here", BYTES(0) },
        { IN_CODE, "Code", "Code does not belong here", BYTES(0) },
        { ON_COMPONENT, "Record", "Record does not belong here", BYTES(U2(0)) },
        { ON_METHOD, "Record", "Record does not belong here", BYTES(U2(0)) },
    };
    TRY(samples);
}

static void a_second_attribute_is_refused_where_there_may_be_one(void **state)
{
    (void)state;
    static const struct sample once[] = {
        { ON_CLASS, "SourceFile", "a second SourceFile", BYTES(U2(TEXT)) },
        { ON_FIELD, "ConstantValue", "a second ConstantValue", BYTES(U2(INTEGER)) },
        { ON_METHOD, "Exceptions", "a second Exceptions", BYTES(U2(0)) },
        { ON_CLASS, "RuntimeVisibleAnnotations", "a second RuntimeVisibleAnnotations",
          BYTES(U2(0)) },
        { IN_CODE, "StackMapTable", "a second StackMapTable", BYTES(U2(0)) },
        { ON_COMPONENT, "Signature", "a second Signature", BYTES(U2(TEXT)) },
        { IN_CODE, "LineNumberTable", NULL, BYTES(U2(0)) },
        { IN_CODE, "LocalVariableTable", NULL, BYTES(U2(0)) },
        { ON_CLASS, "SomebodysOwn", NULL, BYTES(U2(0)) },
    };
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
        struct builder *builder = builder_with_constants();
        struct part *contents = calloc(1, sizeof *contents);
        struct part *twice = calloc(1, sizeof *twice);
        put_bytes(contents, once[i].bytes, once[i].length);
        put_attribute(builder, twice, once[i].name, contents);
        put_attribute(builder, twice, once[i].name, contents);
        put_sample(builder, once[i].place, twice, 2);
        if (once[i].wanted != NULL)
            expect_refused(build_class(builder), once[i].wanted);
        else
            expect_accepted(build_class(builder));
        free(contents);
        free(twice);
        free(builder);
    }
}

/* Arrays in arrays, a number innermost. */
static void put_nested_arrays(struct part *contents, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) {
        put_u1(contents, '[');
        put_u2(contents, 1);
    }
    put_u1(contents, 'I');
    put_u2(contents, INTEGER);
}

static void try_nesting(const char *name, unsigned depth, const char *wanted)
{
    struct builder *builder = builder_with_constants();
    struct part *contents = calloc(1, sizeof *contents);
    struct part *attribute = calloc(1, sizeof *attribute);
    if (strcmp(name, "AnnotationDefault") != 0) {
        put_u2(contents, 1);
        put_u2(contents, TEXT);
        put_u2(contents, 1);
        put_u2(contents, NAME);
    }
    put_nested_arrays(contents, depth);
    put_attribute(builder, attribute, name, contents);
    put_sample(builder, ON_METHOD, attribute, 1);
    if (wanted == NULL)
        expect_accepted(build_class(builder));
    else
        expect_refused(build_class(builder), wanted);
    free(contents);
    free(attribute);
    free(builder);
}

/* 20,000 deep overflows the stack of HotSpot 17 and 25 inside RedefineClasses. */
static void annotation_values_nest_64_deep_at_most(void **state)
{
    (void)state;
    try_nesting("AnnotationDefault", 64, NULL);
    try_nesting("AnnotationDefault", 65, "nest deeper than 64");
    try_nesting("RuntimeVisibleAnnotations", 63, NULL);
    try_nesting("RuntimeVisibleAnnotations", 64, "nest deeper than 64");
    try_nesting("RuntimeVisibleAnnotations", 20000, "nest deeper than 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_simple_attribute_is_read_to_its_last_byte),
        cmocka_unit_test(annotations_are_read_inside),
        cmocka_unit_test(type_annotations_have_a_target_and_a_path),
        cmocka_unit_test(tables_of_code_stay_inside_the_code),
        cmocka_unit_test(a_known_name_in_the_wrong_place_is_read_all_the_same),
        cmocka_unit_test(a_second_attribute_is_refused_where_there_may_be_one),
        cmocka_unit_test(annotation_values_nest_64_deep_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
