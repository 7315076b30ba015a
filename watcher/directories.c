/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher/directories.h"

#include "core/alloc.h"
#include "core/sorted.h"

#include <string.h>
#include <sys/inotify.h>

#define FIRST_CAPACITY 16

static bool is_before(const void *items, size_t at, const void *watch)
{
    return ((const struct hd_watched_directory *)items)[at].watch < *(const int *)watch;
}

static size_t place_of(const struct hd_directories *directories, int watch)
{
    return hd_sorted_first(directories->items, directories->count, &watch, is_before);
}

static bool is_at(const struct hd_directories *directories, size_t place, int watch)
{
    return place < directories->count && directories->items[place].watch == watch;
}

const struct hd_watched_directory *hd_directories_find(const struct hd_directories *directories,
                                                       int watch)
{
    size_t place = place_of(directories, watch);
    return is_at(directories, place, watch) ? &directories->items[place] : NULL;
}

static int make_room(struct hd_directories *directories, struct hd_error *err)
{
    if (directories->count < directories->capacity)
        return 0;
    size_t capacity = directories->capacity == 0 ? FIRST_CAPACITY : 2 * directories->capacity;
    struct hd_watched_directory *items =
        hd_realloc_array(directories->items, capacity, sizeof *items);
    if (items == NULL)
        return hd_error_set_memory(err);
    directories->items = items;
    directories->capacity = capacity;
    return 0;
}

int hd_directories_put(struct hd_directories *directories, int watch, const char *path,
                       unsigned walk, struct hd_error *err)
{
    char *copy = hd_strdup(path);
    if (copy == NULL)
        return hd_error_set_memory(err);
    size_t place = place_of(directories, watch);
    if (is_at(directories, place, watch)) {
        hd_free(directories->items[place].path);
        directories->items[place].path = copy;
        directories->items[place].walk = walk;
        return 0;
    }
    if (make_room(directories, err) != 0) {
        hd_free(copy);
        return -1;
    }
    struct hd_watched_directory *item = &directories->items[place];
    memmove(item + 1, item, (directories->count - place) * sizeof *item);
    *item = (struct hd_watched_directory){ .watch = watch, .walk = walk, .path = copy };
    directories->count++;
    return 0;
}

void hd_directories_remove(struct hd_directories *directories, int watch)
{
    size_t place = place_of(directories, watch);
    if (!is_at(directories, place, watch))
        return;
    struct hd_watched_directory *item = &directories->items[place];
    hd_free(item->path);
    directories->count--;
    memmove(item, item + 1, (directories->count - place) * sizeof *item);
}

/* The watch may have ended by itself (its directory is gone), so the kernel's answer means
 * nothing. */
static void take_off(struct hd_watched_directory *item, int inotify)
{
    if (inotify >= 0)
        (void)inotify_rm_watch(inotify, item->watch);
    hd_free(item->path);
}

static bool is_at_or_below(const char *path, const char *top)
{
    size_t length = strlen(top);
    if (length == 0)
        return true;
    return strncmp(path, top, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

void hd_directories_remove_below(struct hd_directories *directories, int inotify, const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < directories->count; i++) {
        if (is_at_or_below(directories->items[i].path, path))
            take_off(&directories->items[i], inotify);
        else
            directories->items[kept++] = directories->items[i];
    }
    directories->count = kept;
}

void hd_directories_remove_unseen(struct hd_directories *directories, int inotify, unsigned walk)
{
    size_t kept = 0;
    for (size_t i = 0; i < directories->count; i++) {
        if (directories->items[i].walk != walk)
            take_off(&directories->items[i], inotify);
        else
            directories->items[kept++] = directories->items[i];
    }
    directories->count = kept;
}

void hd_directories_close(struct hd_directories *directories, int inotify)
{
    hd_directories_remove_below(directories, inotify, "");
    hd_free(directories->items);
    *directories = (struct hd_directories){ 0 };
}
