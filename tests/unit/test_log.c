/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_TEXT_SIZE (1 << 20)

struct fixture {
    char directory[64];
    char path[80];
    char *text;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->directory, sizeof fixture->directory, "/tmp/hd-test-log-XXXXXX");
    if (mkdtemp(fixture->directory) == NULL)
        return -1;
    snprintf(fixture->path, sizeof fixture->path, "%s/agent.log", fixture->directory);
    fixture->text = malloc(LOG_TEXT_SIZE);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    hd_log_close();
    unlink(fixture->path);
    rmdir(fixture->directory);
    free(fixture->text);
    free(fixture);
    return 0;
}

static const char *read_descriptor(struct fixture *fixture, int descriptor)
{
    size_t used = 0;
    ssize_t got;
    while ((got = read(descriptor, fixture->text + used, LOG_TEXT_SIZE - 1 - used)) > 0)
        used += (size_t)got;
    fixture->text[used] = '\0';
    return fixture->text;
}

static const char *read_log(struct fixture *fixture)
{
    int descriptor = open(fixture->path, O_RDONLY);
    assert_true(descriptor >= 0);
    read_descriptor(fixture, descriptor);
    close(descriptor);
    return fixture->text;
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int result = regexec(&regex, text, 0, NULL, 0);
    regfree(&regex);
    if (result != 0)
        fail_msg("\"%s\" does not match %s", text, pattern);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static void a_line_has_time_process_and_level(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(hd_log_open(fixture->path, HD_LOG_INFO, NULL), 0);
    hd_log(HD_LOG_WARN, "%d files", 3);
    char expected[160];
    snprintf(expected, sizeof expected,
             "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z hotdrop\\[%ld\\] "
             "WARN 3 files\n$",
             (long)getpid());
    assert_matches(read_log(fixture), expected);
}

static void levels_below_the_threshold_are_silent(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(hd_log_open(fixture->path, HD_LOG_WARN, NULL), 0);
    assert_true(hd_log_enabled(HD_LOG_ERROR));
    assert_false(hd_log_enabled(HD_LOG_INFO));
    hd_log(HD_LOG_INFO, "quiet");
    hd_log(HD_LOG_DEBUG, "quiet");
    hd_log(HD_LOG_ERROR, "loud");
    assert_int_equal(count_lines(read_log(fixture)), 1);
    assert_non_null(strstr(fixture->text, "ERROR loud"));
}

static void text_from_outside_stays_one_line(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(hd_log_open(fixture->path, HD_LOG_INFO, NULL), 0);
    hd_log(HD_LOG_INFO, "class %s",
           "evil\n2026-01-01T00:00:00.000Z hotdrop[1] ERROR forged\x1B[2J");
    assert_int_equal(count_lines(read_log(fixture)), 1);
    assert_null(strchr(fixture->text, '\x1B'));
    assert_non_null(strstr(fixture->text, "evil\\x0A2026"));
}

static void a_very_long_text_is_cut_to_a_line_that_a_pipe_takes_whole(void **state)
{
    struct fixture *fixture = *state;
    static char words[20000];
    memset(words, 'x', sizeof words - 1);
    assert_int_equal(hd_log_open(fixture->path, HD_LOG_INFO, NULL), 0);
    hd_log(HD_LOG_INFO, "%s", words);
    memset(words, '\n', sizeof words - 1);
    hd_log(HD_LOG_INFO, "%s", words);
    assert_int_equal(count_lines(read_log(fixture)), 2);
    assert_true(strcspn(fixture->text, "\n") < 4096);
    assert_true(strcspn(fixture->text, "\n") > 3900);
}

static void the_file_is_private_and_appended_to(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(hd_log_open(fixture->path, HD_LOG_INFO, NULL), 0);
    hd_log(HD_LOG_INFO, "one");
    hd_log_close();
    assert_int_equal(hd_log_open(fixture->path, HD_LOG_INFO, NULL), 0);
    hd_log(HD_LOG_INFO, "two");
    assert_int_equal(count_lines(read_log(fixture)), 2);
    struct stat status;
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_log_that_cannot_be_opened_leaves_the_one_there_is(void **state)
{
    struct fixture *fixture = *state;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_log_open(fixture->path, HD_LOG_INFO, NULL), 0);
    assert_int_equal(hd_log_open("/nonexistent/agent.log", HD_LOG_DEBUG, &err), -1);
    assert_int_equal(err.code, HD_E_SYSTEM);
    assert_non_null(strstr(err.text, "/nonexistent/agent.log"));
    hd_log(HD_LOG_DEBUG, "quiet");
    hd_log(HD_LOG_INFO, "still here");
    assert_int_equal(count_lines(read_log(fixture)), 1);
}

/* Puts the write end of a new pipe where stderr is; returns the read end, and the old stderr in
 * *saved. */
static int stderr_into_pipe(int *saved)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return ends[0];
}

static void restore_stderr(int saved)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static void fill_and_drain(struct fixture *fixture, int reader)
{
    for (int i = 0; i < 5000; i++)
        hd_log(HD_LOG_INFO, "line %d", i);
    size_t arrived = count_lines(read_descriptor(fixture, reader));
    assert_true(arrived > 100 && arrived < 5000);

    hd_log(HD_LOG_INFO, "through again");
    read_descriptor(fixture, reader);
    char expected[80];
    snprintf(expected, sizeof expected, "WARN %zu earlier lines were lost", 5000 - arrived);
    assert_non_null(strstr(fixture->text, expected));
    assert_non_null(strstr(fixture->text, "through again"));
    assert_int_equal(count_lines(fixture->text), 2);
}

static void a_full_pipe_behind_stderr_loses_lines_and_counts_them(void **state)
{
    int saved;
    int reader = stderr_into_pipe(&saved);
    alarm(20); /* were the log to wait, this ends the test */
    fill_and_drain(*state, reader);
    assert_int_equal(hd_log_open(NULL, HD_LOG_INFO, NULL), 0);
    fill_and_drain(*state, reader);
    alarm(0);
    hd_log_close();
    restore_stderr(saved);
    close(reader);
}

static void opening_stderr_leaves_its_flags_to_the_application(void **state)
{
    (void)state;
    int saved;
    int reader = stderr_into_pipe(&saved);
    int before = fcntl(STDERR_FILENO, F_GETFL);
    assert_int_equal(hd_log_open(NULL, HD_LOG_INFO, NULL), 0);
    hd_log(HD_LOG_INFO, "a line");
    int after = fcntl(STDERR_FILENO, F_GETFL);
    hd_log_close();
    restore_stderr(saved);
    close(reader);
    assert_int_equal(before, after);
    assert_int_equal(after & O_NONBLOCK, 0);
}

static void a_pipe_without_a_reader_raises_no_signal(void **state)
{
    (void)state;
    int saved;
    int reader = stderr_into_pipe(&saved);
    signal(SIGPIPE, SIG_DFL);
    close(reader);
    errno = EAGAIN;
    hd_log(HD_LOG_INFO, "nobody reads this");
    int errno_after = errno;
    restore_stderr(saved);
    assert_int_equal(errno_after, EAGAIN);
}

static void a_full_disk_loses_lines_and_disturbs_nobody(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(hd_log_open("/dev/full", HD_LOG_INFO, NULL), 0);
    errno = EAGAIN;
    hd_log(HD_LOG_INFO, "there is no room for this");
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(hd_log_open(fixture->path, HD_LOG_INFO, NULL), 0);
    hd_log(HD_LOG_INFO, "here is");
    assert_non_null(strstr(read_log(fixture), "WARN 1 earlier lines were lost"));
    assert_int_equal(count_lines(fixture->text), 2);
}

static void *log_many(void *argument)
{
    for (int i = 0; i < 500; i++)
        hd_log(HD_LOG_INFO, "thread %s says the same words over and over", (const char *)argument);
    return NULL;
}

static void lines_of_many_threads_do_not_mix(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(hd_log_open(fixture->path, HD_LOG_INFO, NULL), 0);
    static char names[4][2] = { "a", "b", "c", "d" };
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, names[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    char *text = fixture->text;
    read_log(fixture);
    assert_int_equal(count_lines(text), 2000);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        assert_matches(
            line,
            "^[^ ]+ hotdrop\\[[0-9]+\\] INFO thread [a-d] says the same words over and over$");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_process_and_level, set_up, tear_down),
        cmocka_unit_test_setup_teardown(levels_below_the_threshold_are_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_from_outside_stays_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_very_long_text_is_cut_to_a_line_that_a_pipe_takes_whole,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_file_is_private_and_appended_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_that_cannot_be_opened_leaves_the_one_there_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_pipe_behind_stderr_loses_lines_and_counts_them,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(opening_stderr_leaves_its_flags_to_the_application, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_pipe_without_a_reader_raises_no_signal, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_loses_lines_and_disturbs_nobody, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lines_of_many_threads_do_not_mix, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
