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

#define MANY             100
#define UNSOUND          40
#define AHEAD_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static enum { IS_BUSY, RUNS, LETS_GO } engine;
static pthread_t thread;
static bool was_offered;
static const struct hd_jvm_rules rules = { .feature_release = 17, .max_major = 61 };
static struct hd_registry *registry;

static void *run(void *ahead)
{
    if (engine == RUNS)
        hd_ahead_run(ahead, registry, &rules);
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
    hd_registry_free(registry, NULL);
    registry = NULL;
    assert_int_equal(hd_blobs_size(), 0);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static void expect_prepared(const struct hd_bundle *bundle, struct hd_ahead *ahead, size_t index)
{
    const struct hd_bundle_class *class = hd_bundle_class_at(bundle, index);
    struct hd_prepared prepared;
    assert_true(hd_ahead_take(ahead, index, &prepared));
    assert_int_equal(prepared.file->name.length, strlen(class->name));
    assert_memory_equal(prepared.file->name.data, class->name, prepared.file->name.length);
    assert_int_equal(prepared.blob->bytes.length, class->file.length);
    assert_memory_equal(prepared.blob->bytes.data, class->file.data, class->file.length);
    assert_null(prepared.foreseen.live);
    assert_false(hd_ahead_take(ahead, index, &prepared)); /* it is the caller's now */
    hd_prepared_close(&prepared);
}

static void every_sound_class_is_prepared(void **state)
{
    (void)state;
    struct hd_bundle *bundle = NULL;
    struct hd_ahead *ahead = NULL;
    struct hd_prepared prepared;
    engine = RUNS;
    open_many(&bundle, &ahead);
    assert_non_null(ahead);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < MANY; i++) {
        if (i != UNSOUND)
            expect_prepared(bundle, ahead, i);
    }
    assert_false(hd_ahead_take(ahead, UNSOUND, &prepared));
    assert_false(hd_ahead_take(ahead, MANY, &prepared));
    close_all(bundle, ahead);
}

/* What a deployment put into the boot loader, which needs no JVM. */
static struct hd_live *put_live(unsigned number, const char *field, enum hd_live_state state)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_live *live = NULL;
    char name[32];
    snprintf(name, sizeof name, "com/C%04u", number);
    struct made_class class = { .name = name, .fields = { { field, "I" } } };
    struct made_file file = make_class(&class);
    const struct hd_live_wanted wanted = {
        .internal_name = name, .label = "boot", .state = state, .file = { file.data, file.length }
    };
    assert_int_equal(hd_registry_prepare(registry, NULL, &wanted, &live, &err), 0);
    hd_registry_put_take(registry, NULL, live);
    return live;
}

/* Of a name that stands there twice nobody knows yet which is meant. */
static void put_for_any_loader_too(struct hd_live *live)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_live *second = NULL;
    const struct hd_live_wanted wanted = { .internal_name = live->internal_name,
                                           .label = "",
                                           .any_loader = true,
                                           .state = HD_LIVE_PENDING,
                                           .held = live->file };
    assert_int_equal(hd_registry_prepare(registry, NULL, &wanted, &second, &err), 0);
    hd_registry_put_take(registry, NULL, second);
}

static struct hd_foreseen foreseen_of(struct hd_ahead *ahead, size_t index)
{
    struct hd_prepared prepared;
    assert_true(hd_ahead_take(ahead, index, &prepared));
    struct hd_foreseen foreseen = prepared.foreseen;
    assert_int_equal(prepared.file == NULL, foreseen.live != NULL); /* it is needed no more */
    prepared.foreseen = (struct hd_foreseen){ .live = NULL };
    hd_prepared_close(&prepared);
    return foreseen;
}

static void expect_nothing_foreseen(struct hd_ahead *ahead, size_t index)
{
    struct hd_foreseen foreseen = foreseen_of(ahead, index);
    assert_null(foreseen.live);
}

static void what_is_live_by_a_deployment_is_compared_with(void **state)
{
    (void)state;
    struct hd_bundle *bundle = NULL;
    struct hd_ahead *ahead = NULL;
    engine = RUNS;
    struct hd_live *changed = put_live(0, "count", HD_LIVE_REDEFINED);
    struct hd_live *same = put_live(1, NULL, HD_LIVE_DEFINED);
    put_live(2, "count", HD_LIVE_FOREIGN);
    put_live(3, "count", HD_LIVE_PENDING);
    put_for_any_loader_too(put_live(4, "count", HD_LIVE_REDEFINED));
    open_many(&bundle, &ahead);
    assert_int_equal(pthread_join(thread, NULL), 0);

    struct hd_foreseen foreseen = foreseen_of(ahead, 0);
    assert_ptr_equal(foreseen.live, changed->file);
    assert_int_equal(foreseen.verdict.reason, HD_REASON_FIELD_REMOVED);
    assert_non_null(strstr(foreseen.verdict.message, "count"));
    assert_true(foreseen.live_slots > 0);
    hd_foreseen_close(&foreseen);
    foreseen = foreseen_of(ahead, 1);
    assert_ptr_equal(foreseen.live, same->file);
    assert_int_equal(foreseen.verdict.reason, HD_REASON_NONE);
    assert_false(foreseen.verdict.changes_anything);
    hd_foreseen_close(&foreseen);
    for (size_t i = 2; i < 6; i++)
        expect_nothing_foreseen(ahead, i);

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
    struct hd_prepared prepared;
    engine = LETS_GO;
    open_many(&bundle, &ahead);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(hd_ahead_take(ahead, 0, &prepared));
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

static int begin(void **state)
{
    (void)state;
    registry = hd_registry_new();
    return registry != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    hd_registry_free(registry, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AHEAD_TEST(every_sound_class_is_prepared),
        AHEAD_TEST(what_is_live_by_a_deployment_is_compared_with),
        AHEAD_TEST(what_nobody_takes_goes_with_it),
        AHEAD_TEST(a_busy_engine_is_not_waited_for),
        AHEAD_TEST(an_engine_that_stops_lets_go),
        AHEAD_TEST(the_engine_is_not_woken_for_a_small_jar),
        AHEAD_TEST(of_a_jar_that_turns_out_damaged_nothing_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
