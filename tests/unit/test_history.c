/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history.h"

#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "every_allocation.h"

static const struct hd_origin from_drop = { .way = HD_WAY_DROP };

static void add(struct hd_history *history, uint64_t number, size_t rows)
{
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &from_drop);
    deployment->number = number;
    for (size_t i = 0; i < rows; i++)
        assert_non_null(hd_deployment_add_row(deployment, "Foo", "app"));
    assert_int_equal(hd_history_add(history, deployment, NULL), 0);
    hd_deployment_release(deployment);
}

static void a_deployment_is_found_by_its_number(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_history history = { 0 };
    assert_null(hd_history_find(&history, 1));
    for (uint64_t number = 1; number <= 50; number++)
        add(&history, number, 1);
    assert_int_equal(hd_history_find(&history, 1)->number, 1);
    assert_int_equal(hd_history_find(&history, 50)->number, 50);
    assert_null(hd_history_find(&history, 51));
    assert_null(hd_history_find(&history, 0));
    hd_history_close(&history);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static void a_deployment_without_a_number_is_kept_but_has_no_number_to_be_found_by(void **state)
{
    (void)state;
    struct hd_history history = { 0 };
    add(&history, 0, 1);
    assert_int_equal(history.count, 1);
    assert_null(hd_history_find(&history, 0));
    hd_history_close(&history);
}

static void the_newest_comes_first(void **state)
{
    (void)state;
    struct hd_history history = { 0 };
    for (uint64_t number = 1; number <= 3; number++)
        add(&history, number, 1);
    json_t *json = hd_history_to_json(&history);
    assert_int_equal(json_array_size(json), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(json, i), "deployment")),
                         3 - i);
    json_decref(json);
    hd_history_close(&history);

    json = hd_history_to_json(&history);
    assert_true(json_is_array(json));
    assert_int_equal(json_array_size(json), 0);
    json_decref(json);
}

static void the_oldest_go_when_there_are_too_many(void **state)
{
    (void)state;
    struct hd_history history = { 0 };
    for (uint64_t number = 1; number <= HD_HISTORY_MAX_DEPLOYMENTS + 5; number++)
        add(&history, number, 2);
    assert_int_equal(history.count, HD_HISTORY_MAX_DEPLOYMENTS);
    assert_int_equal(history.dropped, 5);
    assert_int_equal(history.row_total, 2 * HD_HISTORY_MAX_DEPLOYMENTS);
    assert_null(hd_history_find(&history, 5));
    assert_non_null(hd_history_find(&history, 6));
    hd_history_close(&history);
}

static void the_oldest_go_when_the_rows_are_too_many_but_the_newest_stays(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_history history = { 0 };
    add(&history, 1, 10);
    add(&history, 2, HD_HISTORY_MAX_ROWS - 10);
    assert_int_equal(history.count, 2);
    add(&history, 3, 1);
    assert_null(hd_history_find(&history, 1));
    assert_non_null(hd_history_find(&history, 2));
    add(&history, 4, HD_HISTORY_MAX_ROWS + 1);
    assert_int_equal(history.count, 1);
    assert_non_null(hd_history_find(&history, 4));
    hd_history_close(&history);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static void the_oldest_go_when_their_names_take_too_much_memory(void **state)
{
    (void)state;
    enum { NAME = 60000, ROWS = 400 }; /* 24 MB each */
    struct hd_history history = { 0 };
    char *name = hd_alloc_zeroed(1, NAME + 1);
    memset(name, 'n', NAME);
    for (uint64_t number = 1; number <= 4; number++) {
        struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &from_drop);
        deployment->number = number;
        for (size_t i = 0; i < ROWS; i++)
            assert_non_null(hd_deployment_add_row(deployment, name, "app"));
        assert_int_equal(hd_history_add(&history, deployment, NULL), 0);
        hd_deployment_release(deployment);
    }
    assert_null(hd_history_find(&history, 1));
    assert_non_null(hd_history_find(&history, 4));
    assert_true(hd_history_size(&history) < HD_HISTORY_MAX_BYTES + 65536);
    hd_free(name);
    hd_history_close(&history);
}

static int add_many_and_write(void *context, struct hd_error *err)
{
    struct hd_deployment *deployment = context;
    struct hd_history history = { 0 };
    int result = 0;
    for (int i = 0; i < 20 && result == 0; i++)
        result = hd_history_add(&history, deployment, err);
    json_t *json = result == 0 ? hd_history_to_json(&history) : NULL;
    if (json == NULL)
        result = hd_error_set_memory(err);
    json_decref(json);
    hd_history_close(&history);
    return result;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &from_drop);
    fail_every_allocation(add_many_and_write, deployment);
    hd_deployment_release(deployment);
}

int main(void)
{
    hd_json_use_hd_alloc();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_is_found_by_its_number),
        cmocka_unit_test(a_deployment_without_a_number_is_kept_but_has_no_number_to_be_found_by),
        cmocka_unit_test(the_newest_comes_first),
        cmocka_unit_test(the_oldest_go_when_there_are_too_many),
        cmocka_unit_test(the_oldest_go_when_the_rows_are_too_many_but_the_newest_stays),
        cmocka_unit_test(the_oldest_go_when_their_names_take_too_much_memory),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
