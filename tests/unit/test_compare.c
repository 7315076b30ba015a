/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sandbox.h"

#include "classfile/compare.h"
#include "classfile/describe.h"
#include "classfile/verdict.h"
#include "core/alloc.h"
#include "core/text.h"
#include "tests/unit/javac.h"

/* Two versions of the class called name, and what lies between them. */
struct edit {
    const char *name;
    const char *before;
    const char *after;
    const char *differences; /* every one in words, joined by "; " */
    enum hd_reason reason;
    unsigned warnings;
    const char *message; /* NULL where nothing is refused */
};

#define BODY_OF(name) "method changed: " name

static const struct edit edits[] = {
    { "Same", "class Same { int x; int f() { return x; } }",
      "class Same { int x; int f() { return x; } }", "", HD_REASON_NONE, 0, NULL },
    { "Reordered", "class Reordered { String a() { return \"a\"; } String b() { return \"b\"; } }",
      "class Reordered { String b() { return \"b\"; } String a() { return \"a\"; } }", "",
      HD_REASON_NONE, 0, NULL },
    { "Moved", "class Moved { int f() { return 1; } }", "class Moved {\n\n int f() { return 1; } }",
      "other", HD_REASON_NONE, 0, NULL },
    { "Body", "class Body { int f(int x) { return x; } }",
      "class Body { int f(int x) { return x + 1; } }", BODY_OF("f(int)"), HD_REASON_NONE, 0, NULL },
    { "TextConstant", "class TextConstant { String f() { return \"one\"; } }",
      "class TextConstant { String f() { return \"two\"; } }", BODY_OF("f()"), HD_REASON_NONE, 0,
      NULL },
    { "Handler",
      "class Handler { void f() { try { g(); } catch (RuntimeException e) { } } void g() { } }",
      "class Handler { void f() { try { g(); } catch (Error e) { } } void g() { } }",
      BODY_OF("f()"), HD_REASON_NONE, 0, NULL },
    { "MethodAdded", "class MethodAdded { }", "class MethodAdded { void bar(int x, String y) { } }",
      "method added: bar(int, String)", HD_REASON_METHOD_ADDED, 0,
      "method added: bar(int, String)" },
    { "MethodRemoved", "class MethodRemoved { private static void bar(int[] x) { } }",
      "class MethodRemoved { }", "method removed: bar(int[])", HD_REASON_METHOD_REMOVED, 0,
      "method removed: bar(int[])" },
    { "Parameter", "class Parameter { void f(int x) { } }",
      "class Parameter { void f(long x) { } }", "method removed: f(int); method added: f(long)",
      HD_REASON_METHOD_ADDED, 0, "method added: f(long); method removed: f(int)" },
    { "Returns", "class Returns { int f() { return 0; } }",
      "class Returns { long f() { return 0; } }",
      "method removed: f(): int; method added: f(): long", HD_REASON_METHOD_ADDED, 0,
      "method added: f(): long; method removed: f(): int" },
    { "Alike", "class Alike { void f(java.util.Date d) { } }",
      "class Alike { void f(java.util.Date d) { } void f(java.sql.Date d) { } }",
      "method added: f(java.sql.Date): void", HD_REASON_METHOD_ADDED, 0,
      "method added: f(java.sql.Date): void" },
    { "MethodFlags", "class MethodFlags { void f() { } }",
      "class MethodFlags { static synchronized void f() { } }",
      "method f(): package-private became static synchronized; line numbers, local variables or "
      "other attributes changed",
      HD_REASON_METHOD_MODIFIERS_CHANGED, 0,
      "method f(): package-private became static synchronized" },
    { "Native", "class Native { native void f(); }", "class Native { void f() { } }",
      BODY_OF("f()"), HD_REASON_NONE, 0, NULL },
    { "FieldAdded", "class FieldAdded { int a; }", "class FieldAdded { int a; String[] b; }",
      "field added: String[] b", HD_REASON_FIELD_ADDED, 0, "field added: String[] b" },
    { "FieldRemoved", "class FieldRemoved { int a; long b; }", "class FieldRemoved { long b; }",
      "field removed: int a", HD_REASON_FIELD_REMOVED, 0, "field removed: int a" },
    { "FieldType", "class FieldType { int count; }", "class FieldType { long count; }",
      "field count: int became long", HD_REASON_FIELD_CHANGED, 0, "field count: int became long" },
    { "FieldTypeAlike", "class FieldTypeAlike { java.util.Date d; }",
      "class FieldTypeAlike { java.sql.Date d; }", "field d: java.util.Date became java.sql.Date",
      HD_REASON_FIELD_CHANGED, 0, "field d: java.util.Date became java.sql.Date" },
    { "FieldFlags", "class FieldFlags { private int x; }",
      "class FieldFlags { public static int x; }", "field x: private became public static",
      HD_REASON_FIELD_CHANGED, 0, "field x: private became public static" },
    { "FieldOrder", "class FieldOrder { int a; int b; }", "class FieldOrder { int b; int a; }",
      "fields stand in another order: a before b became b before a", HD_REASON_FIELD_CHANGED, 0,
      "fields stand in another order: a before b became b before a" },
    { "Super", "class Super extends java.util.ArrayList<String> { }",
      "class Super extends java.util.LinkedList<String> { }",
      "superclass: java.util.ArrayList became java.util.LinkedList; method changed: <init>(); "
      "other",
      HD_REASON_SUPERCLASS_CHANGED, 0,
      "superclass: java.util.ArrayList became java.util.LinkedList" },
    { "Interfaces", "class Interfaces implements java.io.Serializable { }",
      "class Interfaces implements java.io.Serializable, Cloneable { }",
      "interfaces: java.io.Serializable became java.io.Serializable, java.lang.Cloneable",
      HD_REASON_INTERFACES_CHANGED, 0,
      "interfaces: java.io.Serializable became java.io.Serializable, java.lang.Cloneable" },
    { "ClassFlags", "class ClassFlags { }", "final class ClassFlags { }",
      "class modifiers: package-private became final", HD_REASON_CLASS_MODIFIERS_CHANGED, 0,
      "class modifiers: package-private became final" },
    { "Colour", "enum Colour { RED }", "enum Colour { RED, BLUE }",
      "enum constant added: BLUE; method changed: $values(); static initializer changed",
      HD_REASON_ENUM_CONSTANT_ADDED, HD_WARNING_INITIALIZER_CHANGED, "enum constant added: BLUE" },
    { "Nest", "class Nest { Object f() { return null; } }",
      "class Nest { Object f() { return new Object() { }; } }",
      "method changed: f(); an anonymous class was added: Nest$1; other", HD_REASON_NEST_CHANGED, 0,
      "an anonymous class was added: Nest$1" },
    { "NestTwo", "class NestTwo { }", "class NestTwo { class A { } class B { } }",
      "nested or anonymous classes were added: NestTwo$A, NestTwo$B; other", HD_REASON_NEST_CHANGED,
      0, "nested or anonymous classes were added: NestTwo$A, NestTwo$B" },
    { "NestOrder", "class NestOrder { class A { } class B { } }",
      "class NestOrder { class B { } class A { } }", "other", HD_REASON_NONE, 0, NULL },
    { "Components", "record Components(int x) { }", "record Components(int x, String y) { }",
      "field added: String y; method removed: <init>(int); method added: <init>(int, String); "
      "method changed: equals(Object); method changed: hashCode(); method changed: toString(); "
      "method added: y(); "
      "record components: (int x) became (int x, String y)",
      HD_REASON_FIELD_ADDED, 0,
      "field added: String y; method added: <init>(int, String); method added: y(); method "
      "removed: <init>(int); "
      "record components: (int x) became (int x, String y)" },
    { "Generic", "record Generic(java.util.List<String> x) { }",
      "record Generic(java.util.List<Integer> x) { }",
      "record components: (List x) became (List x) with other types behind the same names, or "
      "other generic types; other",
      HD_REASON_RECORD_CHANGED, 0,
      "record components: (List x) became (List x) with other types behind the same names, or "
      "other generic types" },
    { "RecordBody", "record RecordBody(int x) { int f() { return x; } }",
      "record RecordBody(int x) { int f() { return -x; } }", BODY_OF("f()"), HD_REASON_NONE, 0,
      NULL },
    { "Sealed",
      "sealed interface Sealed permits SealedA { } final class SealedA implements Sealed { } final "
      "class SealedB { }",
      "sealed interface Sealed permits SealedA, SealedB { } final class SealedA implements Sealed "
      "{ } final class SealedB implements Sealed { }",
      "permitted subclasses: SealedB added", HD_REASON_PERMITTED_CHANGED, 0,
      "permitted subclasses: SealedB added" },
    { "Constant",
      "class Constant { static final int LIMIT = 10; static final String NAME = \"a\"; }",
      "class Constant { static final int LIMIT = 20; static final String NAME = \"b\"; }",
      "constant LIMIT: 10 became 20; constant NAME: \"a\" became \"b\"", HD_REASON_NONE,
      HD_WARNING_CONSTANT_CHANGED, NULL },
    { "Constants",
      "class Constants { static final boolean B = true; static final char C = 'a'; static final "
      "long L = 1; "
      "static final double D = 0.5; static final float F = 1; }",
      "class Constants { static final boolean B = false; static final char C = 'b'; static final "
      "long L = 2; "
      "static final double D = 1.5; static final float F = 2; }",
      "constant B: true became false; constant C: 'a' became 'b'; constant L: 1L became 2L; "
      "constant D: 0.5 became 1.5; "
      "constant F: 1f became 2f",
      HD_REASON_NONE, HD_WARNING_CONSTANT_CHANGED, NULL },
    { "Initializer", "class Initializer { static int x = 1; }",
      "class Initializer { static int x = 2; }", "static initializer changed", HD_REASON_NONE,
      HD_WARNING_INITIALIZER_CHANGED, NULL },
    { "NewInitializer", "class NewInitializer { static int x; }",
      "class NewInitializer { static int x = 2; }",
      "method added: a static initializer, where there was none", HD_REASON_METHOD_ADDED, 0,
      "method added: a static initializer, where there was none" },
    { "Noted", "@Deprecated class Noted { @Deprecated int x; void f(@Deprecated int a) { } }",
      "class Noted { int x; void f(int a) { } }",
      "annotations changed: x; annotations changed: f(int); annotations changed; other",
      HD_REASON_NONE, HD_WARNING_ANNOTATIONS_CHANGED, NULL },
    { "Defaults", "@interface Defaults { int value() default 1; }",
      "@interface Defaults { int value() default 2; }", "annotations changed: value()",
      HD_REASON_NONE, HD_WARNING_ANNOTATIONS_CHANGED, NULL },
    { "LambdaBody", "class LambdaBody { Runnable f() { return () -> System.out.println(1); } }",
      "class LambdaBody { Runnable f() { return () -> System.out.println(2); } }",
      BODY_OF("lambda$f$0()"), HD_REASON_NONE, 0, NULL },
    { "Lambda", "class Lambda { Runnable f() { return null; } }",
      "class Lambda { Runnable f() { return () -> { }; } }",
      "method changed: f(); a lambda was added in f(): the compiler makes it a new private method "
      "lambda$f$0(); other",
      HD_REASON_METHOD_ADDED, 0,
      "a lambda was added in f(): the compiler makes it a new private method lambda$f$0()" },
    { "LambdaIn", "class LambdaIn { }",
      "class LambdaIn { Runnable a = () -> { }; static final Runnable B = () -> { }; }",
      "field added: Runnable a; field added: Runnable B; method added: a static initializer, where "
      "there was none; "
      "method changed: <init>(); "
      "a lambda was added in a constructor or field initializer: the compiler makes it a new "
      "private method lambda$new$0(); "
      "a lambda was added in a static initializer: the compiler makes it a new private method "
      "lambda$static$1(); other",
      HD_REASON_FIELD_ADDED, 0,
      "field added: Runnable a; field added: Runnable B; method added: a static initializer, where "
      "there was none; "
      "a lambda was added in a constructor or field initializer: the compiler makes it a new "
      "private method lambda$new$0(); "
      "a lambda was added in a static initializer: the compiler makes it a new private method "
      "lambda$static$1()" },
    { "LambdaGone", "class LambdaGone { Runnable f() { return () -> { }; } }",
      "class LambdaGone { Runnable f() { return null; } }",
      "method changed: f(); a lambda was removed from f(): the method lambda$f$0() that the "
      "compiler made of it would go; other",
      HD_REASON_METHOD_REMOVED, 0,
      "a lambda was removed from f(): the method lambda$f$0() that the compiler made of it would "
      "go" },
    { "Swapped",
      "class Swapped { void f() { Runnable a = () -> g(1); Runnable b = () -> g(2); a.run(); } "
      "void g(int i) { } }",
      "class Swapped { void f() { Runnable a = () -> g(2); Runnable b = () -> g(1); a.run(); } "
      "void g(int i) { } }",
      "method changed: lambda$f$0(); method changed: lambda$f$1()", HD_REASON_NONE, 0, NULL },
    { "Exchanged",
      "class Exchanged { void f() { Runnable a = () -> g(1); Runnable b = () -> g(2); a.run(); } "
      "void g(int i) { } }",
      "class Exchanged { void f() { Runnable b = () -> g(2); Runnable a = () -> g(1); a.run(); } "
      "void g(int i) { } }",
      "method changed: f(); the compiler numbered its own methods anew; the compiler numbered its "
      "own methods anew",
      HD_REASON_NONE, HD_WARNING_SYNTHETIC_RENUMBERED, NULL },
    { "Noticed",
      "class Noticed { @Deprecated void a() { } void f() { Runnable a = () -> g(1); Runnable b = "
      "() -> g(2); a.run(); } void g(int i) { } }",
      "class Noticed { void a() { } void f() { Runnable b = () -> g(2); Runnable a = () -> g(1); "
      "a.run(); } void g(int i) { } }",
      "annotations changed: a(); method changed: f(); the compiler numbered its own methods anew; "
      "the compiler numbered its own methods anew; other",
      HD_REASON_NONE, HD_WARNING_ANNOTATIONS_CHANGED | HD_WARNING_SYNTHETIC_RENUMBERED, NULL },
    { "Renumbered",
      "class Renumbered { Runnable f() { return () -> g(); } Runnable g() { return () -> f(); } }",
      "class Renumbered { Runnable g() { return () -> f(); } Runnable f() { return () -> g(); } }",
      "method changed: f(); method changed: g(); "
      "a lambda was removed from f(): the method lambda$f$0() that the compiler made of it would "
      "go; "
      "a lambda was added in f(): the compiler makes it a new private method lambda$f$1(); "
      "a lambda was added in g(): the compiler makes it a new private method lambda$g$0(); "
      "a lambda was removed from g(): the method lambda$g$1() that the compiler made of it would "
      "go; "
      "the compiler numbered its own methods anew",
      HD_REASON_METHOD_ADDED, HD_WARNING_SYNTHETIC_RENUMBERED,
      "method added: lambda$f$1(); method added: lambda$g$0(); method removed: lambda$f$0(); "
      "method removed: lambda$g$1(); "
      "the compiler only numbered its own methods anew (another javac, or other options): compile "
      "as the running version was compiled" },
};

#define EDIT_COUNT (sizeof edits / sizeof edits[0])

static struct sandbox sandbox;

static void write_source(const char *directory, const struct edit *edit, const char *source)
{
    char name[128];
    snprintf(name, sizeof name, "%s/%s.java", directory, edit->name);
    write_text(&sandbox, name, source);
}

static int compile_both_versions(void **state)
{
    (void)state;
    sandbox_make(&sandbox);
    make_directory(&sandbox, "before");
    make_directory(&sandbox, "after");
    for (size_t i = 0; i < EDIT_COUNT; i++) {
        write_source("before", &edits[i], edits[i].before);
        write_source("after", &edits[i], edits[i].after);
    }
    javac_compile(at(&sandbox, "before"), at(&sandbox, "before"), "-g --release 17");
    javac_compile(at(&sandbox, "after"), at(&sandbox, "after"), "-g --release 17");
    return 0;
}

static int remove_both_versions(void **state)
{
    (void)state;
    sandbox_delete(sandbox.path);
    return 0;
}

static struct hd_class *load(const char *directory, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.class", directory, name);
    struct hd_bytes bytes = read_whole(at(&sandbox, path));
    struct hd_class *class_file = NULL;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_class_parse(bytes.data, bytes.length, &class_file, &err) != 0)
        fail_msg("%s: %s", path, err.text);
    return class_file;
}

static void unload(struct hd_class *class_file)
{
    void *bytes = (void *)(uintptr_t)class_file->file.data;
    hd_class_free(class_file);
    free(bytes);
}

static char *in_words(const struct hd_comparison *comparison)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_words words = hd_words_begin(&err);
    for (size_t i = 0; i < comparison->count; i++) {
        if (i > 0)
            hd_words_add(&words, "; ");
        hd_describe_difference(&words, &comparison->differences[i]);
    }
    return hd_words_take(&words);
}

/* "other" at the end stands for the words of what has no consequence. */
static void assert_differences(const char *name, const char *found, const char *wanted)
{
    static const char shorthand[] = "other";
    char full[2048];
    size_t length = strlen(wanted);
    size_t tail = sizeof shorthand - 1;
    if (length >= tail && strcmp(wanted + length - tail, shorthand) == 0)
        snprintf(full, sizeof full, "%.*sline numbers, local variables or other attributes changed",
                 (int)(length - tail), wanted);
    else
        snprintf(full, sizeof full, "%s", wanted);
    if (strcmp(found, full) != 0)
        fail_msg("%s:\n  found  %s\n  wanted %s", name, found, full);
}

static void try_edit(const struct edit *edit)
{
    static const struct hd_jvm_rules rules = { .feature_release = 17, .max_major = 61 };
    struct hd_class *before = load("before", edit->name);
    struct hd_class *after = load("after", edit->name);
    struct hd_comparison comparison;
    struct hd_verdict verdict;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_compare_classes(before, after, &comparison, &err), 0);
    char *words = in_words(&comparison);
    assert_differences(edit->name, words, edit->differences);
    assert_int_equal(hd_verdict_reach(&comparison, &rules, &verdict, &err), 0);
    assert_int_equal(verdict.reason, edit->reason);
    assert_int_equal(verdict.warnings, edit->warnings);
    assert_int_equal(verdict.changes_anything, edit->differences[0] != '\0');
    if (edit->message == NULL)
        assert_null(verdict.message);
    else
        assert_string_equal(verdict.message, edit->message);
    hd_free(words);
    hd_verdict_close(&verdict);
    hd_comparison_close(&comparison);
    unload(before);
    unload(after);
}

static void every_edit_is_told_in_words_and_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < EDIT_COUNT; i++)
        try_edit(&edits[i]);
}

/* The version that was live, as the road reads it the second time. */
static struct hd_class *read_again(const struct hd_class *class_file)
{
    struct hd_class *again = NULL;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(
        hd_class_parse_again(class_file->file.data, class_file->file.length, &again, &err), 0);
    return again;
}

static void judge_in_short(const struct edit *edit)
{
    static const struct hd_jvm_rules rules = { .feature_release = 17, .max_major = 61 };
    struct hd_class *before = load("before", edit->name);
    struct hd_class *after = load("after", edit->name);
    struct hd_class *again = read_again(before);
    struct hd_comparison comparison;
    struct hd_verdict verdict;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_compare_for_verdict(again, after, &comparison, &err), 0);
    assert_int_equal(hd_verdict_reach(&comparison, &rules, &verdict, &err), 0);
    if (verdict.reason != edit->reason || verdict.warnings != edit->warnings ||
        verdict.changes_anything != (edit->differences[0] != '\0'))
        fail_msg("%s: the short comparison is judged otherwise", edit->name);
    if (edit->message != NULL)
        assert_string_equal(verdict.message, edit->message);
    hd_verdict_close(&verdict);
    hd_comparison_close(&comparison);
    hd_class_free(again);
    unload(before);
    unload(after);
}

static void the_short_comparison_is_judged_like_the_long_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < EDIT_COUNT; i++)
        judge_in_short(&edits[i]);
}

static void a_class_is_itself_whatever_javac_wrote_it(void **state)
{
    (void)state;
    make_directory(&sandbox, "again");
    javac_compile(at(&sandbox, "before"), at(&sandbox, "again"), "-g:none --release 17");
    for (size_t i = 0; i < EDIT_COUNT; i++) {
        struct hd_class *before = load("before", edits[i].name);
        struct hd_class *after = load("again", edits[i].name);
        struct hd_comparison comparison;
        struct hd_error err = HD_ERROR_INIT;
        assert_int_equal(hd_compare_classes(before, after, &comparison, &err), 0);
        char *words = in_words(&comparison);
        assert_differences(edits[i].name, words, "other");
        hd_free(words);
        hd_comparison_close(&comparison);
        unload(before);
        unload(after);
    }
}

/* HotSpot does not read the nest attributes of a class file of Java 8. */
static void nests_do_not_count_before_version_55(void **state)
{
    (void)state;
    struct hd_class *before = load("before", "Nest");
    struct hd_class *after = load("after", "Nest");
    struct hd_comparison comparison;
    struct hd_error err = HD_ERROR_INIT;
    before->major = 52;
    after->major = 52;
    assert_int_equal(hd_compare_classes(before, after, &comparison, &err), 0);
    for (size_t i = 0; i < comparison.count; i++)
        assert_true(comparison.differences[i].kind >= HD_DIFFERENCE_METHOD_BODY);
    hd_comparison_close(&comparison);
    unload(before);
    unload(after);
}

static void a_long_name_is_not_cut_inside_a_character(void **state)
{
    (void)state;
    char member[160] = "lambda$x";
    for (size_t i = strlen(member); i < 130; i += 2)
        memcpy(member + i, "\xC3\xA9", 2);
    memcpy(member + strlen(member), "$0()", sizeof "$0()");
    struct hd_difference difference = { .kind = HD_DIFFERENCE_METHOD_ADDED,
                                        .access = HD_ACC_SYNTHETIC,
                                        .member = member };
    struct hd_error err = HD_ERROR_INIT;
    struct hd_words words = hd_words_begin(&err);
    hd_describe_difference(&words, &difference);
    char *text = hd_words_take(&words);
    assert_non_null(text);
    assert_non_null(strstr(text, "a lambda was added in x\xC3\xA9"));
    assert_true(hd_text_is_utf8(text, strlen(text)));
    hd_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_edit_is_told_in_words_and_judged),
        cmocka_unit_test(the_short_comparison_is_judged_like_the_long_one),
        cmocka_unit_test(a_class_is_itself_whatever_javac_wrote_it),
        cmocka_unit_test(nests_do_not_count_before_version_55),
        cmocka_unit_test(a_long_name_is_not_cut_inside_a_character),
    };
    return cmocka_run_group_tests(tests, compile_both_versions, remove_both_versions);
}
