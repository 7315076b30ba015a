/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The road in a real JVM: what each kind of deployment comes to.
 */
#include "tests/e2e/road.h"

static void a_changed_body_is_live_and_the_same_again_is_unchanged(void **state)
{
    (void)state;
    jobject loader = road_shop_with_a("body");
    const char *next = road_compile(A("2"));
    struct hd_job *job = road_deploy(PUSH, next, "p/A");
    road_expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_string_equal(road_row(job, "p.A")->loader, "Shop[body]");
    assert_true(job->deployment->applied);
    assert_int_equal(job->deployment->number, 1);
    assert_string_equal(road_live_word(job, "p.A"), "redefined");
    assert_int_equal(road_v(loader, "p.A"), 2);
    hd_job_free(job);

    job = road_deploy(PUSH, next, "p/A");
    road_expect_row(job, "p.A", HD_OUTCOME_UNCHANGED, HD_REASON_NONE);
    assert_int_equal(job->deployment->number, 2);
    hd_job_free(job);
    road_drop(loader);
}

static void a_check_changes_nothing_and_takes_no_number(void **state)
{
    (void)state;
    jobject loader = road_shop_with_a("check");
    struct hd_job *job = road_deploy(CHECK, road_compile(A("2")), "p/A");
    road_expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_false(job->deployment->applied);
    assert_int_equal(job->deployment->number, 0);
    assert_int_equal(road_v(loader, "p.A"), 1);
    hd_job_free(job);
    job = road_deploy(PUSH, road_compile(A("3")), "p/A");
    assert_int_equal(job->deployment->number, 1);
    hd_job_free(job);
    road_drop(loader);
}

static void the_base_pushed_back_leaves_nothing_to_tell(void **state)
{
    (void)state;
    const char *base = road_compile(A("1"));
    jobject loader = road_shop("back", base);
    assert_int_equal(road_v(loader, "p.A"), 1);
    hd_job_free(road_deploy(PUSH, road_compile(A("2")), "p/A"));
    struct hd_job *job = road_deploy(PUSH, base, "p/A");
    road_expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_string_equal(road_live_word(job, "p.A"), "");
    assert_int_equal(road_v(loader, "p.A"), 1);
    hd_job_free(job);
    road_drop(loader);
}

/* In the order of their names each would come before what it needs. */
#define WITH_NEW                                                                                   \
    A("new N().n()")                                                                               \
    AND "package p; class N extends X { int n() { return 40 + x(); } }" AND                        \
        "package p; class X implements Y { public int x() { return 2; } }" AND                     \
        "package p; interface Y { int x(); }"

static void new_classes_are_defined_before_their_user_with_a_neighbours_domain(void **state)
{
    (void)state;
    const char *base = road_compile(A("1"));
    jobject loader = road_shop("new", base);
    assert_int_equal(road_v(loader, "p.A"), 1);
    struct hd_job *job = road_deploy(PUSH, road_compile(WITH_NEW), "p/A p/N p/X p/Y");
    road_expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    road_expect_row(job, "p.N", HD_OUTCOME_DEFINED, HD_REASON_NONE);
    road_expect_row(job, "p.Y", HD_OUTCOME_DEFINED, HD_REASON_NONE);
    assert_string_equal(road_live_word(job, "p.X"), "defined");
    assert_int_equal(road_v(loader, "p.A"), 42);
    hd_job_free(job);
    jstring source = road_ask("source", "Ljava/lang/String;", loader, embedded_string("p.N"));
    const char *path = (*embedded.jni)->GetStringUTFChars(embedded.jni, source, NULL);
    road_expect_words(path, base);
    (*embedded.jni)->ReleaseStringUTFChars(embedded.jni, source, path);
    road_drop(loader);
}

#define SHAPE                                                                                      \
    "package p; public abstract class S { public abstract int area(); public static int take(S "   \
    "s) { return s.area(); } }"

/* The verifier has to load Circle to see that it is an S. */
static void a_check_knows_the_new_class_that_a_changed_one_needs_to_verify(void **state)
{
    (void)state;
    jobject loader = road_shop("circle", road_compile(A("1") AND SHAPE));
    assert_int_equal(road_v(loader, "p.A"), 1);
    const char *next = road_compile(
        A("S.take(new Circle())") AND SHAPE AND
        "package p; public class Circle extends S { public int area() { return 7; } }");
    struct hd_job *job = road_deploy(CHECK, next, "p/A p/Circle");
    road_expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    road_expect_row(job, "p.Circle", HD_OUTCOME_DEFINED, HD_REASON_NONE);
    hd_job_free(job);
    job = road_deploy(PUSH, next, "p/A p/Circle");
    road_expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    hd_job_free(job);
    assert_int_equal(road_v(loader, "p.A"), 7);
    road_drop(loader);
}

static void a_new_class_without_its_superclass_is_refused_before_anything_is_touched(void **state)
{
    (void)state;
    jobject loader = road_shop_with_a("orphan");
    const char *next =
        road_compile(A("2") AND "package p; class N extends M { }" AND "package p; class M { }");
    struct hd_job *job = road_deploy(PUSH, next, "p/A p/N");
    road_expect_row(job, "p.A", HD_OUTCOME_WITHHELD, HD_REASON_NONE);
    road_expect_row(job, "p.N", HD_OUTCOME_REFUSED, HD_REASON_MISSING_MEMBER);
    road_expect_words(road_row(job, "p.N")->message, "p/M");
    assert_false(job->deployment->applied);
    assert_int_equal(road_v(loader, "p.A"), 1);
    hd_job_free(job);
    road_drop(loader);
}

static void code_that_does_not_verify_is_refused_in_the_verifiers_words(void **state)
{
    (void)state;
    jobject loader = road_shop_with_a("verify");
    const char *next = road_compile(A("2"));
    road_break_code(next, "p/A");
    for (int i = 0; i < 2; i++) {
        struct hd_job *job = road_deploy(i == 0 ? CHECK : PUSH, next, "p/A");
        road_expect_row(job, "p.A", HD_OUTCOME_REFUSED, HD_REASON_VERIFY_ERROR);
        road_expect_words(road_row(job, "p.A")->message, "Bad type on operand stack");
        assert_int_equal(job->deployment->row_count,
                         1); /* what was tried in a loader of ours is no row */
        hd_job_free(job);
    }
    assert_int_equal(road_v(loader, "p.A"), 1);
    road_drop(loader);
}

static void a_new_class_that_does_not_verify_is_refused_while_it_can_be(void **state)
{
    (void)state;
    jobject loader = road_shop_with_a("broken");
    const char *next = road_compile(A("N.v()") AND N("5"));
    road_break_code(next, "p/N");
    struct hd_job *job = road_deploy(PUSH, next, "p/A p/N");
    road_expect_row(job, "p.N", HD_OUTCOME_REFUSED, HD_REASON_VERIFY_ERROR);
    road_expect_row(job, "p.A", HD_OUTCOME_WITHHELD, HD_REASON_NONE);
    hd_job_free(job);
    road_drop(loader);
}

static void a_late_refusal_keeps_what_was_defined_and_says_so(void **state)
{
    (void)state;
    jobject loader = road_shop_with_a("late");
    const char *next = road_compile(A("N.v()") AND N("5"));
    road_break_code(next, "p/A");
    struct hd_job *job = road_deploy(PUSH, next, "p/A p/N");
    road_expect_row(job, "p.A", HD_OUTCOME_REFUSED, HD_REASON_VERIFY_ERROR);
    road_expect_row(job, "p.N", HD_OUTCOME_DEFINED, HD_REASON_NONE);
    assert_false(job->deployment->applied);
    assert_int_equal(job->deployment->error_reason, HD_REASON_VERIFY_ERROR);
    road_expect_words(job->deployment->error_message, "p.N");
    assert_string_equal(road_live_word(job, "p.N"), "defined");
    assert_string_equal(road_live_word(job, "p.A"), "");
    hd_job_free(job);
    assert_int_equal(road_v(loader, "p.A"), 1);
    assert_int_equal(road_v(loader, "p.N"), 5);
    road_drop(loader);
}

static void one_refusal_withholds_the_rest_unless_best_effort_is_asked_for(void **state)
{
    (void)state;
    jobject loader = road_shop("effort", road_compile(A("1") AND B("1")));
    assert_int_equal(road_v(loader, "p.A") + road_v(loader, "p.B"), 2);
    const char *next = road_compile(
        A("2") AND "package p; public class B { public static int w() { return 1; } }");
    struct hd_job *job = road_deploy(PUSH, next, "p/A p/B");
    road_expect_row(job, "p.A", HD_OUTCOME_WITHHELD, HD_REASON_NONE);
    road_expect_row(job, "p.B", HD_OUTCOME_REFUSED, HD_REASON_METHOD_ADDED);
    assert_false(job->deployment->applied);
    hd_job_free(job);
    assert_int_equal(road_v(loader, "p.A"), 1);

    job = road_deploy(BEST_EFFORT, next, "p/A p/B");
    road_expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_true(job->deployment->applied);
    hd_job_free(job);
    assert_int_equal(road_v(loader, "p.A"), 2);
    road_drop(loader);
}

static void best_effort_goes_on_without_what_the_jvm_refuses(void **state)
{
    (void)state;
    jobject loader = road_shop("rest", road_compile(A("1") AND B("1")));
    assert_int_equal(road_v(loader, "p.A") + road_v(loader, "p.B"), 2);
    const char *next = road_compile(A("2") AND B("2"));
    road_break_code(next, "p/B");
    struct hd_job *job = road_deploy(BEST_EFFORT, next, "p/A p/B");
    road_expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    road_expect_row(job, "p.B", HD_OUTCOME_REFUSED, HD_REASON_VERIFY_ERROR);
    assert_true(job->deployment->applied);
    hd_job_free(job);
    assert_int_equal(road_v(loader, "p.A"), 2);
    assert_int_equal(road_v(loader, "p.B"), 1);
    road_drop(loader);
}

static void a_class_that_is_not_loaded_waits_and_then_is_live(void **state)
{
    (void)state;
    jobject loader = road_shop("waits", road_compile(A("1") AND B("1")));
    assert_int_equal(road_v(loader, "p.A"), 1);
    const char *next = road_compile(B("2"));
    struct hd_job *job = road_deploy(PUSH, next, "p/B");
    road_expect_row(job, "p.B", HD_OUTCOME_PENDING, HD_REASON_NONE);
    assert_string_equal(road_row(job, "p.B")->loader, "Shop[waits]");
    assert_string_equal(road_live_word(job, "p.B"), "pending");
    hd_job_free(job);
    job = road_deploy(PUSH, next, "p/B");
    road_expect_row(job, "p.B", HD_OUTCOME_UNCHANGED, HD_REASON_NONE);
    hd_job_free(job);

    assert_int_equal(road_v(loader, "p.B"), 2);
    job = road_collect();
    assert_int_equal(job->kind, HD_JOB_LOADED);
    assert_string_equal(road_live_word(job, "p.B"), "redefined");
    hd_job_free(job);
    road_drop(loader);
}

static void a_refused_deployment_leaves_no_patch_waiting(void **state)
{
    (void)state;
    jobject loader = road_shop("withdrawn", road_compile(A("1") AND B("1")));
    assert_int_equal(road_v(loader, "p.A"), 1);
    const char *next = road_compile(A("2") AND B("2"));
    road_break_code(next, "p/A");
    struct hd_job *job = road_deploy(PUSH, next, "p/A p/B");
    road_expect_row(job, "p.A", HD_OUTCOME_REFUSED, HD_REASON_VERIFY_ERROR);
    road_expect_row(job, "p.B", HD_OUTCOME_WITHHELD, HD_REASON_NONE);
    hd_job_free(job);
    assert_int_equal(road_v(loader, "p.B"), 1);
    road_drop(loader);
}

#define H(body) "package q; public class H { public static int v() { return " body "; } }"

/* From then on it is known which file the patch is for. */
static void a_class_that_belongs_nowhere_waits_for_the_first_loader(void **state)
{
    (void)state;
    struct hd_job *job = road_deploy(PUSH, road_compile(H("2")), "q/H");
    road_expect_row(job, "q.H", HD_OUTCOME_PENDING, HD_REASON_NONE);
    assert_string_equal(road_row(job, "q.H")->loader, "");
    hd_job_free(job);
    const char *own = road_compile(H("1"));
    jobject first = road_shop("first", own), second = road_shop("second", own);
    jobject another = road_shop("another", road_compile(H("3")));
    assert_int_equal(road_v(first, "q.H"), 2);
    job = road_collect();
    assert_string_equal(road_live_word(job, "q.H"), "redefined");
    hd_job_free(job);
    assert_int_equal(road_v(another, "q.H"), 3);
    hd_job_free(road_collect());
    assert_int_equal(road_v(second, "q.H"), 2);
    hd_job_free(road_collect());
    road_drop(first);
    road_drop(second);
    road_drop(another);
}

/* The deployment has looked for the loaders already, and is held up by one of them. */
static void a_loader_that_loads_the_class_while_it_is_deployed_gets_it_too(void **state)
{
    (void)state;
    const char *own = road_compile(A("1"));
    jobject loader = road_shop("slow", own), late = road_shop("late", own);
    assert_int_equal(road_v(loader, "p.A"), 1);
    road_tell(loader, "hang");
    road_submit(road_job(PUSH, road_bundle(road_compile(A("2")), "p/A")));
    road_tell(loader, "awaitQuestion");
    assert_int_equal(road_v(late, "p.A"), 1);
    road_tell(loader, "answer");
    struct hd_job *job = road_collect();
    road_expect_row(job, "p.A", HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    hd_job_free(job);
    job = road_collect();
    assert_int_equal(job->kind, HD_JOB_LOADED);
    hd_job_free(job);
    assert_int_equal(road_v(loader, "p.A"), 2);
    assert_int_equal(road_v(late, "p.A"), 2);
    road_drop(loader);
    road_drop(late);
}

/* The hook must not give the newly defined class the older patch that waits for it. */
static void a_newer_push_takes_the_place_of_one_that_waits_for_any_loader(void **state)
{
    (void)state;
    jobject loader = road_shop_with_a("newer");
    hd_job_free(road_deploy(
        PUSH, road_compile("package z; public class Z { public static int v() { return 1; } }"),
        "z/Z"));
    const char *next = road_compile(
        A("2") AND "package z; public class Z { public static int v() { return 2; } }");
    struct hd_job *job = road_deploy(PUSH, next, "p/A z/Z");
    road_expect_row(job, "z.Z", HD_OUTCOME_DEFINED, HD_REASON_NONE);
    assert_string_equal(road_live_word(job, "z.Z"), "defined");
    hd_job_free(job);
    assert_int_equal(road_v(loader, "z.Z"), 2);
    road_drop(loader);
}

static void what_another_agent_edited_is_told_apart(void **state)
{
    (void)state;
    const char *own = road_compile(A("1"));
    const char *edited = road_compile(
        "package p; public class A { static int $p; public static int v() { return 1; } }");
    jobject loader = road_ask("weaver", "Ljava/lang/ClassLoader;", embedded_string(edited),
                              embedded_string(own));
    assert_int_equal(road_v(loader, "p.A"), 1);
    struct hd_job *job = road_deploy(PUSH, road_compile(A("2")), "p/A");
    road_expect_row(job, "p.A", HD_OUTCOME_REFUSED, HD_REASON_FOREIGN_EDIT);
    hd_job_free(job);
}

static void an_older_file_than_the_jvm_is_a_way_back(void **state)
{
    (void)state;
    jobject loader = road_shop_with_a("old");
    embedded_files_are_newer();
    struct hd_job *job = road_deploy(CHECK, road_compile(A("2")), "p/A");
    assert_int_equal(road_row(job, "p.A")->warnings, HD_WARNING_NO_WAY_BACK);
    hd_job_free(job);
    embedded_files_are_older();
    job = road_deploy(CHECK, road_compile(A("2")), "p/A");
    assert_int_equal(road_row(job, "p.A")->warnings, 0);
    hd_job_free(job);
    job = road_deploy(CHECK, road_compile(A("1")), "p/A");
    road_expect_row(job, "p.A", HD_OUTCOME_UNCHANGED, HD_REASON_NONE);
    hd_job_free(job);
    road_drop(loader);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
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
        ROAD_TEST(a_loader_that_loads_the_class_while_it_is_deployed_gets_it_too),
        ROAD_TEST(what_another_agent_edited_is_told_apart),
        ROAD_TEST(an_older_file_than_the_jvm_is_a_way_back),
    };
    return EMBEDDED_RUN(tests);
}
