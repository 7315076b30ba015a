/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine in the JVM inside the test: deployments, and the application they go to. Its Java half
 * is RoadWorkbench.java. Every helper fails the running test when something is not as it should be.
 */
#ifndef HD_E2E_ROAD_H
#define HD_E2E_ROAD_H

#include "tests/e2e/embedded.h"

#include "agent/engine.h"

#define A(body) "package p; public class A { public static int v() { return " body "; } }"
#define B(body) "package p; public class B { public static int v() { return " body "; } }"
#define N(body) "package p; public class N { public static int v() { return " body "; } }"
#define AND     "---" /* between two sources */

enum { ROAD_PATIENCE_S = 30 };

struct road {
    struct hd_engine *engine; /* of one test */
};

/* The one there is. */
extern struct road road;

int road_setup(void **state);
int road_teardown(void **state);
#define ROAD_TEST(function) cmocka_unit_test_setup_teardown(function, road_setup, road_teardown)

/* ---- the application ----------------------------------------------------------------------------- */

/* Compiles sources into a new directory of the sandbox and returns it, in one of a few static buffers. */
const char *road_compile(const char *sources);
/* A loader with that context name, labelled "Shop[name]", as a global reference for road_drop. */
jobject road_shop(const char *name, const char *directory);
/* One whose A is loaded and says 1. */
jobject road_shop_with_a(const char *name);
void road_drop(jobject loader);
/* What the class's v() says; loads and initialises it if need be. */
jint road_v(jobject loader, const char *class_name);
/* Calls a method of the workbench with the loader: "hang", "awaitQuestion", "answer". */
void road_tell(jobject loader, const char *what);
void road_collect_garbage(void);
/* What a method of the workbench answers: "source" (a loader, a class's name), "weaver" (two
 * directories). returned: its descriptor. */
jobject road_ask(const char *method, const char *returned, jobject first, jobject second);
/* Makes v() of a compiled class return an integer as if it were an object: it will not verify. */
void road_break_code(const char *directory, const char *class_file);

/* ---- the engine ---------------------------------------------------------------------------------- */

struct road_wish {
    enum hd_job_kind kind;
    const char *loader;
    bool all_loaders, best_effort;
};
#define PUSH        ((struct road_wish){ .kind = HD_JOB_DEPLOY })
#define CHECK       ((struct road_wish){ .kind = HD_JOB_CHECK })
#define BEST_EFFORT ((struct road_wish){ .kind = HD_JOB_DEPLOY, .best_effort = true })

/* classes: "p/A p/B", of a directory. */
struct hd_bundle *road_bundle(const char *directory, const char *classes);
struct hd_job *road_new_job(enum hd_job_kind kind);
/* Takes the bundle. */
struct hd_job *road_job(struct road_wish wish, struct hd_bundle *bundle);
void road_submit(struct hd_job *job);
/* The next job that is finished, with what is live after it; the caller frees it. */
struct hd_job *road_collect(void);
/* All of that at once; the caller frees the job. */
struct hd_job *road_deploy(struct road_wish wish, const char *directory, const char *classes);

const struct hd_row *road_row(const struct hd_job *job, const char *class_name);
void road_expect_row(const struct hd_job *job, const char *class_name, enum hd_outcome outcome,
                     enum hd_reason reason);
void road_expect_words(const char *text, const char *words);
/* What status says of a class: "redefined"; "" when it says nothing. */
const char *road_live_word(const struct hd_job *job, const char *class_name);

#endif
