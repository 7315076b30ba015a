/* SPDX-License-Identifier: Apache-2.0 */
/* Application threads show classes to the hook while the engine publishes one set of patches after another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_hook.h"

#include <pthread.h>

enum { READERS = 4, ROUNDS = 3000 };

struct reader {
    pthread_t thread;
    struct class_bytes base;
    atomic_bool *over;
    unsigned long patched;
    unsigned long
        wrong; /* neither as it comes nor one of the two patches, or of another loader's class */
};

/* What the hook answers a retransformation, in this thread's own words. */
static void show_once(struct reader *reader, struct reference *loader)
{
    jint length = -1;
    unsigned char *file = NULL;
    second.callback(retransforming, &jni, (jclass)&shop, (jobject)loader, "Foo", NULL,
                    (jint)reader->base.length, reader->base.data, &length, &file);
    if (file == NULL)
        return;
    bool known = loader == &shop && length == 3 &&
                 (memcmp(file, "one", 3) == 0 || memcmp(file, "two", 3) == 0);
    reader->patched += known;
    reader->wrong += !known;
    deallocate(retransforming, file);
}

static void *read_on(void *context)
{
    struct reader *reader = context;
    while (!atomic_load(reader->over)) {
        show_once(reader, &shop);
        show_once(reader, &other);
    }
    return NULL;
}

static void each_class_gets_a_whole_patch_or_none_while_sets_are_exchanged(void **state)
{
    static struct reader readers[READERS];
    struct class_bytes base = class_file(1, false);
    atomic_bool over = false;
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){ .base = base, .over = &over };
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, i % 2 ? "one" : "two", 7));
        if (i % 10 == 0)
            publish(*state, NULL, 0);
    }
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, "one", 7));
    struct reader last = { .base = base };
    show_once(&last, &shop);
    atomic_store(&over, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].wrong, 0);
    }
    assert_int_equal(last.patched, 1);
}

static void nothing_is_shown_anything_once_the_hook_is_shut(void **state)
{
    struct class_bytes base = class_file(1, false);
    atomic_bool over = false;
    struct reader reader = { .base = base, .over = &over }, last = { .base = base };
    PUBLISH(*state, patch(HD_PATCH_LOADED, "Foo", &shop, &base, "one", 7));
    assert_int_equal(pthread_create(&reader.thread, NULL, read_on, &reader), 0);
    hd_hook_shut(*state);
    show_once(&last, &shop);
    atomic_store(&over, true);
    pthread_join(reader.thread, NULL);
    assert_int_equal(last.patched + last.wrong, 0);
    assert_int_equal(reader.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            each_class_gets_a_whole_patch_or_none_while_sets_are_exchanged, setup, nothing_is_left),
        cmocka_unit_test_setup_teardown(nothing_is_shown_anything_once_the_hook_is_shut, setup,
                                        nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
