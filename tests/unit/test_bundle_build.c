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
#include <time.h>

static struct hd_bytes bytes_of(const char *text)
{
    return (struct hd_bytes){ (const uint8_t *)text, strlen(text) };
}

static struct hd_bundle_builder *builder_with(const char *const *names, size_t count)
{
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    for (size_t i = 0; i < count; i++)
        assert_int_equal(
            hd_bundle_builder_add(builder, names[i], bytes_of(names[i]), names[i], NULL), 0);
    return builder;
}

static struct hd_bundle *built(struct hd_bundle_builder *builder)
{
    struct hd_bundle *bundle = NULL;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_bundle_build_take(builder, "2 files", &bundle, &err) != 0)
        fail_msg("%s", err.text);
    return bundle;
}

static void loose_classes_become_a_jar_that_reads_back_the_same(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    static const char *const names[] = { "com/example/Foo$1", "com/example/Foo", "Zed",
                                         "caf\xC3\xA9/Bar" };
    struct hd_bundle_builder *builder = builder_with(names, 4);
    assert_int_equal(hd_bundle_builder_count(builder), 4);
    struct hd_bundle *bundle = built(builder);
    assert_string_equal(hd_bundle_name(bundle), "2 files");

    struct hd_bytes bytes;
    assert_int_equal(hd_bundle_jar(bundle, &bytes, NULL), 0);
    struct jar jar = copy_jar((struct jar){ (uint8_t *)(uintptr_t)bytes.data, bytes.length });
    struct hd_bundle *again = opened(jar, 17);
    static const char *const sorted[] = { "Zed", "caf\xC3\xA9/Bar", "com/example/Foo",
                                          "com/example/Foo$1" };
    assert_int_equal(hd_bundle_class_count(bundle), 4);
    assert_int_equal(hd_bundle_class_count(again), 4);
    for (size_t i = 0; i < 4; i++) {
        char entry[64];
        snprintf(entry, sizeof entry, "%s.class", sorted[i]);
        assert_class(bundle, i, sorted[i], entry, sorted[i]);
        assert_class(again, i, sorted[i], entry, sorted[i]);
    }
    hd_bundle_free(bundle);
    hd_bundle_free(again);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static struct hd_digest digest_of(const char *const *names, size_t count)
{
    struct hd_bundle *bundle = built(builder_with(names, count));
    struct hd_digest digest;
    assert_int_equal(hd_bundle_digest(bundle, &digest, NULL), 0);
    hd_bundle_free(bundle);
    return digest;
}

static void the_same_classes_make_the_same_jar_whatever_the_order_and_the_time_zone(void **state)
{
    (void)state;
    static const char *const one_way[] = { "a/A", "b/B", "c/C" };
    static const char *const another[] = { "c/C", "a/A", "b/B" };
    static const char *const different[] = { "a/A", "b/B", "c/D" };
    setenv("TZ", "Asia/Kathmandu", 1);
    tzset();
    struct hd_digest first = digest_of(one_way, 3);
    setenv("TZ", "America/New_York", 1);
    tzset();
    struct hd_digest second = digest_of(another, 3);
    struct hd_digest third = digest_of(different, 3);
    assert_true(hd_digest_equal(&first, &second));
    assert_false(hd_digest_equal(&first, &third));
}

static void the_same_class_may_come_twice_only_with_the_same_content(void **state)
{
    (void)state;
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(
        hd_bundle_builder_add(builder, "com/Foo", bytes_of("one"), "target/Foo.class", &err), 0);
    assert_int_equal(
        hd_bundle_builder_add(builder, "com/Foo", bytes_of("one"), "copy/Foo.class", &err), 0);
    assert_int_equal(hd_bundle_builder_count(builder), 1);
    assert_int_equal(
        hd_bundle_builder_add(builder, "com/Foo", bytes_of("two"), "other/Foo.class", &err), -1);
    assert_int_equal(err.code, HD_E_FORMAT);
    assert_non_null(strstr(err.text, "com.Foo"));
    assert_non_null(strstr(err.text, "target/Foo.class"));
    assert_non_null(strstr(err.text, "other/Foo.class"));
    assert_int_equal(hd_bundle_builder_count(builder), 1);
    hd_bundle_builder_free(builder);
}

static void nothing_makes_no_bundle(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_bundle *bundle = NULL;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_bundle_build_take(hd_bundle_builder_new(), "nothing", &bundle, &err), -1);
    assert_int_equal(err.code, HD_E_FORMAT);
    hd_bundle_builder_free(NULL);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static void names_of_class_files_are_written_as_utf8(void **state)
{
    (void)state;
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    assert_int_equal(
        hd_bundle_builder_add(builder, "p/\xED\xA0\xBD\xED\xB8\x80", bytes_of("x"), "f", NULL), 0);
    struct hd_bundle *bundle = built(builder);
    assert_class(bundle, 0, "p/\xF0\x9F\x98\x80", "p/\xF0\x9F\x98\x80.class", "x");
    struct hd_bytes jar;
    assert_int_equal(hd_bundle_jar(bundle, &jar, NULL), 0);
    hd_bundle_free(bundle);
}

static void thousands_of_classes_come_out_in_order(void **state)
{
    (void)state;
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    for (unsigned i = 0; i < 5000; i++) {
        char name[32];
        snprintf(name, sizeof name, "p/C%04u", i * 7919 % 5000);
        assert_int_equal(hd_bundle_builder_add(builder, name, bytes_of(name), name, NULL), 0);
    }
    struct hd_bundle *bundle = built(builder);
    assert_int_equal(hd_bundle_class_count(bundle), 5000);
    for (unsigned i = 0; i < 5000; i++) {
        char name[32];
        char entry[40];
        snprintf(name, sizeof name, "p/C%04u", i);
        snprintf(entry, sizeof entry, "%s.class", name);
        assert_class(bundle, i, name, entry, name);
    }
    hd_bundle_free(bundle);
}

static int build_and_write(void *context, struct hd_error *err)
{
    (void)context;
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    if (builder == NULL)
        return hd_error_set_memory(err);
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "p/C%d", i);
        if (hd_bundle_builder_add(builder, name, bytes_of(name), name, err) != 0) {
            hd_bundle_builder_free(builder);
            return -1;
        }
    }
    struct hd_bundle *bundle = NULL;
    struct hd_digest digest;
    int result = hd_bundle_build_take(builder, "x", &bundle, err);
    if (result == 0)
        result = hd_bundle_digest(bundle, &digest, err);
    hd_bundle_free(bundle);
    return result;
}

static void every_allocation_may_fail_while_building(void **state)
{
    (void)state;
    fail_every_allocation(build_and_write, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loose_classes_become_a_jar_that_reads_back_the_same),
        cmocka_unit_test(the_same_classes_make_the_same_jar_whatever_the_order_and_the_time_zone),
        cmocka_unit_test(the_same_class_may_come_twice_only_with_the_same_content),
        cmocka_unit_test(nothing_makes_no_bundle),
        cmocka_unit_test(names_of_class_files_are_written_as_utf8),
        cmocka_unit_test(thousands_of_classes_come_out_in_order),
        cmocka_unit_test(every_allocation_may_fail_while_building),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
