/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/class_builder.h"

/* The constants the code below may refer to, by these numbers. */
enum {
    STRING = 6,
    LONG = 7,
    FIELD = 14,
    METHOD = 20,
    INTERFACE_METHOD = 26,
    CLASS = 28,
    ARRAY = 30,
    CONSTRUCTOR = 36,
    INDY = 40,
    WIDE_DYNAMIC = 44,
    DYNAMIC = 48,
    METHOD_TYPE = 50
};

static struct builder *builder_with_constants(void)
{
    struct builder *builder = new_builder();
    struct part *bootstraps = calloc(1, sizeof *bootstraps);
    assert_int_equal(named(builder, HD_TAG_STRING, "s"), STRING);
    assert_int_equal(number(builder, HD_TAG_LONG, 1), LONG);
    assert_int_equal(member(builder, HD_TAG_FIELD, "T", "f", "I"), FIELD);
    assert_int_equal(member(builder, HD_TAG_METHOD, "T", "m", "()V"), METHOD);
    assert_int_equal(member(builder, HD_TAG_INTERFACE_METHOD, "I", "m", "(IJ)V"), INTERFACE_METHOD);
    assert_int_equal(named(builder, HD_TAG_CLASS, "java/lang/String"), CLASS);
    assert_int_equal(named(builder, HD_TAG_CLASS, "[[I"), ARRAY);
    assert_int_equal(member(builder, HD_TAG_METHOD, "T", "<init>", "()V"), CONSTRUCTOR);
    assert_int_equal(dynamic(builder, HD_TAG_INVOKE_DYNAMIC, 0, "run", "()V"), INDY);
    assert_int_equal(dynamic(builder, HD_TAG_DYNAMIC, 0, "run", "J"), WIDE_DYNAMIC);
    assert_int_equal(dynamic(builder, HD_TAG_DYNAMIC, 0, "run", "I"), DYNAMIC);
    assert_int_equal(named(builder, HD_TAG_METHOD_TYPE, "()V"), METHOD_TYPE);
    put_u2(bootstraps, 1);
    put_u2(bootstraps, handle(builder, 6, METHOD));
    put_u2(bootstraps, 0);
    add_class_attribute(builder, "BootstrapMethods", bootstraps);
    free(bootstraps);
    return builder;
}

struct sample {
    const char *wanted; /* NULL: good */
    uint16_t major;
    uint8_t length;
    uint8_t code[40];
};

#define CODE(...)                                                                                  \
    sizeof((const uint8_t[]){ __VA_ARGS__ }),                                                      \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define RETURN 0xB1

static void try_samples(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = &samples[i];
        struct builder *builder = builder_with_constants();
        builder->major = sample->major;
        add_code_method(builder, sample->code, sample->length, NULL, NULL, 0);
        print_message("sample %zu: %s\n", i, sample->wanted != NULL ? sample->wanted : "good");
        if (sample->wanted == NULL)
            expect_accepted(build_class(builder));
        else
            expect_refused(build_class(builder), sample->wanted);
        free(builder);
    }
}

#define TRY(samples) try_samples(samples, sizeof(samples) / sizeof(samples)[0])

static void code_divides_into_known_instructions(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { NULL, 61, CODE(RETURN) },
        { "code_length is 0", 61, 0, { 0 } },
        { "no valid instruction at 0 (opcode 0xcb)", 61, CODE(0xCB, RETURN) },
        { "no valid instruction at 0 (opcode 0xfe)", 61, CODE(0xFE) },
        { "the instruction at 0 runs past the end", 61, CODE(0x11, 0) },
        { NULL, 61, CODE(0xC4, 0x15, 0, 9, RETURN) },
        { NULL, 61, CODE(0xC4, 0x84, 0, 9, 1, 0, RETURN) },
        { "no valid instruction at 0 (opcode 0xc4)", 61, CODE(0xC4, 0x00, 0, 0, RETURN) },
        { "no valid instruction at 0 (opcode 0xc4)", 61, CODE(0xC4) },
    };
    TRY(samples);
}

static void operands_are_of_the_right_kind(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { NULL, 61,
          CODE(0x12, STRING, 0x57, 0x12, CLASS, 0x57, 0x12, METHOD_TYPE, 0x57, 0x12, DYNAMIC, 0x57,
               RETURN) },
        { "constant 7 is Long", 61, CODE(0x12, LONG, RETURN) },
        { "constant 6 is String, not Long or Double or Dynamic", 61,
          CODE(0x14, 0, STRING, RETURN) },
        { "dynamic constant 44 has a type of another width", 61, CODE(0x12, WIDE_DYNAMIC, RETURN) },
        { "dynamic constant 48 has a type of another width", 61, CODE(0x14, 0, DYNAMIC, RETURN) },
        { NULL, 61, CODE(0x14, 0, WIDE_DYNAMIC, 0x14, 0, LONG, RETURN) },
        { NULL, 61, CODE(0xB2, 0, FIELD, RETURN) },
        { "instruction at 0 (opcode 0xb2): constant 20 is Methodref, not Fieldref", 61,
          CODE(0xB2, 0, METHOD, RETURN) },
        { NULL, 61,
          CODE(0xB8, 0, METHOD, 0xB8, 0, INTERFACE_METHOD, 0xB7, 0, CONSTRUCTOR, RETURN) },
        { "constant 26 is InterfaceMethodref, not Methodref", 61,
          CODE(0xB6, 0, INTERFACE_METHOD, RETURN) },
        { "only invokespecial calls <init>", 61, CODE(0xB6, 0, CONSTRUCTOR, RETURN) },
        { NULL, 61, CODE(0xB9, 0, INTERFACE_METHOD, 4, 0, RETURN) },
        { "wrong argument count", 61, CODE(0xB9, 0, INTERFACE_METHOD, 3, 0, RETURN) },
        { "wrong argument count", 61, CODE(0xB9, 0, INTERFACE_METHOD, 4, 1, RETURN) },
        { NULL, 61, CODE(0xBA, 0, INDY, 0, 0, RETURN) },
        { "does not end in two zero bytes", 61, CODE(0xBA, 0, INDY, 0, 1, RETURN) },
        { "constant 48 is Dynamic, not InvokeDynamic", 61, CODE(0xBA, 0, DYNAMIC, 0, 0, RETURN) },
        { NULL, 61, CODE(0xBB, 0, CLASS, 0xC0, 0, ARRAY, 0xBD, 0, ARRAY, RETURN) },
        { "new of an array type", 61, CODE(0xBB, 0, ARRAY, RETURN) },
        { NULL, 61, CODE(0xC5, 0, ARRAY, 2, RETURN) },
        { "multianewarray of 3 dimensions on a type of 2", 61, CODE(0xC5, 0, ARRAY, 3, RETURN) },
        { "multianewarray of 0 dimensions", 61, CODE(0xC5, 0, ARRAY, 0, RETURN) },
        { "newarray of unknown type 12", 61, CODE(0xBC, 12, RETURN) },
        { "local variable 10, but max_locals is 10", 61, CODE(0x15, 10, RETURN) },
        { "max_locals is 10", 61, CODE(0x16, 9, RETURN) },
        { "constant 255 does not exist", 61, CODE(0xC1, 0, 255, RETURN) },
    };
    TRY(samples);
}

static void branches_land_on_instructions(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { NULL, 61, CODE(0xA7, 0, 3, RETURN) },
        { NULL, 61, CODE(0x00, 0xA7, 0xFF, 0xFF) },
        { "instruction at 0 (opcode 0xa7): no instruction starts at 2", 61,
          CODE(0xA7, 0, 2, RETURN) },
        { "no instruction starts at 4", 61, CODE(0xA7, 0, 4, RETURN) },
        { "a branch leaves the code", 61, CODE(0xA7, 0xFF, 0xFF, RETURN) },
        { NULL, 61, CODE(0xC8, 0, 0, 0, 5, RETURN) },
        { "a branch leaves the code", 61, CODE(0xC8, 0x7F, 0xFF, 0xFF, 0xFF, RETURN) },
        { NULL, 61, CODE(0xAA, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, 20, RETURN) },
        { "no instruction starts at 19", 61,
          CODE(0xAA, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, 19, RETURN) },
        { "no valid instruction at 0 (opcode 0xaa)", 61,
          CODE(0xAA, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 6, 0, 0, 0, 5, 0, 0, 0, 20, RETURN) },
        { "no valid instruction at 0 (opcode 0xaa)", 61,
          CODE(0xAA, 0, 0, 0, 0, 0, 0, 20, 0x80, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 20,
               RETURN) },
        { NULL, 61,
          CODE(0xAB, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 2, 0xFF, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 1, 0, 0,
               0, 28, RETURN) },
        { "lookupswitch is not sorted", 61,
          CODE(0xAB, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 1, 0, 0, 0,
               28, RETURN) },
        { "no valid instruction at 0 (opcode 0xab)", 61,
          CODE(0xAB, 0, 0, 0, 0, 0, 0, 28, 0xFF, 0xFF, 0xFF, 0xFF, RETURN) },
    };
    TRY(samples);
}

static void subroutines_are_of_old_versions_only(void **state)
{
    (void)state;
    static const uint8_t jsr[] = { 0xA8, 0, 3, 0x3A, 1, 0xA9, 1 };
    struct builder *builder = new_builder();
    builder->major = 50;
    add_code_method(builder, jsr, sizeof jsr, NULL, NULL, 0);
    expect_accepted(build_class(builder));
    builder->major = 51;
    expect_refused(build_class(builder), "jsr and ret do not exist in class file version 51");
    free(builder);
}

static void try_handler(unsigned start, unsigned end, unsigned handler, unsigned type,
                        const char *wanted)
{
    static const uint8_t code[] = { 0x03, 0x57, 0xA7, 0x00, 0x03, RETURN };
    struct builder *builder = builder_with_constants();
    struct part *handlers = calloc(1, sizeof *handlers);
    put_u2(handlers, start);
    put_u2(handlers, end);
    put_u2(handlers, handler);
    put_u2(handlers, type);
    add_code_method(builder, code, sizeof code, handlers, NULL, 0);
    if (wanted == NULL)
        expect_accepted(build_class(builder));
    else
        expect_refused(build_class(builder), wanted);
    free(handlers);
    free(builder);
}

static void handlers_cover_instructions_and_start_at_one(void **state)
{
    (void)state;
    try_handler(0, 6, 5, CLASS, NULL);
    try_handler(0, 2, 0, 0, NULL);
    try_handler(3, 6, 5, 0, "exception table entry 0: no instruction starts at 3");
    try_handler(0, 7, 5, 0, "no instruction starts at 7");
    try_handler(0, 3, 5, 0, "no instruction starts at 3");
    try_handler(2, 2, 5, 0, "end 2 is not after start 2");
    try_handler(0, 6, 6, 0, "no instruction starts at 6");
    try_handler(0, 6, 5, STRING, "constant 6 is String, not Class");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_divides_into_known_instructions),
        cmocka_unit_test(operands_are_of_the_right_kind),
        cmocka_unit_test(branches_land_on_instructions),
        cmocka_unit_test(subroutines_are_of_old_versions_only),
        cmocka_unit_test(handlers_cover_instructions_and_start_at_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
