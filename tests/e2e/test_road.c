/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine and its road in a real JVM that lives in the test's own process, where every allocation can be made to fail.
 */
#include "tests/e2e/jdk.h"
#include "tests/unit/sandbox.h"

#include "agent/engine.h"
#include "agent/hook.h"
#include "core/alloc.h"
#include "core/log.h"
#include "core/text.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

/* cmocka, around each test, puts its handlers in the place of the JVM's, which raises SIGSEGV and the like itself and handles
 * them. It does so by signal(); nobody else here does. */
__attribute__((visibility("default"))) sighandler_t signal(int number, sighandler_t handler)
{
    (void)number;
    (void)handler;
    return SIG_DFL;
}

#ifdef __SANITIZE_ADDRESS__
/* For the same reason. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=0:allow_user_segv_handler=1:detect_leaks=0:handle_sigill=0:handle_sigfpe=0:handle_sigbus=0:"
           "use_sigaltstack=0";
}
#endif

#define A(body) "package p; public class A { public static int v() { return " body "; } }"
#define B(body) "package p; public class B { public static int v() { return " body "; } }"
#define AND "---"

enum { PATIENCE_S = 30 };

static struct world {
    JNIEnv *jni;
    struct hd_jvm jvm;
    struct hd_options options;
    jclass workbench; /* global reference */
    struct hd_engine *engine;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    struct sandbox sandbox;
    unsigned directories;
} world = { .lock = PTHREAD_MUTEX_INITIALIZER, .woken = PTHREAD_COND_INITIALIZER };

/* ---- the application ------------------------------------------------------------------------------------------------------ */

/* Fails the test with the exception's words. */
static void expect_calm(void)
{
    char text[512];
    if (hd_jvm_take_exception(world.jni, text, sizeof text))
        fail_msg("%s", text);
}

static jstring java_string(const char *text)
{
    jstring string = (*world.jni)->NewStringUTF(world.jni, text);
    expect_calm();
    return string;
}

static jmethodID helper(const char *name, const char *descriptor)
{
    jmethodID method = (*world.jni)->GetStaticMethodID(world.jni, world.workbench, name, descriptor);
    expect_calm();
    return method;
}

/* The directory with the classes. */
static const char *compile(const char *sources)
{
    char name[16];
    snprintf(name, sizeof name, "d%u", world.directories++);
    const char *directory = at(&world.sandbox, name);
    jboolean good = (*world.jni)->CallStaticBooleanMethod(
        world.jni, world.workbench, helper("compile", "(Ljava/lang/String;Ljava/lang/String;)Z"), java_string(sources),
        java_string(directory));
    expect_calm();
    assert_true(good);
    return directory;
}

/* Global: a test is free to use many local references. */
static jobject shop(const char *name, const char *directory)
{
    jobject loader = (*world.jni)->CallStaticObjectMethod(
        world.jni, world.workbench, helper("shop", "(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/ClassLoader;"),
        java_string(name), java_string(directory));
    expect_calm();
    return (*world.jni)->NewGlobalRef(world.jni, loader);
}

static jint call(jobject loader, const char *class_name, const char *method)
{
    jint answer = (*world.jni)->CallStaticIntMethod(
        world.jni, world.workbench, helper("call", "(Ljava/lang/ClassLoader;Ljava/lang/String;Ljava/lang/String;)I"), loader,
        java_string(class_name), java_string(method));
    expect_calm();
    return answer;
}

static jint v_of(jobject loader, const char *class_name)
{
    return call(loader, class_name, "v");
}

static void tell(jobject loader, const char *what)
{
    (*world.jni)->CallStaticVoidMethod(world.jni, world.workbench, helper(what, "(Ljava/lang/ClassLoader;)V"), loader);
    expect_calm();
}

/* A loader whose A is loaded, and says 1. */
static jobject shop_with_a(const char *name)
{
    jobject loader = shop(name, compile(A("1")));
    assert_int_equal(v_of(loader, "p.A"), 1);
    return loader;
}

static void collect_garbage(void)
{
    (*world.jni)->CallStaticVoidMethod(world.jni, world.workbench, helper("collectGarbage", "()V"));
    expect_calm();
}

static void drop(jobject loader)
{
    (*world.jni)->DeleteGlobalRef(world.jni, loader);
}

/* ---- the engine ----------------------------------------------------------------------------------------------------------- */

static void wake(void *context)
{
    (void)context;
    pthread_mutex_lock(&world.lock);
    pthread_cond_broadcast(&world.woken);
    pthread_mutex_unlock(&world.lock);
}

/* The next job that is finished. */
static struct hd_job *collect(void)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_S;
    int waited = 0;
    pthread_mutex_lock(&world.lock);
    struct hd_job *job = hd_engine_collect(world.engine);
    while (job == NULL && waited == 0) {
        waited = pthread_cond_timedwait(&world.woken, &world.lock, &deadline);
        job = hd_engine_collect(world.engine);
    }
    pthread_mutex_unlock(&world.lock);
    assert_non_null(job);
    return job;
}

static struct hd_job *new_job(enum hd_job_kind kind)
{
    const struct hd_origin origin = { .way = HD_WAY_LOCAL_SOCKET, .who = "uid:0 (root)", .from = "test_road" };
    struct hd_job *job = hd_job_new(kind, &origin);
    assert_non_null(job);
    return job;
}

static struct hd_bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    uint8_t *data = malloc(65536);
    size_t length = fread(data, 1, 65536, file);
    fclose(file);
    return (struct hd_bytes){ data, length };
}

/* classes: "p/A p/B", in directory. */
static struct hd_bundle *bundle_of(const char *directory, const char *classes)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    struct hd_bundle *bundle = NULL;
    char list[256];
    snprintf(list, sizeof list, "%s", classes);
    for (char *rest = list, *name; (name = strtok_r(rest, " ", &rest)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s.class", directory, name);
        struct hd_bytes file = read_file(path);
        assert_int_equal(hd_bundle_builder_add(builder, name, file, path, &err), 0);
        free((void *)(uintptr_t)file.data);
    }
    assert_int_equal(hd_bundle_build_take(builder, "test.jar", &bundle, &err), 0);
    return bundle;
}

static void submit(struct hd_job *job)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_engine_submit(world.engine, job, &err), 0);
}

/* What the caller wants beside the classes. */
struct wish {
    enum hd_job_kind kind;
    const char *loader;
    bool all_loaders, best_effort;
};

static struct hd_job *job_for(struct wish wish, struct hd_bundle *bundle)
{
    struct hd_job *job = new_job(wish.kind);
    job->bundle = bundle;
    job->loader = wish.loader != NULL ? hd_strdup(wish.loader) : NULL;
    job->all_loaders = wish.all_loaders;
    job->best_effort = wish.best_effort;
    return job;
}

/* The caller frees it. */
static struct hd_job *deploy(struct wish wish, const char *directory, const char *classes)
{
    submit(job_for(wish, bundle_of(directory, classes)));
    return collect();
}

#define PUSH ((struct wish){ .kind = HD_JOB_DEPLOY })
#define CHECK ((struct wish){ .kind = HD_JOB_CHECK })

static const struct hd_row *row_of(const struct hd_job *job, const char *class_name)
{
    const struct hd_deployment *deployment = job->deployment;
    assert_non_null(deployment);
    for (size_t i = 0; i < deployment->row_count; i++) {
        if (strcmp(deployment->rows[i].class_name, class_name) == 0)
            return &deployment->rows[i];
    }
    fail_msg("no row for %s", class_name);
    return NULL;
}

static void expect_row(const struct hd_job *job, const char *class_name, enum hd_outcome outcome, enum hd_reason reason)
{
    const struct hd_row *row = row_of(job, class_name);
    if (row->outcome != outcome || row->reason != reason)
        fail_msg("%s is %s (%s): %s", class_name, hd_outcome_word(row->outcome),
                 row->reason == HD_REASON_NONE ? "-" : hd_reason_word(row->reason), row->message != NULL ? row->message : "");
}

static void expect_words(const char *text, const char *words)
{
    if (text == NULL || strstr(text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text != NULL ? text : "(nothing)", words);
}

/* What status says of a class; "" when it says nothing. */
static const char *live_word(const struct hd_job *job, const char *class_name)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(job->status, "classes"), i, row) {
        if (strcmp(json_string_value(json_object_get(row, "class")), class_name) == 0)
            return json_string_value(json_object_get(row, "live"));
    }
    return "";
}

static int open_engine(void)
{
    struct hd_error err = HD_ERROR_INIT;
    return hd_engine_new(&world.jvm, world.jni, &world.options, &world.engine, &err) != 0 ||
           hd_engine_start(world.engine, world.jni, wake, NULL, &err) != 0;
}

/* ---- tests ---------------------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    static int64_t started_at;
    if (started_at == 0)
        started_at = world.jvm.started_at;
    world.jvm.started_at = started_at;
    sandbox_make(&world.sandbox);
    (*world.jni)->PushLocalFrame(world.jni, 256);
    return open_engine();
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(hd_engine_stop(world.engine, PATIENCE_S * 1000), 0);
    hd_engine_free(world.engine, world.jni);
    world.engine = NULL;
    (*world.jni)->PopLocalFrame(world.jni, NULL);
    collect_garbage(); /* the next test has loaders of its own */
    sandbox_delete(world.sandbox.path);
    assert_int_equal(hd_alloc_outstanding(), 0);
    return 0;
}

static void a_changed_body_is_live_and_the_same_again_is_unchanged(void **state)
{
    (void)state;
    jobject loader = shop_with_a("body");
    const char *next = compile(A("2"));
    struct hd_job *job = deploy(PUSH, next, "p/A");
    expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_string_equal(row_of(job, "p.A")->loader, "Shop[body]");
    assert_true(job->deployment->applied);
    assert_int_equal(job->deployment->number, 1);
    assert_string_equal(live_word(job, "p.A"), "redefined");
    assert_int_equal(v_of(loader, "p.A"), 2);
    hd_job_free(job);

    job = deploy(PUSH, next, "p/A");
    expect_row(job, "p.A", HD_OUTCOME_UNCHANGED, HD_REASON_NONE);
    assert_int_equal(job->deployment->number, 2);
    hd_job_free(job);
    drop(loader);
}

static void a_check_changes_nothing_and_takes_no_number(void **state)
{
    (void)state;
    jobject loader = shop_with_a("check");
    struct hd_job *job = deploy(CHECK, compile(A("2")), "p/A");
    expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_false(job->deployment->applied);
    assert_int_equal(job->deployment->number, 0);
    assert_int_equal(v_of(loader, "p.A"), 1);
    hd_job_free(job);
    job = deploy(PUSH, compile(A("3")), "p/A");
    assert_int_equal(job->deployment->number, 1);
    hd_job_free(job);
    drop(loader);
}

static void the_base_pushed_back_leaves_nothing_to_tell(void **state)
{
    (void)state;
    const char *base = compile(A("1"));
    jobject loader = shop("back", base);
    assert_int_equal(v_of(loader, "p.A"), 1);
    hd_job_free(deploy(PUSH, compile(A("2")), "p/A"));
    struct hd_job *job = deploy(PUSH, base, "p/A");
    expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_string_equal(live_word(job, "p.A"), "");
    assert_int_equal(v_of(loader, "p.A"), 1);
    hd_job_free(job);
    drop(loader);
}

/* In the order of their names each would come before what it needs. */
#define WITH_NEW A("new N().n()") AND "package p; class N extends X { int n() { return 40 + x(); } }" AND \
    "package p; class X implements Y { public int x() { return 2; } }" AND "package p; interface Y { int x(); }"

static void new_classes_are_defined_before_their_user_with_a_neighbours_domain(void **state)
{
    (void)state;
    const char *base = compile(A("1"));
    jobject loader = shop("new", base);
    assert_int_equal(v_of(loader, "p.A"), 1);
    struct hd_job *job = deploy(PUSH, compile(WITH_NEW), "p/A p/N p/X p/Y");
    expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    expect_row(job, "p.N", HD_OUTCOME_DEFINED, HD_REASON_NONE);
    expect_row(job, "p.Y", HD_OUTCOME_DEFINED, HD_REASON_NONE);
    assert_string_equal(live_word(job, "p.X"), "defined");
    assert_int_equal(v_of(loader, "p.A"), 42);
    hd_job_free(job);
    jstring source = (*world.jni)->CallStaticObjectMethod(
        world.jni, world.workbench, helper("source", "(Ljava/lang/ClassLoader;Ljava/lang/String;)Ljava/lang/String;"), loader,
        java_string("p.N"));
    expect_calm();
    const char *path = (*world.jni)->GetStringUTFChars(world.jni, source, NULL);
    expect_words(path, base);
    (*world.jni)->ReleaseStringUTFChars(world.jni, source, path);
    drop(loader);
}

#define SHAPE "package p; public abstract class S { public abstract int area(); public static int take(S s) { return s.area(); } }"

/* The verifier has to load Circle to see that it is an S. */
static void a_check_knows_the_new_class_that_a_changed_one_needs_to_verify(void **state)
{
    (void)state;
    jobject loader = shop("circle", compile(A("1") AND SHAPE));
    assert_int_equal(v_of(loader, "p.A"), 1);
    const char *next = compile(A("S.take(new Circle())") AND SHAPE AND
                               "package p; public class Circle extends S { public int area() { return 7; } }");
    struct hd_job *job = deploy(CHECK, next, "p/A p/Circle");
    expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    expect_row(job, "p.Circle", HD_OUTCOME_DEFINED, HD_REASON_NONE);
    hd_job_free(job);
    job = deploy(PUSH, next, "p/A p/Circle");
    expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    hd_job_free(job);
    assert_int_equal(v_of(loader, "p.A"), 7);
    drop(loader);
}

static void a_new_class_without_its_superclass_is_refused_before_anything_is_touched(void **state)
{
    (void)state;
    jobject loader = shop_with_a("orphan");
    const char *next = compile(A("2") AND "package p; class N extends M { }" AND "package p; class M { }");
    struct hd_job *job = deploy(PUSH, next, "p/A p/N");
    expect_row(job, "p.A", HD_OUTCOME_WITHHELD, HD_REASON_NONE);
    expect_row(job, "p.N", HD_OUTCOME_REFUSED, HD_REASON_MISSING_MEMBER);
    expect_words(row_of(job, "p.N")->message, "p/M");
    assert_false(job->deployment->applied);
    assert_int_equal(v_of(loader, "p.A"), 1);
    hd_job_free(job);
    drop(loader);
}

/* Turns the last "load; ireturn" of v() into one that returns an integer as if it were an object. */
static void break_code(const char *directory, const char *class_file)
{
    enum { IRETURN = 0xAC, ARETURN = 0xB0 };
    char path[512];
    snprintf(path, sizeof path, "%s/%s.class", directory, class_file);
    struct hd_bytes file = read_file(path);
    uint8_t *data = (uint8_t *)(uintptr_t)file.data;
    size_t at = file.length;
    /* code_length 4, then invokestatic or sipush … ireturn: the byte before the empty exception table */
    for (size_t i = 0; i + 3 < file.length; i++) {
        if (data[i] == IRETURN && data[i + 1] == 0 && data[i + 2] == 0)
            at = i;
    }
    assert_true(at < file.length);
    data[at] = ARETURN;
    FILE *out = fopen(path, "wbe");
    assert_int_equal(fwrite(data, 1, file.length, out), file.length);
    fclose(out);
    free(data);
}

static void code_that_does_not_verify_is_refused_in_the_verifiers_words(void **state)
{
    (void)state;
    jobject loader = shop_with_a("verify");
    const char *next = compile(A("2"));
    break_code(next, "p/A");
    for (int i = 0; i < 2; i++) {
        struct hd_job *job = deploy(i == 0 ? CHECK : PUSH, next, "p/A");
        expect_row(job, "p.A", HD_OUTCOME_REFUSED, HD_REASON_VERIFY_ERROR);
        expect_words(row_of(job, "p.A")->message, "Bad type on operand stack");
        assert_int_equal(job->deployment->row_count, 1); /* what was tried in a loader of ours is no row */
        hd_job_free(job);
    }
    assert_int_equal(v_of(loader, "p.A"), 1);
    drop(loader);
}

static void a_new_class_that_does_not_verify_is_refused_while_it_can_be(void **state)
{
    (void)state;
    jobject loader = shop_with_a("broken");
    const char *next = compile(A("N.v()") AND "package p; public class N { public static int v() { return 5; } }");
    break_code(next, "p/N");
    struct hd_job *job = deploy(PUSH, next, "p/A p/N");
    expect_row(job, "p.N", HD_OUTCOME_REFUSED, HD_REASON_VERIFY_ERROR);
    expect_row(job, "p.A", HD_OUTCOME_WITHHELD, HD_REASON_NONE);
    hd_job_free(job);
    drop(loader);
}

static void a_late_refusal_keeps_what_was_defined_and_says_so(void **state)
{
    (void)state;
    jobject loader = shop_with_a("late");
    const char *next = compile(A("N.v()") AND "package p; public class N { public static int v() { return 5; } }");
    break_code(next, "p/A");
    struct hd_job *job = deploy(PUSH, next, "p/A p/N");
    expect_row(job, "p.A", HD_OUTCOME_REFUSED, HD_REASON_VERIFY_ERROR);
    expect_row(job, "p.N", HD_OUTCOME_DEFINED, HD_REASON_NONE);
    assert_false(job->deployment->applied);
    assert_int_equal(job->deployment->error_reason, HD_REASON_VERIFY_ERROR);
    expect_words(job->deployment->error_message, "p.N");
    assert_string_equal(live_word(job, "p.N"), "defined");
    assert_string_equal(live_word(job, "p.A"), "");
    hd_job_free(job);
    assert_int_equal(v_of(loader, "p.A"), 1);
    assert_int_equal(v_of(loader, "p.N"), 5);
    drop(loader);
}

static void one_refusal_withholds_the_rest_unless_best_effort_is_asked_for(void **state)
{
    (void)state;
    jobject loader = shop("effort", compile(A("1") AND B("1")));
    assert_int_equal(v_of(loader, "p.A") + v_of(loader, "p.B"), 2);
    const char *next = compile(A("2") AND "package p; public class B { public static int w() { return 1; } }");
    struct hd_job *job = deploy(PUSH, next, "p/A p/B");
    expect_row(job, "p.A", HD_OUTCOME_WITHHELD, HD_REASON_NONE);
    expect_row(job, "p.B", HD_OUTCOME_REFUSED, HD_REASON_METHOD_ADDED);
    assert_false(job->deployment->applied);
    hd_job_free(job);
    assert_int_equal(v_of(loader, "p.A"), 1);

    job = deploy((struct wish){ .kind = HD_JOB_DEPLOY, .best_effort = true }, next, "p/A p/B");
    expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_true(job->deployment->applied);
    hd_job_free(job);
    assert_int_equal(v_of(loader, "p.A"), 2);
    drop(loader);
}

static void best_effort_goes_on_without_what_the_jvm_refuses(void **state)
{
    (void)state;
    jobject loader = shop("rest", compile(A("1") AND B("1")));
    assert_int_equal(v_of(loader, "p.A") + v_of(loader, "p.B"), 2);
    const char *next = compile(A("2") AND B("2"));
    break_code(next, "p/B");
    struct hd_job *job = deploy((struct wish){ .kind = HD_JOB_DEPLOY, .best_effort = true }, next, "p/A p/B");
    expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    expect_row(job, "p.B", HD_OUTCOME_REFUSED, HD_REASON_VERIFY_ERROR);
    assert_true(job->deployment->applied);
    hd_job_free(job);
    assert_int_equal(v_of(loader, "p.A"), 2);
    assert_int_equal(v_of(loader, "p.B"), 1);
    drop(loader);
}

static void a_class_that_is_not_loaded_waits_and_then_is_live(void **state)
{
    (void)state;
    jobject loader = shop("waits", compile(A("1") AND B("1")));
    assert_int_equal(v_of(loader, "p.A"), 1);
    const char *next = compile(B("2"));
    struct hd_job *job = deploy(PUSH, next, "p/B");
    expect_row(job, "p.B", HD_OUTCOME_PENDING, HD_REASON_NONE);
    assert_string_equal(row_of(job, "p.B")->loader, "Shop[waits]");
    assert_string_equal(live_word(job, "p.B"), "pending");
    hd_job_free(job);
    job = deploy(PUSH, next, "p/B");
    expect_row(job, "p.B", HD_OUTCOME_UNCHANGED, HD_REASON_NONE);
    hd_job_free(job);

    assert_int_equal(v_of(loader, "p.B"), 2);
    job = collect();
    assert_int_equal(job->kind, HD_JOB_LOADED);
    assert_string_equal(live_word(job, "p.B"), "redefined");
    hd_job_free(job);
    drop(loader);
}

static void a_refused_deployment_leaves_no_patch_waiting(void **state)
{
    (void)state;
    jobject loader = shop("withdrawn", compile(A("1") AND B("1")));
    assert_int_equal(v_of(loader, "p.A"), 1);
    const char *next = compile(A("2") AND B("2"));
    break_code(next, "p/A");
    struct hd_job *job = deploy(PUSH, next, "p/A p/B");
    expect_row(job, "p.A", HD_OUTCOME_REFUSED, HD_REASON_VERIFY_ERROR);
    expect_row(job, "p.B", HD_OUTCOME_WITHHELD, HD_REASON_NONE);
    hd_job_free(job);
    assert_int_equal(v_of(loader, "p.B"), 1);
    drop(loader);
}

#define H(body) "package q; public class H { public static int v() { return " body "; } }"

static void a_class_that_belongs_nowhere_waits_for_the_first_loader(void **state)
{
    (void)state;
    struct hd_job *job = deploy(PUSH, compile(H("2")), "q/H");
    expect_row(job, "q.H", HD_OUTCOME_PENDING, HD_REASON_NONE);
    assert_string_equal(row_of(job, "q.H")->loader, "");
    hd_job_free(job);
    const char *own = compile(H("1"));
    jobject first = shop("first", own), second = shop("second", own);
    assert_int_equal(v_of(first, "q.H"), 2);
    assert_int_equal(v_of(second, "q.H"), 1);
    job = collect();
    assert_string_equal(live_word(job, "q.H"), "redefined");
    hd_job_free(job);
    drop(first);
    drop(second);
}

/* The hook must not give the newly defined class the older patch that waits for it. */
static void a_newer_push_takes_the_place_of_one_that_waits_for_any_loader(void **state)
{
    (void)state;
    jobject loader = shop_with_a("newer");
    hd_job_free(deploy((struct wish){ .kind = HD_JOB_DEPLOY }, compile("package z; public class Z { public static int v() { return 1; } }"),
                       "z/Z"));
    const char *next = compile(A("2") AND "package z; public class Z { public static int v() { return 2; } }");
    struct hd_job *job = deploy(PUSH, next, "p/A z/Z");
    expect_row(job, "z.Z", HD_OUTCOME_DEFINED, HD_REASON_NONE);
    assert_string_equal(live_word(job, "z.Z"), "defined");
    hd_job_free(job);
    assert_int_equal(v_of(loader, "z.Z"), 2);
    drop(loader);
}

static void what_another_agent_edited_is_told_apart(void **state)
{
    (void)state;
    const char *own = compile(A("1"));
    const char *edited = compile("package p; public class A { static int $p; public static int v() { return 1; } }");
    jobject loader = (*world.jni)->CallStaticObjectMethod(
        world.jni, world.workbench, helper("weaver", "(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/ClassLoader;"),
        java_string(edited), java_string(own));
    expect_calm();
    assert_int_equal(v_of(loader, "p.A"), 1);
    /* Its file must not count as what a compiler made just now. */
    world.jvm.started_at = hd_text_now() + 1000000;
    struct hd_job *job = deploy(PUSH, compile(A("2")), "p/A");
    expect_row(job, "p.A", HD_OUTCOME_REFUSED, HD_REASON_FOREIGN_EDIT);
    hd_job_free(job);
}

static void an_older_file_than_the_jvm_is_a_way_back(void **state)
{
    (void)state;
    jobject loader = shop_with_a("old");
    struct hd_job *job = deploy(CHECK, compile(A("2")), "p/A");
    assert_int_equal(row_of(job, "p.A")->warnings, HD_WARNING_NO_WAY_BACK);
    hd_job_free(job);
    world.jvm.started_at = hd_text_now() + 1000000;
    job = deploy(CHECK, compile(A("2")), "p/A");
    assert_int_equal(row_of(job, "p.A")->warnings, 0);
    hd_job_free(job);
    job = deploy(CHECK, compile(A("1")), "p/A");
    expect_row(job, "p.A", HD_OUTCOME_UNCHANGED, HD_REASON_NONE);
    hd_job_free(job);
    drop(loader);
}

static void a_bundle_that_could_not_be_read_is_a_deployment_too(void **state)
{
    (void)state;
    struct hd_job *job = new_job(HD_JOB_DEPLOY);
    job->deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &job->origin);
    hd_deployment_fail(job->deployment, HD_REASON_MALFORMED_BUNDLE, "not a jar");
    submit(job);
    job = collect();
    assert_int_equal(job->deployment->number, 1);
    assert_false(job->deployment->applied);
    assert_string_equal(job->deployment->error_message, "not a jar");
    hd_job_free(job);
}

static void a_loader_that_hangs_is_named_and_the_rest_waits_its_turn(void **state)
{
    (void)state;
    enum { LIMIT = 64 };
    jobject loader = shop_with_a("hangs");
    struct hd_error err = HD_ERROR_INIT;
    char doing[256];
    int64_t since = 0;
    tell(loader, "hang");
    submit(job_for(PUSH, bundle_of(compile(A("2")), "p/A")));
    tell(loader, "awaitQuestion");
    assert_int_equal(hd_engine_waiting(world.engine, doing, sizeof doing, &since), 0);
    expect_words(doing, "Shop[hangs]");
    expect_words(doing, "p.A");
    assert_true(hd_text_now() - since < PATIENCE_S * (int64_t)1000000);

    for (int i = 0; i < LIMIT; i++)
        submit(new_job(HD_JOB_STATUS));
    struct hd_job *one_too_many = new_job(HD_JOB_STATUS);
    assert_int_equal(hd_engine_submit(world.engine, one_too_many, &err), -1);
    assert_int_equal(err.code, HD_E_LIMIT);
    hd_job_free(one_too_many);
    assert_int_equal(hd_engine_waiting(world.engine, NULL, 0, NULL), LIMIT);
    assert_int_equal(hd_engine_stop(world.engine, 1), -1);

    tell(loader, "answer");
    assert_int_equal(hd_engine_stop(world.engine, PATIENCE_S * 1000), 0);
    struct hd_job *job = collect();
    assert_int_equal(job->deployment->error_reason, HD_REASON_JVM_ERROR); /* it was shut down in the middle */
    expect_row(job, "p.A", HD_OUTCOME_WITHHELD, HD_REASON_NONE);
    hd_job_free(job);
    assert_int_equal(v_of(loader, "p.A"), 1);
    struct hd_job *too_late = new_job(HD_JOB_STATUS);
    assert_int_equal(hd_engine_submit(world.engine, too_late, &err), -1);
    hd_job_free(too_late);
    drop(loader);
}

/* One deployment that redefines, defines and waits, with the nth allocation failing. True: it did not come to that many. */
static bool deploy_with_failure(unsigned long nth, const char *base, const char *next)
{
    char name[24], label[32];
    snprintf(name, sizeof name, "n%lu", nth);
    snprintf(label, sizeof label, "[n%lu]", nth);
    jobject loader = shop(name, base);
    assert_int_equal(v_of(loader, "p.A"), 1);
    struct hd_job *job = job_for((struct wish){ .kind = HD_JOB_DEPLOY, .loader = label }, bundle_of(next, "p/A p/B p/N"));
    hd_alloc_fail_at(nth);
    submit(job);
    job = collect();
    void *last = hd_alloc(1);
    hd_alloc_fail_at(0);
    bool applied = job->deployment != NULL && job->deployment->applied;
    assert_true(applied || last != NULL);
    assert_int_equal(v_of(loader, "p.A"), applied ? 2 : 1);
    assert_int_equal(v_of(loader, "p.B"), applied ? 2 : 1);
    hd_job_free(job);
    if (applied)
        hd_job_free(collect()); /* the hook's news of B */
    hd_free(last);
    drop(loader);
    return last == NULL;
}

static void memory_that_is_out_leaves_nothing_half_done(void **state)
{
    (void)state;
    enum { MOST = 2000 };
    const char *base = compile(A("1") AND B("1"));
    const char *next = compile(A("N.v()") AND B("2") AND "package p; public class N { public static int v() { return 2; } }");
    for (unsigned long nth = 1; nth < MOST; nth++) {
        (*world.jni)->PushLocalFrame(world.jni, 64);
        bool done = deploy_with_failure(nth, base, next);
        (*world.jni)->PopLocalFrame(world.jni, NULL);
        if (done)
            return;
        /* Loaders of earlier rounds would make every round longer than the one before. */
        collect_garbage();
    }
    fail_msg("still failing after %d allocations", MOST);
}

/* ---- the JVM -------------------------------------------------------------------------------------------------------------- */

static int start_jvm(const struct e2e_jdk *jdk)
{
    char path[512];
    static char class_path[] = "-Djava.class.path=" HD_E2E_JAVA, check[] = "-Xcheck:jni", serial[] = "-XX:+UseSerialGC";
    JavaVMOption options[] = { { class_path, NULL }, { check, NULL }, { serial, NULL } };
    JavaVMInitArgs arguments = { .version = JNI_VERSION_1_8, .nOptions = 3, .options = options };
    JavaVM *vm = NULL;
    snprintf(path, sizeof path, "%s/%s/server/libjvm.so", jdk->home, jdk->feature == 8 ? "jre/lib/amd64" : "lib");
    void *libjvm = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    jint (*create)(JavaVM **, void **, void *) = NULL;
    if (libjvm != NULL)
        *(void **)&create = dlsym(libjvm, "JNI_CreateJavaVM");
    if (create == NULL || create(&vm, (void **)&world.jni, &arguments) != JNI_OK)
        return -1;

    struct hd_error err = HD_ERROR_INIT;
    if (hd_jvm_open(vm, &world.jvm, &err) != 0)
        return -1;
    hd_jvm_examine(&world.jvm, world.jni);
    jvmtiEventCallbacks callbacks = { .ClassFileLoadHook = hd_hook_class_file_load };
    (*world.jvm.jvmti)->SetEventCallbacks(world.jvm.jvmti, &callbacks, sizeof callbacks);
    jclass workbench = (*world.jni)->FindClass(world.jni, "RoadWorkbench");
    world.workbench = workbench != NULL ? (*world.jni)->NewGlobalRef(world.jni, workbench) : NULL;
    return world.workbench != NULL ? 0 : -1;
}

static const struct e2e_jdk *jdk_under_test;

static int jvm_setup(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    (void)state;
    if (hd_log_open(NULL, HD_LOG_ERROR, &err) != 0)
        return -1;
    return start_jvm(jdk_under_test);
}

#define ROAD_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static int run_group(void)
{
    const struct CMUnitTest tests[] = {
        ROAD_TEST(a_changed_body_is_live_and_the_same_again_is_unchanged),
        ROAD_TEST(a_check_changes_nothing_and_takes_no_number),
        ROAD_TEST(the_base_pushed_back_leaves_nothing_to_tell),
        ROAD_TEST(new_classes_are_defined_before_their_user_with_a_neighbours_domain),
        ROAD_TEST(a_check_knows_the_new_class_that_a_changed_one_needs_to_verify),
        ROAD_TEST(a_new_class_without_its_superclass_is_refused_before_anything_is_touched),
        ROAD_TEST(code_that_does_not_verify_is_refused_in_the_verifiers_words),
        ROAD_TEST(a_new_class_that_does_not_verify_is_refused_while_it_can_be),
        ROAD_TEST(a_late_refusal_keeps_what_was_defined_and_says_so),
        ROAD_TEST(one_refusal_withholds_the_rest_unless_best_effort_is_asked_for),
        ROAD_TEST(best_effort_goes_on_without_what_the_jvm_refuses),
        ROAD_TEST(a_class_that_is_not_loaded_waits_and_then_is_live),
        ROAD_TEST(a_refused_deployment_leaves_no_patch_waiting),
        ROAD_TEST(a_class_that_belongs_nowhere_waits_for_the_first_loader),
        ROAD_TEST(a_newer_push_takes_the_place_of_one_that_waits_for_any_loader),
        ROAD_TEST(what_another_agent_edited_is_told_apart),
        ROAD_TEST(an_older_file_than_the_jvm_is_a_way_back),
        ROAD_TEST(a_bundle_that_could_not_be_read_is_a_deployment_too),
        ROAD_TEST(a_loader_that_hangs_is_named_and_the_rest_waits_its_turn),
        ROAD_TEST(memory_that_is_out_leaves_nothing_half_done),
    };
    return cmocka_run_group_tests(tests, jvm_setup, NULL);
}

/* A process of its own for each JDK: a second JVM cannot be started in one. */
static bool passes_on(const struct e2e_jdk *jdk)
{
    pid_t child = fork();
    if (child == 0) {
        print_message("JDK %u, %s\n", jdk->feature, jdk->home);
        jdk_under_test = jdk;
        _exit(run_group() == 0 ? 0 : 1);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void)
{
    static struct e2e_jdk_list list;
    e2e_jdk_find(&list);
    int failed = 0;
    for (size_t i = 0; i < list.count; i++)
        failed += !passes_on(&list.jdks[i]);
    return list.count == 0 || failed > 0;
}
