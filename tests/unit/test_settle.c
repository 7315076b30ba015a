/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher/settle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS UINT64_C(1000)

static void nothing_is_due_before_something_arrived(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, false);
    assert_true(hd_settle_deadline(&settle) == UINT64_MAX);
}

static void one_file_waits_for_just_the_settle_time(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, false);
    hd_settle_touch(&settle, 5000 * MS);
    assert_int_equal(hd_settle_deadline(&settle), 5030 * MS);
}

static void the_quiet_time_grows_with_the_burst(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, false);
    hd_settle_touch(&settle, 0);
    hd_settle_touch(&settle, 400 * MS);
    assert_int_equal(hd_settle_deadline(&settle), (400 + 30 + 100) * MS);
}

static void the_quiet_time_never_exceeds_a_second(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, false);
    hd_settle_touch(&settle, 0);
    hd_settle_touch(&settle, 20000 * MS);
    assert_int_equal(hd_settle_deadline(&settle), 21000 * MS);
}

static void a_longer_settle_time_that_was_asked_for_is_kept(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 5000, false);
    hd_settle_touch(&settle, 0);
    hd_settle_touch(&settle, 100 * MS);
    assert_int_equal(hd_settle_deadline(&settle), 5100 * MS);
}

static void a_burst_without_end_is_cut(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, false);
    for (uint64_t now = 0; now <= HD_SETTLE_MAX_BURST; now += 10 * MS)
        hd_settle_touch(&settle, now);
    assert_int_equal(hd_settle_deadline(&settle), HD_SETTLE_MAX_BURST);
}

static void a_new_burst_starts_small_again(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, false);
    hd_settle_touch(&settle, 0);
    hd_settle_touch(&settle, 4000 * MS);
    hd_settle_end(&settle);
    assert_true(hd_settle_deadline(&settle) == UINT64_MAX);
    hd_settle_touch(&settle, 9000 * MS);
    assert_int_equal(hd_settle_deadline(&settle), 9030 * MS);
}

static void an_absurd_settle_time_is_bounded(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, UINT64_MAX, false);
    hd_settle_touch(&settle, 0);
    assert_int_equal(hd_settle_deadline(&settle), HD_SETTLE_MAX_BURST);
}

static void learning_starts_patiently(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, true);
    hd_settle_touch(&settle, 5000 * MS);
    assert_int_equal(hd_settle_deadline(&settle), (5000 + 30 * HD_SETTLE_FIRST_PATIENCE) * MS);
}

static void learning_waits_twice_the_longest_pause_of_the_burst(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, true);
    hd_settle_touch(&settle, 5000 * MS);
    hd_settle_touch(&settle, 5200 * MS);
    hd_settle_touch(&settle, 5210 * MS);
    assert_int_equal(hd_settle_deadline(&settle), (5210 + 400) * MS);
}

static void learning_becomes_quicker_when_nothing_comes_late(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, true);
    uint64_t now = 0;
    for (int i = 0; i < 20; i++) {
        now += 10000 * MS;
        hd_settle_touch(&settle, now);
        hd_settle_end(&settle);
    }
    hd_settle_touch(&settle, now + 10000 * MS);
    assert_int_equal(hd_settle_deadline(&settle), now + 10030 * MS);
}

static void learning_becomes_slower_when_a_file_comes_late(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, true);
    hd_settle_touch(&settle, 5000 * MS);
    hd_settle_end(&settle);
    hd_settle_touch(&settle, 5400 * MS);
    assert_int_equal(hd_settle_deadline(&settle), (5400 + 800) * MS);
}

static void the_next_compile_is_not_a_late_file(void **state)
{
    (void)state;
    struct hd_settle settle;
    hd_settle_init(&settle, 30, true);
    hd_settle_touch(&settle, 5000 * MS);
    hd_settle_end(&settle);
    hd_settle_touch(&settle, 5700 * MS);
    assert_true(hd_settle_deadline(&settle) < (5700 + 240) * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_due_before_something_arrived),
        cmocka_unit_test(one_file_waits_for_just_the_settle_time),
        cmocka_unit_test(the_quiet_time_grows_with_the_burst),
        cmocka_unit_test(the_quiet_time_never_exceeds_a_second),
        cmocka_unit_test(a_longer_settle_time_that_was_asked_for_is_kept),
        cmocka_unit_test(a_burst_without_end_is_cut),
        cmocka_unit_test(a_new_burst_starts_small_again),
        cmocka_unit_test(an_absurd_settle_time_is_bounded),
        cmocka_unit_test(learning_starts_patiently),
        cmocka_unit_test(learning_waits_twice_the_longest_pause_of_the_burst),
        cmocka_unit_test(learning_becomes_quicker_when_nothing_comes_late),
        cmocka_unit_test(learning_becomes_slower_when_a_file_comes_late),
        cmocka_unit_test(the_next_compile_is_not_a_late_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
