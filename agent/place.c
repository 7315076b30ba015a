/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/place.h"

#include "core/alloc.h"

#include <stdbool.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that "%XX" stands for; -1 where it is none, or NUL, which no path may hold. */
static int escaped_byte(const char *text, size_t left)
{
    if (left < 3 || text[0] != '%')
        return -1;
    int high = hex_digit(text[1]), low = hex_digit(text[2]);
    int byte = high >= 0 && low >= 0 ? high * 16 + low : -1;
    return byte > 0 ? byte : -1;
}

int hd_place_decode(const char *url_path, size_t length, char **out, struct hd_error *err)
{
    char *path = hd_strndup(url_path, length);
    if (path == NULL)
        return hd_error_set_memory(err);
    size_t to = 0;
    for (size_t from = 0; from < length; to++) {
        int byte = escaped_byte(path + from, length - from);
        path[to] = byte >= 0 ? (char)byte : path[from];
        from += byte >= 0 ? 3 : 1;
    }
    path[to] = '\0';
    *out = path;
    return 0;
}

static int64_t microseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

int64_t hd_place_changed_at(const struct stat *status)
{
    int64_t contents = microseconds(status->st_mtim);
    int64_t inode = microseconds(status->st_ctim);
    return contents > inode ? contents : inode;
}

/* Where the path of the outermost file begins; NULL for a URL that names none. */
static const char *file_part(const char *url_path)
{
    static const char *const schemes[] = { "file:", "nested:" };
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        const char *found = strstr(url_path, schemes[i]);
        if (found != NULL)
            return found + strlen(schemes[i]);
    }
    return NULL;
}

static int stat_regular(const char *url_path, size_t length, bool *regular, struct stat *status,
                        struct hd_error *err)
{
    char *path = NULL;
    if (hd_place_decode(url_path, length, &path, err) != 0)
        return -1;
    *regular = stat(path, status) == 0 && S_ISREG(status->st_mode);
    hd_free(path);
    return 0;
}

int hd_place_archive_changed_at(const char *url_path, int64_t *out, struct hd_error *err)
{
    int64_t changed_at = INT64_MAX;
    const char *path = file_part(url_path);
    /* "!" ends a jar, "*" and "^" a war within Tomcat; any of them may also be part of a name. */
    const char *end = path != NULL ? strpbrk(path, "!*^") : NULL;
    for (; end != NULL && changed_at == INT64_MAX; end = strpbrk(end + 1, "!*^")) {
        size_t length = (size_t)(end - path);
        if (length > 0 && path[length - 1] == '/')
            length--;
        bool regular = false;
        struct stat status;
        if (stat_regular(path, length, &regular, &status, err) != 0)
            return -1;
        if (regular)
            changed_at = hd_place_changed_at(&status);
    }
    *out = changed_at;
    return 0;
}
