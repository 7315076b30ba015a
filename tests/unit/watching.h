/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory under a watcher, and what its tests share.
 */
#ifndef HD_TESTS_WATCHING_H
#define HD_TESTS_WATCHING_H

#include "tests/unit/sandbox.h"

#include "core/alloc.h"
#include "watcher/watcher.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

/* Longer than any batch may take; only a failing test waits so long. */
#define PATIENCE_MS 60000
/* For "nothing comes": well over the settle time of these tests. */
#define SILENCE_MS 150

struct watching {
    struct sandbox sandbox;
    struct hd_watcher *watcher;
    struct hd_watch_batch batch;
};

static inline int start(void **state)
{
    struct watching *watching = calloc(1, sizeof *watching);
    sandbox_make(&watching->sandbox);
    make_directory(&watching->sandbox, "w");
    *state = watching;
    return 0;
}

static inline int stop(void **state)
{
    struct watching *watching = *state;
    hd_watch_batch_close(&watching->batch);
    hd_watcher_free(watching->watcher);
    sandbox_delete(watching->sandbox.path);
    free(watching);
    return hd_alloc_outstanding() == 0 ? 0 : -1;
}

static inline void watch_with(struct watching *watching, struct hd_watcher_options options)
{
    struct hd_error err = HD_ERROR_INIT;
    char *warning = NULL;
    if (hd_watcher_new(at(&watching->sandbox, "w"), &options, &watching->watcher, &warning, &err) !=
        0)
        fail_msg("%s", err.text);
    assert_null(warning);
}

static inline void watch(struct watching *watching)
{
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 30 });
}

static inline void watch_drops(struct watching *watching)
{
    watch_with(watching, (struct hd_watcher_options){ .settle_ms = 30, .lone_jars = true });
}

static inline int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Dispatches until there is a batch; false when patience_ms pass without one. */
static inline bool batch_within(struct watching *watching, int64_t patience_ms)
{
    hd_watch_batch_close(&watching->batch);
    int64_t end = now_ms() + patience_ms;
    for (;;) {
        int64_t left = end - now_ms();
        struct pollfd poller = { .fd = hd_watcher_descriptor(watching->watcher), .events = POLLIN };
        if (left <= 0 || poll(&poller, 1, (int)left) == 0)
            return false;
        struct hd_error err = HD_ERROR_INIT;
        if (hd_watcher_dispatch(watching->watcher, &watching->batch, &err) != 0)
            fail_msg("%s", err.text);
        if (watching->batch.count > 0)
            return true;
    }
}

static inline void await_batch(struct watching *watching)
{
    assert_true(batch_within(watching, PATIENCE_MS));
}

static inline void expect_silence(struct watching *watching)
{
    if (batch_within(watching, SILENCE_MS))
        fail_msg("unexpected: %s", watching->batch.items[0].path);
}

static inline bool has(const struct watching *watching, const char *path)
{
    for (size_t i = 0; i < watching->batch.count; i++)
        if (strcmp(watching->batch.items[i].path, path) == 0)
            return true;
    return false;
}

static inline void expect_only(struct watching *watching, const char *path)
{
    await_batch(watching);
    assert_int_equal(watching->batch.count, 1);
    assert_string_equal(watching->batch.items[0].path, path);
}

static inline void expect_dispatch_error(struct watching *watching, enum hd_error_code code)
{
    for (;;) {
        struct pollfd poller = { .fd = hd_watcher_descriptor(watching->watcher), .events = POLLIN };
        assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
        struct hd_error err = HD_ERROR_INIT;
        if (hd_watcher_dispatch(watching->watcher, &watching->batch, &err) != 0) {
            assert_int_equal(err.code, code);
            return;
        }
        assert_int_equal(watching->batch.count, 0);
    }
}

#endif
