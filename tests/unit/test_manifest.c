/* SPDX-License-Identifier: Apache-2.0 */
#include "core/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/json.h"
#include "tests/unit/every_allocation.h"
#include "tests/unit/sealing.h"

static void read_good(const char *text, struct hd_manifest *out)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_manifest_read(sealing_text(text), out, &err) != 0)
        fail_msg("%s", err.text);
}

static void a_manifest_says_what_a_bundle_is(void **state)
{
    (void)state;
    struct hd_manifest manifest;
    read_good(sealing_manifest("\"name\":\"fix\",\"version\":\"1.2\",\"target\":\"shop\","
                               "\"not-before\":\"2026-09-21T00:00:00Z\","
                               "\"expires\":\"2026-09-21T00:00:01Z\","),
              &manifest);
    assert_string_equal(manifest.name, "fix");
    assert_string_equal(manifest.version, "1.2");
    assert_string_equal(manifest.target, "shop");
    assert_int_equal(manifest.sequence, 7);
    assert_int_equal(manifest.not_before, 1789948800);
    assert_int_equal(manifest.expires, 1789948801);
    assert_int_equal(manifest.class_count, 2);
    const struct hd_manifest_class *class = hd_manifest_find(&manifest, "org/example/Foo.class");
    assert_non_null(class);
    assert_false(class->has_base);
    assert_null(hd_manifest_find(&manifest, "org/example/Fo.class"));
    hd_manifest_close(&manifest);
}

static void what_is_not_given_restricts_nothing(void **state)
{
    (void)state;
    struct hd_manifest manifest;
    read_good(sealing_manifest(""), &manifest);
    assert_null(manifest.name);
    assert_null(manifest.target);
    assert_true(manifest.not_before == INT64_MIN && manifest.expires == INT64_MAX);
    hd_manifest_close(&manifest);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {
        { "{", "JSON" },
        { "[]", "JSON object" },
        { "{}", "must be there" },
        { "{\"hotdrop\":2}", "format" },
        { "{\"hotdrop\":1,\"classes\":{},\"sequence\":1}", "no classes" },
        { "{\"hotdrop\":1,\"hotdrop\":1}", "duplicate" },
        { "{\"hotdrop\":1,\"color\":1}", "\"color\" is not known" },
        { "{\"sequence\":0}", "sequence" },
        { "{\"sequence\":1.5}", "sequence" },
        { "{\"name\":\"\"}", "\"name\"" },
        { "{\"target\":7}", "\"target\"" },
        { "{\"expires\":\"2026-09-21\"}", "\"expires\"" },
        { "{\"expires\":\"2026-13-21T00:00:00Z\"}", "\"expires\"" },
        { "{\"expires\":\"2026-09-21T00:00:00+01\"}", "\"expires\"" },
        { "{\"expires\":\"2026-02-29T00:00:00Z\"}", "\"expires\"" },
        { "{\"expires\":\"2026-09-21T99:00:00Z\"}", "\"expires\"" },
        { "{\"expires\":\"2026- 9-21T00:00:00Z\"}", "\"expires\"" },
        { "{\"classes\":{\"A.class\":{\"sha256\":\"ab\"}}}", "sha256 of A.class" },
        { "{\"classes\":{\"A.class\":\"ab\"}}", "A.class" },
        { "{\"classes\":{\"A.class\":{}}}", "A.class" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct hd_error err = HD_ERROR_INIT;
        struct hd_manifest manifest;
        long before = hd_alloc_outstanding();
        assert_int_equal(hd_manifest_read(sealing_text(bad[i].text), &manifest, &err), -1);
        assert_int_equal(hd_alloc_outstanding(), before);
        if (strstr(err.text, bad[i].words) == NULL)
            fail_msg("the error \"%s\" does not say \"%s\"", err.text, bad[i].words);
    }
}

static void expect_bundle(const struct jar_entry *entries, const char *words)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_manifest manifest;
    struct hd_bundle *bundle = sealed_of(entries, sealing_manifest(""), "");
    read_good(sealing_manifest(""), &manifest);
    int status = hd_manifest_check_bundle(&manifest, bundle, &err);
    assert_int_equal(status, words == NULL ? 0 : -1);
    if (words != NULL && strstr(err.text, words) == NULL)
        fail_msg("the error \"%s\" does not say \"%s\"", err.text, words);
    hd_manifest_close(&manifest);
    hd_bundle_free(bundle);
}

static void a_bundle_is_what_its_manifest_says_or_refused(void **state)
{
    (void)state;
    static const struct jar_entry changed[] = { { "org/example/Foo.class", FOO_CONTENTS ".", 0 },
                                                { "org/example/Bar.class", BAR_CONTENTS, 0 },
                                                { NULL, NULL, 0 } };
    static const struct jar_entry more[] = { { "org/example/Foo.class", FOO_CONTENTS, 0 },
                                             { "org/example/Bar.class", BAR_CONTENTS, 0 },
                                             { "org/example/Evil.class", "evil", 0 },
                                             { NULL, NULL, 0 } };
    static const struct jar_entry fewer[] = { { "org/example/Foo.class", FOO_CONTENTS, 0 },
                                              { NULL, NULL, 0 } };
    static const struct jar_entry moved[] = { { "org/example/Foo.class", FOO_CONTENTS, 0 },
                                              { "BOOT-INF/classes/org/example/Bar.class",
                                                BAR_CONTENTS, 0 },
                                              { NULL, NULL, 0 } };
    static const struct jar_entry version[] = { { "org/example/Foo.class", FOO_CONTENTS, 0 },
                                                { "org/example/Bar.class", BAR_CONTENTS, 0 },
                                                { "META-INF/versions/99/org/example/Bar.class",
                                                  "evil", 0 },
                                                { NULL, NULL, 0 } };
    expect_bundle(sealing_entries, NULL);
    expect_bundle(changed, "Foo.class is not the class");
    expect_bundle(more, "Evil.class is in the bundle");
    expect_bundle(fewer, "names 2 classes, and the bundle has 1");
    expect_bundle(moved, "BOOT-INF/classes/org/example/Bar.class is in the bundle");
    expect_bundle(version, "versions/99/org/example/Bar.class is in the bundle");
}

static void sealing_again_replaces_what_was_there(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct jar jar;
    struct hd_bundle *first = sealed("{\"first\":true}", "signature");
    assert_memory_equal(hd_bundle_signatures(first).data, "signature", 9);
    assert_int_equal(
        hd_bundle_seal(first, sealing_text("{}"), sealing_text(""), &jar.data, &jar.length, &err),
        0);
    hd_bundle_free(first);
    struct hd_bundle *second = opened(jar, 17);
    assert_int_equal(hd_bundle_manifest(second).length, 2);
    assert_int_equal(hd_bundle_signatures(second).length, 0);
    assert_int_equal(hd_bundle_class_count(second), 2);
    hd_bundle_free(second);
}

static int attempt(void *context, struct hd_error *err)
{
    struct hd_manifest manifest;
    int status = hd_manifest_read(sealing_text(context), &manifest, err);
    if (status == 0)
        hd_manifest_close(&manifest);
    if (err->code == HD_E_FORMAT) { /* jansson, out of memory in a string, blames the text */
        hd_error_clear(err);
        hd_error_set_memory(err);
    }
    return status;
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    hd_json_use_hd_alloc();
    static char text[2048];
    snprintf(text, sizeof text, "%s", sealing_manifest("\"name\":\"fix\","));
    fail_every_allocation(attempt, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_says_what_a_bundle_is),
        cmocka_unit_test(what_is_not_given_restricts_nothing),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_bundle_is_what_its_manifest_says_or_refused),
        cmocka_unit_test(sealing_again_replaces_what_was_there),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
