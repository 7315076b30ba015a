/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sandbox.h"

#include "core/alloc.h"
#include "watcher/watcher.h"

struct reading {
    struct sandbox sandbox;
    int directory;
};

static int start(void **state)
{
    struct reading *reading = calloc(1, sizeof *reading);
    sandbox_make(&reading->sandbox);
    reading->directory = open(reading->sandbox.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(reading->directory >= 0);
    *state = reading;
    return 0;
}

static int stop(void **state)
{
    struct reading *reading = *state;
    close(reading->directory);
    sandbox_delete(reading->sandbox.path);
    free(reading);
    return hd_alloc_outstanding() == 0 ? 0 : -1;
}

static void expect_refusal(const struct reading *reading, const char *path, enum hd_error_code code,
                           const char *words)
{
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *data = NULL;
    size_t length = 77;
    uint32_t owner = 77;
    assert_int_equal(
        hd_watcher_read_file(reading->directory, path, 1000, &data, &length, &owner, &err), -1);
    assert_int_equal(err.code, code);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.text);
    assert_null(data);
    assert_int_equal(length, 77);
}

static void a_file_comes_whole_with_its_owner(void **state)
{
    struct reading *reading = *state;
    make_directory(&reading->sandbox, "com");
    write_text(&reading->sandbox, "com/A.class", "contents");
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *data = NULL;
    size_t length = 0;
    uint32_t owner = 12345;
    assert_int_equal(
        hd_watcher_read_file(reading->directory, "com/A.class", 8, &data, &length, &owner, &err),
        0);
    assert_int_equal(length, 8);
    assert_memory_equal(data, "contents", 8);
    assert_int_equal(owner, geteuid());
    hd_free(data);
}

static void an_empty_file_is_a_file(void **state)
{
    struct reading *reading = *state;
    write_text(&reading->sandbox, "A.class", "");
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *data = NULL;
    size_t length = 1;
    uint32_t owner;
    assert_int_equal(
        hd_watcher_read_file(reading->directory, "A.class", 8, &data, &length, &owner, &err), 0);
    assert_int_equal(length, 0);
    hd_free(data);
}

static void a_symbolic_link_is_not_followed(void **state)
{
    struct reading *reading = *state;
    write_text(&reading->sandbox, "real", "contents");
    assert_int_equal(symlink("real", at(&reading->sandbox, "A.class")), 0);
    expect_refusal(reading, "A.class", HD_E_DENIED, "symbolic link");
}

static void a_linked_directory_on_the_way_is_not_followed(void **state)
{
    struct reading *reading = *state;
    make_directory(&reading->sandbox, "real");
    write_text(&reading->sandbox, "real/A.class", "contents");
    assert_int_equal(symlink("real", at(&reading->sandbox, "com")), 0);
    expect_refusal(reading, "com/A.class", HD_E_DENIED, "symbolic link");
}

static void a_hard_link_is_refused(void **state)
{
    struct reading *reading = *state;
    write_text(&reading->sandbox, "A.class", "contents");
    assert_int_equal(link(at(&reading->sandbox, "A.class"), at(&reading->sandbox, "B.class")), 0);
    expect_refusal(reading, "A.class", HD_E_DENIED, "hard link");
}

static void a_pipe_is_refused_without_blocking(void **state)
{
    struct reading *reading = *state;
    assert_int_equal(mkfifo(at(&reading->sandbox, "A.class"), 0600), 0);
    expect_refusal(reading, "A.class", HD_E_DENIED, "named pipe");
}

static void a_device_is_refused(void **state)
{
    struct reading *reading = *state;
    if (mknod(at(&reading->sandbox, "A.class"), S_IFCHR | 0600, 0x103) != 0)
        skip();
    expect_refusal(reading, "A.class", HD_E_DENIED, "device");
}

static void a_directory_is_refused(void **state)
{
    struct reading *reading = *state;
    make_directory(&reading->sandbox, "A.class");
    expect_refusal(reading, "A.class", HD_E_DENIED, "directory");
}

static void a_file_of_somebody_else_is_refused(void **state)
{
    struct reading *reading = *state;
    write_text(&reading->sandbox, "A.class", "contents");
    if (chown(at(&reading->sandbox, "A.class"), 4242, (gid_t)-1) != 0)
        skip();
    expect_refusal(reading, "A.class", HD_E_DENIED, "4242");
}

static void a_file_of_the_directorys_owner_is_read(void **state)
{
    struct reading *reading = *state;
    write_text(&reading->sandbox, "A.class", "contents");
    if (chown(at(&reading->sandbox, "A.class"), 4242, (gid_t)-1) != 0)
        skip();
    assert_int_equal(chown(reading->sandbox.path, 4242, (gid_t)-1), 0);
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *data = NULL;
    size_t length;
    uint32_t owner = 0;
    assert_int_equal(
        hd_watcher_read_file(reading->directory, "A.class", 8, &data, &length, &owner, &err), 0);
    assert_int_equal(owner, 4242);
    hd_free(data);
}

static void a_file_over_the_limit_is_not_read(void **state)
{
    struct reading *reading = *state;
    char big[1001] = { 0 };
    write_bytes(&reading->sandbox, "A.class", big, sizeof big);
    expect_refusal(reading, "A.class", HD_E_LIMIT, "1001");
}

static void a_missing_file_is_not_found(void **state)
{
    expect_refusal(*state, "A.class", HD_E_NOT_FOUND, "A.class");
    expect_refusal(*state, "com/A.class", HD_E_NOT_FOUND, "com/A.class");
}

static void a_path_that_leaves_the_directory_is_refused(void **state)
{
    static const char *const paths[] = {
        "../etc/passwd", "/etc/passwd", "com/../../etc/passwd", "a//b", "", "..", "com/.", "/"
    };
    struct reading *reading = *state;
    make_directory(&reading->sandbox, "com");
    make_directory(&reading->sandbox, "a");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        expect_refusal(reading, paths[i], HD_E_DENIED, "plain path");
}

static void no_memory_is_an_error_and_no_leak(void **state)
{
    struct reading *reading = *state;
    write_text(&reading->sandbox, "A.class", "contents");
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *data = NULL;
    size_t length;
    uint32_t owner;
    hd_alloc_fail_at(1);
    assert_int_equal(
        hd_watcher_read_file(reading->directory, "A.class", 8, &data, &length, &owner, &err), -1);
    hd_alloc_fail_at(0);
    assert_int_equal(err.code, HD_E_MEMORY);
}

#define READING_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        READING_TEST(a_file_comes_whole_with_its_owner),
        READING_TEST(an_empty_file_is_a_file),
        READING_TEST(a_symbolic_link_is_not_followed),
        READING_TEST(a_linked_directory_on_the_way_is_not_followed),
        READING_TEST(a_hard_link_is_refused),
        READING_TEST(a_pipe_is_refused_without_blocking),
        READING_TEST(a_device_is_refused),
        READING_TEST(a_directory_is_refused),
        READING_TEST(a_file_of_somebody_else_is_refused),
        READING_TEST(a_file_of_the_directorys_owner_is_read),
        READING_TEST(a_file_over_the_limit_is_not_read),
        READING_TEST(a_missing_file_is_not_found),
        READING_TEST(a_path_that_leaves_the_directory_is_refused),
        READING_TEST(no_memory_is_an_error_and_no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
