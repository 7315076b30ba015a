/* SPDX-License-Identifier: Apache-2.0 */
/* samples/spring-boot, a REST service in an executable jar: its controller is edited, compiled and
 * swapped while requests flow. */
#include "tests/e2e/application.h"
#include "tests/e2e/http.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define BUILT         HD_E2E_BINARY "/spring-boot"
#define UNPACKED      BUILT "/unpacked/BOOT-INF"
#define JAR           BUILT "/project/target/people.jar"
#define CLASS         "com.journaldev.spring.PersonController"
#define FILE_OF_CLASS "com/journaldev/spring/PersonController"

#define PANKAJ "{\"id\":1,\"name\":\"Pankaj\"}"
#define ADA    "{\"id\":1,\"name\":\"Ada Lovelace\"}"
#define GRACE  "{\"id\":1,\"name\":\"Grace Hopper\"}"
#define EDSGER "{\"id\":1,\"name\":\"Edsger Dijkstra\"}"

/* The flows outlive a test that fails. */
static struct e2e_flow flows[2];

/* Returns the port. */
static unsigned start_with(struct e2e *e2e, const char *agent_options)
{
    const char *const build[] = { HD_E2E_SOURCE "/build-spring-boot", BUILT,
                                  HD_SAMPLES "/spring-boot", NULL };
    const char *const arguments[] = { "-jar", JAR, "--server.port=0", NULL };
    e2e_tool(NULL, build);
    e2e_application_start(e2e, agent_options, arguments);
    return e2e_application_hear_number(e2e, "Tomcat started on port ");
}

static unsigned start(struct e2e *e2e)
{
    return start_with(e2e, "");
}

/* What the controller is compiled against: all that is in the jar. */
static void describe_class_path(char *out, size_t capacity)
{
    glob_t jars;
    size_t used = (size_t)snprintf(out, capacity, "%s", UNPACKED "/classes");
    assert_int_equal(glob(UNPACKED "/lib/*.jar", 0, NULL, &jars), 0);
    for (size_t i = 0; i < jars.gl_pathc && used < capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, ":%s", jars.gl_pathv[i]);
    assert_true(used < capacity);
    globfree(&jars);
}

/* Compiles the controller with that name in it, with the options that Maven uses, into a
 * directory. */
static void compile_with(const struct e2e *e2e, const char *name, const char *classes)
{
    char quoted[64], sources[64], source[128], class_path[2 * PATH_MAX], options[3 * PATH_MAX];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    snprintf(sources, sizeof sources, "sources-of-%s", classes);
    snprintf(source, sizeof source, "%s/PersonController.java", sources);
    describe_class_path(class_path, sizeof class_path);
    snprintf(options, sizeof options, "--release 17 -parameters -g -cp %s", class_path);
    e2e_edit(e2e, HD_SAMPLES "/spring-boot/src/main/java/" FILE_OF_CLASS ".java", source,
             "\"Pankaj\"", quoted);
    e2e_compile(e2e, sources, classes, options);
}

static void start_flows(unsigned port)
{
    for (size_t i = 0; i < 2; i++)
        e2e_flow_start(&flows[i], port, "/person/1", "{\"id\":1,\"name\":\"");
}

static void expect_that_none_failed(void)
{
    for (size_t i = 0; i < 2; i++)
        assert_true(e2e_flow_end(&flows[i]) > 1);
}

/* The jar as it would be packaged anew: all of it, one class changed. */
static void package_again(const struct e2e *e2e, const char *classes, const char *jar)
{
    char program[PATH_MAX], place[PATH_MAX], class[PATH_MAX];
    snprintf(program, sizeof program, "%s/bin/jar", e2e->jdk->home);
    snprintf(place, sizeof place, "%s",
             e2e_path(e2e, "%s-boot/BOOT-INF/classes/" FILE_OF_CLASS ".class", classes));
    snprintf(class, sizeof class, "%s", e2e_path(e2e, "%s/" FILE_OF_CLASS ".class", classes));
    const char *const copy[] = { "cp", JAR, e2e_path(e2e, "%s", jar), NULL };
    const char *const put[] = { "install", "-D", class, place, NULL };
    const char *const update[] = { program,    "--update",
                                   "--file",   e2e_path(e2e, "%s", jar),
                                   "-C",       e2e_path(e2e, "%s-boot", classes),
                                   "BOOT-INF", NULL };
    e2e_tool(NULL, copy);
    e2e_tool(NULL, put);
    e2e_tool(NULL, update);
}

static void a_controller_is_swapped_by_drop_push_and_whole_jar_while_requests_flow(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    unsigned port = start(e2e);
    compile_with(e2e, "Ada Lovelace", "ada");
    compile_with(e2e, "Grace Hopper", "grace");
    compile_with(e2e, "Edsger Dijkstra", "edsger");
    e2e_http_expect(port, "/person/1", PANKAJ);
    start_flows(port);

    e2e_drop(e2e, "ada/" FILE_OF_CLASS ".class", "PersonController.class");
    json_t *report = e2e_await_report(e2e, ".done", 1);
    e2e_expect_row(report, CLASS, "redefined", NULL);
    assert_int_equal(
        json_array_size(json_object_get(e2e_row(report, CLASS, "LaunchedClassLoader"), "warnings")),
        0);
    json_decref(report);
    e2e_http_expect(port, "/person/1", ADA);

    e2e_deploy(e2e, &answer, "push", "grace");
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, CLASS, "redefined", NULL);
    e2e_answer_close(&answer);
    e2e_http_expect(port, "/person/1", GRACE);

    package_again(e2e, "edsger", "people.jar");
    e2e_deploy(e2e, &answer, "push", "people.jar");
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, CLASS, "redefined", NULL);
    assert_int_equal(e2e_count_rows(answer.json, "redefined"), 1);
    assert_int_equal(e2e_count_rows(answer.json, "unchanged"),
                     json_array_size(json_object_get(answer.json, "classes")) - 1);
    e2e_expect_row(answer.json, "com.journaldev.spring.Person", "unchanged", NULL);
    e2e_answer_close(&answer);
    e2e_http_expect(port, "/person/1", EDSGER);
    expect_that_none_failed();
}

/* Spring reads the parameter's name when it is first asked, and remembers it: so nobody may have
 * asked before the swap. */
static void a_controller_swapped_before_its_first_request_keeps_the_names_of_its_parameters(
    void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    unsigned port = start(e2e);
    compile_with(e2e, "Ada Lovelace", "ada");
    e2e_deploy(e2e, &answer, "push", "ada");
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, CLASS, "redefined", NULL);
    e2e_answer_close(&answer);
    e2e_http_expect(port, "/person/1", ADA);
}

/* Its class loader is not there when the JVM starts, and it is killed in between. */
static void a_controller_that_is_kept_is_live_after_a_restart(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char options[300], pid[16];
    snprintf(options, sizeof options, "store=%s", e2e_path(e2e, "store"));
    e2e_http_expect(start_with(e2e, options), "/person/1", PANKAJ);
    compile_with(e2e, "Ada Lovelace", "ada");
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "push", "--json", "--keep", "--pid", pid, e2e_path(e2e, "ada"), NULL);
    assert_int_equal(answer.status, 0);
    assert_true(json_is_true(json_object_get(answer.json, "kept")));
    e2e_answer_close(&answer);
    e2e_process_end(&e2e->jvm);
    unsigned port = start_with(e2e, options);
    e2e_http_expect(port, "/person/1", ADA);
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "rollback", "--json", "--pid", pid, NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_http_expect(port, "/person/1", PANKAJ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_APPLICATION_CASE(
            a_controller_is_swapped_by_drop_push_and_whole_jar_while_requests_flow),
        E2E_APPLICATION_CASE(
            a_controller_swapped_before_its_first_request_keeps_the_names_of_its_parameters),
        E2E_APPLICATION_CASE(a_controller_that_is_kept_is_live_after_a_restart),
    };
    return E2E_RUN(tests);
}
