/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kept.h"

#include "core/alloc.h"
#include "tests/unit/sandbox.h"

static struct hd_store *open_store(const struct sandbox *sandbox)
{
    struct hd_store *store = NULL;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_store_open(at(sandbox, "store"), NULL, NULL, &store, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

static struct hd_bytes bytes(const char *text)
{
    return (struct hd_bytes){ (const uint8_t *)text, strlen(text) };
}

static void add(struct hd_kept *kept, const char *name, const char *loader, const char *file)
{
    struct hd_kept_class *class = hd_kept_add(kept, name, loader);
    assert_non_null(class);
    class->file = bytes(file);
    class->deployment = 7;
    class->base = bytes("a base");
    memset(class->fingerprint.bytes, 0xA5, sizeof class->fingerprint.bytes);
}

static void fill(struct hd_kept *kept)
{
    *kept = (struct hd_kept){ .state = 9, .who = hd_strdup("uid:0 (root)") };
    add(kept, "demo/One", "app", "patch one");
    add(kept, "demo/Two", "app", "patch two");
    add(kept, "demo/Two", "Shop[x]", "patch two");
    kept->classes[0].defined = true;
    kept->classes[1].aside = hd_strdup("its base has changed");
}

static void expect_equal(const struct hd_kept *a, const struct hd_kept *b)
{
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->who, b->who);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct hd_kept_class *one = &a->classes[i], *other = &b->classes[i];
        assert_string_equal(one->name, other->name);
        assert_string_equal(one->loader, other->loader);
        assert_int_equal(one->deployment, other->deployment);
        assert_int_equal(one->defined, other->defined);
        assert_true((one->aside == NULL) == (other->aside == NULL));
        assert_int_equal(one->file.length, other->file.length);
        assert_memory_equal(one->file.data, other->file.data, one->file.length);
        if (one->defined)
            continue;
        assert_true(hd_digest_equal(&one->fingerprint, &other->fingerprint));
        assert_int_equal(one->base.length, other->base.length);
        assert_memory_equal(one->base.data, other->base.data, one->base.length);
    }
}

static void what_is_kept_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_kept kept, read;
    sandbox_make(&sandbox);
    struct hd_store *store = open_store(&sandbox);
    assert_int_equal(hd_kept_read(store, &read, &err), 0);
    assert_int_equal(read.count, 0);
    fill(&kept);
    assert_int_equal(hd_kept_write(store, &kept, json_pack("{s:s}", "who", "uid:0"), &err), 0);
    assert_int_equal(hd_kept_read(store, &read, &err), 0);
    expect_equal(&kept, &read);
    assert_int_equal(hd_kept_live_count(&read), 2);
    /* equal files are there once */
    assert_int_equal(read.files.length, strlen("patch onepatch twoa base"));
    hd_kept_close(&read);
    hd_kept_close(&kept);
    assert_int_equal(hd_kept_write(store, &kept, NULL, &err), 0);
    assert_int_equal(hd_kept_read(store, &read, &err), 0);
    assert_int_equal(read.count, 0);
    hd_kept_close(&read);
    hd_store_close(store);
    sandbox_delete(sandbox.path);
}

static void without_memory_nothing_is_half_kept(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_kept kept, read;
    sandbox_make(&sandbox);
    struct hd_store *store = open_store(&sandbox);
    fill(&kept);
    long before = hd_alloc_outstanding();
    int result = -1;
    for (unsigned long nth = 1; result != 0; nth++) {
        struct hd_error err = HD_ERROR_INIT;
        hd_alloc_fail_at(nth);
        result = hd_kept_write(store, &kept, NULL, &err);
        if (result == 0)
            result = hd_kept_read(store, &read, &err);
        hd_alloc_fail_at(0);
        if (result != 0) {
            assert_int_equal(err.code, HD_E_MEMORY);
            assert_int_equal(hd_alloc_outstanding(), before);
        }
    }
    expect_equal(&kept, &read);
    hd_kept_close(&read);
    hd_kept_close(&kept);
    hd_store_close(store);
    sandbox_delete(sandbox.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_read_as_it_was_written),
        cmocka_unit_test(without_memory_nothing_is_half_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
