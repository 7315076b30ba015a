/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc.h"
#include "watcher/beneath.h"
#include "watcher/names.h"
#include "watcher/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_EVENTS                                                                           \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_ONLYDIR | IN_EXCL_UNLINK)
#define ROOT_EVENTS (DIRECTORY_EVENTS | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)

/* Directories found and not yet visited. */
struct stack {
    char **paths;
    size_t count;
    size_t capacity;
};

static int push_take(struct stack *stack, char *path, struct hd_error *err)
{
    if (path == NULL)
        return hd_error_set_memory(err);
    if (stack->count == stack->capacity) {
        size_t capacity = stack->capacity == 0 ? 32 : 2 * stack->capacity;
        char **paths = hd_realloc_array(stack->paths, capacity, sizeof *paths);
        if (paths == NULL) {
            hd_free(path);
            return hd_error_set_memory(err);
        }
        stack->paths = paths;
        stack->capacity = capacity;
    }
    stack->paths[stack->count++] = path;
    return 0;
}

static void close_stack(struct stack *stack)
{
    while (stack->count > 0)
        hd_free(stack->paths[--stack->count]);
    hd_free(stack->paths);
}

static char *join(const char *directory, const char *name)
{
    return directory[0] == '\0' ? hd_strdup(name) : hd_asprintf("%s/%s", directory, name);
}

static int note_unwatchable(struct hd_watcher *watcher, int errno_value, struct hd_error *err)
{
    switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EACCES:
        return 0;
    case ENOSPC:
        watcher->tell_unwatched = watcher->tell_unwatched || !watcher->unwatched;
        watcher->unwatched = true;
        return 0;
    default:
        return hd_error_set_errno(err, errno_value, "%s: inotify_add_watch", watcher->root_path);
    }
}

static int watch_directory(struct hd_watcher *watcher, const char *path, struct hd_error *err)
{
    bool is_root = path[0] == '\0';
    char *full =
        is_root ? hd_strdup(watcher->root_path) : hd_asprintf("%s/%s", watcher->root_path, path);
    if (full == NULL)
        return hd_error_set_memory(err);
    uint32_t events = is_root ? ROOT_EVENTS : DIRECTORY_EVENTS | IN_DONT_FOLLOW;
    int watch = inotify_add_watch(watcher->inotify, full, events);
    int saved = errno;
    hd_free(full);
    if (watch < 0)
        return note_unwatchable(watcher, saved, err);
    if (is_root)
        watcher->root_watch = watch;
    return hd_directories_put(&watcher->directories, watch, path, watcher->walk, err);
}

static unsigned char type_of(int directory, const struct dirent *entry)
{
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    struct stat status;
    if (fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return DT_UNKNOWN;
    return (unsigned char)IFTODT(status.st_mode);
}

/* In a drop directory a link of any name is reported, so that whoever put it there is told why
 * nothing happens. */
static bool is_reported(const struct hd_watcher *watcher, const char *name, unsigned char type)
{
    return hd_name_is_wanted(name) || (watcher->options.lone_jars && type == DT_LNK);
}

static int visit_entry(struct hd_watcher *watcher, struct stack *stack, const char *path,
                       const char *name, unsigned char type, bool collect, struct hd_error *err)
{
    if (hd_name_is_ignored(name))
        return 0;
    if (type == DT_DIR)
        return push_take(stack, join(path, name), err);
    if (!collect || !is_reported(watcher, name, type))
        return 0;
    char *file = join(path, name);
    if (file == NULL)
        return hd_error_set_memory(err);
    hd_watcher_touch(watcher);
    int result = hd_pending_add(&watcher->pending, file, HD_PENDING_SEEN, err);
    hd_free(file);
    return result;
}

/* A directory that is gone or closed to us has nothing to list; for want of descriptors or memory
 * files would be missed. */
static bool is_shortage(int errno_value)
{
    return errno_value == EMFILE || errno_value == ENFILE || errno_value == ENOMEM;
}

static int list_directory(struct hd_watcher *watcher, struct stack *stack, const char *path,
                          bool collect, struct hd_error *err)
{
    int root = hd_root_directory(watcher);
    int descriptor = root < 0 ? -1 : hd_open_directory_beneath(root, path, O_RDONLY);
    if (descriptor < 0 && is_shortage(errno))
        return hd_error_set_errno(err, errno, "%s/%s", watcher->root_path, path);
    if (descriptor < 0)
        return 0;
    DIR *listing = fdopendir(descriptor);
    if (listing == NULL) {
        close(descriptor);
        return hd_error_set_memory(err);
    }
    int result = 0;
    for (struct dirent *entry = readdir(listing); entry != NULL && result == 0;
         entry = readdir(listing))
        result = visit_entry(watcher, stack, path, entry->d_name, type_of(descriptor, entry),
                             collect, err);
    closedir(listing);
    return result;
}

int hd_walk(struct hd_watcher *watcher, const char *path, bool collect, struct hd_error *err)
{
    struct stack stack = { 0 };
    int result = push_take(&stack, hd_strdup(path), err);
    while (result == 0 && stack.count > 0) {
        char *directory = stack.paths[--stack.count];
        result = watch_directory(watcher, directory, err);
        if (result == 0)
            result = list_directory(watcher, &stack, directory, collect, err);
        hd_free(directory);
    }
    close_stack(&stack);
    return result;
}

int hd_walk_all(struct hd_watcher *watcher, bool collect, struct hd_error *err)
{
    bool was_unwatched = watcher->unwatched;
    watcher->unwatched = false;
    watcher->walk++;
    if (hd_walk(watcher, "", collect, err) != 0) {
        watcher->unwatched = was_unwatched || watcher->unwatched;
        return -1;
    }
    if (was_unwatched)
        watcher->tell_unwatched = false;
    hd_directories_remove_unseen(&watcher->directories, watcher->inotify, watcher->walk);
    return 0;
}
