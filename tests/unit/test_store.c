/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store.h"

#include "core/alloc.h"
#include "tests/unit/sandbox.h"

static const struct hd_origin origin = { .way = HD_WAY_LOCAL_SOCKET,
                                         .who = "uid:0",
                                         .from = "test" };

static struct hd_deployment *deployment_of(uint64_t number, const char *digest)
{
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &origin);
    assert_non_null(deployment);
    deployment->number = number;
    snprintf(deployment->bundle_digest, sizeof deployment->bundle_digest, "%s", digest);
    return deployment;
}

static struct hd_store *open_store(const struct sandbox *sandbox)
{
    struct hd_store *store = NULL;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_store_open(at(sandbox, "store"), &store, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

static const char one[] = "1111111111111111111111111111111111111111111111111111111111111111";
static const struct hd_bytes jar = { (const uint8_t *)"a jar", 5 };

static int count_events(const struct sandbox *sandbox, const char *event)
{
    char line[4096], wanted[64];
    int count = 0;
    snprintf(wanted, sizeof wanted, "\"event\":\"%s\"", event);
    FILE *file = fopen(at(sandbox, "store/journal"), "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        count += strstr(line, wanted) != NULL;
    fclose(file);
    return count;
}

static void a_deployment_is_on_disk_before_and_after(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    struct hd_store *store = open_store(&sandbox);
    struct hd_deployment *deployment = deployment_of(1, one);
    assert_int_equal(hd_store_begin(store, deployment, jar, &err), 0);
    assert_int_equal(count_events(&sandbox, "begin"), 1);
    assert_int_equal(
        access(at(&sandbox, "store/bundles/"
                            "1111111111111111111111111111111111111111111111111111111111"
                            "111111.jar"),
               R_OK),
        0);
    assert_int_equal(hd_store_end(store, deployment, &err), 0);
    assert_int_equal(count_events(&sandbox, "end"), 1);
    hd_store_close(store);

    store = open_store(&sandbox);
    assert_int_equal(hd_store_last_number(store), 1);
    assert_int_equal(count_events(&sandbox, "interrupted"), 0);
    hd_store_close(store);
    hd_deployment_release(deployment);
    sandbox_delete(sandbox.path);
}

static void what_a_crash_left_open_is_called_interrupted_once(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    struct hd_store *store = open_store(&sandbox);
    struct hd_deployment *deployment = deployment_of(7, one);
    assert_int_equal(hd_store_begin(store, deployment, jar, &err), 0);
    hd_store_close(store);
    hd_store_close(open_store(&sandbox));
    hd_store_close(open_store(&sandbox));
    assert_int_equal(count_events(&sandbox, "interrupted"), 1);
    hd_deployment_release(deployment);
    sandbox_delete(sandbox.path);
}

static void a_store_in_use_is_refused_and_its_holder_named(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_store *second = NULL;
    struct hd_error err = HD_ERROR_INIT;
    char pid[16];
    sandbox_make(&sandbox);
    struct hd_store *store = open_store(&sandbox);
    assert_int_equal(hd_store_open(at(&sandbox, "store"), &second, &err), -1);
    assert_int_equal(err.code, HD_E_DENIED);
    snprintf(pid, sizeof pid, "pid %d", (int)getpid());
    assert_non_null(strstr(err.text, pid));
    hd_store_close(store);
    sandbox_delete(sandbox.path);
}

static void a_store_that_others_may_write_is_refused(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_store *store = NULL;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    hd_store_close(open_store(&sandbox));
    assert_return_code(chmod(at(&sandbox, "store"), 0777), 0);
    assert_int_equal(hd_store_open(at(&sandbox, "store"), &store, &err), -1);
    assert_non_null(strstr(err.text, "chmod"));
    sandbox_delete(sandbox.path);
}

static void what_is_kept_comes_back(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    json_t *kept = json_pack("{s:[s]}", "classes", "demo.Foo"), *read = NULL;
    sandbox_make(&sandbox);
    struct hd_store *store = open_store(&sandbox);
    assert_int_equal(hd_store_kept(store, &read, &err), 0);
    assert_null(read);
    assert_int_equal(hd_store_set_kept(store, kept, &err), 0);
    hd_store_close(store);
    store = open_store(&sandbox);
    assert_int_equal(hd_store_kept(store, &read, &err), 0);
    assert_true(json_equal(kept, read));
    json_decref(read);
    json_decref(kept);
    hd_store_close(store);
    sandbox_delete(sandbox.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_is_on_disk_before_and_after),
        cmocka_unit_test(what_a_crash_left_open_is_called_interrupted_once),
        cmocka_unit_test(a_store_in_use_is_refused_and_its_holder_named),
        cmocka_unit_test(a_store_that_others_may_write_is_refused),
        cmocka_unit_test(what_is_kept_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
