/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sandbox.h"

#include "agent/place.h"
#include "core/alloc.h"
#include "tests/unit/every_allocation.h"

#include <time.h>

static int setup(void **state)
{
    static struct sandbox sandbox;
    sandbox_make(&sandbox);
    *state = &sandbox;
    return 0;
}

static int teardown(void **state)
{
    sandbox_delete(((struct sandbox *)*state)->path);
    return 0;
}

static void expect_path(const char *url_path, const char *expected)
{
    struct hd_error err = HD_ERROR_INIT;
    char *path = NULL;
    assert_int_equal(hd_place_decode(url_path, strlen(url_path), &path, &err), 0);
    assert_string_equal(path, expected);
    hd_free(path);
}

static void a_url_path_is_decoded_byte_by_byte(void **state)
{
    (void)state;
    expect_path("/a/b.class", "/a/b.class");
    expect_path("/my%20app/%C3%A4.class", "/my app/\xC3\xA4.class");
    expect_path("%2f%2F+", "//+");
    expect_path("", "");
}

static void what_is_no_escape_stays_as_it_is(void **state)
{
    (void)state;
    expect_path("100%", "100%");
    expect_path("%4", "%4");
    expect_path("%zz%41", "%zzA");
    expect_path("a%00b", "a%00b");
}

static int64_t age(const char *url_path)
{
    struct hd_error err = HD_ERROR_INIT;
    int64_t changed_at = 0;
    assert_int_equal(hd_place_archive_changed_at(url_path, &changed_at, &err), 0);
    return changed_at;
}

/* The time of the file NAME in the sandbox, asked through a URL: FORMAT has one %s, the file's
 * path. */
static void expect_age_through(const struct sandbox *sandbox, const char *name, const char *format)
{
    struct stat status;
    write_text(sandbox, name, "an archive");
    assert_int_equal(stat(at(sandbox, name), &status), 0);
    const char *percent = strstr(format, "%s");
    char url[PATH_MAX];
    snprintf(url, sizeof url, "%.*s%s%s", (int)(percent - format), format, at(sandbox, name),
             percent + 2);
    assert_int_equal(age(url), hd_place_changed_at(&status));
}

static void the_age_of_a_jar_is_that_of_its_file(void **state)
{
    expect_age_through(*state, "app.jar", "file:%s!/com/example/Foo.class");
    expect_age_through(*state, "app.jar", "file://%s!/com/example/Foo.class");
}

static void nested_archives_have_the_age_of_the_outermost(void **state)
{
    expect_age_through(*state, "boot.jar",
                       "nested:%s/!BOOT-INF/lib/inner.jar!/com/example/Foo.class");
    expect_age_through(*state, "boot.jar", "file:%s!/BOOT-INF/classes!/com/example/Foo.class");
    expect_age_through(*state, "shop.war",
                       "war:file:%s*/WEB-INF/lib/inner.jar!/com/example/Foo.class");
    expect_age_through(*state, "shop.war",
                       "war:file:%s^/WEB-INF/lib/inner.jar!/com/example/Foo.class");
}

static void a_name_may_hold_the_characters_that_end_an_archive(void **state)
{
    struct sandbox *sandbox = *state;
    make_directory(sandbox, "wow!");
    expect_age_through(sandbox, "wow!/a*b.jar", "file:%s!/com/example/Foo.class");
}

static void an_archive_that_is_not_to_be_seen_has_no_known_age(void **state)
{
    struct sandbox *sandbox = *state;
    char url[PATH_MAX];
    snprintf(url, sizeof url, "file:%s!/Foo.class", at(sandbox, "gone.jar"));
    assert_int_equal(age(url), INT64_MAX);
    snprintf(url, sizeof url, "file:%s!/Foo.class", sandbox->path);
    assert_int_equal(age(url), INT64_MAX);
    assert_int_equal(age("/4.fwk99/com/example/Foo.class"), INT64_MAX);
    assert_int_equal(age("file:"), INT64_MAX);
    assert_int_equal(age(""), INT64_MAX);
}

/* mv and cp -p keep the time of the contents. */
static void a_file_that_was_moved_into_place_is_as_old_as_the_move(void **state)
{
    struct sandbox *sandbox = *state;
    write_text(sandbox, "new.jar", "x");
    const struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
    assert_int_equal(utimensat(AT_FDCWD, at(sandbox, "new.jar"), old, 0), 0);
    struct stat status;
    assert_int_equal(stat(at(sandbox, "new.jar"), &status), 0);
    assert_int_equal(status.st_mtim.tv_sec, 1000000000);
    assert_true(hd_place_changed_at(&status) / 1000000 >= time(NULL) - 60);
}

static int ask_age(void *context, struct hd_error *err)
{
    int64_t changed_at;
    return hd_place_archive_changed_at(context, &changed_at, err);
}

static void memory_that_is_out_is_told(void **state)
{
    (void)state;
    static char url[] = "file:/no/such.jar!/a!/b.class";
    fail_every_allocation(ask_age, url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_path_is_decoded_byte_by_byte),
        cmocka_unit_test(what_is_no_escape_stays_as_it_is),
        cmocka_unit_test_setup_teardown(the_age_of_a_jar_is_that_of_its_file, setup, teardown),
        cmocka_unit_test_setup_teardown(nested_archives_have_the_age_of_the_outermost, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_name_may_hold_the_characters_that_end_an_archive, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_archive_that_is_not_to_be_seen_has_no_known_age, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_that_was_moved_into_place_is_as_old_as_the_move,
                                        setup, teardown),
        cmocka_unit_test(memory_that_is_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
