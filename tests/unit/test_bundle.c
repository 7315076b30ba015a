/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bundle_reader.h"
#include "every_allocation.h"

#include <stdio.h>
#include <stdlib.h>

static void classes_are_found_at_their_package_paths(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    static const struct jar_entry entries[] = {
        { "org/example/", "", ZIP_CM_STORE },
        { "org/example/Foo.class", "foo's bytes", ZIP_CM_DEFLATE },
        { "org/example/Foo$Bar.class", "bar's bytes", ZIP_CM_STORE },
        { "org/example/notes.txt", "no class", 0 },
        { "Default.class", "", ZIP_CM_STORE },
        { NULL, NULL, 0 },
    };
    struct jar jar = make_jar(entries);
    struct jar copy = copy_jar(jar);
    struct hd_bundle *bundle = opened(jar, 17);
    assert_string_equal(hd_bundle_name(bundle), "app.jar");
    assert_int_equal(hd_bundle_class_count(bundle), 3);
    assert_class(bundle, 0, "Default", "Default.class", "");
    assert_class(bundle, 1, "org/example/Foo", "org/example/Foo.class", "foo's bytes");
    assert_class(bundle, 2, "org/example/Foo$Bar", "org/example/Foo$Bar.class", "bar's bytes");

    struct hd_bytes same;
    assert_int_equal(hd_bundle_jar(bundle, &same, NULL), 0);
    assert_int_equal(same.length, copy.length);
    assert_memory_equal(same.data, copy.data, copy.length);
    struct hd_digest digest;
    struct hd_digest expected;
    assert_int_equal(hd_bundle_digest(bundle, &digest, NULL), 0);
    assert_int_equal(hd_digest_of(copy.data, copy.length, &expected, NULL), 0);
    assert_true(hd_digest_equal(&digest, &expected));

    hd_bundle_free(bundle);
    hd_bundle_free(NULL);
    hd_free(copy.data);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static void spring_boot_jars_and_wars_are_read_where_their_classes_are(void **state)
{
    (void)state;
    static const struct jar_entry entries[] = {
        { "BOOT-INF/classes/com/example/App.class", "app", 0 },
        { "BOOT-INF/lib/other.jar", "a nested jar", ZIP_CM_STORE },
        { "BOOT-INF/Strange.class", "not on any class path", 0 },
        { "WEB-INF/classes/com/example/Servlet.class", "servlet", 0 },
        { "WEB-INF/Hidden.class", "not on any class path", 0 },
        { "META-INF/Hidden.class", "not on any class path", 0 },
        { "org/springframework/boot/loader/Launcher.class", "launcher", 0 },
        { NULL, NULL, 0 },
    };
    struct hd_bundle *bundle = opened(make_jar(entries), 17);
    assert_int_equal(hd_bundle_class_count(bundle), 3);
    assert_class(bundle, 0, "com/example/App", "BOOT-INF/classes/com/example/App.class", "app");
    assert_class(bundle, 1, "com/example/Servlet", "WEB-INF/classes/com/example/Servlet.class",
                 "servlet");
    assert_class(bundle, 2, "org/springframework/boot/loader/Launcher",
                 "org/springframework/boot/loader/Launcher.class", "launcher");
    hd_bundle_free(bundle);
}

static void module_info_is_skipped_and_package_info_is_a_class(void **state)
{
    (void)state;
    static const struct jar_entry entries[] = {
        { "module-info.class", "module", 0 },
        { "META-INF/versions/9/module-info.class", "module", 0 },
        { "com/example/module-info.class", "module", 0 },
        { "com/example/package-info.class", "package", 0 },
        { NULL, NULL, 0 },
    };
    struct hd_bundle *bundle = opened(make_jar(entries), 17);
    assert_int_equal(hd_bundle_class_count(bundle), 1);
    assert_class(bundle, 0, "com/example/package-info", "com/example/package-info.class",
                 "package");
    hd_bundle_free(bundle);
}

#define VERSIONED_CLASSES                                                                          \
    { "A.class", "A plain", 0 }, { "META-INF/versions/9/A.class", "A of 9", 0 },                   \
        { "META-INF/versions/17/A.class", "A of 17", 0 },                                          \
        { "META-INF/versions/21/A.class", "A of 21", 0 },                                          \
        { "META-INF/versions/11/OnlyNewer.class", "only newer", 0 },                               \
        { "META-INF/versions/8/TooOld.class", "no such thing as version 8", 0 },                   \
    {                                                                                              \
        "META-INF/versions/x/Odd.class", "no number", 0                                            \
    }

static const char *contents_of(const struct hd_bundle *bundle, const char *name)
{
    static char text[100];
    for (size_t i = 0; i < hd_bundle_class_count(bundle); i++) {
        const struct hd_bundle_class *class = hd_bundle_class_at(bundle, i);
        if (strcmp(class->name, name) != 0)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)class->file.length,
                 (const char *)class->file.data);
        return text;
    }
    return "absent";
}

static void assert_versions(const struct jar_entry *entries, unsigned release, const char *a,
                            const char *only_newer)
{
    struct hd_bundle *bundle = opened(make_jar(entries), release);
    assert_string_equal(contents_of(bundle, "A"), a);
    assert_string_equal(contents_of(bundle, "OnlyNewer"), only_newer);
    assert_string_equal(contents_of(bundle, "TooOld"), "absent");
    assert_int_equal(hd_bundle_class_count(bundle), strcmp(only_newer, "absent") == 0 ? 1 : 2);
    hd_bundle_free(bundle);
}

static void of_several_versions_the_one_that_fits_the_jvm_counts(void **state)
{
    (void)state;
    static const struct jar_entry entries[] = { VERSIONED_CLASSES, { NULL, NULL, 0 } };
    static const struct jar_entry declared[] = {
        { "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nmulti-release: TRUE\r\n\r\n", 0 },
        VERSIONED_CLASSES,
        { NULL, NULL, 0 },
    };
    assert_versions(entries, 8, "A plain", "absent");
    assert_versions(entries, 9, "A of 9", "absent");
    assert_versions(entries, 16, "A of 9", "only newer");
    assert_versions(entries, 17, "A of 17", "only newer");
    assert_versions(declared, 28, "A of 21", "only newer");
    assert_versions(declared, 0, "A plain", "absent");
}

static void versions_that_the_manifest_does_not_declare_are_left_alone_as_the_jvm_does(void **state)
{
    (void)state;
    static const struct jar_entry silent[] = {
        { "META-INF/MANIFEST.MF",
          "Manifest-Version: 1.0\r\n\r\nName: part\r\nMulti-Release: true\r\n", 0 },
        VERSIONED_CLASSES,
        { NULL, NULL, 0 },
    };
    assert_versions(silent, 28, "A plain", "absent");
}

static void the_same_class_twice_is_an_error_that_names_both(void **state)
{
    (void)state;
    static const struct jar_entry two_roots[] = {
        { "com/example/Foo.class", "same", 0 },
        { "com/example/Fop.class", "other", 0 },
        { "BOOT-INF/classes/com/example/Foo.class", "same", 0 },
        { NULL, NULL, 0 },
    };
    assert_refused(make_jar(two_roots),
                   "twice|as com/example/Foo.class|as BOOT-INF/classes/com/example/Foo.class");

    static const struct jar_entry alike[] = {
        { "com/example/Foo.class", "one", 0 },
        { "com/example/Fop.class", "two", 0 },
        { NULL, NULL, 0 },
    };
    struct jar jar = make_jar(alike);
    replace_in_jar(jar, "Fop.class", "Foo.class", 9);
    assert_refused(jar, "twice|com/example/Foo.class");

    static const struct jar_entry versions[] = {
        { "META-INF/versions/9/A.class", "one", 0 },
        { "META-INF/versions/8/A.class", "two", 0 },
        { NULL, NULL, 0 },
    };
    jar = make_jar(versions);
    replace_in_jar(jar, "versions/8/A", "versions/9/A", 12);
    assert_refused(jar, "twice|META-INF/versions/9/A.class");
}

static void a_jar_without_a_class_is_refused(void **state)
{
    (void)state;
    static const struct jar_entry entries[] = { { "readme.txt", "hello", 0 },
                                                { "module-info.class", "m", 0 },
                                                { NULL, NULL, 0 } };
    assert_refused(make_jar(entries), "no class");
    static const struct jar_entry newer[] = { { "META-INF/versions/21/A.class", "a", 0 },
                                              { NULL, NULL, 0 } };
    assert_refused(make_jar(newer), "no class");
}

static void what_is_no_jar_is_refused(void **state)
{
    (void)state;
    static const struct jar_entry entries[] = { { "A.class", "the bytes of a", 0 },
                                                { NULL, NULL, 0 } };
    assert_refused((struct jar){ hd_alloc(0), 0 }, "empty");
    struct jar text = { (uint8_t *)hd_strdup("not a jar at all, just a few words of text"), 42 };
    assert_refused(text, "not a jar");
    struct jar whole = make_jar(entries);
    for (size_t length = 1; length < whole.length; length++) {
        struct jar cut = copy_jar((struct jar){ whole.data, length });
        assert_refused(cut, "not a jar");
    }
    hd_free(whole.data);
}

static void encrypted_entries_are_refused(void **state)
{
    (void)state;
    struct jar jar = one_class(ZIP_CM_STORE);
    central_header(jar, 0)[CENTRAL_FLAGS] |= 1;
    jar.data[6] |= 1; /* the flags of the local header, which comes first */
    assert_refused(jar, "com/A.class is encrypted");
}

static void compressions_that_no_jvm_reads_are_refused(void **state)
{
    (void)state;
    struct jar jar = one_class(ZIP_CM_STORE);
    central_header(jar, 0)[CENTRAL_METHOD] = 12; /* bzip2 */
    jar.data[8] = 12;
    assert_refused(jar, "com/A.class|method 12");
}

static void assert_name_refused(const char *placeholder, const void *name, const char *words)
{
    const struct jar_entry entries[] = { { "Good.class", "good", 0 },
                                         { placeholder, "evil", ZIP_CM_STORE },
                                         { NULL, NULL, 0 } };
    struct jar jar = make_jar(entries);
    replace_in_jar(jar, placeholder, name, strlen(placeholder));
    assert_refused(jar, words);
}

static void names_that_lead_out_of_the_jar_are_refused(void **state)
{
    (void)state;
    assert_name_refused("xx/Evil.class", "../Evil.class", "../Evil.class|out of the jar");
    assert_name_refused("xxxxx/Evil.class", "a/../Evil.class\0", "out of the jar");
    assert_name_refused("a/x/Evil.class", "a/./Evil.class", "out of the jar");
    assert_name_refused("xetc/Evil.class", "/etc/Evil.class", "out of the jar");
    assert_name_refused("xx/cron.d", "../cron.d", "out of the jar");
}

static void names_that_are_no_class_names_are_refused(void **state)
{
    (void)state;
    assert_name_refused("x.class", "\xFF.class", "\\xFF.class|not UTF-8");
    assert_name_refused("x\xC3\xA9.class", "x\xC3\xC3.class",
                        ""); /* flagged as UTF-8: libzip itself refuses */
    assert_name_refused("x.class", "..class", "no class can have");
    assert_name_refused("com/example/Foo.class", "com.example/Foo.class",
                        "com.example/Foo.class|no class can have this path");
    assert_name_refused("x.class", "[.class", "no class can have");
    static const struct jar_entry nameless[] = { { "com/.class", "x", 0 }, { NULL, NULL, 0 } };
    assert_refused(make_jar(nameless), "com/.class|missing");
    static const struct jar_entry empty_package[] = { { "com//Foo.class", "x", 0 },
                                                      { NULL, NULL, 0 } };
    assert_refused(make_jar(empty_package), "missing");
    static const struct jar_entry empty_root[] = { { "BOOT-INF/classes//Foo.class", "x", 0 },
                                                   { NULL, NULL, 0 } };
    assert_refused(make_jar(empty_root), "missing");
}

static void limits_hold(void **state)
{
    (void)state;
    static const struct jar_entry entries[] = {
        { "A.class", "0123456789", 0 },
        { "B.class", "0123456789", 0 },
        { "notes.txt", "0123456789012345678901234567890123456789", 0 },
        { NULL, NULL, 0 },
    };
    struct jar jar = make_jar(entries);
    struct hd_bundle_limits exact = { .max_bytes = jar.length,
                                      .max_class_bytes = 10,
                                      .max_entries = 3 };
    struct hd_bundle *bundle = NULL;
    struct jar copy = copy_jar(jar);
    assert_int_equal(
        hd_bundle_open_take(copy.data, copy.length, "app.jar", &exact, 17, &bundle, NULL), 0);
    hd_bundle_free(bundle);

    struct hd_bundle_limits small = exact;
    small.max_bytes = jar.length - 1;
    assert_refused_within(copy_jar(jar), &small, HD_E_LIMIT, "limit");
    small = exact;
    small.max_class_bytes = 9;
    assert_refused_within(copy_jar(jar), &small, HD_E_LIMIT,
                          "A.class|10 bytes|limit for one class is 9");
    small = exact;
    small.max_entries = 2;
    assert_refused_within(copy_jar(jar), &small, HD_E_LIMIT, "3 entries|2");
    hd_free(jar.data);
}

static void a_bomb_is_refused_before_it_is_unpacked(void **state)
{
    (void)state;
    size_t length = 4 << 20;
    char *zeros = malloc(length + 1);
    memset(zeros, '0', length);
    zeros[length] = '\0';
    const struct jar_entry entries[] = { { "A.class", zeros, ZIP_CM_DEFLATE },
                                         { "B.class", zeros, ZIP_CM_DEFLATE },
                                         { NULL, NULL, 0 } };
    struct jar jar = make_jar(entries);
    assert_true(jar.length < 100000);
    struct hd_bundle_limits limits = generous;
    limits.max_bytes = 7 << 20;
    assert_refused_within(copy_jar(jar), &limits, HD_E_LIMIT, "unpacked together");

    /* The same, claiming to be small: unpacking stops at the claim. */
    put_u32(central_header(jar, 0) + CENTRAL_SIZE, 10);
    put_u32(central_header(jar, 1) + CENTRAL_SIZE, 10);
    assert_refused_within(jar, &limits, HD_E_FORMAT, "A.class is damaged");
    free(zeros);
}

static int open_copy(void *context, struct hd_error *err)
{
    const struct jar *jar = context;
    hd_alloc_fail_at(0);
    struct hd_bundle *bundle = NULL;
    static unsigned long nth;
    struct jar copy = copy_jar(*jar);
    hd_alloc_fail_at(++nth);
    int result =
        hd_bundle_open_take(copy.data, copy.length, "app.jar", &generous, 17, &bundle, err);
    hd_alloc_fail_at(0);
    hd_bundle_free(bundle);
    return result;
}

static void every_allocation_may_fail_while_reading(void **state)
{
    (void)state;
    static const struct jar_entry entries[] = {
        { "META-INF/versions/9/A.class", "versions", 0 },
        { "A.class", "one", 0 },
        { "B.class", "two", 0 },
        { NULL, NULL, 0 },
    };
    struct jar jar = make_jar(entries);
    fail_every_allocation(open_copy, &jar);
    hd_free(jar.data);
}

static void a_jar_that_is_only_passed_on_is_judged_by_its_directory(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_bundle *bundle = NULL;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bytes same;
    struct jar jar = one_class(ZIP_CM_STORE);
    replace_in_jar(jar, "quite", "quitE", 5); /* which only unpacking would tell */
    struct jar copy = copy_jar(jar);
    assert_int_equal(
        hd_bundle_open_packed_take(jar.data, jar.length, "app.jar", &generous, &bundle, &err), 0);
    assert_int_equal(hd_bundle_class_count(bundle), 0);
    assert_int_equal(hd_bundle_jar(bundle, &same, NULL), 0);
    assert_int_equal(same.length, copy.length);
    assert_memory_equal(same.data, copy.data, copy.length);
    hd_bundle_free(bundle);
    hd_free(copy.data);

    static const struct jar_entry none[] = { { "notes.txt", "no class", 0 }, { NULL, NULL, 0 } };
    jar = make_jar(none);
    assert_int_equal(
        hd_bundle_open_packed_take(jar.data, jar.length, "app.jar", &generous, &bundle, &err), -1);
    assert_non_null(strstr(err.text, "no class in it"));
    assert_int_equal(hd_alloc_outstanding(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_found_at_their_package_paths),
        cmocka_unit_test(spring_boot_jars_and_wars_are_read_where_their_classes_are),
        cmocka_unit_test(module_info_is_skipped_and_package_info_is_a_class),
        cmocka_unit_test(of_several_versions_the_one_that_fits_the_jvm_counts),
        cmocka_unit_test(
            versions_that_the_manifest_does_not_declare_are_left_alone_as_the_jvm_does),
        cmocka_unit_test(the_same_class_twice_is_an_error_that_names_both),
        cmocka_unit_test(a_jar_without_a_class_is_refused),
        cmocka_unit_test(what_is_no_jar_is_refused),
        cmocka_unit_test(encrypted_entries_are_refused),
        cmocka_unit_test(compressions_that_no_jvm_reads_are_refused),
        cmocka_unit_test(names_that_lead_out_of_the_jar_are_refused),
        cmocka_unit_test(names_that_are_no_class_names_are_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_bomb_is_refused_before_it_is_unpacked),
        cmocka_unit_test(every_allocation_may_fail_while_reading),
        cmocka_unit_test(a_jar_that_is_only_passed_on_is_judged_by_its_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
