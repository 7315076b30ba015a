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

static struct hd_blob *blob_of(const char *text)
{
    struct hd_blob *blob = NULL;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(
        hd_blob_of((struct hd_bytes){ (const uint8_t *)text, strlen(text) }, &blob, &err), 0);
    return blob;
}

static unsigned bits_of(const struct hd_forced_marks *marks, struct hd_blob *contents)
{
    unsigned bits = 99;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_forced_of(marks, contents, &bits, &err), 0);
    return bits;
}

static void a_mark_stays_with_the_contents(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_forced_marks *marks = hd_forced_marks_new();
    struct hd_blob *one = blob_of("one"), *two = blob_of("two");
    assert_int_equal(bits_of(marks, one), 0);
    assert_int_equal(hd_forced_prepare(marks, one, &err), 0);
    assert_int_equal(bits_of(marks, one), 0);
    hd_forced_mark(marks, one, HD_FORCED_BEST_EFFORT);
    hd_forced_mark(marks, two, HD_FORCED_BEST_EFFORT); /* there is no room for it */
    hd_blob_release(one);
    one = blob_of("one"); /* at another address, perhaps */
    assert_int_equal(bits_of(marks, one), HD_FORCED_BEST_EFFORT);
    assert_int_equal(bits_of(marks, two), 0);
    assert_int_equal(hd_forced_prepare(marks, one, &err), 0);
    hd_forced_mark(marks, one, HD_FORCED_ALL_LOADERS);
    assert_int_equal(bits_of(marks, one), HD_FORCED_BEST_EFFORT | HD_FORCED_ALL_LOADERS);
    hd_forced_mark(marks, one, 0); /* pushed again without force: it stays */
    assert_int_equal(bits_of(marks, one), HD_FORCED_BEST_EFFORT | HD_FORCED_ALL_LOADERS);
    assert_int_equal(bits_of(NULL, one), 0);
    hd_blob_release(one);
    hd_blob_release(two);
    hd_forced_marks_free(marks);
}

static int mark_one(struct hd_forced_marks *marks, uint8_t number, struct hd_error *err)
{
    struct hd_blob *contents;
    unsigned bits = 0;
    if (hd_blob_of((struct hd_bytes){ &number, 1 }, &contents, err) != 0)
        return -1;
    int result = hd_forced_prepare(marks, contents, err);
    if (result == 0)
        hd_forced_mark(marks, contents, number);
    if (result == 0)
        result = hd_forced_of(marks, contents, &bits, err);
    if (result == 0)
        assert_int_equal(bits, number);
    hd_blob_release(contents);
    return result;
}

static int mark_many(void *context, struct hd_error *err)
{
    (void)context;
    struct hd_forced_marks *marks = hd_forced_marks_new();
    if (marks == NULL)
        return hd_error_set_memory(err);
    int result = 0;
    for (uint8_t i = 0; i < 40 && result == 0; i++)
        result = mark_one(marks, i, err);
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
