/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/states.h"

#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* All classes here are of the boot loader, so no JNI function is called. */
static JNIEnv *const no_jni = NULL;

static int add(struct hd_states *states, const char *name, const char *text, struct hd_error *err)
{
    struct hd_bytes file = { (const uint8_t *)text, strlen(text) };
    return hd_states_add(states, no_jni, name, NULL, false, file, err);
}

static void deploy(struct hd_states *states, uint64_t number, const char *name, const char *text)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_states_begin(states, no_jni, number, &err), 0);
    assert_int_equal(add(states, name, text, &err), 0);
    hd_states_commit(states, no_jni);
}

static void roll_back(struct hd_states *states, uint64_t number, uint64_t to)
{
    struct hd_error err = HD_ERROR_INIT;
    uint64_t state = 99;
    assert_int_equal(hd_states_find(states, to, &state, &err), 0);
    assert_int_equal(hd_states_begin(states, no_jni, number, &err), 0);
    hd_states_return(states, no_jni, state);
}

static void expect_content(const struct hd_states *states, uint64_t state, const char *name,
                           const char *text)
{
    struct hd_bytes found = hd_states_content(states, no_jni, state, name, NULL);
    assert_int_equal(found.length, strlen(text));
    assert_memory_equal(found.data, text, found.length);
}

static void a_class_is_what_the_nearest_state_made_it(void **state)
{
    (void)state;
    struct hd_states *states = hd_states_new();
    deploy(states, 1, "Foo", "foo 1");
    deploy(states, 2, "Bar", "bar 2");
    deploy(states, 3, "Foo", "foo 3");
    expect_content(states, 3, "Foo", "foo 3");
    expect_content(states, 3, "Bar", "bar 2");
    expect_content(states, 2, "Foo", "foo 1");
    expect_content(states, 1, "Bar", "");
    expect_content(states, 0, "Foo", "");
    hd_states_free(states, no_jni);
}

static void a_rollback_is_another_name_of_an_older_state(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    uint64_t found = 99;
    deploy(states, 1, "Foo", "foo 1");
    deploy(states, 2, "Foo", "foo 2");
    roll_back(states, 3, 1);
    assert_int_equal(hd_states_current(states), 1);
    assert_int_equal(hd_states_find(states, 3, &found, &err), 0);
    assert_int_equal(found, 1);
    deploy(states, 4, "Bar", "bar 4");
    assert_int_equal(hd_states_parent(states, 4), 1);
    expect_content(states, 4, "Foo", "foo 1");
    assert_true(hd_states_is_ancestor(states, 1, 4));
    assert_false(hd_states_is_ancestor(states, 2, 4));
    hd_states_free(states, no_jni);
}

static void undoing_the_last_ends_at_the_start(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    uint64_t before = 99;
    deploy(states, 1, "Foo", "foo 1");
    assert_int_equal(hd_states_before_current(states, &before, &err), 0);
    assert_int_equal(before, 0);
    roll_back(states, 2, 0);
    assert_int_equal(hd_states_before_current(states, &before, &err), -1);
    assert_int_equal(err.code, HD_E_NOT_FOUND);
    hd_states_free(states, no_jni);
}

static void what_was_not_done_is_no_part_of_the_state(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    assert_int_equal(hd_states_begin(states, no_jni, 1, &err), 0);
    assert_int_equal(add(states, "Foo", "foo", &err), 0);
    assert_int_equal(add(states, "Bar", "bar", &err), 0);
    hd_states_take_out(states, no_jni, 0);
    hd_states_commit(states, no_jni);
    expect_content(states, 1, "Foo", "");
    expect_content(states, 1, "Bar", "bar");
    hd_states_free(states, no_jni);
}

static void a_deployment_that_did_nothing_names_the_state_it_left(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    uint64_t found = 99;
    deploy(states, 1, "Foo", "foo");
    assert_int_equal(hd_states_begin(states, no_jni, 2, &err), 0);
    hd_states_commit(states, no_jni);
    assert_int_equal(hd_states_find(states, 2, &found, &err), 0);
    assert_int_equal(found, 1);
    hd_states_free(states, no_jni);
}

/* The oldest go, what is live stays what it is, and memory is bounded. */
static void past_the_bound_the_oldest_is_folded_into_the_next(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    uint64_t found;
    deploy(states, 1, "First", "first");
    for (uint64_t number = 2; number <= HD_STATES_MAX + 50; number++)
        deploy(states, number, "Foo", "foo");
    expect_content(states, HD_STATES_MAX + 50, "First", "first");
    assert_int_equal(hd_states_find(states, 1, &found, &err), -1);
    hd_error_clear(&err);
    assert_int_equal(hd_states_find(states, 100, &found, &err), 0);
    expect_content(states, 100, "First", "first");
    hd_states_free(states, no_jni);
}

static void rounds_of_push_and_rollback_keep_memory_flat(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_states *states = hd_states_new();
    long at_bound = 0;
    for (uint64_t round = 0; round < 4 * HD_STATES_MAX; round++) {
        deploy(states, 2 * round + 1, "Foo", "foo");
        roll_back(states, 2 * round + 2, 0);
        if (round == 2 * HD_STATES_MAX)
            at_bound = hd_alloc_outstanding();
    }
    assert_int_equal(hd_alloc_outstanding(), at_bound);
    assert_int_equal(hd_states_current(states), 0);
    hd_states_free(states, no_jni);
    assert_int_equal(hd_alloc_outstanding(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_is_what_the_nearest_state_made_it),
        cmocka_unit_test(a_rollback_is_another_name_of_an_older_state),
        cmocka_unit_test(undoing_the_last_ends_at_the_start),
        cmocka_unit_test(what_was_not_done_is_no_part_of_the_state),
        cmocka_unit_test(a_deployment_that_did_nothing_names_the_state_it_left),
        cmocka_unit_test(past_the_bound_the_oldest_is_folded_into_the_next),
        cmocka_unit_test(rounds_of_push_and_rollback_keep_memory_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
