/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc.h"
#include "watcher/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANCESTOR_EVENTS (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
/* Directories above may come and go while they are looked at; whoever does that without end is not
 * waited for. */
#define MAX_ATTEMPTS 100

int hd_root_directory(struct hd_watcher *watcher)
{
    if (watcher->directory < 0)
        watcher->directory = open(watcher->root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return watcher->directory;
}

void hd_root_release_directory(struct hd_watcher *watcher)
{
    if (watcher->directory >= 0)
        close(watcher->directory);
    watcher->directory = -1;
}

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_still_there(const struct hd_watcher *watcher)
{
    struct stat status;
    if (stat(watcher->root_path, &status) != 0)
        return errno != ENOENT && errno != ENOTDIR; /* EIO, ENOMEM: nobody deleted it */
    return S_ISDIR(status.st_mode) && status.st_dev == watcher->device &&
           status.st_ino == watcher->inode;
}

static void leave(struct hd_watcher *watcher)
{
    hd_root_release_directory(watcher);
    hd_directories_remove_below(&watcher->directories, watcher->inotify, "");
    hd_pending_close(&watcher->pending);
    hd_settle_end(&watcher->settle);
    watcher->held = false;
    watcher->root_watch = -1;
}

static int absent(const struct hd_watcher *watcher, struct hd_error *err)
{
    return hd_error_set(err, HD_E_NOT_FOUND, "%s: no such directory", watcher->root_path);
}

/* Cuts the last component off a path that is not empty; what is left of "name" is ".", and "/"
 * stays. */
static void go_up(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length == 0)
        path[length++] = '.';
    path[length] = '\0';
}

static void stop_waiting(struct hd_watcher *watcher)
{
    if (watcher->ancestor_watch >= 0)
        (void)inotify_rm_watch(watcher->inotify, watcher->ancestor_watch);
    watcher->ancestor_watch = -1;
}

static int watch_ancestor(struct hd_watcher *watcher, const char *path, struct hd_error *err)
{
    int watch = inotify_add_watch(watcher->inotify, path, ANCESTOR_EVENTS);
    if (watch < 0)
        return hd_error_set_errno(err, errno, "%s: inotify_add_watch", path);
    if (watch != watcher->ancestor_watch)
        stop_waiting(watcher);
    watcher->ancestor_watch = watch;
    return 0;
}

/* Watches the nearest directory above that exists; *appeared when meanwhile something more of the
 * path is there. */
static int watch_nearest(struct hd_watcher *watcher, bool *appeared, struct hd_error *err)
{
    char *path = hd_strdup(watcher->root_path);
    char *missing = path != NULL ? hd_strdup(path) : NULL;
    if (missing == NULL) {
        hd_free(path);
        return hd_error_set_memory(err);
    }
    do {
        memcpy(missing, path, strlen(path) + 1);
        go_up(path);
    } while (!is_directory(path) && strcmp(path, missing) != 0);
    int result = watch_ancestor(watcher, path, err);
    if (result == 0)
        *appeared = is_directory(missing);
    hd_free(path);
    hd_free(missing);
    return result;
}

static int await(struct hd_watcher *watcher, struct hd_error *err)
{
    bool appeared = true;
    for (int attempt = 0; appeared && attempt < MAX_ATTEMPTS; attempt++) {
        if (is_directory(watcher->root_path))
            return 0;
        if (watch_nearest(watcher, &appeared, err) != 0)
            return -1;
    }
    return 0;
}

/* 1 when the directory is entered, 0 when it is not there. */
static int try_to_enter(struct hd_watcher *watcher, bool collect, struct hd_error *err)
{
    struct stat status;
    if (stat(watcher->root_path, &status) != 0 || !S_ISDIR(status.st_mode))
        return 0;
    watcher->device = status.st_dev;
    watcher->inode = status.st_ino;
    if (hd_walk_all(watcher, collect, err) != 0)
        return -1;
    if (watcher->root_watch >= 0)
        return 1;
    if (!is_directory(watcher->root_path))
        return 0;
    return hd_error_set(err, HD_E_SYSTEM,
                        "%s cannot be watched: no inotify watch is left for this user "
                        "(sysctl fs.inotify.max_user_watches), or it may not be read",
                        watcher->root_path);
}

int hd_root_enter(struct hd_watcher *watcher, bool collect, struct hd_error *err)
{
    if (watcher->options.await_directory && await(watcher, err) != 0)
        return -1;
    int entered = try_to_enter(watcher, collect, err);
    if (entered < 0)
        return -1;
    if (entered == 0 && !watcher->options.await_directory)
        return absent(watcher, err);
    if (entered == 0)
        watcher->root_changed = watcher->ancestor_watch < 0;
    else
        stop_waiting(watcher);
    return 0;
}

int hd_root_check(struct hd_watcher *watcher, struct hd_error *err)
{
    watcher->root_in_doubt = false;
    watcher->root_changed = false;
    if (watcher->root_watch >= 0 && is_still_there(watcher))
        return 0;
    leave(watcher);
    if (!watcher->options.await_directory)
        return absent(watcher, err);
    if (hd_root_enter(watcher, true, err) != 0)
        return -1;
    watcher->rescanned = watcher->rescanned || watcher->root_watch >= 0;
    return 0;
}
