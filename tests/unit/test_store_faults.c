/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that fails: each call that brings something to it fails in turn (the linker hands them to
 * us), with EIO, and what was not written is never taken for written. */
#include "agent/archive.h"

#include "core/alloc.h"
#include "tests/unit/sandbox.h"

#include <errno.h>

int __real_fsync(int file);
int __real_fdatasync(int file);
int __real_renameat(int from, const char *name, int to, const char *other);
ssize_t __real_write(int file, const void *data, size_t length);
int __wrap_fsync(int file);
int __wrap_fdatasync(int file);
int __wrap_renameat(int from, const char *name, int to, const char *other);
ssize_t __wrap_write(int file, const void *data, size_t length);

/* 0: none fails; else the n-th from now on, and (lasting) all after it. */
static unsigned long fail_at;
static bool lasting;

static bool fails(void)
{
    if (fail_at == 0 || --fail_at > 0)
        return false;
    fail_at = lasting ? 1 : 0;
    errno = EIO;
    return true;
}

int __wrap_fsync(int file)
{
    return fails() ? -1 : __real_fsync(file);
}

int __wrap_fdatasync(int file)
{
    return fails() ? -1 : __real_fdatasync(file);
}

int __wrap_renameat(int from, const char *name, int to, const char *other)
{
    return fails() ? -1 : __real_renameat(from, name, to, other);
}

ssize_t __wrap_write(int file, const void *data, size_t length)
{
    return fails() ? -1 : __real_write(file, data, length);
}

/* ---- a store --------------------------------------------------------------------------------- */

static struct hd_archive *open_archive(const struct sandbox *sandbox)
{
    struct hd_archive *archive = NULL;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_archive_open(at(sandbox, "store"), &archive, &err), 0);
    return archive;
}

static struct hd_bundle *new_bundle(void)
{
    static const uint8_t file[] = "a class, as far as the store is concerned";
    const struct hd_bytes bytes = { file, sizeof file };
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bundle *bundle = NULL;
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    assert_int_equal(hd_bundle_builder_add(builder, "p/A", bytes, "here", &err), 0);
    assert_int_equal(hd_bundle_build_take(builder, "a.jar", &bundle, &err), 0);
    return bundle;
}

static struct hd_deployment *new_deployment(uint64_t number)
{
    static const struct hd_origin origin = { .way = HD_WAY_LOCAL_SOCKET, .who = "uid:0" };
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &origin);
    assert_non_null(deployment);
    deployment->number = number;
    snprintf(deployment->bundle_digest, sizeof deployment->bundle_digest, "%064d", 7);
    return deployment;
}

struct counts {
    size_t begins, ends, interruptions;
    uint64_t open;
};

static int count(const json_t *entry, void *context, struct hd_error *err)
{
    (void)err;
    struct counts *counts = context;
    const char *event = json_string_value(json_object_get(entry, "event"));
    json_int_t number = json_integer_value(json_object_get(entry, "deployment"));
    if (strcmp(event, "begin") == 0) {
        assert_int_equal(counts->open, 0);
        counts->open = (uint64_t)number;
        counts->begins++;
    }
    bool end = strcmp(event, "end") == 0, interrupted = strcmp(event, "interrupted") == 0;
    counts->ends += end;
    counts->interruptions += interrupted;
    if (end || interrupted)
        counts->open = 0;
    return 0;
}

/* The journal is whole and consistent, whatever failed. */
static struct counts read_journal(const struct sandbox *sandbox)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_journal_state state;
    struct counts counts = { 0 };
    int directory = open(at(sandbox, "store"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (hd_journal_read(directory, count, &counts, &state, &err) != 0)
        fail_msg("%s", err.text);
    assert_false(state.torn);
    close(directory);
    return counts;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void what_cannot_be_begun_is_refused_and_the_next_may_be(void **state)
{
    (void)state;
    int result = -1;
    unsigned long nth = 0;
    while (result != 0) {
        struct sandbox sandbox;
        struct hd_error err = HD_ERROR_INIT;
        sandbox_make(&sandbox);
        struct hd_archive *archive = open_archive(&sandbox);
        struct hd_bundle *bundle = new_bundle();
        struct hd_deployment *deployment = new_deployment(1);
        fail_at = ++nth;
        lasting = false;
        result = hd_archive_begin(archive, deployment, bundle, &err);
        fail_at = 0;
        assert_true(result == 0 || err.code == HD_E_SYSTEM);
        if (result != 0) {
            assert_int_equal(read_journal(&sandbox).begins, 0);
            assert_int_equal(hd_archive_begin(archive, deployment, bundle, &err), 0);
        }
        hd_error_clear(&err);
        assert_int_equal(hd_archive_end(archive, deployment, &err), 0);
        struct counts counts = read_journal(&sandbox);
        assert_int_equal(counts.begins, 1);
        assert_int_equal(counts.ends, 1);
        hd_deployment_release(deployment);
        hd_bundle_free(bundle);
        hd_archive_close(archive);
        sandbox_delete(sandbox.path);
    }
    assert_true(nth > 5); /* bundle, its sync, its name, their directory, the line, its sync */
}

static void an_end_that_cannot_be_written_holds_up_the_next_deployment(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    struct hd_archive *archive = open_archive(&sandbox);
    struct hd_deployment *first = new_deployment(1), *second = new_deployment(2);
    assert_int_equal(hd_archive_begin(archive, first, NULL, &err), 0);
    first->applied = true;
    fail_at = 1;
    lasting = false;
    assert_int_equal(hd_archive_end(archive, first, &err), -1);
    assert_int_equal(read_journal(&sandbox).ends, 0);
    hd_error_clear(&err);
    fail_at = 1;
    assert_int_equal(hd_archive_begin(archive, second, NULL, &err), -1);
    assert_int_equal(read_journal(&sandbox).begins, 1);
    hd_error_clear(&err);
    assert_int_equal(hd_archive_begin(archive, second, NULL, &err), 0);
    struct counts counts = read_journal(&sandbox);
    assert_int_equal(counts.ends, 1); /* the first one's, before the second began */
    assert_int_equal(counts.open, 2);
    assert_int_equal(counts.interruptions, 0);
    hd_deployment_release(first);
    hd_deployment_release(second);
    hd_archive_close(archive);
    sandbox_delete(sandbox.path);
}

static void a_disk_that_works_again_is_used_again(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    struct hd_archive *archive = open_archive(&sandbox);
    struct hd_deployment *deployment = new_deployment(1);
    fail_at = 1;
    lasting = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hd_archive_begin(archive, deployment, NULL, &err), -1);
        hd_error_clear(&err);
    }
    fail_at = 0;
    assert_int_equal(hd_archive_begin(archive, deployment, NULL, &err), 0);
    assert_int_equal(read_journal(&sandbox).begins, 1);
    hd_deployment_release(deployment);
    hd_archive_close(archive);
    sandbox_delete(sandbox.path);
}

static void an_end_that_was_never_written_is_an_interruption(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    struct hd_archive *archive = open_archive(&sandbox);
    struct hd_deployment *deployment = new_deployment(1);
    assert_int_equal(hd_archive_begin(archive, deployment, NULL, &err), 0);
    fail_at = 1;
    lasting = true; /* the disk is gone for good, and with it the way to repair the journal */
    assert_int_equal(hd_archive_end(archive, deployment, &err), -1);
    hd_error_clear(&err);
    assert_int_equal(hd_archive_check(archive, &err), -1);
    fail_at = 0;
    hd_archive_close(archive);
    archive = open_archive(&sandbox);
    struct counts counts = read_journal(&sandbox);
    assert_int_equal(counts.open, 0);
    assert_int_equal(counts.ends + counts.interruptions, 1);
    struct hd_past *past = hd_archive_steal_past(archive);
    json_t *shown = hd_past_find(past, 1);
    assert_false(json_is_true(json_object_get(shown, "applied")));
    json_decref(shown);
    hd_past_free(past);
    hd_archive_close(archive);
    hd_deployment_release(deployment);
    sandbox_delete(sandbox.path);
}

static void keep(struct hd_archive *archive, uint64_t number, struct hd_error *err, int *result)
{
    struct hd_kept kept = { .state = number };
    struct hd_kept_class *class = hd_kept_add(&kept, "p/A", "app");
    assert_non_null(class);
    class->file = (struct hd_bytes){ (const uint8_t *)&class->deployment, sizeof number };
    class->deployment = number;
    class->defined = true;
    *result = hd_archive_write_kept(archive, &kept, NULL, err);
    hd_kept_close(&kept);
}

static uint64_t kept_state(const struct sandbox *sandbox)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_kept kept;
    struct hd_archive *archive = open_archive(sandbox);
    if (hd_archive_read_kept(archive, &kept, &err) != 0)
        fail_msg("%s", err.text);
    uint64_t number = kept.state;
    assert_int_equal(kept.count, 1);
    assert_memory_equal(kept.classes[0].file.data, &number, sizeof number);
    hd_kept_close(&kept);
    hd_archive_close(archive);
    return number;
}

static void what_is_kept_is_the_old_or_the_new_whatever_fails(void **state)
{
    (void)state;
    bool old_seen = false;
    int result = -1;
    for (unsigned long nth = 1; result != 0; nth++) {
        struct sandbox sandbox;
        struct hd_error err = HD_ERROR_INIT;
        sandbox_make(&sandbox);
        struct hd_archive *archive = open_archive(&sandbox);
        keep(archive, 1, &err, &result);
        assert_int_equal(result, 0);
        fail_at = nth;
        lasting = nth % 2 == 0;
        keep(archive, 2, &err, &result);
        fail_at = 0;
        hd_archive_close(archive);
        uint64_t kept = kept_state(&sandbox);
        assert_true(kept == 2 || (result != 0 && kept == 1));
        old_seen |= kept == 1;
        (void)read_journal(&sandbox);
        sandbox_delete(sandbox.path);
    }
    assert_true(old_seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_begun_is_refused_and_the_next_may_be),
        cmocka_unit_test(an_end_that_cannot_be_written_holds_up_the_next_deployment),
        cmocka_unit_test(a_disk_that_works_again_is_used_again),
        cmocka_unit_test(an_end_that_was_never_written_is_an_interruption),
        cmocka_unit_test(what_is_kept_is_the_old_or_the_new_whatever_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
