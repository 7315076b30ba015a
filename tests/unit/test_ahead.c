/* SPDX-License-Identifier: Apache-2.0 */
/* A large jar's classes are checked while it is unpacked, on a thread in the engine's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/ahead.h"
#include "agent/engine.h"
#include "core/alloc.h"
#include "tests/unit/class_maker.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define MANY    100
#define UNSOUND 40

static enum { IS_BUSY, RUNS, LETS_GO } engine;
static pthread_t thread;
static bool was_offered;

static void *run(void *ahead)
{
    if (engine == RUNS)
        hd_ahead_run(ahead);
    else
        hd_ahead_let_go(ahead);
    return NULL;
}

bool hd_engine_offer(struct hd_engine *unused, struct hd_ahead *ahead)
{
    (void)unused;
    was_offered = true;
    return engine != IS_BUSY && pthread_create(&thread, NULL, run, ahead) == 0;
}

static void add(struct hd_bundle_builder *builder, unsigned number)
{
    struct hd_error err = HD_ERROR_INIT;
    char name[32];
    snprintf(name, sizeof name, "com/C%04u", number);
    struct made_class class = { .name = name };
    struct made_file file = make_class(&class);
    struct hd_bytes bytes = { file.data, number == UNSOUND ? file.length - 1 : file.length };
    assert_int_equal(hd_bundle_builder_add(builder, name, bytes, name, &err), 0);
}

/* With a copy of the jar of so many classes in it, named by their numbers; one of them is cut
 * short. */
static uint8_t *make_jar(unsigned count, size_t *length)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bundle *bundle = NULL;
    struct hd_bytes jar;
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    for (unsigned i = 0; i < count; i++)
        add(builder, i);
    assert_int_equal(hd_bundle_build_take(builder, "made", &bundle, &err), 0);
    assert_int_equal(hd_bundle_jar(bundle, &jar, &err), 0);
    uint8_t *copy = hd_alloc(jar.length);
    memcpy(copy, jar.data, jar.length);
    *length = jar.length;
    hd_bundle_free(bundle);
    return copy;
}

static int open_jar(uint8_t *jar, size_t length, struct hd_bundle **bundle, struct hd_ahead **ahead)
{
    static const struct hd_bundle_limits limits = { 1 << 24, 1 << 20, 1000 };
    struct hd_error err = HD_ERROR_INIT;
    static int some_engine;
    was_offered = false;
    return hd_ahead_open_bundle_take((struct hd_engine *)&some_engine, jar, length, "made.jar",
                                     &limits, 17, bundle, ahead, &err);
}

static void open_many(struct hd_bundle **bundle, struct hd_ahead **ahead)
{
    size_t length;
    uint8_t *jar = make_jar(MANY, &length);
    assert_int_equal(open_jar(jar, length, bundle, ahead), 0);
    assert_int_equal(hd_bundle_class_count(*bundle), MANY);
}

static void close_all(struct hd_bundle *bundle, struct hd_ahead *ahead)
{
    hd_ahead_free(ahead);
    hd_bundle_free(bundle);
    assert_int_equal(hd_blobs_size(), 0);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static void expect_prepared(const struct hd_bundle *bundle, struct hd_ahead *ahead, size_t index)
{
    const struct hd_bundle_class *class = hd_bundle_class_at(bundle, index);
    struct hd_class *file = NULL;
    struct hd_blob *blob = NULL;
    assert_true(hd_ahead_take(ahead, index, &file, &blob));
    assert_int_equal(file->name.length, strlen(class->name));
    assert_memory_equal(file->name.data, class->name, file->name.length);
    assert_int_equal(blob->bytes.length, class->file.length);
    assert_memory_equal(blob->bytes.data, class->file.data, class->file.length);
    assert_false(hd_ahead_take(ahead, index, &file, &blob)); /* it is the caller's now */
    hd_class_free(file);
    hd_blob_release(blob);
}

static void every_sound_class_is_prepared(void **state)
{
    (void)state;
    struct hd_bundle *bundle = NULL;
    struct hd_ahead *ahead = NULL;
    struct hd_class *file;
    struct hd_blob *blob;
    engine = RUNS;
    open_many(&bundle, &ahead);
    assert_non_null(ahead);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < MANY; i++) {
        if (i != UNSOUND)
            expect_prepared(bundle, ahead, i);
    }
    assert_false(hd_ahead_take(ahead, UNSOUND, &file, &blob));
    assert_false(hd_ahead_take(ahead, MANY, &file, &blob));
    close_all(bundle, ahead);
}

static void what_nobody_takes_goes_with_it(void **state)
{
    (void)state;
    struct hd_bundle *bundle = NULL;
    struct hd_ahead *ahead = NULL;
    engine = RUNS;
    open_many(&bundle, &ahead);
    close_all(bundle, ahead); /* the thread may be at it still */
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_busy_engine_is_not_waited_for(void **state)
{
    (void)state;
    struct hd_bundle *bundle = NULL;
    struct hd_ahead *ahead = NULL;
    engine = IS_BUSY;
    open_many(&bundle, &ahead);
    assert_true(was_offered);
    assert_null(ahead);
    close_all(bundle, ahead);
}

static void an_engine_that_stops_lets_go(void **state)
{
    (void)state;
    struct hd_bundle *bundle = NULL;
    struct hd_ahead *ahead = NULL;
    struct hd_class *file;
    struct hd_blob *blob;
    engine = LETS_GO;
    open_many(&bundle, &ahead);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(hd_ahead_take(ahead, 0, &file, &blob));
    close_all(bundle, ahead);
}

static void the_engine_is_not_woken_for_a_small_jar(void **state)
{
    (void)state;
    struct hd_bundle *bundle = NULL;
    struct hd_ahead *ahead = NULL;
    size_t length;
    engine = RUNS;
    uint8_t *jar = make_jar(HD_AHEAD_LEAST - 1, &length);
    assert_int_equal(open_jar(jar, length, &bundle, &ahead), 0);
    assert_false(was_offered);
    assert_null(ahead);
    close_all(bundle, ahead);
}

/* Its CRC is that of other bytes. */
static void damage_last_class(uint8_t *jar, size_t length)
{
    size_t at = length - 4;
    while (at > 0 && memcmp(jar + at, "\xCA\xFE\xBA\xBE", 4) != 0)
        at--;
    jar[at + 8] ^= 1;
}

static void of_a_jar_that_turns_out_damaged_nothing_stays(void **state)
{
    (void)state;
    struct hd_bundle *bundle = NULL;
    struct hd_ahead *ahead = NULL;
    size_t length;
    engine = RUNS;
    uint8_t *jar = make_jar(MANY, &length);
    damage_last_class(jar, length);
    assert_int_equal(open_jar(jar, length, &bundle, &ahead), -1);
    assert_true(was_offered);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_null(bundle);
    close_all(bundle, ahead);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sound_class_is_prepared),
        cmocka_unit_test(what_nobody_takes_goes_with_it),
        cmocka_unit_test(a_busy_engine_is_not_waited_for),
        cmocka_unit_test(an_engine_that_stops_lets_go),
        cmocka_unit_test(the_engine_is_not_woken_for_a_small_jar),
        cmocka_unit_test(of_a_jar_that_turns_out_damaged_nothing_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
