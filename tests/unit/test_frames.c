/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/blocking.h"
#include "agent/frames.h"
#include "core/json.h"
#include "tests/unit/every_allocation.h"

#include <string.h>

/* A JVM of three classes with two methods each: method 2 * c and 2 * c + 1 are of class c, odd
 * ones are obsolete. Ids count from 1: a jmethodID is never NULL. */
enum { MOST_THREADS = 128, MOST_FRAMES = 1024 };

static char signatures[][20] = { "Lcom/example/A;", "Lcom/example/B;", "LC;" };

static struct {
    jvmtiFrameInfo frames[MOST_THREADS][MOST_FRAMES];
    jvmtiStackInfo stacks[MOST_THREADS];
    int threads;
    int open_frames;  /* local frames pushed and not popped */
    int held;         /* blocks of JVMTI memory not given back */
    int asked;        /* calls of IsMethodObsolete */
    jvmtiError error; /* what GetAllStackTraces answers */
    jint virtual_status;
} vm;

static jmethodID method(int number)
{
    return (jmethodID)(uintptr_t)((number + 1) * 8);
}

static int number_of(jmethodID id)
{
    return (int)((uintptr_t)id / 8) - 1;
}

static jvmtiError JNICALL get_all_stack_traces(jvmtiEnv *jvmti, jint depth, jvmtiStackInfo **stacks,
                                               jint *count)
{
    (void)jvmti;
    assert_true(depth >= MOST_FRAMES);
    if (vm.error != JVMTI_ERROR_NONE)
        return vm.error;
    vm.held++;
    *stacks = vm.stacks;
    *count = vm.threads;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL is_method_obsolete(jvmtiEnv *jvmti, jmethodID id, jboolean *obsolete)
{
    (void)jvmti;
    vm.asked++;
    if (number_of(id) >= 6)
        return JVMTI_ERROR_INVALID_METHODID;
    *obsolete = number_of(id) % 2 == 1;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_method_declaring_class(jvmtiEnv *jvmti, jmethodID id, jclass *class)
{
    (void)jvmti;
    *class = (jclass)signatures[number_of(id) / 2];
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_class_signature(jvmtiEnv *jvmti, jclass class, char **signature,
                                              char **generic)
{
    (void)jvmti;
    assert_null(generic);
    vm.held++;
    *signature = (char *)class;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_method_name(jvmtiEnv *jvmti, jmethodID id, char **name,
                                          char **signature, char **generic)
{
    static char names[][8] = { "current", "old" };
    (void)jvmti;
    assert_null(signature);
    assert_null(generic);
    vm.held++;
    *name = names[number_of(id) % 2];
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_thread_info(jvmtiEnv *jvmti, jthread thread, jvmtiThreadInfo *info)
{
    static char name[] = "wor\xC0\x80ker"; /* Modified UTF-8 for a NUL */
    (void)jvmti;
    (void)thread;
    vm.held++;
    *info = (jvmtiThreadInfo){ .name = name };
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL get_class_status(jvmtiEnv *jvmti, jclass class, jint *status)
{
    (void)jvmti;
    assert_ptr_equal(class, &vm);
    *status = vm.virtual_status;
    return JVMTI_ERROR_NONE;
}

static jvmtiError JNICALL deallocate(jvmtiEnv *jvmti, unsigned char *memory)
{
    (void)jvmti;
    assert_non_null(memory);
    vm.held--;
    return JVMTI_ERROR_NONE;
}

static jint JNICALL push_local_frame(JNIEnv *jni, jint capacity)
{
    (void)jni;
    (void)capacity;
    vm.open_frames++;
    return JNI_OK;
}

static jobject JNICALL pop_local_frame(JNIEnv *jni, jobject result)
{
    (void)jni;
    vm.open_frames--;
    return result;
}

static void JNICALL delete_local_ref(JNIEnv *jni, jobject object)
{
    (void)jni;
    (void)object;
}

static jclass JNICALL find_class(JNIEnv *jni, const char *name)
{
    (void)jni;
    /* FindClass initializes what it finds, and VirtualThread starts threads then. */
    assert_string_equal(name, "java/lang/Class");
    return (jclass)&vm.threads;
}

static jmethodID JNICALL get_static_method_id(JNIEnv *jni, jclass class, const char *name,
                                              const char *descriptor)
{
    (void)jni;
    (void)class;
    (void)descriptor;
    assert_string_equal(name, "forName");
    return method(0);
}

static jstring JNICALL new_string_utf(JNIEnv *jni, const char *text)
{
    (void)jni;
    assert_string_equal(text, "java.lang.VirtualThread");
    return (jstring)&vm.held;
}

static jobject JNICALL call_static_object_method(JNIEnv *jni, jclass class, jmethodID id, ...)
{
    (void)jni;
    (void)class;
    (void)id;
    return (jobject)&vm;
}

static jboolean JNICALL exception_check(JNIEnv *jni)
{
    (void)jni;
    return JNI_FALSE;
}

static const struct jvmtiInterface_1_ jvmti_functions = {
    .GetAllStackTraces = get_all_stack_traces,
    .IsMethodObsolete = is_method_obsolete,
    .GetMethodDeclaringClass = get_method_declaring_class,
    .GetClassSignature = get_class_signature,
    .GetClassStatus = get_class_status,
    .GetMethodName = get_method_name,
    .GetThreadInfo = get_thread_info,
    .Deallocate = deallocate,
};
static const struct JNINativeInterface_ jni_functions = {
    .PushLocalFrame = push_local_frame,
    .PopLocalFrame = pop_local_frame,
    .DeleteLocalRef = delete_local_ref,
    .FindClass = find_class,
    .GetStaticMethodID = get_static_method_id,
    .NewStringUTF = new_string_utf,
    .CallStaticObjectMethod = call_static_object_method,
    .ExceptionCheck = exception_check,
};
static jvmtiEnv jvmti = &jvmti_functions;
static JNIEnv jni = &jni_functions;
static struct hd_jvm jvm;

static int setup(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof vm);
    jvm = (struct hd_jvm){ .jvmti = &jvmti, .rules.feature_release = 17 };
    return 0;
}

static int everything_was_given_back(void **state)
{
    (void)state;
    assert_int_equal(vm.held, 0);
    assert_int_equal(vm.open_frames, 0);
    return 0;
}

/* One more thread with these methods on its stack; -1 ends the list. */
static void add_thread(int first, ...)
{
    jvmtiFrameInfo *frames = vm.frames[vm.threads];
    jint count = 0;
    va_list numbers;
    va_start(numbers, first);
    for (int number = first; number >= 0; number = va_arg(numbers, int))
        frames[count++].method = method(number);
    va_end(numbers);
    vm.stacks[vm.threads].frame_buffer = frames;
    vm.stacks[vm.threads++].frame_count = count;
}

static struct hd_old_frames find(void)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_old_frames frames;
    assert_int_equal(hd_frames_find(&jvm, &jni, &frames, &err), 0);
    return frames;
}

static void no_thread_in_old_code_is_no_old_frame(void **state)
{
    (void)state;
    add_thread(0, 2, 4, -1);
    add_thread(-1);
    struct hd_old_frames frames = find();
    assert_int_equal(frames.threads, 0);
    assert_int_equal(frames.class_count, 0);
    assert_true(frames.complete);
    hd_old_frames_close(&frames);
}

static void a_thread_counts_once_for_each_of_its_old_classes(void **state)
{
    (void)state;
    add_thread(1, 1, 0, 3, 1, -1);
    add_thread(2, 4, -1);
    add_thread(3, -1);
    struct hd_old_frames frames = find();
    assert_int_equal(frames.threads, 2);
    assert_int_equal(frames.class_count, 2);
    assert_string_equal(frames.class_names[0], "com/example/A");
    assert_int_equal(frames.class_threads[0], 1);
    assert_string_equal(frames.class_names[1], "com/example/B");
    assert_int_equal(frames.class_threads[1], 2);
    hd_old_frames_close(&frames);
}

static void the_jvm_is_asked_once_about_a_method(void **state)
{
    (void)state;
    for (int i = 0; i < MOST_THREADS; i++)
        add_thread(0, 1, 2, -1);
    struct hd_old_frames frames = find();
    assert_int_equal(vm.asked, 3);
    assert_int_equal(frames.threads, MOST_THREADS);
    hd_old_frames_close(&frames);
}

static void a_method_that_was_unloaded_is_no_old_code(void **state)
{
    (void)state;
    add_thread(7, 5, -1);
    struct hd_old_frames frames = find();
    assert_int_equal(frames.class_count, 1);
    assert_string_equal(frames.class_names[0], "C");
    hd_old_frames_close(&frames);
}

static void a_stack_that_was_cut_makes_the_answer_incomplete(void **state)
{
    (void)state;
    add_thread(0, -1);
    for (int i = 0; i < MOST_FRAMES; i++)
        vm.frames[0][i].method = method(0);
    vm.stacks[0].frame_count = MOST_FRAMES;
    struct hd_old_frames frames = find();
    assert_false(frames.complete);
    hd_old_frames_close(&frames);
}

static void virtual_threads_make_the_answer_incomplete(void **state)
{
    (void)state;
    jvm.rules.feature_release = 21;
    vm.virtual_status = JVMTI_CLASS_STATUS_VERIFIED | JVMTI_CLASS_STATUS_PREPARED;
    struct hd_old_frames frames = find();
    assert_true(frames.complete);
    hd_old_frames_close(&frames);

    vm.virtual_status |= JVMTI_CLASS_STATUS_INITIALIZED;
    frames = find();
    assert_false(frames.complete);
    hd_old_frames_close(&frames);
}

static void what_the_jvm_refuses_is_told(void **state)
{
    (void)state;
    vm.error = JVMTI_ERROR_WRONG_PHASE;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_old_frames frames = { .threads = 77 };
    assert_int_equal(hd_frames_find(&jvm, &jni, &frames, &err), -1);
    assert_int_equal(err.code, HD_E_JVM);
    assert_string_equal(err.text, "GetAllStackTraces: WRONG_PHASE (112)");
    assert_int_equal(frames.threads, 77);
}

static int find_once(void *context, struct hd_error *err)
{
    (void)context;
    struct hd_old_frames frames;
    int result = hd_frames_find(&jvm, &jni, &frames, err);
    if (result == 0)
        hd_old_frames_close(&frames);
    return result;
}

static void memory_that_is_out_is_told(void **state)
{
    (void)state;
    add_thread(1, 3, -1);
    add_thread(5, -1);
    fail_every_allocation(find_once, NULL);
}

/* ---- the stacks that hold old code ------------------------------------------------------------ */

static json_t *list_blocking(void)
{
    struct hd_error err = HD_ERROR_INIT;
    json_t *blocking = NULL;
    assert_int_equal(hd_blocking_list(&jvm, &jni, &blocking, &err), 0);
    return blocking;
}

static json_t *frames_of(json_t *blocking, size_t thread)
{
    return json_object_get(json_array_get(json_object_get(blocking, "threads"), thread), "frames");
}

static void a_stack_that_holds_old_code_is_shown_with_what_is_old_in_it(void **state)
{
    (void)state;
    add_thread(0, 2, 4, -1);
    add_thread(0, 3, 4, -1);
    json_t *blocking = list_blocking();
    assert_int_equal(json_array_size(json_object_get(blocking, "threads")), 1);
    json_t *thread = json_array_get(json_object_get(blocking, "threads"), 0);
    assert_string_equal(json_string_value(json_object_get(thread, "thread")), "wor\\0ker");
    assert_int_equal(json_integer_value(json_object_get(thread, "depth")), 3);
    json_t *frames = frames_of(blocking, 0);
    assert_int_equal(json_array_size(frames), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(json_is_true(json_object_get(json_array_get(frames, i), "old")), i == 1);
    json_t *frame = json_array_get(frames, 1);
    assert_string_equal(json_string_value(json_object_get(frame, "class")), "com.example.B");
    assert_string_equal(json_string_value(json_object_get(frame, "method")), "old");
    json_decref(blocking);
}

static void old_frames_of_a_deep_stack_are_shown_and_the_rest_is_bounded(void **state)
{
    (void)state;
    add_thread(0, -1);
    for (int i = 0; i < 500; i++)
        vm.frames[0][i].method = method(i >= 400 ? 1 : 0);
    vm.stacks[0].frame_count = 500;
    json_t *blocking = list_blocking();
    json_t *frames = frames_of(blocking, 0);
    assert_int_equal(json_array_size(frames), HD_BLOCKING_MAX_FRAMES);
    size_t old = 0, index;
    json_t *frame;
    json_array_foreach(frames, index, frame) old += json_is_true(json_object_get(frame, "old"));
    assert_int_equal(old, HD_BLOCKING_MAX_FRAMES / 4);
    assert_int_equal(json_integer_value(json_object_get(
                         json_array_get(frames, HD_BLOCKING_MAX_FRAMES * 3 / 4), "at")),
                     400);
    json_decref(blocking);
}

static void threads_beyond_the_bound_are_counted(void **state)
{
    (void)state;
    for (int i = 0; i < HD_BLOCKING_MAX_THREADS + 7; i++)
        add_thread(1, -1);
    json_t *blocking = list_blocking();
    assert_int_equal(json_array_size(json_object_get(blocking, "threads")),
                     HD_BLOCKING_MAX_THREADS);
    assert_int_equal(json_integer_value(json_object_get(blocking, "more")), 7);
    json_decref(blocking);
}

static int list_once(void *context, struct hd_error *err)
{
    (void)context;
    json_t *blocking = NULL;
    int result = hd_blocking_list(&jvm, &jni, &blocking, err);
    json_decref(blocking);
    return result;
}

static void memory_that_is_out_for_the_stacks_is_told(void **state)
{
    (void)state;
    add_thread(1, 3, -1);
    add_thread(5, -1);
    fail_every_allocation(list_once, NULL);
}

#define FRAMES_TEST(function)                                                                      \
    cmocka_unit_test_setup_teardown(function, setup, everything_was_given_back)

int main(void)
{
    hd_json_use_hd_alloc();
    const struct CMUnitTest tests[] = {
        FRAMES_TEST(no_thread_in_old_code_is_no_old_frame),
        FRAMES_TEST(a_thread_counts_once_for_each_of_its_old_classes),
        FRAMES_TEST(the_jvm_is_asked_once_about_a_method),
        FRAMES_TEST(a_method_that_was_unloaded_is_no_old_code),
        FRAMES_TEST(a_stack_that_was_cut_makes_the_answer_incomplete),
        FRAMES_TEST(virtual_threads_make_the_answer_incomplete),
        FRAMES_TEST(what_the_jvm_refuses_is_told),
        FRAMES_TEST(memory_that_is_out_is_told),
        FRAMES_TEST(a_stack_that_holds_old_code_is_shown_with_what_is_old_in_it),
        FRAMES_TEST(old_frames_of_a_deep_stack_are_shown_and_the_rest_is_bounded),
        FRAMES_TEST(threads_beyond_the_bound_are_counted),
        FRAMES_TEST(memory_that_is_out_for_the_stacks_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
