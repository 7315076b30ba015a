/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access.h"
#include "core/alloc.h"
#include "core/log.h"

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

#define SECRET "0123456789abcdef"
#define OTHER  "fedcba9876543210"

enum { JVM_USER = 1234 };

static char directory[] = "/tmp/hd-access-XXXXXX";
static char list[64], token[64], other[64];

static void write_file(const char *path, const char *text)
{
    char draft[80];
    snprintf(draft, sizeof draft, "%s.new", path);
    FILE *file = fopen(draft, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(draft, 0600), 0);
    assert_int_equal(rename(draft, path), 0);
}

static int make_directory(void **state)
{
    (void)state;
    memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(list, sizeof list, "%s/authorized", directory);
    snprintf(token, sizeof token, "%s/token", directory);
    snprintf(other, sizeof other, "%s/other", directory);
    write_file(token, SECRET "\n");
    write_file(other, OTHER "\n");
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(list);
    unlink(token);
    unlink(other);
    return rmdir(directory);
}

static enum hd_role role_of_cert(struct hd_access *access, const char *name)
{
    struct hd_identity identity = { .names = { { hd_strdup(name) }, 1 } };
    enum hd_role role = hd_access_of(access, &identity, NULL, 0);
    hd_identity_close(&identity);
    return role;
}

static enum hd_role role_of_token(struct hd_access *access, const char *path)
{
    struct hd_identity identity = { .token_file = hd_strdup(path) };
    enum hd_role role = hd_access_of(access, &identity, NULL, 0);
    hd_identity_close(&identity);
    return role;
}

static void without_a_file_the_defaults_hold(void **state)
{
    (void)state;
    const struct hd_options options = { .token_file = token };
    struct hd_access access;
    hd_access_open(&access, &options, JVM_USER);
    assert_int_equal(hd_access_of_uid(&access, JVM_USER), HD_ROLE_OPERATOR);
    assert_int_equal(hd_access_of_uid(&access, 0), HD_ROLE_OPERATOR);
    assert_int_equal(hd_access_of_uid(&access, JVM_USER + 1), HD_ROLE_NONE);
    assert_int_equal(role_of_token(&access, token), HD_ROLE_OPERATOR);
    assert_int_equal(role_of_cert(&access, "alice"), HD_ROLE_NONE);
    hd_access_close(&access);
}

static void with_a_file_only_the_file_counts(void **state)
{
    (void)state;
    const struct hd_options options = { .token_file = token, .authorized = list };
    struct hd_access access;
    write_file(list, "viewer cert:alice\n");
    hd_access_open(&access, &options, JVM_USER);
    assert_int_equal(hd_access_of_uid(&access, JVM_USER), HD_ROLE_NONE);
    assert_int_equal(hd_access_of_uid(&access, 0), HD_ROLE_NONE);
    assert_int_equal(role_of_token(&access, token), HD_ROLE_NONE);
    assert_int_equal(role_of_cert(&access, "alice"), HD_ROLE_VIEWER);
    hd_access_close(&access);
}

static void a_changed_file_counts_at_once_and_a_broken_one_changes_nothing(void **state)
{
    (void)state;
    const struct hd_options options = { .authorized = list };
    struct hd_access access;
    write_file(list, "viewer cert:alice\n");
    hd_access_open(&access, &options, JVM_USER);
    write_file(list, "operator cert:alice\n");
    assert_int_equal(role_of_cert(&access, "alice"), HD_ROLE_OPERATOR);
    write_file(list, "nonsense\n");
    assert_int_equal(role_of_cert(&access, "alice"), HD_ROLE_OPERATOR);
    assert_int_equal(unlink(list), 0);
    assert_int_equal(role_of_cert(&access, "alice"), HD_ROLE_OPERATOR);
    write_file(list, "deployer cert:bob\n");
    assert_int_equal(role_of_cert(&access, "alice"), HD_ROLE_NONE);
    hd_access_close(&access);
}

static void a_file_that_others_can_write_or_that_is_broken_from_the_start_lets_nobody_in(
    void **state)
{
    (void)state;
    const struct hd_options options = { .authorized = list };
    struct hd_access access;
    write_file(list, "operator uid:0\n");
    assert_int_equal(chmod(list, 0620), 0);
    hd_access_open(&access, &options, JVM_USER);
    assert_int_equal(hd_access_of_uid(&access, 0), HD_ROLE_NONE);
    assert_int_equal(chmod(list, 0600), 0);
    assert_int_equal(hd_access_of_uid(&access, 0), HD_ROLE_OPERATOR);
    hd_access_close(&access);
}

static void the_best_of_what_was_proven_counts_and_is_told(void **state)
{
    (void)state;
    const struct hd_options options = { .authorized = list };
    struct hd_access access;
    char who[128] = "";
    char line[200];
    snprintf(line, sizeof line, "viewer cert:first\noperator cert:second\ndeployer token:%s\n",
             token);
    write_file(list, line);
    hd_access_open(&access, &options, JVM_USER);
    struct hd_identity identity = { .names = { { hd_strdup("first"), hd_strdup("second") }, 2 },
                                    .token_file = hd_strdup(token) };
    assert_int_equal(hd_access_of(&access, &identity, who, sizeof who), HD_ROLE_OPERATOR);
    assert_string_equal(who, "cert:second");
    write_file(list, "viewer cert:nobody\n");
    assert_int_equal(hd_access_of(&access, &identity, who, sizeof who), HD_ROLE_NONE);
    assert_string_equal(who, "cert:first");
    hd_identity_close(&identity);
    hd_access_close(&access);
}

static void expect_token(struct hd_access *access, const char *secret, const char *file)
{
    char *found = NULL;
    struct hd_error err = HD_ERROR_INIT;
    int result = hd_access_find_token(access, secret, strlen(secret), &found, &err);
    assert_int_equal(result, file != NULL ? 0 : -1);
    if (file != NULL)
        assert_string_equal(found, file);
    else
        assert_int_equal(err.code, HD_E_DENIED);
    hd_free(found);
}

static void a_token_is_looked_for_among_those_in_force(void **state)
{
    (void)state;
    const struct hd_options plain = { .token_file = token };
    const struct hd_options listed = { .token_file = token, .authorized = list };
    const struct hd_options none = { .token_file = NULL };
    struct hd_access access;
    hd_access_open(&access, &plain, JVM_USER);
    expect_token(&access, SECRET, token);
    expect_token(&access, OTHER, NULL);
    hd_access_close(&access);

    char line[200];
    snprintf(line, sizeof line, "viewer token:/nowhere/at/all\nviewer token:%s\n", other);
    write_file(list, line);
    hd_access_open(&access, &listed, JVM_USER);
    expect_token(&access, OTHER, other);
    expect_token(&access, SECRET, NULL);
    hd_access_close(&access);

    hd_access_open(&access, &none, JVM_USER);
    expect_token(&access, SECRET, NULL);
    hd_access_close(&access);
}

static void count_complaints(enum hd_log_level level, const char *text, void *context)
{
    *(unsigned *)context += level == HD_LOG_WARN && strstr(text, "cannot be used") != NULL;
}

static void a_token_file_that_cannot_be_used_is_told_once_however_many_come(void **state)
{
    (void)state;
    const struct hd_options options = { .authorized = list };
    struct hd_access access;
    unsigned complaints = 0;
    write_file(list, "viewer token:/nowhere/at/all\n");
    hd_access_open(&access, &options, JVM_USER);
    hd_log_listen(count_complaints, &complaints);
    for (int i = 0; i < 100; i++)
        expect_token(&access, SECRET, NULL);
    hd_log_listen(NULL, NULL);
    assert_int_equal(complaints, 1);
    hd_access_close(&access);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_the_defaults_hold),
        cmocka_unit_test(with_a_file_only_the_file_counts),
        cmocka_unit_test(a_changed_file_counts_at_once_and_a_broken_one_changes_nothing),
        cmocka_unit_test(
            a_file_that_others_can_write_or_that_is_broken_from_the_start_lets_nobody_in),
        cmocka_unit_test(the_best_of_what_was_proven_counts_and_is_told),
        cmocka_unit_test(a_token_is_looked_for_among_those_in_force),
        cmocka_unit_test(a_token_file_that_cannot_be_used_is_told_once_however_many_come),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
