/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sandbox.h"

#include "classfile/fingerprint.h"
#include "tests/unit/class_samples.h"
#include "tests/unit/javac.h"

/* Two texts of a class, and whether they mean the same to the JVM and to whoever reflects on it. */
struct pair {
    const char *name;
    const char *before;
    const char *after;
    bool same;
};

#define HIDDEN "@interface Hidden { int value(); } "

static const struct pair pairs[] = {
    { "Order", "class Order { String a() { return \"a\"; } String b() { return \"b\" + a(); } }",
      "class Order { String b() { return \"b\" + a(); } String a() { return \"a\"; } }", true },
    { "Lines", "class Lines { int f() { return 1; } }",
      "class Lines {\n\n int f() {\n return 1; } }", true },
    { "Invisible", HIDDEN "class Invisible { @Hidden(1) int x; }",
      HIDDEN "class Invisible { @Hidden(2) int x; }", true },
    { "Locals", "class Locals { int f(int a) { int b = a; return b; } }",
      "class Locals { int f(int a) { int c = a; return c; } }", true },
    { "Body", "class Body { int f() { return 1; } }", "class Body { int f() { return 2; } }",
      false },
    { "Text", "class Text { String f() { return \"a\"; } }",
      "class Text { String f() { return \"b\"; } }", false },
    { "Branch", "class Branch { int f(int i) { return i > 0 ? i : -i; } }",
      "class Branch { int f(int i) { return i < 0 ? i : -i; } }", false },
    { "Fields", "class Fields { int a; int b; }", "class Fields { int b; int a; }", false },
    { "Flags", "class Flags { void f() { } }", "class Flags { final void f() { } }", false },
    { "Constant", "class Constant { static final int A = 1; }",
      "class Constant { static final int A = 2; }", false },
    { "Visible", "class Visible { @Deprecated(since = \"1\") int x; }",
      "class Visible { @Deprecated(since = \"2\") int x; }", false },
    { "Names", "class Names { void f(int a) { } }", "class Names { void f(int b) { } }", false },
    { "Throws", "class Throws { void f() throws Exception { } }",
      "class Throws { void f() throws Error { } }", false },
    { "Concat", "class Concat { String f(int i) { return \"a\" + i; } }",
      "class Concat { String f(int i) { return \"b\" + i; } }", false },
    { "Generic", "class Generic<T> { }", "class Generic<T extends Number> { }", false },
    { "Catch", "class Catch { void f() { try { f(); } catch (Error e) { } } }",
      "class Catch { void f() { try { f(); } catch (RuntimeException e) { } } }", false },
};

#define PAIR_COUNT (sizeof pairs / sizeof pairs[0])

static struct sandbox sandbox;

static int compile_both(void **state)
{
    (void)state;
    sandbox_make(&sandbox);
    make_directory(&sandbox, "before");
    make_directory(&sandbox, "after");
    for (size_t i = 0; i < PAIR_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "before/%s.java", pairs[i].name);
        write_text(&sandbox, name, pairs[i].before);
        snprintf(name, sizeof name, "after/%s.java", pairs[i].name);
        write_text(&sandbox, name, pairs[i].after);
    }
    javac_compile(at(&sandbox, "before"), at(&sandbox, "before"), "-g -parameters --release 17");
    javac_compile(at(&sandbox, "after"), at(&sandbox, "after"), "-g -parameters --release 17");
    return 0;
}

static int remove_both(void **state)
{
    (void)state;
    sandbox_delete(sandbox.path);
    return 0;
}

typedef int printer(const struct hd_class *class_file, struct hd_digest *out, struct hd_error *err);

static struct hd_digest print_with(printer *with, struct hd_bytes bytes)
{
    struct hd_class *class_file = NULL;
    struct hd_digest digest;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_class_parse(bytes.data, bytes.length, &class_file, &err), 0);
    assert_int_equal(with(class_file, &digest, &err), 0);
    hd_class_free(class_file);
    return digest;
}

static struct hd_digest fingerprint_of(struct hd_bytes bytes)
{
    return print_with(hd_class_fingerprint, bytes);
}

static struct hd_digest print_file(printer *with, const char *directory, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s.class", directory, name);
    struct hd_bytes bytes = read_whole(at(&sandbox, path));
    struct hd_digest digest = print_with(with, bytes);
    free((void *)(uintptr_t)bytes.data);
    return digest;
}

static struct hd_digest fingerprint_of_file(const char *directory, const char *name)
{
    return print_file(hd_class_fingerprint, directory, name);
}

static void meaning_decides_about_the_fingerprint(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIR_COUNT; i++) {
        struct hd_digest before = fingerprint_of_file("before", pairs[i].name);
        struct hd_digest after = fingerprint_of_file("after", pairs[i].name);
        if (hd_digest_equal(&before, &after) != pairs[i].same)
            fail_msg("%s: the fingerprints are %s", pairs[i].name,
                     pairs[i].same ? "different" : "equal");
    }
}

static void another_pool_has_no_other_fingerprint(void **state)
{
    (void)state;
    struct hd_bytes bytes = read_whole(at(&sandbox, "before/Concat.class"));
    struct hd_class *class_file = NULL;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_class_parse(bytes.data, bytes.length, &class_file, &err), 0);
    struct hd_bytes other = { NULL, 0 };
    uint8_t *copy = with_unused_constant(class_file, &other.length);
    other.data = copy;
    struct hd_digest one = fingerprint_of(bytes);
    struct hd_digest two = fingerprint_of(other);
    assert_true(hd_digest_equal(&one, &two));
    hd_class_free(class_file);
    free(copy);
    free((void *)(uintptr_t)bytes.data);
}

/* JDK 8 to 17 forget MethodParameters when they rebuild a file; code they do not. */
static void what_a_jvm_forgets_when_it_rebuilds_a_file_does_not_count_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIR_COUNT; i++) {
        bool same = pairs[i].same || strcmp(pairs[i].name, "Names") == 0;
        struct hd_digest before = print_file(hd_class_fingerprint_rebuilt, "before", pairs[i].name);
        struct hd_digest after = print_file(hd_class_fingerprint_rebuilt, "after", pairs[i].name);
        if (hd_digest_equal(&before, &after) != same)
            fail_msg("%s: the fingerprints are %s", pairs[i].name, same ? "different" : "equal");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meaning_decides_about_the_fingerprint),
        cmocka_unit_test(another_pool_has_no_other_fingerprint),
        cmocka_unit_test(what_a_jvm_forgets_when_it_rebuilds_a_file_does_not_count_there),
    };
    return cmocka_run_group_tests(tests, compile_both, remove_both);
}
