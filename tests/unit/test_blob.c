/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/blob.h"
#include "tests/unit/every_allocation.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct hd_blob *blob_of(const char *text)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_blob *blob = NULL;
    assert_int_equal(
        hd_blob_of((struct hd_bytes){ (const uint8_t *)text, strlen(text) }, &blob, &err), 0);
    return blob;
}

static void the_same_contents_are_held_once(void **state)
{
    (void)state;
    struct hd_blob *one = blob_of("class"), *same = blob_of("class"), *other = blob_of("klass");
    assert_ptr_equal(one, same);
    assert_true(hd_blob_same(one, same));
    assert_false(hd_blob_same(one, other));
    assert_false(hd_blob_same(NULL, NULL));
    assert_int_equal(hd_blobs_size(), 10);
    hd_blob_release(one);
    assert_memory_equal(same->bytes.data, "class", 5);
    hd_blob_release(same);
    assert_int_equal(hd_blobs_size(), 5);
    hd_blob_release(other);
    assert_int_equal(hd_blobs_size(), 0);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static void a_blob_lives_as_long_as_somebody_keeps_it(void **state)
{
    (void)state;
    struct hd_blob *blob = blob_of("kept");
    struct hd_blob *kept = hd_blob_keep(blob);
    hd_blob_release(blob);
    assert_memory_equal(kept->bytes.data, "kept", 4);
    hd_blob_release(kept);
    assert_null(hd_blob_keep(NULL));
    hd_blob_release(NULL);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static void a_blob_knows_its_digest(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_digest digest, known;
    struct hd_blob *blob = blob_of("abc");
    assert_int_equal(hd_digest_of("abc", 3, &digest, &err), 0);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(hd_blob_digest(blob, &known, &err), 0);
        assert_true(hd_digest_equal(&known, &digest));
    }
    hd_blob_release(blob);
}

/* More than the table begins with. */
static void of_many_blobs_each_is_found(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct hd_blob *blobs[MANY];
    char text[32];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "class %03u", i);
        blobs[i] = blob_of(text);
    }
    assert_int_equal(hd_blobs_size(), MANY * 9);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "class %03u", i);
        struct hd_blob *found = blob_of(text);
        assert_ptr_equal(found, blobs[i]);
        hd_blob_release(found);
        hd_blob_release(blobs[i]);
    }
    assert_int_equal(hd_blobs_size(), 0);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static int make_two(void *context, struct hd_error *err)
{
    (void)context;
    struct hd_blob *one = NULL, *other = NULL;
    int status = hd_blob_of((struct hd_bytes){ (const uint8_t *)"one", 3 }, &one, err);
    if (status == 0)
        status = hd_blob_of((struct hd_bytes){ (const uint8_t *)"other", 5 }, &other, err);
    hd_blob_release(one);
    hd_blob_release(other);
    return status;
}

static void memory_that_is_out_is_told_and_nothing_leaks(void **state)
{
    (void)state;
    fail_every_allocation(make_two, NULL);
}

static void *come_and_go(void *argument)
{
    struct hd_error err = HD_ERROR_INIT;
    for (int i = 0; i < 10000; i++) {
        struct hd_blob *blob = NULL;
        if (hd_blob_of((struct hd_bytes){ (const uint8_t *)"shared", 6 }, &blob, &err) != 0 ||
            memcmp(blob->bytes.data, "shared", 6) != 0)
            return NULL;
        hd_blob_release(hd_blob_keep(blob));
        hd_blob_release(blob);
    }
    return argument;
}

static void threads_that_come_and_go_do_not_lose_it_for_each_other(void **state)
{
    (void)state;
    pthread_t thread;
    int mark;
    void *result = NULL;
    assert_int_equal(pthread_create(&thread, NULL, come_and_go, &mark), 0);
    assert_ptr_equal(come_and_go(&mark), &mark);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &mark);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_contents_are_held_once),
        cmocka_unit_test(a_blob_lives_as_long_as_somebody_keeps_it),
        cmocka_unit_test(a_blob_knows_its_digest),
        cmocka_unit_test(of_many_blobs_each_is_found),
        cmocka_unit_test(memory_that_is_out_is_told_and_nothing_leaks),
        cmocka_unit_test(threads_that_come_and_go_do_not_lose_it_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
