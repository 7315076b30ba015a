/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/redefine.h"
#include "tests/unit/every_allocation.h"

#include <stdio.h>
#include <string.h>

/* A JVM that refuses, of the classes in a call, the first whose bytes begin with 'x', with the error in the second byte, and
 * at last the marker of a rehearsal. A class is its place in this array. */
enum { MOST = 1000 };
static int classes[MOST], marker;

static struct {
    int calls;      /* of RedefineClasses */
    int real_calls; /* those without the marker */
    int applied;    /* classes in calls that went through */
    bool no_marker; /* FindClass finds nothing */
    int references; /* local ones, made by FindClass */
} vm;

static jvmtiError JNICALL redefine_classes(jvmtiEnv *jvmti, jint count,
                                           const jvmtiClassDefinition *definitions)
{
    (void)jvmti;
    vm.calls++;
    bool rehearsal = definitions[count - 1].klass == (jclass)&marker;
    vm.real_calls += !rehearsal;
    for (jint i = 0; i < count - rehearsal; i++) {
        if (definitions[i].class_bytes[0] == 'x')
            return (jvmtiError)definitions[i].class_bytes[1];
    }
    if (rehearsal) {
        /* What ends a rehearsal must be a class file in all else, or its error would say nothing. */
        static const unsigned char magic[] = { 0xCA, 0xFE, 0xBA, 0xBE };
        assert_memory_equal(definitions[count - 1].class_bytes, magic, sizeof magic);
        return JVMTI_ERROR_NAMES_DONT_MATCH;
    }
    vm.applied += count;
    return JVMTI_ERROR_NONE;
}

static jclass JNICALL find_class(JNIEnv *jni, const char *name)
{
    (void)jni;
    if (vm.no_marker || strcmp(name, "java/util/RandomAccess") != 0)
        return NULL;
    vm.references++;
    return (jclass)&marker;
}

static void JNICALL delete_local_ref(JNIEnv *jni, jobject reference)
{
    (void)jni;
    assert_ptr_equal(reference, &marker);
    vm.references--;
}

static void JNICALL exception_clear(JNIEnv *jni)
{
    (void)jni;
}

/* No memory for the throw-away loader: the verifier's words cannot be had. */
static jint JNICALL push_local_frame(JNIEnv *jni, jint capacity)
{
    (void)jni;
    (void)capacity;
    return JNI_ENOMEM;
}

static const struct jvmtiInterface_1_ jvmti_functions = { .RedefineClasses = redefine_classes };
static const struct JNINativeInterface_ jni_functions = {
    .FindClass = find_class,
    .DeleteLocalRef = delete_local_ref,
    .ExceptionClear = exception_clear,
    .PushLocalFrame = push_local_frame,
};
static jvmtiEnv jvmti = &jvmti_functions;
static JNIEnv jni = &jni_functions;
static const struct hd_jvm jvm = { .jvmti = &jvmti };

static uint8_t good[] = "ok", mismatched[] = { 'x', JVMTI_ERROR_NAMES_DONT_MATCH },
               unverified[] = { 'x', JVMTI_ERROR_FAILS_VERIFICATION },
               grown[] = { 'x', JVMTI_ERROR_UNSUPPORTED_REDEFINITION_METHOD_ADDED },
               nested[] = { 'x', 72 };

static int setup(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof vm);
    return 0;
}

static int nothing_is_left(void **state)
{
    (void)state;
    assert_int_equal(vm.references, 0);
    assert_int_equal(hd_alloc_outstanding(), 0);
    return 0;
}

static void make(struct hd_redefinition *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        items[i] = (struct hd_redefinition){ .class = (jclass)&classes[i],
                                             .internal_name = "C",
                                             .file = { good, 2 } };
}

static void close_items(struct hd_redefinition *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hd_free(items[i].message);
        items[i].message = NULL;
    }
}

static void all_classes_go_in_one_call(void **state)
{
    (void)state;
    static struct hd_redefinition items[MOST];
    struct hd_error err = HD_ERROR_INIT;
    make(items, MOST);
    assert_int_equal(hd_redefine_all(&jvm, &jni, items, MOST, &err), 0);
    assert_int_equal(vm.calls, 1);
    assert_int_equal(vm.applied, MOST);
    assert_int_equal(items[0].reason, HD_REASON_NONE);
}

static void no_class_is_no_call(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_redefine_all(&jvm, &jni, NULL, 0, &err), 0);
    assert_int_equal(hd_redefine_rehearse(&jvm, &jni, NULL, 0, &err), 0);
    assert_int_equal(vm.calls, 0);
}

static void culprits_are_found_among_many_without_another_real_call(void **state)
{
    (void)state;
    static struct hd_redefinition items[MOST];
    struct hd_error err = HD_ERROR_INIT;
    make(items, MOST);
    items[3].file.data = grown;
    items[998].file.data = nested;
    assert_int_equal(hd_redefine_all(&jvm, &jni, items, MOST, &err), -1);
    assert_int_equal(err.code, HD_E_JVM);
    assert_non_null(strstr(err.text, "METHOD_ADDED (63)"));
    for (size_t i = 0; i < MOST; i++)
        assert_true((items[i].reason != HD_REASON_NONE) == (i == 3 || i == 998));
    assert_int_equal(items[3].reason, HD_REASON_METHOD_ADDED);
    assert_non_null(strstr(items[3].message, "METHOD_ADDED (63)"));
    assert_int_equal(items[998].reason, HD_REASON_NEST_CHANGED);
    assert_int_equal(vm.real_calls, 1);
    assert_int_equal(vm.applied, 0);
    assert_true(vm.calls < 60); /* by halves, not one by one */
    close_items(items, MOST);
}

static void a_single_culprit_needs_no_rehearsal(void **state)
{
    (void)state;
    struct hd_redefinition item;
    struct hd_error err = HD_ERROR_INIT;
    make(&item, 1);
    item.file.data = unverified;
    assert_int_equal(hd_redefine_all(&jvm, &jni, &item, 1, &err), -1);
    assert_int_equal(vm.calls, 1);
    assert_int_equal(item.reason, HD_REASON_VERIFY_ERROR);
    assert_non_null(strstr(item.message, "does not say why"));
    close_items(&item, 1);
}

static void a_rehearsal_gives_the_jvms_verdict_and_changes_nothing(void **state)
{
    (void)state;
    struct hd_redefinition items[4];
    struct hd_error err = HD_ERROR_INIT;
    make(items, 4);
    items[2].file.data = unverified;
    assert_int_equal(hd_redefine_rehearse(&jvm, &jni, items, 4, &err), 0);
    assert_int_equal(items[1].reason, HD_REASON_NONE);
    assert_int_equal(items[2].reason, HD_REASON_VERIFY_ERROR);
    assert_int_equal(vm.real_calls, 0);
    assert_int_equal(vm.applied, 0);
    close_items(items, 4);
}

static void an_accepted_rehearsal_is_one_call(void **state)
{
    (void)state;
    struct hd_redefinition items[4];
    struct hd_error err = HD_ERROR_INIT;
    make(items, 4);
    assert_int_equal(hd_redefine_rehearse(&jvm, &jni, items, 4, &err), 0);
    assert_int_equal(vm.calls, 1);
    assert_int_equal(items[3].reason, HD_REASON_NONE);
}

static void where_nothing_can_end_a_rehearsal_it_is_not_held(void **state)
{
    (void)state;
    struct hd_redefinition item;
    struct hd_error err = HD_ERROR_INIT;
    make(&item, 1);
    vm.no_marker = true;
    assert_int_equal(hd_redefine_rehearse(&jvm, &jni, &item, 1, &err), -1);
    assert_int_equal(err.code, HD_E_JVM);
    assert_int_equal(vm.calls, 0);
}

static void another_name_is_told_from_the_end_of_the_rehearsal_where_it_is_for_real(void **state)
{
    (void)state;
    struct hd_redefinition item;
    struct hd_error err = HD_ERROR_INIT;
    make(&item, 1);
    item.file.data = mismatched;
    assert_int_equal(hd_redefine_all(&jvm, &jni, &item, 1, &err), -1);
    assert_int_equal(item.reason, HD_REASON_NAME_MISMATCH);
    close_items(&item, 1);
}

static int rehearse_three(void *context, struct hd_error *err)
{
    struct hd_redefinition items[3];
    (void)context;
    make(items, 3);
    items[1].file.data = grown;
    int result = hd_redefine_rehearse(&jvm, &jni, items, 3, err);
    /* A message that there is no memory for is left out; the verdict is not. */
    assert_int_equal(items[1].reason, result == 0 ? HD_REASON_METHOD_ADDED : HD_REASON_NONE);
    bool whole = result == 0 && items[1].message != NULL;
    close_items(items, 3);
    if (result == 0 && !whole)
        return hd_error_set_memory(err);
    return result;
}

static void memory_that_is_out_costs_words_not_the_verdict(void **state)
{
    (void)state;
    fail_every_allocation(rehearse_three, NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, nothing_is_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_classes_go_in_one_call),
        TEST(no_class_is_no_call),
        TEST(culprits_are_found_among_many_without_another_real_call),
        TEST(a_single_culprit_needs_no_rehearsal),
        TEST(a_rehearsal_gives_the_jvms_verdict_and_changes_nothing),
        TEST(an_accepted_rehearsal_is_one_call),
        TEST(where_nothing_can_end_a_rehearsal_it_is_not_held),
        TEST(another_name_is_told_from_the_end_of_the_rehearsal_where_it_is_for_real),
        TEST(memory_that_is_out_costs_words_not_the_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
