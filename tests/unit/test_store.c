/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store.h"

#include "core/alloc.h"
#include "tests/unit/sandbox.h"

#include <dirent.h>

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
    if (hd_store_open(at(sandbox, "store"), NULL, NULL, &store, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}

static int end(struct hd_store *store, const struct hd_deployment *deployment, struct hd_error *err)
{
    json_t *document = hd_deployment_full_to_json(deployment);
    int result = hd_store_end_document(store, deployment->number, document, err);
    json_decref(document);
    return result;
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
    assert_int_equal(end(store, deployment, &err), 0);
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
    for (int i = 0; i < 2; i++) {
        store = open_store(&sandbox);
        assert_int_equal(hd_store_settle(store, &err), 0);
        hd_store_close(store);
    }
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
    assert_int_equal(hd_store_open(at(&sandbox, "store"), NULL, NULL, &second, &err), -1);
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
    assert_int_equal(hd_store_open(at(&sandbox, "store"), NULL, NULL, &store, &err), -1);
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
    assert_int_equal(hd_store_set_kept(store, kept, json_pack("{s:s}", "who", "uid:0"), &err), 0);
    hd_store_close(store);
    store = open_store(&sandbox);
    assert_int_equal(hd_store_kept(store, &read, &err), 0);
    assert_true(json_equal(kept, read));
    json_decref(read);
    json_decref(kept);
    hd_store_close(store);
    sandbox_delete(sandbox.path);
}

static void write_kept(const struct sandbox *sandbox, const char *text)
{
    write_text(sandbox, "store/kept.json", text);
}

/* The journal of a store whose JVM was killed between "keep" and "kept". */
static void cut_last_line(const struct sandbox *sandbox)
{
    char text[8192] = "";
    FILE *file = fopen(at(sandbox, "store/journal"), "re");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    while (length > 1 && text[length - 2] != '\n')
        length--;
    assert_return_code(truncate(at(sandbox, "store/journal"), (off_t)length - 1), 0);
}

static void keep(const struct sandbox *sandbox, const char *word)
{
    struct hd_error err = HD_ERROR_INIT;
    json_t *kept = json_pack("{s:s}", "word", word);
    struct hd_store *store = open_store(sandbox);
    assert_int_equal(hd_store_set_kept(store, kept, NULL, &err), 0);
    json_decref(kept);
    hd_store_close(store);
}

/* kept.json is read, and settled; the word in it. */
static void expect_kept(const struct sandbox *sandbox, const char *word)
{
    struct hd_error err = HD_ERROR_INIT;
    json_t *kept = NULL;
    struct hd_store *store = open_store(sandbox);
    assert_int_equal(hd_store_settle(store, &err), 0);
    assert_int_equal(hd_store_kept(store, &kept, &err), 0);
    assert_string_equal(json_string_value(json_object_get(kept, "word")), word);
    json_decref(kept);
    hd_store_close(store);
}

static void a_keep_that_a_crash_cut_off_is_either_the_old_or_the_new(void **state)
{
    (void)state;
    struct sandbox sandbox;
    sandbox_make(&sandbox);
    keep(&sandbox, "old");
    keep(&sandbox, "new");
    cut_last_line(&sandbox);
    expect_kept(&sandbox, "new");
    assert_int_equal(count_events(&sandbox, "kept"), 2);
    cut_last_line(&sandbox);
    write_kept(&sandbox, "{\"word\":\"old\"}");
    expect_kept(&sandbox, "old");
    assert_int_equal(count_events(&sandbox, "keep-interrupted"), 1);
    sandbox_delete(sandbox.path);
}

static void what_somebody_changed_behind_the_journal_is_not_kept(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    json_t *kept = NULL;
    sandbox_make(&sandbox);
    keep(&sandbox, "old");
    write_kept(&sandbox, "{\"word\":\"evil\"}");
    struct hd_store *store = open_store(&sandbox);
    assert_int_equal(hd_store_kept(store, &kept, &err), -1);
    assert_int_equal(err.code, HD_E_FORMAT);
    assert_non_null(strstr(err.text, "changed"));
    hd_error_clear(&err);
    assert_return_code(unlink(at(&sandbox, "store/kept.json")), 0);
    assert_int_equal(hd_store_kept(store, &kept, &err), -1);
    assert_non_null(strstr(err.text, "missing"));
    hd_store_close(store);
    sandbox_delete(sandbox.path);
}

static void kept_files_come_back_whole_or_not_at_all(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_buffer read = HD_BUFFER_INIT;
    char digest[HD_DIGEST_HEX_SIZE], name[128];
    sandbox_make(&sandbox);
    struct hd_store *store = open_store(&sandbox);
    assert_int_equal(hd_store_put_kept_files(store, jar, digest, &err), 0);
    assert_int_equal(hd_store_read_kept_files(store, digest, &read, &err), 0);
    assert_int_equal(read.length, jar.length);
    assert_memory_equal(read.data, jar.data, jar.length);
    hd_buffer_close(&read);
    snprintf(name, sizeof name, "store/bundles/%s.kept", digest);
    write_text(&sandbox, name, "a jaR");
    assert_int_equal(hd_store_read_kept_files(store, digest, &read, &err), -1);
    assert_int_equal(err.code, HD_E_FORMAT);
    hd_buffer_close(&read);
    hd_store_close(store);
    sandbox_delete(sandbox.path);
}

static size_t count_files(const struct sandbox *sandbox, const char *name)
{
    size_t count = 0;
    DIR *list = opendir(at(sandbox, name));
    assert_non_null(list);
    const struct dirent *entry;
    while ((entry = readdir(list)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(list);
    return count;
}

/* Bundle number n of many. */
static void push_bundle(struct hd_store *store, unsigned n)
{
    struct hd_error err = HD_ERROR_INIT;
    char digest[HD_DIGEST_HEX_SIZE];
    snprintf(digest, sizeof digest, "%064u", n);
    struct hd_deployment *deployment = deployment_of(n + 1, digest);
    if (hd_store_begin(store, deployment, jar, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(end(store, deployment, &err), 0);
    hd_deployment_release(deployment);
}

static void past_the_bound_bundles_go_and_what_is_kept_stays(void **state)
{
    (void)state;
    enum { MORE = 3 };
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    char digest[HD_DIGEST_HEX_SIZE], name[128];
    sandbox_make(&sandbox);
    struct hd_store *store = open_store(&sandbox);
    assert_int_equal(hd_store_put_kept_files(store, jar, digest, &err), 0);
    json_t *kept = json_pack("{s:s}", "files", digest);
    assert_int_equal(hd_store_set_kept(store, kept, NULL, &err), 0);
    json_decref(kept);
    /* As many as there may be, of long ago. */
    for (unsigned i = 0; i < HD_STORE_MAX_FILES - 1; i++) {
        snprintf(name, sizeof name, "store/bundles/f%063u.jar", i);
        close(open_for_writing(&sandbox, name));
    }
    hd_store_close(store);
    store = open_store(&sandbox);
    for (unsigned i = 0; i < MORE; i++)
        push_bundle(store, i);
    assert_int_equal(count_files(&sandbox, "store/bundles"), HD_STORE_MAX_FILES);
    assert_int_equal(count_events(&sandbox, "bundle-dropped"), MORE);
    snprintf(name, sizeof name, "store/bundles/%s.kept", digest);
    assert_true(exists(&sandbox, name));
    snprintf(name, sizeof name, "store/bundles/%064u.jar", MORE - 1);
    assert_true(exists(&sandbox, name));
    hd_store_close(store);
    sandbox_delete(sandbox.path);
}

static int count_visits(const json_t *entry, void *context, struct hd_error *err)
{
    (void)entry;
    (void)err;
    ++*(size_t *)context;
    return 0;
}

/* More than a store parses; *numbers deployments. */
static void fill_journal(const struct sandbox *sandbox, uint64_t *numbers)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_store *store = open_store(sandbox);
    char *words = hd_alloc(65536);
    assert_non_null(words);
    memset(words, 'x', 65535);
    words[65535] = '\0';
    for (*numbers = 0; *numbers < 3 * HD_STORE_READ_BYTES / 65536; ++*numbers) {
        struct hd_deployment *deployment = deployment_of(*numbers + 1, one);
        deployment->message = hd_strdup(words);
        assert_int_equal(end(store, deployment, &err), 0);
        hd_deployment_release(deployment);
    }
    hd_free(words);
    hd_store_close(store);
}

static void what_is_long_ago_is_in_the_chain_and_not_parsed(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_store *store = NULL;
    uint64_t numbers;
    size_t visits = 0;
    sandbox_make(&sandbox);
    fill_journal(&sandbox, &numbers);
    assert_int_equal(hd_store_open(at(&sandbox, "store"), count_visits, &visits, &store, &err), 0);
    assert_true(visits > numbers / 4 && visits < numbers / 2);
    assert_int_equal(hd_store_last_number(store), numbers);
    hd_store_close(store);
    FILE *journal = fopen(at(&sandbox, "store/journal"), "r+e");
    assert_non_null(journal);
    assert_int_equal(fseek(journal, 60000, SEEK_SET), 0); /* within the first line's words */
    assert_int_equal(fputc('y', journal), 'y');
    assert_int_equal(fclose(journal), 0);
    assert_int_equal(hd_store_open(at(&sandbox, "store"), NULL, NULL, &store, &err), -1);
    assert_int_equal(err.code, HD_E_FORMAT);
    assert_non_null(strstr(err.text, "line 2"));
    sandbox_delete(sandbox.path);
}

/* All that is left of long ago is the number. */
static void numbering_goes_on_from_what_was_not_parsed(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    uint64_t numbers;
    sandbox_make(&sandbox);
    fill_journal(&sandbox, &numbers);
    struct hd_store *store = open_store(&sandbox);
    for (uint64_t bytes = 0; bytes < HD_STORE_READ_BYTES + 65536; bytes += 60000) {
        char words[60000];
        memset(words, 'z', sizeof words - 1);
        words[sizeof words - 1] = '\0';
        assert_int_equal(
            hd_store_note_take(store, "noise", json_pack("{s:s}", "words", words), &err), 0);
    }
    hd_store_close(store);
    store = open_store(&sandbox);
    assert_int_equal(hd_store_last_number(store), numbers);
    hd_store_close(store);
    sandbox_delete(sandbox.path);
}

static void a_deployment_of_very_long_names_leaves_a_store_that_can_be_opened(void **state)
{
    (void)state;
    enum { NAME = 8000, ROWS = 9000 };
    struct sandbox sandbox;
    struct hd_error err = HD_ERROR_INIT;
    char name[NAME + 1];
    memset(name, 'n', NAME);
    name[NAME] = '\0';
    sandbox_make(&sandbox);
    struct hd_store *store = open_store(&sandbox);
    struct hd_deployment *deployment = deployment_of(1, "");
    for (int i = 0; i < ROWS; i++)
        hd_row_refuse(hd_deployment_add_row(deployment, name, ""), HD_REASON_DENIED, "no");
    if (end(store, deployment, &err) != 0)
        fail_msg("%s", err.text);
    hd_deployment_release(deployment);
    hd_store_close(store);
    store = open_store(&sandbox);
    assert_int_equal(hd_store_last_number(store), 1);
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
        cmocka_unit_test(a_keep_that_a_crash_cut_off_is_either_the_old_or_the_new),
        cmocka_unit_test(what_somebody_changed_behind_the_journal_is_not_kept),
        cmocka_unit_test(kept_files_come_back_whole_or_not_at_all),
        cmocka_unit_test(past_the_bound_bundles_go_and_what_is_kept_stays),
        cmocka_unit_test(what_is_long_ago_is_in_the_chain_and_not_parsed),
        cmocka_unit_test(numbering_goes_on_from_what_was_not_parsed),
        cmocka_unit_test(a_deployment_of_very_long_names_leaves_a_store_that_can_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
