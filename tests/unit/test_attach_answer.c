/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/attach_answer.h"
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

static char path[64];

static int make_file(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/hd-answer-XXXXXX");
    int descriptor = mkstemp(path);
    return descriptor < 0 ? -1 : close(descriptor);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static const char *contents(void)
{
    static char text[200000];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void begin(struct hd_attach_answer *answer, const char *before, const char *after)
{
    char options[200];
    struct hd_error err = HD_ERROR_INIT;
    snprintf(options, sizeof options, "%sanswer=%s%s", before, path, after);
    assert_int_equal(hd_attach_answer_begin(options, answer, &err), 0);
}

static void the_file_is_taken_out_of_the_options(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        const char *after;
        const char *rest;
    } cases[] = {
        { "", "", "" },
        { "drop=/d,", "", "drop=/d," },
        { "", ",drop=/d", "drop=/d" },
        { "drop=/answer=x,", ",watch=/w", "drop=/answer=x,watch=/w" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hd_attach_answer answer;
        begin(&answer, cases[i].before, cases[i].after);
        assert_string_equal(answer.options, cases[i].rest);
        assert_string_equal(answer.path, path);
        hd_attach_answer_end(&answer, "ok");
        assert_string_equal(contents(), "ok\n");
        assert_int_equal(truncate(path, 0), 0);
    }
}

static void options_without_an_answer_stay_as_they_are(void **state)
{
    (void)state;
    static const char *const options[] = { "", "drop=/d", "drop=/my-answer=/x", NULL };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct hd_attach_answer answer;
        struct hd_error err = HD_ERROR_INIT;
        assert_int_equal(hd_attach_answer_begin(options[i], &answer, &err), 0);
        assert_null(answer.path);
        assert_string_equal(answer.options, options[i] != NULL ? options[i] : "");
        hd_attach_answer_end(&answer, "ok");
    }
    assert_string_equal(contents(), "");
}

static void warnings_and_errors_are_told_and_nothing_else(void **state)
{
    (void)state;
    struct hd_attach_answer answer;
    begin(&answer, "", "");
    hd_log(HD_LOG_INFO, "listening");
    hd_log(HD_LOG_WARN, "no encryption");
    hd_log(HD_LOG_ERROR, "no such directory: a\nb");
    hd_attach_answer_end(&answer, "failed");
    hd_log(HD_LOG_ERROR, "later");
    assert_string_equal(contents(), "failed\nno encryption\nno such directory: a\\x0Ab\n");
}

static void a_flood_of_words_is_cut(void **state)
{
    (void)state;
    struct hd_attach_answer answer;
    begin(&answer, "", "");
    for (unsigned i = 0; i < 20000; i++)
        hd_log(HD_LOG_WARN, "the same again");
    hd_attach_answer_end(&answer, "ok");
    assert_in_range(strlen(contents()), 60000, 70000);
}

static void a_file_that_is_not_ours_is_left_alone(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("precious", file);
    fclose(file);
    struct hd_attach_answer answer;
    begin(&answer, "", "");
    hd_attach_answer_end(&answer, "ok");
    assert_string_equal(contents(), "precious");

    char target[80];
    snprintf(target, sizeof target, "%s.target", path);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(truncate(target, 0), 0);
    assert_int_equal(symlink(target, path), 0);
    begin(&answer, "", "");
    hd_attach_answer_end(&answer, "ok");
    assert_string_equal(contents(), "");
    assert_int_equal(unlink(target), 0);
}

static void without_memory_nothing_leaks(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_attach_answer answer;
    int result = -1;
    for (unsigned long nth = 1; result != 0; nth++) {
        hd_error_clear(&err);
        hd_alloc_fail_at(nth);
        result = hd_attach_answer_begin("answer=/x", &answer, &err);
        hd_alloc_fail_at(0);
        assert_true(nth < 10);
        assert_int_equal(err.code, result == 0 ? HD_OK : HD_E_MEMORY);
    }
    hd_attach_answer_end(&answer, "ok");
    assert_int_equal(hd_alloc_outstanding(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_file, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_file_is_taken_out_of_the_options),
        TEST(options_without_an_answer_stay_as_they_are),
        TEST(warnings_and_errors_are_told_and_nothing_else),
        TEST(a_flood_of_words_is_cut),
        TEST(a_file_that_is_not_ours_is_left_alone),
        TEST(without_memory_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
