/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the bytes are: the parser refuses them, or everything else works on what it let through.
 * A class must mean the same as itself with another pool, and as what a JVM would show of it.
 */
#include "classfile/compare.h"
#include "classfile/fingerprint.h"
#include "classfile/verdict.h"
#include "tests/unit/class_samples.h"

#include <stdio.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hd_class *seed;

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    static uint8_t bytes[64 * 1024];
    struct hd_error err = HD_ERROR_INIT;
    FILE *file = fopen(HD_SEED_CLASS, "rb");
    expect(file != NULL, "no seed class at " HD_SEED_CLASS);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    expect(hd_class_parse(bytes, length, &seed, &err) == 0, err.text);
    return 0;
}

static struct hd_verdict judge(const struct hd_comparison *comparison)
{
    const struct hd_jvm_rules rules = { .feature_release = 17, .max_major = 61 };
    struct hd_error err = HD_ERROR_INIT;
    struct hd_verdict verdict = { .reason = HD_REASON_NONE };
    expect(hd_verdict_reach(comparison, &rules, &verdict, &err) == 0, err.text);
    return verdict;
}

static void compare_with_the_seed(const struct hd_class *class_file)
{
    struct hd_comparison comparison;
    struct hd_error err = HD_ERROR_INIT;
    expect(hd_compare_classes(seed, class_file, &comparison, &err) == 0, err.text);
    struct hd_verdict verdict = judge(&comparison);
    hd_verdict_close(&verdict);
    hd_comparison_close(&comparison);
}

static void compare_with_another_pool(const struct hd_class *class_file)
{
    size_t length;
    uint8_t *bytes = with_unused_constant(class_file, &length);
    if (bytes == NULL)
        return;
    struct hd_class *other = NULL;
    struct hd_comparison comparison;
    struct hd_digest digests[2];
    struct hd_error err = HD_ERROR_INIT;
    expect(hd_class_parse(bytes, length, &other, &err) == 0, err.text);
    expect(hd_compare_classes(class_file, other, &comparison, &err) == 0, err.text);
    for (size_t i = 0; i < comparison.count; i++)
        expect(comparison.differences[i].kind == HD_DIFFERENCE_OTHER_ATTRIBUTE,
               "differs from itself with another pool");
    expect(hd_class_fingerprint(class_file, &digests[0], &err) == 0, err.text);
    expect(hd_class_fingerprint(other, &digests[1], &err) == 0, err.text);
    expect(hd_digest_equal(&digests[0], &digests[1]), "another fingerprint with another pool");
    hd_comparison_close(&comparison);
    hd_class_free(other);
    free(bytes);
}

static void match_with_a_view(const struct hd_class *class_file)
{
    struct hd_vm_view *view = view_of(class_file);
    enum hd_view_match match;
    struct hd_error err = HD_ERROR_INIT;
    expect(hd_view_match_file(view, class_file, &match, &err) == 0, err.text);
    expect(match == HD_VIEW_SAME, "a JVM's view of the class does not match the class");
    expect(hd_view_match_file(view, seed, &match, &err) == 0, err.text);
    free_view(view);
}

static bool skip(const struct hd_reference *reference, void *context)
{
    *(size_t *)context += reference->owner.length;
    return reference->owner.length > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hd_class *class_file = NULL;
    struct hd_bytes name;
    uint16_t major;
    size_t total = 0;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_error peek_err = HD_ERROR_INIT;
    int peeked = hd_class_peek(data, size, &name, &major, &peek_err);
    if (hd_class_parse(data, size, &class_file, &err) != 0) {
        expect(err.code == HD_E_FORMAT || err.code == HD_E_VERSION, "refused without saying why");
        return 0;
    }
    expect(peeked == 0, "peek refuses what parse takes");
    hd_class_each_reference(class_file, skip, &total);
    compare_with_the_seed(class_file);
    compare_with_another_pool(class_file);
    match_with_a_view(class_file);
    hd_class_free(class_file);
    return 0;
}
