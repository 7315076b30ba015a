/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real classes: all of java.base of every JDK on this machine, and what HOTDROP_CLASS_TREES
 * (directories, separated by ':') holds. None may be refused, and each must mean the same as itself
 * with another pool and as the JVM would show it.
 */
#include "tests/unit/sandbox.h"

#include "classfile/compare.h"
#include "classfile/fingerprint.h"
#include "tests/unit/class_samples.h"
#include "tests/unit/javac.h"

#include <time.h>

struct tally {
    unsigned long classes;
    unsigned long refused;
    size_t bytes;
    double seconds; /* in the parser */
};

static struct tally tally;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void check_another_pool(const char *path, const struct hd_class *class_file)
{
    size_t length;
    struct hd_class *other = NULL;
    struct hd_comparison comparison;
    struct hd_digest digests[2];
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *bytes = with_unused_constant(class_file, &length);
    if (bytes == NULL)
        return;
    assert_int_equal(hd_class_parse(bytes, length, &other, &err), 0);
    assert_int_equal(hd_compare_classes(class_file, other, &comparison, &err), 0);
    assert_int_equal(hd_class_fingerprint(class_file, &digests[0], &err), 0);
    assert_int_equal(hd_class_fingerprint(other, &digests[1], &err), 0);
    if (comparison.count > 0 || !hd_digest_equal(&digests[0], &digests[1]))
        fail_msg("%s: does not mean the same as itself with another pool", path);
    hd_comparison_close(&comparison);
    hd_class_free(other);
    free(bytes);
}

static void check_view(const char *path, const struct hd_class *class_file)
{
    struct hd_vm_view *view = view_of(class_file);
    struct hd_error err = HD_ERROR_INIT;
    enum hd_view_match match;
    assert_int_equal(hd_view_match_file(view, class_file, &match, &err), 0);
    if (match != HD_VIEW_SAME)
        fail_msg("%s: the JVM's view of it does not match it", path);
    free_view(view);
}

static void check_class(const char *path, struct hd_bytes bytes)
{
    struct hd_class *class_file = NULL;
    struct hd_error err = HD_ERROR_INIT;
    double start = now();
    int result = hd_class_parse(bytes.data, bytes.length, &class_file, &err);
    tally.seconds += now() - start;
    tally.classes++;
    tally.bytes += bytes.length;
    if (result != 0) {
        tally.refused++;
        print_message("%s: %s\n", path, err.text);
        return;
    }
    check_another_pool(path, class_file);
    check_view(path, class_file);
    hd_class_free(class_file);
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)place;
    size_t length = strlen(path);
    if (type != FTW_F || length < 6 || strcmp(path + length - 6, ".class") != 0)
        return 0;
    struct hd_bytes bytes = read_whole(path);
    check_class(path, bytes);
    free((void *)(uintptr_t)bytes.data);
    return 0;
}

static void check_tree(const char *path)
{
    tally = (struct tally){ 0 };
    assert_int_equal(nftw(path, visit, 32, FTW_PHYS), 0);
    print_message("%s: %lu classes of %.1f KB, %.1f us each, %lu refused\n", path, tally.classes,
                  (double)tally.bytes / 1e3 / (double)(tally.classes + 1),
                  tally.seconds * 1e6 / (double)(tally.classes + 1), tally.refused);
    assert_int_equal(tally.refused, 0);
}

static void check_jdk(const char *home)
{
    struct sandbox sandbox;
    char command[3 * PATH_MAX];
    sandbox_make(&sandbox);
    snprintf(command, sizeof command,
             "'%s/bin/jimage' extract --dir '%s' --include 'regex:/java\\.(base|logging|sql)/.*' "
             "'%s/lib/modules'",
             home, sandbox.path, home);
    assert_int_equal(system(command), 0);
    print_message("%s:\n", home);
    check_tree(sandbox.path);
    assert_true(tally.classes > 5000);
    sandbox_delete(sandbox.path);
}

static void no_class_of_a_jdk_is_refused(void **state)
{
    (void)state;
    glob_t found = { 0 };
    if (glob("/usr/lib/jvm/*/bin/jimage", 0, NULL, &found) != 0)
        skip();
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char home[PATH_MAX];
        char real[PATH_MAX];
        snprintf(home, sizeof home, "%.*s",
                 (int)(strlen(found.gl_pathv[i]) - strlen("/bin/jimage")), found.gl_pathv[i]);
        if (realpath(home, real) != NULL && strcmp(home, real) == 0)
            check_jdk(home);
    }
    globfree(&found);
}

static void no_class_of_the_named_trees_is_refused(void **state)
{
    (void)state;
    const char *trees = getenv("HOTDROP_CLASS_TREES");
    if (trees == NULL)
        skip();
    char *copy = strdup(trees);
    char *rest = NULL;
    for (char *tree = strtok_r(copy, ":", &rest); tree != NULL; tree = strtok_r(NULL, ":", &rest))
        check_tree(tree);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_class_of_a_jdk_is_refused),
        cmocka_unit_test(no_class_of_the_named_trees_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
