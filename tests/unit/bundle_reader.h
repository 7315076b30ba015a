/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of reading and of building bundles share. Needs cmocka's header before this one.
 */
#ifndef HD_TESTS_BUNDLE_READER_H
#define HD_TESTS_BUNDLE_READER_H

#include "core/bundle.h"

#include "jar_maker.h"

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

#endif
