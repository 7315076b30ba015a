/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JVM, who runs old code in it, and what a class that loads later is given.
 */
#include "tests/e2e/embedded.h"

#include "agent/frames.h"
#include "agent/hook.h"
#include "classfile/fingerprint.h"
#include "core/text.h"

static void the_jvm_is_what_its_release_file_says(void **state)
{
    (void)state;
    assert_int_equal(embedded.jvm.rules.feature_release, embedded.jdk->feature);
    assert_int_equal(embedded.jvm.rules.max_major, embedded.jdk->feature + 44);
    assert_true(embedded.jvm.verifies);
    assert_int_equal(embedded.jvm.pid, getpid());
    int64_t age = hd_text_now() - embedded.jvm.started_at;
    assert_true(age >= 0 && age < 60 * (int64_t)1000000);
}

static struct hd_old_frames old_frames(void)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_old_frames frames;
    if (hd_frames_find(&embedded.jvm, embedded.jni, &frames, &err) != 0)
        fail_msg("%s", err.text);
    return frames;
}

static void redefine(jclass class, const char *directory)
{
    struct hd_buffer file = embedded_read(directory);
    jvmtiClassDefinition definition = { class, (jint)file.length, file.data };
    assert_int_equal((*embedded.jvm.jvmti)->RedefineClasses(embedded.jvm.jvmti, 1, &definition),
                     JVMTI_ERROR_NONE);
    hd_buffer_close(&file);
}

static void a_thread_in_old_code_is_counted_until_it_leaves(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_1, "one");
    embedded_compile(SUBJECT_2, "two");
    jclass class = embedded_load(embedded_loader("one/"));
    embedded_call("park", "(Ljava/lang/Class;)V", class);
    struct hd_old_frames frames = old_frames();
    assert_int_equal(frames.threads, 0);
    assert_true(frames.complete);
    hd_old_frames_close(&frames);

    redefine(class, "two");
    assert_int_equal(embedded_answer(class), 2);
    frames = old_frames();
    assert_int_equal(frames.threads, 1);
    assert_int_equal(frames.class_count, 1);
    assert_string_equal(frames.class_names[0], "Subject");
    assert_int_equal(frames.class_threads[0], 1);
    hd_old_frames_close(&frames);

    embedded_call("release", "()V", NULL);
    frames = old_frames();
    assert_int_equal(frames.threads, 0);
    hd_old_frames_close(&frames);
}

static enum hd_hook_event_kind last_event;

static void take_event(struct hd_hook_event *event, void *context)
{
    int *count = context;
    ++*count;
    last_event = event->kind;
    hd_hook_event_free(event, embedded.jni);
}

/* One patch: the class of DIRECTORY for LOADER, made for the file of BASE. */
static void publish(struct hd_hook *hook, jobject loader, const char *directory, const char *base)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_buffer file = embedded_read(directory), base_file = embedded_read(base);
    struct hd_patch like = { .place = HD_PATCH_WAITS, .class_name = "Subject", .loader = loader };
    struct hd_patch **patches = hd_alloc_zeroed(1, sizeof *patches);
    assert_int_equal(hd_blob_of(hd_buffer_view(&file), &like.file, &err), 0);
    assert_int_equal(hd_blob_of(hd_buffer_view(&base_file), &like.base, &err), 0);
    assert_int_equal(hd_patch_new(embedded.jni, &like, patches, &err), 0);
    hd_blob_release(like.file);
    hd_blob_release(like.base);
    hd_buffer_close(&file);
    hd_buffer_close(&base_file);
    assert_int_equal(hd_hook_publish_take(hook, embedded.jni, patches, 1, &err), 0);
}

static void a_class_that_loads_later_gets_its_patch(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_1, "one");
    embedded_compile(SUBJECT_2, "two");
    int events = 0;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_hook *hook = NULL;
    assert_int_equal(hd_hook_new(&embedded.jvm, NULL, take_event, &events, &hook, &err), 0);
    jobject mine = embedded_loader("one/"), another = embedded_loader("one/");

    publish(hook, mine, "two", "one");
    assert_int_equal(embedded_answer(embedded_load(mine)), 2);
    assert_int_equal(events, 1);
    assert_int_equal(last_event, HD_HOOK_APPLIED);
    assert_int_equal(embedded_answer(embedded_load(another)), 1);
    assert_int_equal(events, 1);
    hd_hook_free(hook, embedded.jni);
    assert_int_equal(embedded_answer(embedded_load(embedded_loader("one/"))), 1);
}

static void a_class_that_loads_later_from_another_base_is_left_alone(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_1, "one");
    embedded_compile(SUBJECT_2, "two");
    embedded_compile(SUBJECT("3", ""), "three");
    int events = 0;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_hook *hook = NULL;
    assert_int_equal(hd_hook_new(&embedded.jvm, NULL, take_event, &events, &hook, &err), 0);
    jobject loader = embedded_loader("three/");
    publish(hook, loader, "two", "one");
    assert_int_equal(embedded_answer(embedded_load(loader)), 3);
    assert_int_equal(events, 1);
    assert_int_equal(last_event, HD_HOOK_WRONG_BASE);
    hd_hook_free(hook, embedded.jni);
}

/* Last: from the first virtual thread on, no answer of this JVM is complete. */
static void where_virtual_threads_have_run_the_count_is_not_complete(void **state)
{
    (void)state;
    if (embedded.jvm.rules.feature_release < 21)
        return;
    embedded_call("runVirtually", "()V", NULL);
    struct hd_old_frames frames = old_frames();
    assert_false(frames.complete);
    hd_old_frames_close(&frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_jvm_is_what_its_release_file_says),
        EMBEDDED_TEST(a_thread_in_old_code_is_counted_until_it_leaves),
        EMBEDDED_TEST(a_class_that_loads_later_gets_its_patch),
        EMBEDDED_TEST(a_class_that_loads_later_from_another_base_is_left_alone),
        EMBEDDED_TEST(where_virtual_threads_have_run_the_count_is_not_complete),
    };
    return EMBEDDED_RUN(tests);
}
