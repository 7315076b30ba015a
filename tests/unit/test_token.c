/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/hd-token-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/token", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void write_file(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static size_t read_file(char *out, size_t capacity)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(out, 1, capacity - 1, file);
    out[length] = '\0';
    fclose(file);
    return length;
}

static void assert_prepare_fails(enum hd_error_code code)
{
    struct hd_error err = HD_ERROR_INIT;
    bool readable = false;
    assert_int_equal(hd_token_prepare(path, &readable, &err), -1);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, path));
}

static void a_missing_file_is_made_with_32_random_bytes_for_its_owner_alone(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    bool readable = true;
    assert_int_equal(hd_token_prepare(path, &readable, &err), 0);
    assert_false(readable);

    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    char text[128];
    assert_int_equal(read_file(text, sizeof text), 65);
    assert_int_equal(strspn(text, "0123456789abcdef"), 64);
    assert_int_equal(text[64], '\n');
}

static void two_files_made_are_different(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    bool readable;
    char first[128];
    char second[128];
    assert_int_equal(hd_token_prepare(path, &readable, &err), 0);
    read_file(first, sizeof first);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(hd_token_prepare(path, &readable, &err), 0);
    read_file(second, sizeof second);
    assert_string_not_equal(first, second);
}

static void a_file_that_is_there_is_kept(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    bool readable = true;
    char text[128];
    write_file("  0123456789abcdef\r\n", 0600);
    assert_int_equal(hd_token_prepare(path, &readable, &err), 0);
    read_file(text, sizeof text);
    assert_string_equal(text, "  0123456789abcdef\r\n");
    assert_int_equal(hd_token_verify(path, "0123456789abcdef", 16, &err), 0);
}

static void a_file_that_others_can_read_is_told(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    bool readable = false;
    write_file("0123456789abcdef", 0644);
    assert_int_equal(hd_token_prepare(path, &readable, &err), 0);
    assert_true(readable);
}

static void a_file_that_others_can_write_is_not_used(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    write_file("0123456789abcdef", 0620);
    assert_prepare_fails(HD_E_DENIED);
    assert_int_equal(hd_token_verify(path, "0123456789abcdef", 16, &err), -1);
    assert_int_equal(err.code, HD_E_SYSTEM); /* not the fault of who presents it */
}

static void a_secret_that_is_short_or_holds_a_blank_is_not_used(void **state)
{
    (void)state;
    write_file("0123456789abcde\n", 0600);
    assert_prepare_fails(HD_E_FORMAT);
    write_file("0123456789 abcdef\n", 0600);
    assert_prepare_fails(HD_E_FORMAT);
    write_file("", 0600);
    assert_prepare_fails(HD_E_FORMAT);
}

static void a_fifo_is_refused_without_waiting(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_prepare_fails(HD_E_DENIED);
}

static void only_the_very_secret_is_accepted(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", "0123456789abcde", "0123456789abcdeF",
                                         "0123456789abcdef0", "0123456789abcdef\n" };
    write_file("0123456789abcdef\n", 0600);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct hd_error err = HD_ERROR_INIT;
        assert_int_equal(hd_token_verify(path, wrong[i], strlen(wrong[i]), &err), -1);
        assert_int_equal(err.code, HD_E_DENIED);
        assert_null(strstr(err.text, "0123456789"));
    }
}

static void a_changed_file_counts_at_once(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    write_file("0123456789abcdef", 0600);
    assert_int_equal(hd_token_verify(path, "0123456789abcdef", 16, &err), 0);
    write_file("fedcba9876543210", 0600);
    assert_int_equal(hd_token_verify(path, "0123456789abcdef", 16, &err), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_file_is_made_with_32_random_bytes_for_its_owner_alone),
        TEST(two_files_made_are_different),
        TEST(a_file_that_is_there_is_kept),
        TEST(a_file_that_others_can_read_is_told),
        TEST(a_file_that_others_can_write_is_not_used),
        TEST(a_secret_that_is_short_or_holds_a_blank_is_not_used),
        TEST(a_fifo_is_refused_without_waiting),
        TEST(only_the_very_secret_is_accepted),
        TEST(a_changed_file_counts_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
