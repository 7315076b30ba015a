/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "classfile/names.h"
#include "classfile/utf8.h"
#include "classfile/words.h"
#include "core/alloc.h"

#include <stdio.h>
#include <string.h>

static struct hd_bytes bytes(const char *text)
{
    return (struct hd_bytes){ (const uint8_t *)text, strlen(text) };
}

#define RAW(text) ((struct hd_bytes){ (const uint8_t *)(text), sizeof(text) - 1 })

static void names_are_legal_where_the_specification_says_so(void **state)
{
    (void)state;
    assert_true(hd_name_is_unqualified(bytes("count")));
    assert_true(hd_name_is_unqualified(bytes("a-b<c>")));
    assert_false(hd_name_is_unqualified(bytes("")));
    assert_false(hd_name_is_unqualified(bytes("a.b")));
    assert_false(hd_name_is_unqualified(bytes("a/b")));
    assert_false(hd_name_is_unqualified(bytes("a;")));
    assert_false(hd_name_is_unqualified(bytes("[a")));
    assert_true(hd_name_is_method(bytes("run")));
    assert_true(hd_name_is_method(bytes("<init>")));
    assert_true(hd_name_is_method(bytes("<clinit>")));
    assert_false(hd_name_is_method(bytes("<run>")));
    assert_false(hd_name_is_method(bytes("a>b")));
    assert_true(hd_name_is_class(bytes("java/lang/Object")));
    assert_true(hd_name_is_class(bytes("Foo$1")));
    assert_false(hd_name_is_class(bytes("/Foo")));
    assert_false(hd_name_is_class(bytes("a//Foo")));
    assert_false(hd_name_is_class(bytes("a/")));
    assert_false(hd_name_is_class(bytes("a.Foo")));
    assert_false(hd_name_is_class(bytes("LFoo;")));
    assert_true(hd_name_is_class_or_array(bytes("[LFoo;")));
    assert_true(hd_name_is_class_or_array(bytes("[[I")));
    assert_false(hd_name_is_class_or_array(bytes("[Foo")));
    assert_true(hd_name_is_module(bytes("java.base")));
    assert_true(hd_name_is_module(bytes("a\\:b")));
    assert_false(hd_name_is_module(bytes("a:b")));
    assert_false(hd_name_is_module(bytes("a\\")));
}

/* JVMS §4.2.1, byte by byte. */
static bool is_class_name(struct hd_bytes name)
{
    uint8_t last = '/';
    for (size_t i = 0; i < name.length; i++) {
        uint8_t byte = name.data[i];
        if (byte == '.' || byte == ';' || byte == '[' || (byte == '/' && last == '/'))
            return false;
        last = byte;
    }
    return last != '/';
}

/* §4.4.7 for texts with no more than one byte that is none of ASCII. */
static bool is_ascii(uint8_t byte)
{
    return byte != 0 && byte < 0x80;
}

static void expect_every_name_judged(struct hd_bytes name, uint8_t byte)
{
    bool separates = byte == '.' || byte == ';' || byte == '[' || byte == '/';
    bool has_angle = byte == '<' || byte == '>';
    assert_int_equal(hd_name_is_unqualified(name), !separates);
    assert_int_equal(hd_name_is_method(name), !separates && !has_angle);
    assert_int_equal(hd_name_is_class(name), is_class_name(name));
    assert_int_equal(hd_utf8_is_valid_modified(name), is_ascii(byte));
}

/* Texts are looked at eight bytes at a time: each byte counts at each place of each length. */
static void every_byte_counts_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t length = 1; length <= 27; length++) {
        uint8_t *text = hd_alloc(length); /* so that a sanitizer sees what is read past the end */
        assert_non_null(text);
        for (size_t place = 0; place < length; place++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                memset(text, 'x', length);
                text[place] = (uint8_t)byte;
                expect_every_name_judged((struct hd_bytes){ text, length }, (uint8_t)byte);
            }
        }
        hd_free(text);
    }
}

static void slashes_separate_wherever_two_of_them_stand(void **state)
{
    (void)state;
    for (size_t length = 2; length <= 27; length++) {
        for (size_t first = 0; first < length; first++) {
            for (size_t second = first + 1; second < length; second++) {
                uint8_t text[27];
                memset(text, 'x', sizeof text);
                text[first] = '/';
                text[second] = '/';
                struct hd_bytes name = { text, length };
                assert_int_equal(hd_name_is_class(name), is_class_name(name));
                text[second] = ';';
                assert_false(hd_name_is_class(name));
            }
        }
    }
}

static void a_class_ends_at_its_semicolon_wherever_that_stands(void **state)
{
    (void)state;
    for (size_t length = 1; length <= 27; length++) {
        uint8_t text[40];
        memset(text, 'x', sizeof text);
        text[0] = 'L';
        text[1 + length] = ';';
        text[2 + length] = 'I';
        struct hd_bytes rest = { text, length + 3 };
        assert_int_equal(hd_descriptor_next(&rest).length, length + 2);
        assert_int_equal(hd_descriptor_next(&rest).length, 1);
        assert_int_equal(hd_descriptor_next(&rest).length, 0);
    }
}

static void descriptors_are_read_to_their_end(void **state)
{
    (void)state;
    unsigned slots = 0;
    assert_true(hd_descriptor_is_field(bytes("I")));
    assert_true(hd_descriptor_is_field(bytes("[[Ljava/lang/String;")));
    assert_false(hd_descriptor_is_field(bytes("")));
    assert_false(hd_descriptor_is_field(bytes("V")));
    assert_false(hd_descriptor_is_field(bytes("[")));
    assert_false(hd_descriptor_is_field(bytes("II")));
    assert_false(hd_descriptor_is_field(bytes("L;")));
    assert_false(hd_descriptor_is_field(bytes("Ljava/lang/String")));
    assert_true(hd_descriptor_is_method(bytes("()V"), &slots));
    assert_int_equal(slots, 0);
    assert_true(hd_descriptor_is_method(bytes("(IJ[JLFoo;D)[I"), &slots));
    assert_int_equal(slots, 7);
    assert_false(hd_descriptor_is_method(bytes("()"), NULL));
    assert_false(hd_descriptor_is_method(bytes("(V)V"), NULL));
    assert_false(hd_descriptor_is_method(bytes("(I"), NULL));
    assert_false(hd_descriptor_is_method(bytes("(I)VV"), NULL));
    assert_false(hd_descriptor_is_method(bytes("I"), NULL));
}

static void arrays_have_at_most_255_dimensions(void **state)
{
    (void)state;
    char text[258];
    memset(text, '[', sizeof text);
    text[256] = 'I';
    assert_true(hd_descriptor_is_field((struct hd_bytes){ (const uint8_t *)text + 1, 256 }));
    assert_false(hd_descriptor_is_field((struct hd_bytes){ (const uint8_t *)text, 257 }));
}

static void parameters_take_at_most_255_slots(void **state)
{
    (void)state;
    char longs[128];
    char text[300];
    memset(longs, 'J', sizeof longs);
    longs[127] = '\0';
    snprintf(text, sizeof text, "(%sI)V", longs);
    assert_true(hd_descriptor_is_method(bytes(text), NULL));
    snprintf(text, sizeof text, "(%sII)V", longs);
    assert_false(hd_descriptor_is_method(bytes(text), NULL));
}

static void modified_utf8_is_told_from_what_only_looks_like_it(void **state)
{
    (void)state;
    assert_true(hd_utf8_is_valid_modified(bytes("")));
    assert_true(hd_utf8_is_valid_modified(bytes("plain ascii that is longer than eight bytes")));
    assert_true(hd_utf8_is_valid_modified(RAW("\xC0\x80")));
    assert_true(hd_utf8_is_valid_modified(RAW("caf\xC3\xA9 twelve bytes")));
    assert_true(hd_utf8_is_valid_modified(RAW("\xED\xA0\xBD\xED\xB8\x80")));
    assert_false(hd_utf8_is_valid_modified(RAW("abcdefgh\0ijkl")));
    assert_false(hd_utf8_is_valid_modified(RAW("\0")));
    assert_false(hd_utf8_is_valid_modified(RAW("\xC3")));
    assert_false(hd_utf8_is_valid_modified(RAW("\xC1\x81")));
    assert_false(hd_utf8_is_valid_modified(RAW("\xE0\x81\x81")));
    assert_false(hd_utf8_is_valid_modified(RAW("\x80")));
    assert_false(hd_utf8_is_valid_modified(RAW("\xF0\x9F\x98\x80")));
    assert_false(hd_utf8_is_valid_modified(RAW("12345678\xFF")));
}

static void printable_is(struct hd_bytes text, const char *wanted)
{
    char out[HD_PRINTABLE_MAX];
    assert_string_equal(hd_utf8_printable(out, text), wanted);
}

static void text_for_people_is_plain_utf8(void **state)
{
    (void)state;
    printable_is(RAW("caf\xC3\xA9"), "caf\xC3\xA9");
    printable_is(RAW("\xED\xA0\xBD\xED\xB8\x80!"), "\xF0\x9F\x98\x80!");
    printable_is(RAW("a\xC0\x80"
                     "b\033[31m\n"),
                 "a?b?[31m?");
    printable_is(RAW("\xED\xA0\xBD"
                     "x"),
                 "?x");
    printable_is(RAW("\xE2\x80\xAEx"), "?x");
    printable_is(RAW("\xFFz"), "?z");
    char text[400];
    memset(text, 'n', sizeof text);
    char out[HD_PRINTABLE_MAX];
    hd_utf8_printable(out, (struct hd_bytes){ (const uint8_t *)text, sizeof text });
    assert_int_equal(strlen(out), HD_PRINTABLE_MAX - 1);
    assert_string_equal(out + strlen(out) - 4, "n...");
}

static void words_are(struct hd_words *words, const char *wanted)
{
    char *text = hd_words_take(words);
    assert_string_equal(text, wanted);
    hd_free(text);
}

static void members_read_as_in_java(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_words words = hd_words_begin(&err);
    hd_words_add_method(&words, bytes("bar"), bytes("(ILjava/lang/String;[[J)Ljava/util/List;"),
                        HD_NAMING_SIMPLE);
    words_are(&words, "bar(int, String, long[][])");
    words = hd_words_begin(&err);
    hd_words_add_method(&words, bytes("bar"), bytes("(Ljava/util/Date;)V"), HD_NAMING_FULL);
    words_are(&words, "bar(java.util.Date): void");
    words = hd_words_begin(&err);
    hd_words_add_class(&words, bytes("com/example/Foo$Bar"));
    words_are(&words, "com.example.Foo$Bar");
    words = hd_words_begin(&err);
    hd_words_add_class(&words, bytes("[Lcom/example/Foo;"));
    words_are(&words, "com.example.Foo[]");
    words = hd_words_begin(&err);
    hd_words_add_modifiers(&words, 0x001A, HD_MODIFIERS_OF_FIELD);
    words_are(&words, "private static final");
    words = hd_words_begin(&err);
    hd_words_add_modifiers(&words, 0x00A1, HD_MODIFIERS_OF_METHOD);
    words_are(&words, "public synchronized varargs");
    words = hd_words_begin(&err);
    hd_words_add_modifiers(&words, 0, HD_MODIFIERS_OF_CLASS);
    words_are(&words, "package-private");
}

/* A name may be 65,535 bytes long, and 65,535 methods may have it. */
static void words_are_cut_where_nobody_would_read_on(void **state)
{
    (void)state;
    static uint8_t name[2000];
    struct hd_error err = HD_ERROR_INIT;
    struct hd_words words = hd_words_begin(&err);
    memset(name, 'n', sizeof name);
    name[HD_WORDS_NAME_MAX - 1] = 0xC3;
    name[HD_WORDS_NAME_MAX] = 0xA9;
    hd_words_add_modified(&words, (struct hd_bytes){ name, sizeof name });
    assert_int_equal(words.text.length, HD_WORDS_NAME_MAX - 1 + 3);
    for (int i = 0; i < 20; i++)
        hd_words_add_modified(&words, (struct hd_bytes){ name, sizeof name });
    char *text = hd_words_take(&words);
    assert_true(strlen(text) < HD_WORDS_MAX + HD_WORDS_NAME_MAX + 10);
    assert_string_equal(text + strlen(text) - 7, "n......");
    hd_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_legal_where_the_specification_says_so),
        cmocka_unit_test(every_byte_counts_wherever_it_stands),
        cmocka_unit_test(slashes_separate_wherever_two_of_them_stand),
        cmocka_unit_test(a_class_ends_at_its_semicolon_wherever_that_stands),
        cmocka_unit_test(descriptors_are_read_to_their_end),
        cmocka_unit_test(arrays_have_at_most_255_dimensions),
        cmocka_unit_test(parameters_take_at_most_255_slots),
        cmocka_unit_test(modified_utf8_is_told_from_what_only_looks_like_it),
        cmocka_unit_test(text_for_people_is_plain_utf8),
        cmocka_unit_test(members_read_as_in_java),
        cmocka_unit_test(words_are_cut_where_nobody_would_read_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
