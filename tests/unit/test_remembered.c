/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/remembered.h"
#include "tests/unit/every_allocation.h"

#include <stdio.h>
#include <string.h>

static struct hd_bytes bytes(const char *text)
{
    return (struct hd_bytes){ (const uint8_t *)text, strlen(text) };
}

static void put(struct hd_remembered *remembered, const char *name, const char *text)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_remembered_put(remembered, name, bytes(text), &err), 0);
}

static void expect_kept(const struct hd_remembered *remembered, const char *name, const char *text)
{
    struct hd_bytes kept = hd_remembered_get(remembered, name);
    assert_int_equal(kept.length, strlen(text));
    assert_memory_equal(kept.data, text, kept.length);
}

static void each_name_has_its_own_file(void **state)
{
    (void)state;
    struct hd_remembered remembered = HD_REMEMBERED_INIT;
    char name[32], text[32];
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "com/example/C%d", i * 7 % 500);
        snprintf(text, sizeof text, "file %d", i * 7 % 500);
        put(&remembered, name, text);
    }
    expect_kept(&remembered, "com/example/C0", "file 0");
    expect_kept(&remembered, "com/example/C499", "file 499");
    assert_int_equal(hd_remembered_get(&remembered, "com/example/C500").length, 0);
    hd_remembered_close(&remembered);
    assert_int_equal(hd_remembered_get(&remembered, "com/example/C0").length, 0);
}

static void a_later_file_of_the_same_name_replaces(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_remembered remembered = HD_REMEMBERED_INIT;
    char name[] = "a/B", text[] = "first";
    put(&remembered, name, text);
    put(&remembered, name, "second, and longer");
    memset(name, 'x', 3);
    memset(text, 'x', 5);
    expect_kept(&remembered, "a/B", "second, and longer");
    hd_remembered_close(&remembered);
    assert_int_equal(hd_alloc_outstanding(), before);
}

static int replace_once(void *context, struct hd_error *err)
{
    (void)context;
    struct hd_remembered remembered = HD_REMEMBERED_INIT;
    int result = hd_remembered_put(&remembered, "a/B", bytes("old"), err);
    if (result == 0) {
        result = hd_remembered_put(&remembered, "a/B", bytes("new"), err);
        expect_kept(&remembered, "a/B", result == 0 ? "new" : "old");
    }
    hd_remembered_close(&remembered);
    return result;
}

static void memory_that_is_out_leaves_what_was_kept(void **state)
{
    (void)state;
    fail_every_allocation(replace_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_has_its_own_file),
        cmocka_unit_test(a_later_file_of_the_same_name_replaces),
        cmocka_unit_test(memory_that_is_out_leaves_what_was_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
