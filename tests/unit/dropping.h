/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drop directory with a loop of its own, and what its tests share.
 */
#ifndef HD_TESTS_DROPPING_H
#define HD_TESTS_DROPPING_H

#include "tests/unit/sandbox.h"

#include "agent/drop.h"
#include "agent/drop_bundle.h"
#include "tests/unit/class_maker.h"
#include "tests/unit/every_allocation.h"
#include "tests/unit/fake_loop.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/wait.h>

struct dropping {
    struct sandbox sandbox;
    struct hd_loop loop;
    struct hd_drop *drop;
    const void *initial; /* the test's initial_state, where cases are data */
};

static inline int start(void **state)
{
    struct dropping *dropping = calloc(1, sizeof *dropping);
    sandbox_make(&dropping->sandbox);
    make_directory(&dropping->sandbox, "d");
    fake_loop_init(&dropping->loop);
    dropping->initial = *state;
    *state = dropping;
    return 0;
}

static inline int stop(void **state)
{
    struct dropping *dropping = *state;
    hd_drop_close(dropping->drop);
    fake_loop_close(&dropping->loop);
    sandbox_delete(dropping->sandbox.path);
    free(dropping);
    return hd_alloc_outstanding() == 0 ? 0 : -1;
}

static inline void open_drop(struct dropping *dropping)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_drop_open(&dropping->loop, at(&dropping->sandbox, "d"), &dropping->drop, &err) != 0)
        fail_msg("%s", err.text);
}

static inline void expect_no_drop(struct dropping *dropping, enum hd_error_code code,
                                  const char *words)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_drop *drop = NULL;
    assert_int_equal(hd_drop_open(&dropping->loop, at(&dropping->sandbox, "d"), &drop, &err), -1);
    assert_int_equal(err.code, code);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.text);
}

static inline void put_class(const struct dropping *dropping, const char *path, const char *name)
{
    struct made_file file = make_class(&(struct made_class){ .name = name });
    write_bytes(&dropping->sandbox, path, file.data, file.length);
}

static inline void class_at(const struct sandbox *sandbox, const char *path, const char *name)
{
    struct made_file file = make_class(&(struct made_class){ .name = name });
    write_bytes(sandbox, path, file.data, file.length);
}

/* A directory beside it with a class that nobody has read for long. */
static inline void make_outside(const struct dropping *dropping)
{
    const struct timespec long_ago[2] = { { .tv_sec = 1 }, { .tv_sec = 1000 } };
    make_directory(&dropping->sandbox, "outside");
    class_at(&dropping->sandbox, "outside/Secret.class", "Secret");
    assert_int_equal(
        utimensat(AT_FDCWD, at(&dropping->sandbox, "outside/Secret.class"), long_ago, 0), 0);
}

/* The only entry of a directory, in a static buffer; fails the test when there is not exactly
 * one. */
static inline const char *only_entry(const struct dropping *dropping, const char *directory)
{
    static char path[512];
    DIR *entries = opendir(at(&dropping->sandbox, directory));
    assert_non_null(entries);
    int count = 0;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    }
    closedir(entries);
    assert_int_equal(count, 1);
    return path;
}

static inline bool is_empty(const struct dropping *dropping, const char *directory)
{
    DIR *entries = opendir(at(&dropping->sandbox, directory));
    assert_non_null(entries);
    int count = 0;
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count == 2;
}

/* Beside the directory that is ready for what comes next. */
static inline bool nothing_is_claimed(const struct dropping *dropping)
{
    DIR *entries = opendir(at(&dropping->sandbox, "d/.claimed"));
    assert_non_null(entries);
    int count = 0;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries))
        count += strcmp(entry->d_name, ".next") != 0;
    closedir(entries);
    return count == 2;
}

static inline bool has_below(const struct dropping *dropping, const char *top, const char *path)
{
    char name[1024];
    snprintf(name, sizeof name, "%s/%s", top, path);
    return exists(&dropping->sandbox, name);
}

static inline json_t *report_in(const struct dropping *dropping, const char *directory)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/report.json", directory);
    json_t *report = json_load_file(at(&dropping->sandbox, path), 0, NULL);
    assert_non_null(report);
    return report;
}

/* The report of the only refused deployment says reason, and words somewhere in its message. */
static inline void expect_refused(const struct dropping *dropping, const char *reason,
                                  const char *words)
{
    json_t *report = report_in(dropping, only_entry(dropping, "d/.refused"));
    json_t *error = json_object_get(report, "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), reason);
    const char *message = json_string_value(json_object_get(error, "message"));
    if (message == NULL || strstr(message, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, message);
    json_decref(report);
    assert_true(nothing_is_claimed(dropping));
    assert_true(is_empty(dropping, "d/.done"));
}

#endif
