/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real JVM in the test's own process, so that a module of the agent can be driven from C and
 * looked at from both sides. Its Java half is Evidence.java; the class under test is always called
 * Subject. Every helper fails the running test with Java's words when Java throws.
 */
#ifndef HD_E2E_EMBEDDED_H
#define HD_E2E_EMBEDDED_H

#include "tests/e2e/jdk.h"
#include "tests/unit/sandbox.h"

#include "agent/base.h"
#include "core/alloc.h"

/* One version of the class under test; body is what answer() returns, more goes in at its end. */
#define SUBJECT(body, more)                                                                        \
    "import java.util.concurrent.CountDownLatch;\n"                                                \
    "public class Subject {\n"                                                                     \
    "    static { System.setProperty(\"subject.initialized\", \"yes\"); }\n"                       \
    "    public static int answer() { return " body "; }\n"                                        \
    "    public static void park(CountDownLatch in, CountDownLatch out) throws Exception {\n"      \
    "        in.countDown(); out.await(); if (answer() == -" body ") throw new Exception();\n"     \
    "    }\n" more "}\n"
#define SUBJECT_1 SUBJECT("1", "")
#define SUBJECT_2 SUBJECT("2", "")

struct embedded {
    const struct e2e_jdk *jdk;
    JNIEnv *jni;
    struct hd_jvm jvm;
    jclass evidence; /* Evidence; a global reference */
    /* of one test */
    struct sandbox sandbox;
    struct hd_base_finder *finder;
};

/* The one there is. */
extern struct embedded embedded;

/* Runs the tests on every JDK, each in a process of its own; to be returned from main. */
int embedded_run(const char *group, const struct CMUnitTest *tests, size_t count);
#define EMBEDDED_RUN(tests) embedded_run(__FILE__, tests, sizeof(tests) / sizeof(tests)[0])
/* A row of tests: with a sandbox, a finder and a local frame; afterwards nothing may be left. */
int embedded_setup(void **state);
int embedded_teardown(void **state);
#define EMBEDDED_TEST(function)                                                                    \
    cmocka_unit_test_setup_teardown(function, embedded_setup, embedded_teardown)

/* Paths are relative to the sandbox. */
void embedded_compile(const char *source, const char *directory);
void embedded_jar(const char *directory, const char *file);
/* A loader that reads a directory (its name ends in "/") or a jar. */
jobject embedded_loader(const char *path);
/* One that looks into one directory and then into another. */
jobject embedded_loader_of_two(const char *first, const char *second);
/* Like the first, of a class that is not the JDK's own. */
jobject embedded_own_loader(const char *path);
/* Loads Subject$Other, without linking it. */
jclass embedded_load_other(jobject loader);
/* Loads Subject, without linking it. */
jclass embedded_load(jobject loader);
/* Subject from one directory, in a loader that answers resources otherwise: from an absolute
 * directory, a "jar:" URL, not at all, or by throwing ("throw"). */
jclass embedded_weave(const char *from, const char *answer);
void embedded_call(const char *method, const char *descriptor, jobject argument);
/* What Subject.answer() says. */
jint embedded_answer(jclass subject);
jobject embedded_loader_of(jclass class);
/* The bytes of Subject.class in a directory. */
struct hd_buffer embedded_read(const char *directory);
jstring embedded_string(const char *text);
void embedded_expect_calm(void);

/* As if the JVM had been started after, or before, all files. */
void embedded_files_are_older(void);
void embedded_files_are_newer(void);

#endif
