/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiler's output tree with a loop of its own, and what its tests share.
 */
#ifndef HD_TESTS_COMPILING_H
#define HD_TESTS_COMPILING_H

#include "tests/unit/sandbox.h"

#include "agent/tree.h"
#include "tests/unit/class_maker.h"
#include "tests/unit/every_allocation.h"
#include "tests/unit/fake_loop.h"

struct compiling {
    struct sandbox sandbox;
    struct hd_loop loop;
    struct hd_tree *tree;
    size_t remembered;
    char last_remembered[64];
};

static inline int start(void **state)
{
    struct compiling *compiling = calloc(1, sizeof *compiling);
    sandbox_make(&compiling->sandbox);
    make_directory(&compiling->sandbox, "t");
    make_directory(&compiling->sandbox, "t/com");
    fake_loop_init(&compiling->loop);
    compiling->loop.options.settle_ms = 10;
    *state = compiling;
    return 0;
}

static inline int stop(void **state)
{
    struct compiling *compiling = *state;
    hd_tree_close(compiling->tree);
    fake_loop_close(&compiling->loop);
    sandbox_delete(compiling->sandbox.path);
    free(compiling);
    return hd_alloc_outstanding() == 0 ? 0 : -1;
}

static inline void count_remembered(void *context, const char *internal_name, struct hd_bytes file)
{
    struct compiling *compiling = context;
    assert_true(file.length > 0);
    compiling->remembered++;
    snprintf(compiling->last_remembered, sizeof compiling->last_remembered, "%s", internal_name);
}

static inline void remember(struct compiling *compiling)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_tree_remember(at(&compiling->sandbox, "t"), count_remembered, compiling,
                         &compiling->tree, &err) != 0)
        fail_msg("%s", err.text);
}

static inline void open_tree(struct compiling *compiling)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_tree_open(compiling->tree, &compiling->loop, &err) != 0)
        fail_msg("%s", err.text);
}

/* Remembers, opens, and lets the batch of what is there pass. */
static inline void watch(struct compiling *compiling)
{
    remember(compiling);
    open_tree(compiling);
    assert_false(fake_loop_settle(&compiling->loop));
}

static inline void put(const struct compiling *compiling, const char *path,
                       const struct made_class *spec)
{
    struct made_file file = make_class(spec);
    write_bytes(&compiling->sandbox, path, file.data, file.length);
}

static inline void put_salted(const struct compiling *compiling, const char *path, const char *name,
                              const char *salt)
{
    put(compiling, path, &(struct made_class){ .name = name, .salt = salt });
}

static inline void expect_classes(struct compiling *compiling, size_t count)
{
    struct hd_job *job = fake_loop_await_job(&compiling->loop);
    assert_non_null(job->bundle);
    assert_int_equal(hd_bundle_class_count(job->bundle), count);
}

static inline void succeed(struct compiling *compiling)
{
    fake_loop_answer(&compiling->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
}

static const struct made_class user_of_foo = {
    .name = "com/User", .references = { { MADE_METHODREF, "com/Lib", "foo", "()V" } }
};

#endif
