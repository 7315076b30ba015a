/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/map.h"
#include "tests/unit/every_allocation.h"

#include <stdio.h>

enum { MANY = 5000, NAME_SIZE = 16 };

static void put(struct hd_map *map, const char *key, size_t value)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_map_put(map, hd_map_key(key), value, &err), 0);
}

static void an_empty_map_finds_nothing(void **state)
{
    (void)state;
    struct hd_map map = HD_MAP_INIT;
    size_t value = 7;
    assert_false(hd_map_find(&map, hd_map_key("a"), &value));
    assert_int_equal(value, 7);
    hd_map_close(&map);
}

static void every_key_of_many_is_found_with_its_value(void **state)
{
    (void)state;
    static char names[MANY][NAME_SIZE];
    struct hd_map map = HD_MAP_INIT;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], NAME_SIZE, "com/C%zu", i);
        put(&map, names[i], i);
    }
    for (size_t i = 0; i < MANY; i++) {
        size_t value = MANY;
        assert_true(hd_map_find(&map, hd_map_key(names[i]), &value));
        assert_int_equal(value, i);
    }
    size_t value = 7;
    assert_false(hd_map_find(&map, hd_map_key("com/C"), &value));
    assert_false(hd_map_find(&map, hd_map_key("com/C5000"), &value));
    assert_int_equal(map.count, MANY);
    hd_map_close(&map);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static void a_key_put_again_has_the_new_value(void **state)
{
    (void)state;
    struct hd_map map = HD_MAP_INIT;
    size_t value = 0;
    put(&map, "a", 1);
    put(&map, "a", 2);
    assert_true(hd_map_find(&map, hd_map_key("a"), &value));
    assert_int_equal(value, 2);
    assert_int_equal(map.count, 1);
    hd_map_close(&map);
}

static void the_empty_key_and_bytes_behind_a_nul_count(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_map map = HD_MAP_INIT;
    const struct hd_bytes first = { (const uint8_t *)"a\0b", 3 },
                          second = { (const uint8_t *)"a\0c", 3 };
    size_t value = 0;
    put(&map, "", 1);
    assert_int_equal(hd_map_put(&map, first, 2, &err), 0);
    assert_true(hd_map_find(&map, hd_map_key(""), &value));
    assert_int_equal(value, 1);
    assert_true(hd_map_find(&map, first, &value));
    assert_int_equal(value, 2);
    assert_false(hd_map_find(&map, second, &value));
    assert_false(hd_map_find(&map, hd_map_key("a"), &value));
    hd_map_close(&map);
}

static int fill_and_look(void *context, struct hd_error *err)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g",
                                         "h", "i", "j", "k", "l", "m", "n" };
    struct hd_map map = HD_MAP_INIT;
    int result = 0;
    size_t put_until = 0, value;
    (void)context;
    for (; result == 0 && put_until < 14; put_until++)
        result = hd_map_put(&map, hd_map_key(names[put_until]), put_until, err);
    /* What was in before the failure is still there. */
    for (size_t i = 0; i + (result != 0) < put_until; i++) {
        assert_true(hd_map_find(&map, hd_map_key(names[i]), &value));
        assert_int_equal(value, i);
    }
    hd_map_close(&map);
    return result;
}

static void a_map_that_cannot_grow_keeps_what_it_has(void **state)
{
    (void)state;
    fail_every_allocation(fill_and_look, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_finds_nothing),
        cmocka_unit_test(every_key_of_many_is_found_with_its_value),
        cmocka_unit_test(a_key_put_again_has_the_new_value),
        cmocka_unit_test(the_empty_key_and_bytes_behind_a_nul_count),
        cmocka_unit_test(a_map_that_cannot_grow_keeps_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
