/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/forced.h"
#include "core/report.h"
#include "tests/unit/every_allocation.h"

#include <string.h>

static struct hd_digest digest_of(const char *text)
{
    struct hd_digest digest;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_digest_of((const uint8_t *)text, strlen(text), &digest, &err), 0);
    return digest;
}

static void a_mark_stays_with_the_contents(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_forced_marks *marks = hd_forced_marks_new();
    struct hd_digest one = digest_of("one"), two = digest_of("two");
    assert_int_equal(hd_forced_of(marks, &one), 0);
    assert_int_equal(hd_forced_prepare(marks, &one, &err), 0);
    assert_int_equal(hd_forced_of(marks, &one), 0);
    hd_forced_mark(marks, &one, HD_FORCED_BEST_EFFORT);
    hd_forced_mark(marks, &two, HD_FORCED_BEST_EFFORT); /* there is no room for it */
    assert_int_equal(hd_forced_of(marks, &one), HD_FORCED_BEST_EFFORT);
    assert_int_equal(hd_forced_of(marks, &two), 0);
    assert_int_equal(hd_forced_prepare(marks, &one, &err), 0);
    hd_forced_mark(marks, &one, HD_FORCED_ALL_LOADERS);
    assert_int_equal(hd_forced_of(marks, &one), HD_FORCED_BEST_EFFORT | HD_FORCED_ALL_LOADERS);
    hd_forced_mark(marks, &one, 0); /* pushed again without force: it stays */
    assert_int_equal(hd_forced_of(marks, &one), HD_FORCED_BEST_EFFORT | HD_FORCED_ALL_LOADERS);
    assert_int_equal(hd_forced_of(NULL, &one), 0);
    hd_forced_marks_free(marks);
}

static int mark_many(void *context, struct hd_error *err)
{
    (void)context;
    struct hd_forced_marks *marks = hd_forced_marks_new();
    if (marks == NULL)
        return hd_error_set_memory(err);
    int result = 0;
    for (uint8_t i = 0; i < 40 && result == 0; i++) {
        struct hd_digest digest;
        memset(&digest, i, sizeof digest);
        result = hd_forced_prepare(marks, &digest, err);
        hd_forced_mark(marks, &digest, i);
        if (result == 0)
            assert_int_equal(hd_forced_of(marks, &digest), i);
    }
    hd_forced_marks_free(marks);
    return result;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fail_every_allocation(mark_many, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_stays_with_the_contents),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
