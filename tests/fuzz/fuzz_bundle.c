/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that claim to be a jar. What is read must hold what core/bundle.h promises, and be built
 * and read again the same. */
#include "core/alloc.h"
#include "core/bundle.h"

#include <string.h>
#include <zip.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hd_bundle_limits limits = {
    .max_bytes = UINT64_C(1) << 20,
    .max_class_bytes = UINT64_C(1) << 18,
    .max_entries = 1000,
};

static void promise(bool kept)
{
    if (!kept)
        __builtin_trap();
}

static struct hd_bundle *open_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = hd_alloc(size);
    promise(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    struct hd_bundle *bundle = NULL;
    struct hd_error err = HD_ERROR_INIT;
    int result = hd_bundle_open_take(copy, size, "fuzz.jar", &limits, 17, &bundle, &err);
    promise((result == 0) == (bundle != NULL) && (result == 0) != hd_error_is_set(&err));
    return bundle;
}

static void check_classes(const struct hd_bundle *bundle)
{
    uint64_t total = 0;
    promise(hd_bundle_class_count(bundle) > 0);
    for (size_t i = 0; i < hd_bundle_class_count(bundle); i++) {
        const struct hd_bundle_class *class = hd_bundle_class_at(bundle, i);
        promise(i == 0 || strcmp(hd_bundle_class_at(bundle, i - 1)->name, class->name) < 0);
        promise(strstr(class->entry, class->name) != NULL && strpbrk(class->name, ".;[") == NULL);
        total += class->file.length;
    }
    promise(total <= limits.max_bytes);
}

/* zip_name_locate looks for what CP437 makes of a name with control characters. */
static zip_uint64_t find_entry(zip_t *archive, const char *entry)
{
    zip_uint64_t index = 0;
    while (strcmp(zip_get_name(archive, index, ZIP_FL_ENC_RAW), entry) != 0)
        index++;
    return index;
}

static bool libzip_reads(zip_t *archive, const struct hd_bundle_class *class)
{
    static uint8_t contents[1 << 18];
    uint8_t beyond;
    zip_file_t *file = zip_fopen_index(archive, find_entry(archive, class->entry), 0);
    promise(file != NULL);
    zip_int64_t got = 0;
    zip_uint64_t used = 0;
    while ((got = zip_fread(file, contents + used, class->file.length - used)) > 0)
        used += (zip_uint64_t)got;
    bool same = used == class->file.length && memcmp(contents, class->file.data, used) == 0 &&
                zip_fread(file, &beyond, 1) == 0;
    zip_fclose(file);
    return same;
}

/* What is accepted is what libzip by itself, with zlib, unpacks. */
static void check_contents(const struct hd_bundle *bundle, const uint8_t *data, size_t size)
{
    zip_error_t cause;
    zip_error_init(&cause);
    zip_source_t *source = zip_source_buffer_create(data, size, 0, &cause);
    promise(source != NULL);
    zip_t *archive = zip_open_from_source(source, ZIP_RDONLY, &cause);
    promise(archive != NULL);
    for (size_t i = 0; i < hd_bundle_class_count(bundle); i++)
        promise(libzip_reads(archive, hd_bundle_class_at(bundle, i)));
    zip_discard(archive);
    zip_error_fini(&cause);
}

static struct hd_bundle *rebuild(const struct hd_bundle *bundle)
{
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    promise(builder != NULL);
    for (size_t i = 0; i < hd_bundle_class_count(bundle); i++) {
        const struct hd_bundle_class *class = hd_bundle_class_at(bundle, i);
        promise(hd_bundle_builder_add(builder, class->name, class->file, class->entry, NULL) == 0);
    }
    struct hd_bundle *built = NULL;
    promise(hd_bundle_build_take(builder, "rebuilt", &built, NULL) == 0);
    return built;
}

/* Names that only a jar can have (longer than a header allows once ".class" is behind them) are no
 * bundle's fault. */
static void check_journey(const struct hd_bundle *bundle)
{
    struct hd_bundle *built = rebuild(bundle);
    struct hd_bytes jar;
    if (hd_bundle_jar(built, &jar, NULL) == 0 && jar.length <= limits.max_bytes) {
        struct hd_bundle *again = open_copy(jar.data, jar.length);
        promise(again != NULL && hd_bundle_class_count(again) == hd_bundle_class_count(bundle));
        hd_bundle_free(again);
    }
    hd_bundle_free(built);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hd_bundle *bundle = open_copy(data, size);
    if (bundle != NULL) {
        check_classes(bundle);
        check_contents(bundle, data, size);
        check_journey(bundle);
    }
    hd_bundle_free(bundle);
    promise(hd_alloc_outstanding() == 0);
    return 0;
}
