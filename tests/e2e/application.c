/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/application.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define TOOL_SECONDS 300
#define LINE_SECONDS 120

/* Opened by the child, it is the child's own standard output: both are heard. */
#define WITH_STDOUT "/dev/stdout"

void e2e_tool(const char *const *environment, const char *const argv[])
{
    struct e2e_process tool = { 0 };
    int status;
    e2e_process_start(&tool, argv, environment, WITH_STDOUT);
    char *output = e2e_process_finish(&tool, TOOL_SECONDS, &status);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s ended with status %d:\n%s", argv[0], status, output);
    free(output);
}

void e2e_claim(const char *place)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s.lock", place);
    int lock =
        open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* closed, and so let go of, at the end */
    assert_return_code(lock, errno);
    assert_return_code(flock(lock, LOCK_EX), errno);
}

/* For whoever looks for a fault. */
static void keep_line(const struct e2e *e2e, const char *line)
{
    FILE *file = fopen(e2e->errors, "ae");
    if (file == NULL)
        return;
    fprintf(file, "%s\n", line);
    fclose(file);
}

/* 128 + SIGTERM is what a JVM that ran its shutdown hooks exits with. */
static bool ends_on_request(struct e2e *e2e)
{
    int status;
    if (e2e->jvm.pid == 0)
        return true;
    kill(e2e->jvm.pid, SIGTERM);
    char *rest = e2e_process_finish(&e2e->jvm, TOOL_SECONDS, &status);
    keep_line(e2e, rest);
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM;
    if (!well)
        fprintf(stderr, "the application ended with status %#x and said: %s\n", (unsigned)status,
                rest);
    free(rest);
    return well;
}

int e2e_application_teardown(void **state)
{
    bool well = ends_on_request(*state);
    return e2e_teardown(state) == 0 && well ? 0 : -1;
}

void e2e_application_start(struct e2e *e2e, const char *agent_options, const char *const *arguments)
{
    e2e_start_java(e2e, agent_options, arguments, WITH_STDOUT);
}

const char *e2e_application_hear(struct e2e *e2e, const char *text)
{
    const char *line;
    do {
        line = e2e_process_hear(&e2e->jvm, LINE_SECONDS);
        keep_line(e2e, line);
    } while (strstr(line, text) == NULL);
    return line;
}

unsigned e2e_application_hear_number(struct e2e *e2e, const char *text)
{
    const char *line = e2e_application_hear(e2e, text);
    unsigned number = 0;
    if (sscanf(strstr(line, text) + strlen(text), "%u", &number) != 1)
        fail_msg("no number behind '%s' in '%s'", text, line);
    return number;
}

/* A source file, whole; the caller frees. */
static char *read_text(const char *path)
{
    struct stat status = { 0 };
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &status) != 0)
        fail_msg("cannot read %s", path);
    size_t size = (size_t)status.st_size;
    char *text = calloc(1, size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, size, file), size);
    fclose(file);
    return text;
}

static const char *absolute(const struct e2e *e2e, const char *path)
{
    return path[0] == '/' ? path : e2e_path(e2e, "%s", path);
}

void e2e_edit(const struct e2e *e2e, const char *from, const char *to, const char *old_text,
              const char *new_text)
{
    char *text = read_text(absolute(e2e, from));
    char *place = strstr(text, old_text);
    if (place == NULL)
        fail_msg("%s does not say '%s'", from, old_text);
    size_t size = strlen(text) + strlen(new_text) + 1;
    char *edited = calloc(1, size);
    assert_non_null(edited);
    snprintf(edited, size, "%.*s%s%s", (int)(place - text), text, new_text,
             place + strlen(old_text));
    e2e_write(e2e, to, edited);
    free(edited);
    free(text);
}

void e2e_application_attach(const struct e2e *e2e)
{
    struct e2e_answer answer;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "attach", "--json", "--agent", HD_E2E_AGENT, "--options",
               "log-level=debug", pid, NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
}

static int64_t microseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000 + time->tv_nsec / 1000;
}

void e2e_application_await_age(const char *file)
{
    struct stat status;
    struct timespec now;
    assert_return_code(stat(file, &status), errno);
    do {
        poll(NULL, 0, 5);
        clock_gettime(CLOCK_REALTIME, &now);
    } while (microseconds(&now) - microseconds(&status.st_ctim) < 30000);
}
