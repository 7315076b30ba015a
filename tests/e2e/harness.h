/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end-to-end harness: a new case is ten lines. Compile Java with a warm compiler, start a real
 * JVM with the agent, ask it, drive the real client, expect a row. Every failure ends the test
 * (cmocka).
 *
 * Each test program runs its tests once for every JDK found: HOTDROP_JDKS (paths with ':' between),
 * else JAVA_HOME and all of /usr/lib/jvm. HOTDROP_E2E_ONLY names the tests to run (a pattern with '*').
 */
#ifndef HD_E2E_HARNESS_H
#define HD_E2E_HARNESS_H

#include "tests/e2e/process.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* The files under test: HOTDROP_AGENT and HOTDROP_CLIENT in the environment (those of a package), else what this
 * build made. */
const char *e2e_file_under_test(const char *variable, const char *built);
#define HD_E2E_AGENT  e2e_file_under_test("HOTDROP_AGENT", HD_E2E_BUILT_AGENT)
#define HD_E2E_CLIENT e2e_file_under_test("HOTDROP_CLIENT", HD_E2E_BUILT_CLIENT)

struct e2e_jdk {
    char home[256];
    unsigned feature; /* 17, 25, … */
};

/* One test's world: a directory of its own (below TMPDIR, else /tmp) that is removed at the end, and
 * a JVM. */
struct e2e {
    const struct e2e_jdk *jdk;
    const char *case_name; /* the test row's initial_state, where cases are data; else NULL */
    char directory[128];
    char classes[192]; /* on the JVM's class path */
    char drop[192];    /* the drop directory */
    char log[192];     /* the agent's log */
    char errors[192];  /* the JVM's stderr */
    struct e2e_process jvm;
};

/* What the client said. */
struct e2e_answer {
    int status; /* exit status */
    char *output;
    json_t *json; /* NULL where the output is none */
};

/* cmocka fixtures: state is a struct e2e. Set-up makes the directory; teardown ends the JVM and
 * removes everything. */
int e2e_setup(void **state);
int e2e_teardown(void **state);
/* The test row: CASE(what_holds). */
#define E2E_CASE(function) cmocka_unit_test_setup_teardown(function, e2e_setup, e2e_teardown)
/* Runs the group once per JDK; to be returned from main. */
int e2e_run(const char *group, const struct CMUnitTest *tests, size_t count);
#define E2E_RUN(tests) e2e_run(__FILE__, tests, sizeof(tests) / sizeof(tests)[0])

/* Writes text to a file below the test's directory, making directories on the way. */
void e2e_write(const struct e2e *e2e, const char *path, const char *text);
/* Compiles all of directory SOURCES (relative to the test's, or absolute) into CLASSES with
 * javac options (may be ""). */
void e2e_compile(const struct e2e *e2e, const char *sources, const char *classes,
                 const char *options);
/* One class from its source text into a directory. */
void e2e_compile_class(const struct e2e *e2e, const char *name, const char *source,
                       const char *classes);
/* Packs all the files below a directory into a jar (the same bytes for the same files). */
void e2e_jar(const struct e2e *e2e, const char *directory, const char *jar);

/* Starts java with the agent (drop=<drop>,log=<log>,log-level=debug plus agent_options, may be
 * "") and JVM options (NULL-terminated; may be NULL), class path = classes, main class Target. */
void e2e_start(struct e2e *e2e, const char *agent_options, const char *const *jvm_options);
/* Starts java with the same agent and these arguments (NULL-terminated), which say what runs;
 * waits for nothing. */
void e2e_start_java(struct e2e *e2e, const char *agent_options, const char *const *arguments,
                    const char *stderr_path);
/* Target without the agent. */
void e2e_start_plain(struct e2e *e2e, const char *const *jvm_options);
/* What a JVM's environment needs in this build (the sanitizers' run-time): for tests that start
 * one by themselves. */
const char *const *e2e_jvm_environment(void);
/* Target's answer to a command. Valid until the next call. */
const char *e2e_ask(struct e2e *e2e, const char *command);
#define e2e_expect(e2e, command, answer) assert_string_equal(e2e_ask(e2e, command), answer)
/* A class loader of that name over a directory (below the test's), its own classes first. */
void e2e_add_loader(struct e2e *e2e, const char *name, const char *directory);
/* Asks until the answer is that, at most 10 seconds. */
void e2e_await(struct e2e *e2e, const char *command, const char *answer);

/* The real client with these arguments (NULL at the end); adds nothing. The caller closes the
 * answer. */
void e2e_client(const struct e2e *e2e, struct e2e_answer *out, ...) __attribute__((sentinel));
/* hotdrop COMMAND --json --pid <jvm> PATH. */
void e2e_deploy(const struct e2e *e2e, struct e2e_answer *out, const char *command,
                const char *path);
void e2e_answer_close(struct e2e_answer *answer);

/* The row of a class (and loader label, where not NULL) in a document; fails the test where
 * there is none. */
const json_t *e2e_row(const json_t *document, const char *class_name, const char *loader);
/* reason NULL: none. */
void e2e_expect_row(const json_t *document, const char *class_name, const char *outcome,
                    const char *reason);
/* Rows with that outcome. */
size_t e2e_count_rows(const json_t *document, const char *outcome);
bool e2e_has_warning(const json_t *row, const char *word);

/* Copies FROM (relative to the test's directory) into the drop directory under NAME by writing
 * beside and renaming, as careful tools do. */
void e2e_drop(const struct e2e *e2e, const char *from, const char *name);
/* Waits for the next deployment's report.json in .done or .refused (verdict) and returns it; the
 * caller json_decrefs. Fails after 10 s. */
json_t *e2e_await_report(const struct e2e *e2e, const char *verdict, unsigned number);
json_t *e2e_await_report_for(const struct e2e *e2e, const char *verdict, unsigned number,
                             unsigned seconds);
/* Waits until the agent's log contains text; fails after 10 s. */
void e2e_await_log(const struct e2e *e2e, const char *text);
/* Waits until a file matches the pattern (glob) below the test's directory; fails after 10 s. */
void e2e_await_file(const struct e2e *e2e, const char *pattern);
/* A path below the test's directory; valid until the fourth next call. */
const char *e2e_path(const struct e2e *e2e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
