/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc.h"
#include "watcher/names.h"
#include "watcher/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE 65536
/* A dispatch ends after so many reads even if more is coming; the descriptor stays readable. */
#define MAX_READS 64

#define ROOT_ENDS        (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)
#define ARRIVED_COMPLETE (IN_CLOSE_WRITE | IN_MOVED_TO)

static int directory_event(struct hd_watcher *watcher, const char *path, bool at_top, uint32_t mask,
                           struct hd_error *err)
{
    if (mask & IN_MOVED_FROM)
        hd_directories_remove_below(&watcher->directories, watcher->inotify, path);
    if (!(mask & (IN_CREATE | IN_MOVED_TO)))
        return 0;
    if (watcher->options.lone_jars && at_top && (mask & IN_MOVED_TO))
        return hd_watcher_add_lone(watcher, HD_WATCH_DIRECTORY, path, err);
    hd_watcher_touch(watcher);
    return hd_walk(watcher, path, true, err);
}

static bool is_link(struct hd_watcher *watcher, const char *path)
{
    struct stat status;
    int root = hd_root_directory(watcher);
    return root >= 0 && fstatat(root, path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISLNK(status.st_mode);
}

static int file_event(struct hd_watcher *watcher, const char *path, const char *name, uint32_t mask,
                      struct hd_error *err)
{
    if (!(mask & (IN_CREATE | ARRIVED_COMPLETE)))
        return 0;
    bool wanted = hd_name_is_wanted(name) || (watcher->options.lone_jars && is_link(watcher, path));
    if (!wanted)
        return 0;
    bool complete = (mask & ARRIVED_COMPLETE) != 0;
    if (complete && watcher->options.lone_jars && hd_name_is_archive(name)) {
        hd_pending_forget(&watcher->pending, path);
        return hd_watcher_add_lone(watcher, HD_WATCH_FILE, path, err);
    }
    hd_watcher_touch(watcher);
    return hd_pending_add(&watcher->pending, path, complete ? HD_PENDING_CLOSED : HD_PENDING_SEEN,
                          err);
}

static int named_event(struct hd_watcher *watcher, const char *directory, const char *name,
                       uint32_t mask, struct hd_error *err)
{
    if (hd_name_is_ignored(name))
        return 0;
    bool at_top = directory[0] == '\0';
    char *path = at_top ? hd_strdup(name) : hd_asprintf("%s/%s", directory, name);
    if (path == NULL)
        return hd_error_set_memory(err);
    int result = mask & IN_ISDIR ? directory_event(watcher, path, at_top, mask, err)
                                 : file_event(watcher, path, name, mask, err);
    hd_free(path);
    return result;
}

static void note_lost(struct hd_watcher *watcher)
{
    watcher->lost = true;
    hd_watcher_touch(watcher);
}

/* A directory made in its place may get the same inode number, so that the end of the watch is
 * the only sure sign. */
static void root_event(struct hd_watcher *watcher, uint32_t mask)
{
    if (mask & ROOT_ENDS)
        watcher->root_changed = true;
    if (mask & IN_IGNORED)
        watcher->root_watch = -1;
    if (mask & IN_DELETE) {
        watcher->root_in_doubt = true;
        hd_watcher_touch(watcher);
    }
}

/* What cannot be noted for want of memory is as good as lost: the walk before the next batch finds
 * it. */
static void handle(struct hd_watcher *watcher, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        note_lost(watcher);
        return;
    }
    if (event->wd == watcher->ancestor_watch) {
        watcher->root_changed = true;
        if (event->mask & IN_IGNORED)
            watcher->ancestor_watch = -1;
        return;
    }
    if (event->wd == watcher->root_watch)
        root_event(watcher, event->mask);
    const struct hd_watched_directory *directory =
        hd_directories_find(&watcher->directories, event->wd);
    if (directory == NULL)
        return;
    struct hd_error ignored = HD_ERROR_INIT;
    if (event->mask & IN_IGNORED)
        hd_directories_remove(&watcher->directories, event->wd);
    else if (event->len > 0 &&
             named_event(watcher, directory->path, event->name, event->mask, &ignored) != 0)
        note_lost(watcher);
}

static void handle_all(struct hd_watcher *watcher, const char *buffer, size_t length)
{
    size_t offset = 0;
    while (offset + sizeof(struct inotify_event) <= length) {
        const struct inotify_event *event = (const void *)(buffer + offset);
        handle(watcher, event);
        offset += sizeof *event + event->len;
    }
}

int hd_events_read(struct hd_watcher *watcher, struct hd_error *err)
{
    _Alignas(struct inotify_event) char buffer[BUFFER_SIZE];
    for (int reads = 0; reads < MAX_READS; reads++) {
        ssize_t length = read(watcher->inotify, buffer, sizeof buffer);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0 && errno == EAGAIN)
            return 0;
        if (length < 0)
            return hd_error_set_errno(err, errno, "%s: reading inotify events", watcher->root_path);
        handle_all(watcher, buffer, (size_t)length);
    }
    return 0;
}
