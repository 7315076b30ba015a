/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of reading and of building bundles share. Needs cmocka's header before this one.
 */
#ifndef HD_TESTS_BUNDLE_READER_H
#define HD_TESTS_BUNDLE_READER_H

#include "core/bundle.h"

#include "jar_maker.h"

#include <stdio.h>

static const struct hd_bundle_limits generous = {
    .max_bytes = UINT64_C(16) << 20,
    .max_class_bytes = HD_BUNDLE_MAX_CLASS_BYTES,
    .max_entries = HD_BUNDLE_MAX_ENTRIES,
};

static inline struct hd_bundle *opened(struct jar jar, unsigned release)
{
    struct hd_bundle *bundle = NULL;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_bundle_open_take(jar.data, jar.length, "app.jar", &generous, release, &bundle, &err) !=
        0)
        fail_msg("%s", err.text);
    return bundle;
}

static inline void assert_class(const struct hd_bundle *bundle, size_t index, const char *name,
                                const char *entry, const char *contents)
{
    const struct hd_bundle_class *class = hd_bundle_class_at(bundle, index);
    assert_string_equal(class->name, name);
    assert_string_equal(class->entry, entry);
    assert_int_equal(class->file.length, strlen(contents));
    assert_memory_equal(class->file.data, contents, strlen(contents));
}

/* words: parts separated by '|' that the error must say. */
static inline void assert_refused_within(struct jar jar, const struct hd_bundle_limits *limits,
                                         enum hd_error_code code, const char *words)
{
    struct hd_bundle *bundle = NULL;
    struct hd_error err = HD_ERROR_INIT;
    long before = hd_alloc_outstanding();
    if (hd_bundle_open_take(jar.data, jar.length, "app.jar", limits, 17, &bundle, &err) == 0)
        fail_msg("a jar was taken that should say %s", words);
    assert_null(bundle);
    assert_int_equal(hd_alloc_outstanding(), before - 1);
    assert_int_equal(strncmp(err.text, "app.jar: ", 9), 0);
    char parts[256];
    snprintf(parts, sizeof parts, "%s", words);
    for (char *part = strtok(parts, "|"); part != NULL; part = strtok(NULL, "|")) {
        if (strstr(err.text, part) == NULL)
            fail_msg("the error \"%s\" does not say \"%s\"", err.text, part);
    }
    assert_int_equal(err.code, code);
}

static inline void assert_refused(struct jar jar, const char *words)
{
    assert_refused_within(jar, &generous, HD_E_FORMAT, words);
}

#define ONE_CLASS "the bytes of class a, quite a few of them"

static inline struct jar one_class(zip_int32_t method)
{
    const struct jar_entry entries[] = { { "com/A.class", ONE_CLASS, method }, { NULL, NULL, 0 } };
    return make_jar(entries);
}

#endif
