/* SPDX-License-Identifier: Apache-2.0 */
#include "client/load.h"

#include "tests/unit/sandbox.h"

/* The head of a class file that is enough to tell its name: CAFEBABE, version 52, pool of 3, Utf8 name, Class → 1, flags, this = 2. */
static void write_class(const struct sandbox *sandbox, const char *path, const char *name)
{
    uint8_t bytes[128] = { 0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 52, 0, 5, 1, 0, (uint8_t)strlen(name) };
    size_t length = 13;
    memcpy(bytes + length, name, strlen(name));
    length += strlen(name);
    const uint8_t rest[] = { 7, 0, 1, 1, 0, 1, 'S', 7, 0, 3, 0, 0x21,
                             0, 2, 0, 4, 0, 0, 0,   0, 0, 0, 0, 0 };
    memcpy(bytes + length, rest, sizeof rest);
    length += sizeof rest;
    FILE *file = fopen(at(sandbox, path), "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void write_plain(const struct sandbox *sandbox, const char *path, const char *text)
{
    FILE *file = fopen(at(sandbox, path), "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int load(const struct sandbox *sandbox, const char *path, struct hd_bundle **out,
                struct hd_error *err)
{
    char *paths[] = { (char *)(uintptr_t)at(sandbox, path) };
    return hd_load_paths(paths, 1, out, err);
}

static void a_directory_gives_all_class_files_below_it(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_bundle *bundle = NULL;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    assert_return_code(mkdir(at(&sandbox, "com"), 0700), 0);
    write_class(&sandbox, "com/B.class", "com/B");
    write_class(&sandbox, "A.class", "com/A");
    write_plain(&sandbox, "notes.txt", "no class");
    assert_int_equal(load(&sandbox, "", &bundle, &err), 0);
    assert_int_equal(hd_bundle_class_count(bundle), 2);
    assert_string_equal(hd_bundle_class_at(bundle, 0)->name, "com/A");
    hd_bundle_free(bundle);
    sandbox_delete(sandbox.path);
}

static void expect_words(const struct sandbox *sandbox, const char *path, const char *words)
{
    struct hd_bundle *bundle = NULL;
    struct hd_error err = HD_ERROR_INIT;
    char whole[600];
    snprintf(whole, sizeof whole, "%s%s", at(sandbox, path), words);
    assert_int_equal(load(sandbox, path, &bundle, &err), -1);
    assert_string_equal(err.text, whole);
}

static void expect_refusal(const struct sandbox *sandbox, const char *path, const char *words)
{
    struct hd_bundle *bundle = NULL;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(load(sandbox, path, &bundle, &err), -1);
    assert_null(bundle);
    if (strstr(err.text, words) == NULL || strstr(err.text, at(sandbox, path)) == NULL)
        fail_msg("'%s' does not say '%s' and the path", err.text, words);
}

static void what_holds_no_class_is_refused_by_name(void **state)
{
    (void)state;
    struct sandbox sandbox;
    sandbox_make(&sandbox);
    assert_return_code(mkdir(at(&sandbox, "empty"), 0700), 0);
    write_plain(&sandbox, "text.class", "this is no class file");
    write_plain(&sandbox, "text.jar", "this is no jar");
    write_plain(&sandbox, "notes.txt", "no class");
    expect_refusal(&sandbox, "empty", "no class file");
    expect_refusal(&sandbox, "text.class", "not a class file");
    expect_refusal(&sandbox, "text.jar", "");
    expect_refusal(&sandbox, "notes.txt", "neither a class file");
    expect_refusal(&sandbox, "absent.class", "No such file");
    sandbox_delete(sandbox.path);
}

static void a_message_says_a_thing_once(void **state)
{
    (void)state;
    struct sandbox sandbox;
    sandbox_make(&sandbox);
    write_plain(&sandbox, "empty.jar", "");
    write_plain(&sandbox, "text.class", "this is no class file");
    write_plain(&sandbox, "cut.class", "\xCA\xFE\xBA\xBE");
    assert_return_code(mkfifo(at(&sandbox, "pipe.jar"), 0600), 0);
    expect_words(&sandbox, "empty.jar", ": not a jar: it is empty");
    expect_words(&sandbox, "text.class", ": not a class file: it does not begin with CAFEBABE");
    expect_words(&sandbox, "pipe.jar", ": not a file");
    expect_refusal(&sandbox, "cut.class", ": not a class file: ");
    write_plain(&sandbox, "large.jar", "");
    assert_return_code(truncate(at(&sandbox, "large.jar"), (INT64_C(1) << 30) + 1), 0);
    expect_words(&sandbox, "large.jar", ": is larger than 1024 MiB");
    sandbox_delete(sandbox.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_gives_all_class_files_below_it),
        cmocka_unit_test(what_holds_no_class_is_refused_by_name),
        cmocka_unit_test(a_message_says_a_thing_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
