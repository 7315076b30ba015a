/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/harness.h"

#include "tests/e2e/jdk.h"

#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only a failing test waits so long: other tests may have the processors meanwhile. */
#define ANSWER_SECONDS 120
#define PATIENCE_TICKS 6000 /* of TICK_MS: a minute */
#define TICK_MS        10
#define MAX_ARGUMENTS  64

static const struct e2e_jdk *current_jdk;
static struct e2e_process workbench; /* one warm compiler per JDK */

/* The sanitizers' run-time must come first into a JVM; the lines are those that leave the JVM's
 * own signals alone. */
static const char *const sanitizer_environment[] = {
#ifdef HD_E2E_PRELOAD
    "LD_PRELOAD=" HD_E2E_PRELOAD,
    "ASAN_OPTIONS=handle_segv=0:allow_user_segv_handler=1:detect_leaks=0:handle_sigill=0:handle_"
    "sigfpe=0:"
    "handle_sigbus=0:use_sigaltstack=0:exitcode=99",
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1",
#endif
#ifdef HD_E2E_TSAN_PRELOAD
    "LD_PRELOAD=" HD_E2E_TSAN_PRELOAD,
    "TSAN_OPTIONS=handle_segv=0:allow_user_segv_handler=1:report_signal_unsafe=0:use_sigaltstack=0:"
    "exitcode=66:suppressions=" HD_E2E_TSAN_SUPPRESSIONS,
#endif
    NULL
};

const char *e2e_file_under_test(const char *variable, const char *built)
{
    const char *chosen = getenv(variable);
    return chosen != NULL && chosen[0] != '\0' ? chosen : built;
}

const char *const *e2e_jvm_environment(void)
{
    return sanitizer_environment;
}

const char *e2e_path(const struct e2e *e2e, const char *format, ...)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    int used = snprintf(path, PATH_MAX, "%s/", e2e->directory);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path + used, (size_t)(PATH_MAX - used), format, arguments);
    va_end(arguments);
    return path;
}

static void make_directory(const char *path)
{
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
}

int e2e_setup(void **state)
{
    struct e2e *e2e = calloc(1, sizeof *e2e);
    assert_non_null(e2e);
    e2e->jdk = current_jdk;
    e2e->case_name = *state;
    const char *parent = getenv("TMPDIR");
    snprintf(e2e->directory, sizeof e2e->directory, "%s/hotdrop-e2e-XXXXXX",
             parent != NULL && parent[0] == '/' ? parent : "/tmp");
    assert_non_null(mkdtemp(e2e->directory));
    snprintf(e2e->classes, sizeof e2e->classes, "%s/classes", e2e->directory);
    snprintf(e2e->drop, sizeof e2e->drop, "%s/drop", e2e->directory);
    snprintf(e2e->log, sizeof e2e->log, "%s/agent.log", e2e->directory);
    snprintf(e2e->errors, sizeof e2e->errors, "%s/jvm.err", e2e->directory);
    make_directory(e2e->classes);
    make_directory(e2e->drop);
    *state = e2e;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void print_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[1024];
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        fprintf(stderr, "  | %s", line);
    if (file != NULL)
        fclose(file);
}

/* The JVM must end as it would without the agent: with its own status, and with nothing on
 * stdout that Target did not say (-Xcheck:jni complains there). */
static bool ends_well(struct e2e *e2e)
{
    int status;
    if (e2e->jvm.pid == 0)
        return true;
    e2e_process_tell(&e2e->jvm, "exit 0");
    char *rest = e2e_process_finish(&e2e->jvm, ANSWER_SECONDS, &status);
    bool well = status == 0 && rest[0] == '\0';
    if (!well)
        fprintf(stderr, "the JVM ended with status %#x and said: %s\n", (unsigned)status, rest);
    free(rest);
    return well;
}

/* HOTDROP_E2E_KEEP leaves the directory and shows the logs, for whoever looks for a fault. */
int e2e_teardown(void **state)
{
    struct e2e *e2e = *state;
    bool well = ends_well(e2e);
    if (!well || getenv("HOTDROP_E2E_KEEP") != NULL) {
        fprintf(stderr, "in %s:\n", e2e->directory);
        print_file(e2e->log);
        print_file(e2e->errors);
    }
    if (getenv("HOTDROP_E2E_KEEP") == NULL) {
        nftw(e2e->directory, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
    }
    free(e2e);
    return well ? 0 : -1;
}

static void start_workbench(const struct e2e_jdk *jdk)
{
    char java[PATH_MAX];
    snprintf(java, sizeof java, "%s/bin/java", jdk->home);
    const char *arguments[] = { java, "-XX:TieredStopAtLevel=1", "-cp", HD_E2E_JAVA, "Workbench",
                                NULL };
    e2e_process_start(&workbench, arguments, NULL, "/dev/null");
    assert_string_equal(e2e_process_hear(&workbench, ANSWER_SECONDS), "ready");
}

/* What only waits for its input to end must not outlive the tests. */
static void end_workbench(void)
{
    int status;
    free(e2e_process_finish(&workbench, ANSWER_SECONDS, &status));
}

static int start_group(void **state)
{
    (void)state;
    start_workbench(current_jdk);
    return 0;
}

static int end_group(void **state)
{
    (void)state;
    end_workbench();
    return 0;
}

int e2e_run(const char *group, const struct CMUnitTest *tests, size_t count)
{
    static struct e2e_jdk_list found;
    e2e_jdk_find(&found);
    if (found.count == 0) {
        fprintf(stderr, "no JDK was found: set HOTDROP_JDKS or JAVA_HOME\n");
        return 1;
    }
    const char *name = strrchr(group, '/') != NULL ? strrchr(group, '/') + 1 : group;
    int failed = 0;
    cmocka_set_test_filter(getenv("HOTDROP_E2E_ONLY"));
    for (size_t i = 0; i < found.count; i++) {
        char title[128];
        snprintf(title, sizeof title, "%s on JDK %u", name, found.jdks[i].feature);
        current_jdk = &found.jdks[i];
        failed += _cmocka_run_group_tests(title, tests, count, start_group, end_group);
    }
    return failed;
}

static void make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        make_directory(path);
        *slash = '/';
    }
}

void e2e_write(const struct e2e *e2e, const char *path, const char *text)
{
    char whole[PATH_MAX];
    snprintf(whole, sizeof whole, "%s", path[0] == '/' ? path : e2e_path(e2e, "%s", path));
    make_parents(whole);
    FILE *file = fopen(whole, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char *absolute(const struct e2e *e2e, const char *path)
{
    return path[0] == '/' ? path : e2e_path(e2e, "%s", path);
}

static void ask_workbench(const char *request)
{
    e2e_process_tell(&workbench, request);
    const char *answer = e2e_process_hear(&workbench, ANSWER_SECONDS);
    if (strcmp(answer, "ok") != 0)
        fail_msg("%s: %s", request, answer);
}

void e2e_compile(const struct e2e *e2e, const char *sources, const char *classes,
                 const char *options)
{
    char request[5 * PATH_MAX];
    snprintf(request, sizeof request, "%s\t%s\t%s", absolute(e2e, sources), absolute(e2e, classes),
             options);
    ask_workbench(request);
}

void e2e_jar(const struct e2e *e2e, const char *directory, const char *jar)
{
    char request[2 * PATH_MAX + 16];
    snprintf(request, sizeof request, "jar\t%s\t%s", absolute(e2e, directory), absolute(e2e, jar));
    ask_workbench(request);
}

void e2e_compile_class(const struct e2e *e2e, const char *name, const char *source,
                       const char *classes)
{
    static unsigned number;
    char directory[64], path[512];
    snprintf(directory, sizeof directory, "source-%u", ++number);
    snprintf(path, sizeof path, "%s/%s.java", directory, name);
    e2e_write(e2e, path, source);
    e2e_compile(e2e, directory, classes, "");
}

static size_t append(const char *arguments[], size_t count, const char *const *more)
{
    for (size_t i = 0; more != NULL && more[i] != NULL && count < MAX_ARGUMENTS - 1; i++)
        arguments[count++] = more[i];
    return count;
}

/* agent may be NULL; the options end with NULL. */
static void run_java(struct e2e *e2e, const char *agent, const char *const *options,
                     const char *stderr_path)
{
    char java[PATH_MAX];
    snprintf(java, sizeof java, "%s/bin/java", e2e->jdk->home);
    const char *arguments[MAX_ARGUMENTS] = { java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                                             "-Xmx256m" };
    size_t count = 4;
    if (agent != NULL)
        arguments[count++] = agent;
    (void)append(arguments, count, options);
    e2e_process_start(&e2e->jvm, arguments, sanitizer_environment, stderr_path);
}

static void start_target(struct e2e *e2e, const char *agent, const char *const *jvm_options)
{
    char class_path[PATH_MAX];
    snprintf(class_path, sizeof class_path, "%s:%s", HD_E2E_JAVA, e2e->classes);
    const char *arguments[MAX_ARGUMENTS] = { NULL };
    size_t count = append(arguments, 0, jvm_options);
    const char *const target[] = { "-cp", class_path, "Target", NULL };
    (void)append(arguments, count, target);
    run_java(e2e, agent, arguments, e2e->errors);
    assert_string_equal(e2e_process_hear(&e2e->jvm, ANSWER_SECONDS), "ready");
}

static void describe_agent(const struct e2e *e2e, const char *agent_options, char *out,
                           size_t capacity)
{
    snprintf(out, capacity, "-agentpath:%s=drop=%s,log=%s,log-level=debug%s%s", HD_E2E_AGENT,
             e2e->drop, e2e->log, agent_options[0] != '\0' ? "," : "", agent_options);
}

static size_t lines_with(const char *path, const char *text)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0, count = 0;
    while (file != NULL && getline(&line, &capacity, file) != -1)
        count += strstr(line, text) != NULL;
    free(line);
    if (file != NULL)
        fclose(file);
    return count;
}

static bool file_contains(const char *path, const char *text)
{
    return lines_with(path, text) > 0;
}

/* Without listen= there is one. */
static size_t count_listeners(const char *agent_options)
{
    size_t count = 0;
    for (const char *at = agent_options; (at = strstr(at, "listen=")) != NULL; at++)
        count++;
    return count > 0 ? count : 1;
}

/* The application does not wait for the agent; a client must. An agent that logged an error, or whose log has no
 * line at all, is not waited for long: it will not listen, or writes elsewhere. */
static void await_listeners(const struct e2e *e2e, size_t count)
{
    enum { DOUBT_TICKS = 200 };
    char listens[64], fails[64];
    snprintf(listens, sizeof listens, "hotdrop[%d] INFO listening on", (int)e2e->jvm.pid);
    snprintf(fails, sizeof fails, "hotdrop[%d] ERROR", (int)e2e->jvm.pid);
    for (int i = 0; i < PATIENCE_TICKS && lines_with(e2e->log, listens) < count; i++) {
        bool doubtful = !file_contains(e2e->log, "") || file_contains(e2e->log, fails) ||
                        file_contains(e2e->errors, fails);
        if (i >= DOUBT_TICKS && doubtful)
            return;
        poll(NULL, 0, TICK_MS);
    }
}

void e2e_start(struct e2e *e2e, const char *agent_options, const char *const *jvm_options)
{
    char agent[2 * PATH_MAX];
    describe_agent(e2e, agent_options, agent, sizeof agent);
    start_target(e2e, agent, jvm_options);
    if (strstr(agent_options, "listen=none") == NULL)
        await_listeners(e2e, count_listeners(agent_options));
}

void e2e_start_java(struct e2e *e2e, const char *agent_options, const char *const *arguments,
                    const char *stderr_path)
{
    char agent[2 * PATH_MAX];
    describe_agent(e2e, agent_options, agent, sizeof agent);
    run_java(e2e, agent, arguments, stderr_path);
}

void e2e_start_plain(struct e2e *e2e, const char *const *jvm_options)
{
    start_target(e2e, NULL, jvm_options);
}

const char *e2e_ask(struct e2e *e2e, const char *command)
{
    e2e_process_tell(&e2e->jvm, command);
    return e2e_process_hear(&e2e->jvm, ANSWER_SECONDS);
}

static bool tick(unsigned *ticks)
{
    poll(NULL, 0, TICK_MS);
    return ++*ticks < PATIENCE_TICKS;
}

void e2e_add_loader(struct e2e *e2e, const char *name, const char *directory)
{
    char command[512];
    snprintf(command, sizeof command, "loader %s %s", name, e2e_path(e2e, "%s", directory));
    e2e_expect(e2e, command, "ok");
}

void e2e_await(struct e2e *e2e, const char *command, const char *answer)
{
    unsigned ticks = 0;
    while (strcmp(e2e_ask(e2e, command), answer) != 0)
        if (!tick(&ticks))
            fail_msg("'%s' still answers '%s', not '%s'", command, e2e_ask(e2e, command), answer);
}

void e2e_await_log(const struct e2e *e2e, const char *text)
{
    unsigned ticks = 0;
    while (!file_contains(e2e->log, text) && !file_contains(e2e->errors, text))
        if (!tick(&ticks)) {
            print_file(e2e->log);
            print_file(e2e->errors);
            fail_msg("neither the log nor stderr says '%s'", text);
        }
}

void e2e_await_file(const struct e2e *e2e, const char *pattern)
{
    unsigned ticks = 0;
    glob_t found;
    while (glob(e2e_path(e2e, "%s", pattern), 0, NULL, &found) != 0)
        if (!tick(&ticks)) {
            print_file(e2e->log);
            fail_msg("no file %s", pattern);
        }
    globfree(&found);
}

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    if (in == NULL || out == NULL)
        fail_msg("cannot copy %s to %s: %s", from, to, strerror(errno));
    char chunk[65536];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, in)) > 0)
        assert_int_equal(fwrite(chunk, 1, got, out), got);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

void e2e_drop(const struct e2e *e2e, const char *from, const char *name)
{
    char beside[PATH_MAX], place[PATH_MAX];
    snprintf(beside, sizeof beside, "%s/arriving.tmp", e2e->directory);
    snprintf(place, sizeof place, "%s/%s", e2e->drop, name);
    copy_file(absolute(e2e, from), beside);
    assert_int_equal(rename(beside, place), 0);
}

static json_t *find_report(const struct e2e *e2e, const char *verdict, unsigned number)
{
    glob_t found;
    if (glob(e2e_path(e2e, "drop/%s/*-%u/report.json", verdict, number), 0, NULL, &found) != 0)
        return NULL;
    json_t *report = json_load_file(found.gl_pathv[0], 0, NULL);
    globfree(&found);
    return report;
}

json_t *e2e_await_report_for(const struct e2e *e2e, const char *verdict, unsigned number,
                             unsigned seconds)
{
    json_t *report;
    for (unsigned ticks = 0; (report = find_report(e2e, verdict, number)) == NULL; ticks++) {
        if (ticks == seconds * 1000 / TICK_MS) {
            print_file(e2e->log);
            fail_msg("no report %u in %s", number, verdict);
        }
        poll(NULL, 0, TICK_MS);
    }
    return report;
}

json_t *e2e_await_report(const struct e2e *e2e, const char *verdict, unsigned number)
{
    return e2e_await_report_for(e2e, verdict, number, PATIENCE_TICKS * TICK_MS / 1000);
}
