/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static bool is_plain_component(const char *component, size_t length)
{
    if (length == 0 || length > NAME_MAX)
        return false;
    bool dots = component[0] == '.' && (length == 1 || (length == 2 && component[1] == '.'));
    return !dots;
}

static int open_component(int directory, const char *component, size_t length, int flags)
{
    char name[NAME_MAX + 1];
    if (!is_plain_component(component, length)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(name, component, length);
    name[length] = '\0';
    return openat(directory, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void close_keeping_errno(int descriptor)
{
    int saved = errno;
    close(descriptor);
    errno = saved;
}

/* Walks length bytes of path, the last component opened with last_flags. */
static int open_path(int directory, const char *path, size_t length, int last_flags)
{
    if (length == 0)
        return openat(directory, ".", last_flags | O_DIRECTORY | O_CLOEXEC);
    int current = directory;
    const char *end = path + length;
    for (;;) {
        const char *slash = memchr(path, '/', (size_t)(end - path));
        const char *stop = slash != NULL ? slash : end;
        int next = open_component(current, path, (size_t)(stop - path),
                                  slash != NULL ? O_PATH : last_flags);
        if (current != directory)
            close_keeping_errno(current);
        if (next < 0 || slash == NULL)
            return next;
        current = next;
        path = slash + 1;
    }
}

int hd_open_directory_beneath(int directory, const char *path, int flags)
{
    return open_path(directory, path, strlen(path), flags);
}

int hd_open_parent_beneath(int directory, const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash != NULL ? slash + 1 : path;
    if (!is_plain_component(last, strlen(last)) || slash == path) {
        errno = EINVAL;
        return -1;
    }
    int parent = open_path(directory, path, slash != NULL ? (size_t)(slash - path) : 0, O_PATH);
    if (parent >= 0)
        *name = last;
    return parent;
}
