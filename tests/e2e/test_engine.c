/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine in a real JVM: labels, waiting, shutdown, and memory that runs out.
 */
#include "tests/e2e/road.h"

#include "agent/label.h"
#include "classfile/fingerprint.h"
#include "core/kept.h"
#include "core/text.h"

/* The loader of a class, as a new local reference. */
static jobject loader_of(const char *class_name)
{
    jobject loader = NULL;
    jclass class = (*embedded.jni)->FindClass(embedded.jni, class_name);
    embedded_expect_calm();
    assert_int_equal((*embedded.jvm.jvmti)->GetClassLoader(embedded.jvm.jvmti, class, &loader),
                     JVMTI_ERROR_NONE);
    return loader;
}

static void loaders_that_look_alike_are_numbered_while_they_live(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_labels *labels = NULL;
    assert_int_equal(hd_labels_new(embedded.jni, &labels, &err), 0);
    jobject first = road_shop("twin", "/"), second = road_shop("twin", "/"),
            other = road_shop("other", "/");
    assert_string_equal(hd_labels_of(labels, embedded.jni, first), "Shop[twin]");
    assert_string_equal(hd_labels_of(labels, embedded.jni, second), "Shop[twin]#2");
    assert_string_equal(hd_labels_of(labels, embedded.jni, other), "Shop[other]");
    assert_string_equal(hd_labels_of(labels, embedded.jni, first), "Shop[twin]");
    road_drop(first);
    (*embedded.jni)->PopLocalFrame(embedded.jni, NULL);
    (*embedded.jni)->PushLocalFrame(embedded.jni, 256);
    road_collect_garbage();
    jobject third = road_shop("twin", "/");
    assert_string_equal(hd_labels_of(labels, embedded.jni, third), "Shop[twin]");
    assert_string_equal(hd_labels_of(labels, embedded.jni, second), "Shop[twin]#2");
    hd_labels_free(labels, embedded.jni);
    road_drop(second);
    road_drop(third);
    road_drop(other);
}

static void a_thousand_loaders_that_look_alike_are_named_in_no_time(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static jobject loaders[MANY];
    struct hd_error err = HD_ERROR_INIT;
    struct hd_labels *labels = NULL;
    char last[32];
    assert_int_equal(hd_labels_new(embedded.jni, &labels, &err), 0);
    int64_t begun = hd_text_now();
    for (size_t i = 0; i < MANY; i++) {
        (*embedded.jni)->PushLocalFrame(embedded.jni, 32);
        loaders[i] = road_shop("many", "/");
        assert_non_null(hd_labels_of(labels, embedded.jni, loaders[i]));
        (*embedded.jni)->PopLocalFrame(embedded.jni, NULL);
    }
    snprintf(last, sizeof last, "Shop[many]#%d", MANY);
    assert_string_equal(hd_labels_of(labels, embedded.jni, loaders[MANY - 1]), last);
    assert_true(hd_text_now() - begun < ROAD_PATIENCE_S * (int64_t)1000000);
    hd_labels_free(labels, embedded.jni);
    for (size_t i = 0; i < MANY; i++)
        road_drop(loaders[i]);
}

static void the_jvms_own_loaders_have_plain_names(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_labels *labels = NULL;
    assert_int_equal(hd_labels_new(embedded.jni, &labels, &err), 0);
    assert_string_equal(hd_labels_of(labels, embedded.jni, NULL), "boot");
    assert_string_equal(hd_labels_of(labels, embedded.jni, loader_of("RoadWorkbench")), "app");
    hd_labels_free(labels, embedded.jni);
}

static void a_bundle_that_could_not_be_read_is_a_deployment_too(void **state)
{
    (void)state;
    struct hd_job *job = road_new_job(HD_JOB_DEPLOY);
    job->deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &job->origin);
    hd_deployment_fail(job->deployment, HD_REASON_MALFORMED_BUNDLE, "not a jar");
    road_submit(job);
    job = road_collect();
    assert_int_equal(job->deployment->number, 1);
    assert_false(job->deployment->applied);
    assert_string_equal(job->deployment->error_message, "not a jar");
    hd_job_free(job);
}

static void a_loader_that_hangs_is_named_and_the_rest_waits_its_turn(void **state)
{
    (void)state;
    enum { LIMIT = 64 };
    jobject loader = road_shop_with_a("hangs");
    struct hd_error err = HD_ERROR_INIT;
    char doing[256];
    int64_t since = 0;
    road_tell(loader, "hang");
    road_submit(road_job(PUSH, road_bundle(road_compile(A("2")), "p/A")));
    road_tell(loader, "awaitQuestion");
    assert_int_equal(hd_engine_waiting(road.engine, doing, sizeof doing, &since), 0);
    road_expect_words(doing, "Shop[hangs]");
    road_expect_words(doing, "p.A");
    assert_true(hd_text_now() - since < ROAD_PATIENCE_S * (int64_t)1000000);

    for (int i = 0; i < LIMIT; i++)
        road_submit(road_new_job(HD_JOB_STATUS));
    struct hd_job *one_too_many = road_new_job(HD_JOB_STATUS);
    assert_int_equal(hd_engine_submit(road.engine, one_too_many, &err), -1);
    assert_int_equal(err.code, HD_E_LIMIT);
    hd_job_free(one_too_many);
    assert_int_equal(hd_engine_waiting(road.engine, NULL, 0, NULL), LIMIT);
    assert_int_equal(hd_engine_stop(road.engine, 1), -1);

    road_tell(loader, "answer");
    assert_int_equal(hd_engine_stop(road.engine, ROAD_PATIENCE_S * 1000), 0);
    struct hd_job *job = road_collect();
    assert_int_equal(job->deployment->error_reason,
                     HD_REASON_JVM_ERROR); /* it was shut down in the middle */
    road_expect_row(job, "p.A", HD_OUTCOME_WITHHELD, HD_REASON_NONE);
    hd_job_free(job);
    assert_int_equal(road_v(loader, "p.A"), 1);
    struct hd_job *too_late = road_new_job(HD_JOB_STATUS);
    assert_int_equal(hd_engine_submit(road.engine, too_late, &err), -1);
    hd_job_free(too_late);
    road_drop(loader);
}

/* One deployment that redefines, defines and waits, with the nth allocation failing. True: it did not come to that many. */
static bool deploy_with_failure(unsigned long nth, const char *base, const char *next)
{
    char name[24], label[32];
    snprintf(name, sizeof name, "n%lu", nth);
    snprintf(label, sizeof label, "[n%lu]", nth);
    jobject loader = road_shop(name, base);
    assert_int_equal(road_v(loader, "p.A"), 1);
    struct hd_job *job = road_job((struct road_wish){ .kind = HD_JOB_DEPLOY, .loader = label },
                                  road_bundle(next, "p/A p/B p/N"));
    hd_alloc_fail_at(nth);
    road_submit(job);
    job = road_collect();
    void *last = hd_alloc(1);
    hd_alloc_fail_at(0);
    bool applied = job->deployment != NULL && job->deployment->applied;
    assert_true(applied || last != NULL);
    assert_int_equal(road_v(loader, "p.A"), applied ? 2 : 1);
    assert_int_equal(road_v(loader, "p.B"), applied ? 2 : 1);
    hd_job_free(job);
    if (applied)
        hd_job_free(road_collect()); /* the hook's news of B */
    hd_free(last);
    road_drop(loader);
    return last == NULL;
}

/* Subject of the second directory is kept in place of the first's. */
static void keep_subject(const char *store_path, struct hd_bytes base, struct hd_bytes file)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_store *store = NULL;
    struct hd_class *base_class = NULL;
    struct hd_kept kept = { .state = 1 };
    struct hd_kept_class *class = hd_kept_add(&kept, "Subject", "");
    assert_non_null(class);
    class->deployment = 1;
    class->base = base;
    class->file = file;
    assert_int_equal(hd_class_parse(base.data, base.length, &base_class, &err), 0);
    assert_int_equal(hd_class_fingerprint(base_class, &class->fingerprint, &err), 0);
    hd_class_free(base_class);
    if (hd_store_open(store_path, NULL, NULL, &store, &err) != 0 ||
        hd_kept_write(store, &kept, NULL, &err) != 0)
        fail_msg("%s", err.text);
    hd_store_close(store);
    hd_kept_close(&kept);
}

static void what_was_kept_is_taken_back_where_the_agent_cannot_start(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_options options = { 0 };
    struct hd_engine *engine = NULL;
    char text[128];
    snprintf(text, sizeof text, "store=%s", at(&embedded.sandbox, "store"));
    assert_int_equal(hd_options_parse(text, &options, &err), 0);
    embedded_compile(SUBJECT_1, "one");
    embedded_compile(SUBJECT_2, "two");
    struct hd_buffer base = embedded_read("one"), file = embedded_read("two");
    keep_subject(options.store, (struct hd_bytes){ base.data, base.length },
                 (struct hd_bytes){ file.data, file.length });
    jclass subject = embedded_load(embedded_loader("one/"));
    assert_int_equal(embedded_answer(subject), 1);
    if (hd_engine_new(&embedded.jvm, embedded.jni, &options, &engine, &err) != 0)
        fail_msg("%s", err.text);
    hd_engine_restart(engine, embedded.jni);
    assert_int_equal(embedded_answer(subject), 2);
    assert_true(hd_engine_take_back(engine, embedded.jni));
    assert_int_equal(embedded_answer(subject), 1);
    assert_true(hd_engine_take_back(engine, embedded.jni)); /* nothing is left */
    hd_engine_free(engine, embedded.jni);
    hd_options_close(&options);
    hd_buffer_close(&base);
    hd_buffer_close(&file);
}

static void memory_that_is_out_leaves_nothing_half_done(void **state)
{
    (void)state;
    enum { MOST = 2000 };
    const char *base = road_compile(A("1") AND B("1"));
    const char *next = road_compile(A("N.v()") AND B("2") AND N("2"));
    for (unsigned long nth = 1; nth < MOST; nth++) {
        (*embedded.jni)->PushLocalFrame(embedded.jni, 64);
        bool done = deploy_with_failure(nth, base, next);
        (*embedded.jni)->PopLocalFrame(embedded.jni, NULL);
        if (done)
            return;
        /* Loaders of earlier rounds would make every round longer than the one before. */
        road_collect_garbage();
    }
    fail_msg("still failing after %d allocations", MOST);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ROAD_TEST(loaders_that_look_alike_are_numbered_while_they_live),
        ROAD_TEST(a_thousand_loaders_that_look_alike_are_named_in_no_time),
        ROAD_TEST(the_jvms_own_loaders_have_plain_names),
        ROAD_TEST(a_bundle_that_could_not_be_read_is_a_deployment_too),
        ROAD_TEST(a_loader_that_hangs_is_named_and_the_rest_waits_its_turn),
        EMBEDDED_TEST(what_was_kept_is_taken_back_where_the_agent_cannot_start),
        ROAD_TEST(memory_that_is_out_leaves_nothing_half_done),
    };
    return EMBEDDED_RUN(tests);
}
