/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of a test's own, and short ways to put files into it. Every helper fails the running
 * test when the system says no.
 */
#ifndef HD_TESTS_SANDBOX_H
#define HD_TESTS_SANDBOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sandbox {
    char path[64];
};

static inline void sandbox_make(struct sandbox *sandbox)
{
    snprintf(sandbox->path, sizeof sandbox->path, "/tmp/hotdrop-test-XXXXXX");
    assert_non_null(mkdtemp(sandbox->path));
}

static inline int sandbox_remove_entry(const char *path, const struct stat *status, int type,
                                       struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static inline void sandbox_delete(const char *path)
{
    assert_int_equal(nftw(path, sandbox_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* The absolute path of name, in one of a few static buffers used in turn. */
static inline const char *at(const struct sandbox *sandbox, const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];
    int length = snprintf(path, PATH_MAX, "%s/%s", sandbox->path, name);
    assert_true(length > 0 && length < PATH_MAX);
    return path;
}

static inline void make_directory(const struct sandbox *sandbox, const char *name)
{
    assert_int_equal(mkdir(at(sandbox, name), 0700), 0);
}

static inline int open_for_writing(const struct sandbox *sandbox, const char *name)
{
    int file = open(at(sandbox, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    return file;
}

static inline void write_bytes(const struct sandbox *sandbox, const char *name, const void *data,
                               size_t length)
{
    int file = open_for_writing(sandbox, name);
    assert_int_equal(write(file, data, length), (ssize_t)length);
    close(file);
}

static inline void write_text(const struct sandbox *sandbox, const char *name, const char *text)
{
    write_bytes(sandbox, name, text, strlen(text));
}

static inline void rename_in(const struct sandbox *sandbox, const char *from, const char *to)
{
    assert_int_equal(rename(at(sandbox, from), at(sandbox, to)), 0);
}

static inline bool exists(const struct sandbox *sandbox, const char *name)
{
    struct stat status;
    return lstat(at(sandbox, name), &status) == 0;
}

#endif
