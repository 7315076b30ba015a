/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "classfile/verdict.h"
#include "core/alloc.h"

#include <string.h>

static const struct hd_jvm_rules strict = { .feature_release = 17, .max_major = 61 };
static const struct hd_jvm_rules lenient = { .feature_release = 17,
                                             .max_major = 61,
                                             .adds_private_methods = true };

/* differences is a literal list; the texts stay the test's own. */
static struct hd_verdict judge(struct hd_difference *differences, size_t count,
                               const struct hd_jvm_rules *rules)
{
    struct hd_comparison comparison = { differences, count };
    struct hd_verdict verdict;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_verdict_reach(&comparison, rules, &verdict, &err), 0);
    return verdict;
}

static void expect_verdict(struct hd_difference *differences, size_t count,
                           const struct hd_jvm_rules *rules, enum hd_reason reason,
                           const char *message)
{
    struct hd_verdict verdict = judge(differences, count, rules);
    assert_int_equal(verdict.reason, reason);
    if (message == NULL)
        assert_null(verdict.message);
    else
        assert_string_equal(verdict.message, message);
    hd_verdict_close(&verdict);
    assert_null(verdict.message);
}

static struct hd_difference method(enum hd_difference_kind kind, uint16_t access, const char *name)
{
    return (
        struct hd_difference){ .kind = kind, .access = access, .member = (char *)(uintptr_t)name };
}

static void no_difference_is_no_change(void **state)
{
    (void)state;
    struct hd_verdict verdict = judge(NULL, 0, &strict);
    assert_int_equal(verdict.reason, HD_REASON_NONE);
    assert_false(verdict.changes_anything);
    assert_int_equal(verdict.warnings, 0);
    hd_verdict_close(&verdict);
}

static void some_jvms_take_private_methods_that_are_static_or_final(void **state)
{
    (void)state;
    struct hd_difference added =
        method(HD_DIFFERENCE_METHOD_ADDED, HD_ACC_PRIVATE | HD_ACC_STATIC, "bar()");
    expect_verdict(&added, 1, &strict, HD_REASON_METHOD_ADDED, "method added: bar()");
    expect_verdict(&added, 1, &lenient, HD_REASON_NONE, NULL);
    added.access = HD_ACC_PRIVATE | HD_ACC_FINAL;
    expect_verdict(&added, 1, &lenient, HD_REASON_NONE, NULL);
    added.access = HD_ACC_PRIVATE;
    expect_verdict(&added, 1, &lenient, HD_REASON_METHOD_ADDED, "method added: bar()");
    added.access = HD_ACC_STATIC | HD_ACC_FINAL;
    expect_verdict(&added, 1, &lenient, HD_REASON_METHOD_ADDED, "method added: bar()");
}

static void no_method_is_ever_removed(void **state)
{
    (void)state;
    struct hd_difference removed =
        method(HD_DIFFERENCE_METHOD_REMOVED, HD_ACC_PRIVATE | HD_ACC_STATIC, "bar(int)");
    expect_verdict(&removed, 1, &lenient, HD_REASON_METHOD_REMOVED, "method removed: bar(int)");
}

static void the_reason_is_that_of_the_first_kind(void **state)
{
    (void)state;
    struct hd_difference both[] = {
        method(HD_DIFFERENCE_METHOD_ADDED, 0, "bar()"),
        { .kind = HD_DIFFERENCE_FIELD_TYPE,
          .member = (char *)(uintptr_t) "count",
          .before = (char *)(uintptr_t) "int",
          .after = (char *)(uintptr_t) "long" },
        method(HD_DIFFERENCE_METHOD_BODY, 0, "foo()"),
    };
    expect_verdict(both, 3, &strict, HD_REASON_FIELD_CHANGED,
                   "field count: int became long; method added: bar()");
}

static void a_long_list_is_cut_and_counted(void **state)
{
    (void)state;
    struct hd_difference many[11];
    for (size_t i = 0; i < 11; i++)
        many[i] = method(HD_DIFFERENCE_METHOD_ADDED, 0, "m()");
    struct hd_verdict verdict = judge(many, 11, &strict);
    const char tail[] = "; method added: m(); and 3 more";
    assert_string_equal(verdict.message + strlen(verdict.message) - strlen(tail), tail);
    hd_verdict_close(&verdict);
}

static void warnings_do_not_refuse(void **state)
{
    (void)state;
    struct hd_difference all[] = { method(HD_DIFFERENCE_CONSTANT, 0, "LIMIT"),
                                   method(HD_DIFFERENCE_INITIALIZER, 0, "<clinit>()"),
                                   method(HD_DIFFERENCE_ANNOTATIONS, 0, NULL),
                                   method(HD_DIFFERENCE_SYNTHETIC_RENUMBERED, 0, NULL) };
    struct hd_verdict verdict = judge(all, 4, &strict);
    assert_int_equal(verdict.reason, HD_REASON_NONE);
    assert_null(verdict.message);
    assert_true(verdict.changes_anything);
    assert_int_equal(verdict.warnings,
                     HD_WARNING_CONSTANT_CHANGED | HD_WARNING_INITIALIZER_CHANGED |
                         HD_WARNING_ANNOTATIONS_CHANGED | HD_WARNING_SYNTHETIC_RENUMBERED);
    hd_verdict_close(&verdict);
}

static void expect_version(uint16_t major, uint16_t minor, enum hd_reason reason,
                           const char *wanted)
{
    const struct hd_class class_file = { .major = major, .minor = minor };
    char *message = NULL;
    assert_int_equal(hd_verdict_version(&class_file, &strict, &message), reason);
    if (wanted == NULL)
        assert_null(message);
    else
        assert_string_equal(message, wanted);
    hd_free(message);
}

static void a_class_of_a_newer_java_is_refused_with_the_remedy(void **state)
{
    (void)state;
    expect_version(61, 0, HD_REASON_NONE, NULL);
    expect_version(52, 0, HD_REASON_NONE, NULL);
    expect_version(45, 3, HD_REASON_NONE, NULL);
    expect_version(69, 0, HD_REASON_VERSION_UNSUPPORTED,
                   "class file version 69 (JDK 25) is newer than this JVM, JDK 17, takes; compile "
                   "with --release 17");
    expect_version(61, 0xFFFF, HD_REASON_NONE, NULL);
    expect_version(
        60, 0xFFFF, HD_REASON_VERSION_UNSUPPORTED,
        "it was compiled with the preview features of JDK 16, which JDK 17 does not take");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_difference_is_no_change),
        cmocka_unit_test(some_jvms_take_private_methods_that_are_static_or_final),
        cmocka_unit_test(no_method_is_ever_removed),
        cmocka_unit_test(the_reason_is_that_of_the_first_kind),
        cmocka_unit_test(a_long_list_is_cut_and_counted),
        cmocka_unit_test(warnings_do_not_refuse),
        cmocka_unit_test(a_class_of_a_newer_java_is_refused_with_the_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
