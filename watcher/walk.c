/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc.h"
#include "watcher/list.h"
#include "watcher/names.h"
#include "watcher/state.h"

#include <dirent.h>
#include <errno.h>
#include <sys/inotify.h>

#define DIRECTORY_EVENTS                                                                           \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_ONLYDIR | IN_EXCL_UNLINK)
#define ROOT_EVENTS (DIRECTORY_EVENTS | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)

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

/* Before the directory is listed, so that a file is met either by the listing or by an event. */
static int watch_directory(void *context, const char *path, struct hd_error *err)
{
    struct hd_watcher *watcher = context;
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

static int pass_by(void *context, const char *path, const char *name, unsigned char type,
                   struct hd_error *err)
{
    (void)context;
    (void)path;
    (void)name;
    (void)type;
    (void)err;
    return 0;
}

/* In a drop directory a link of any name is reported, so that whoever put it there is told why
 * nothing happens. */
static int make_pending(void *context, const char *path, const char *name, unsigned char type,
                        struct hd_error *err)
{
    struct hd_watcher *watcher = context;
    if (!hd_name_is_wanted(name) && !(watcher->options.lone_jars && type == DT_LNK))
        return 0;
    hd_watcher_touch(watcher);
    return hd_pending_add(&watcher->pending, path, HD_PENDING_SEEN, err);
}

int hd_walk(struct hd_watcher *watcher, const char *path, bool collect, struct hd_error *err)
{
    int root = hd_root_directory(watcher);
    if (root < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        return hd_error_set_errno(err, errno, "%s", watcher->root_path);
    if (root < 0)
        return 0;
    const struct hd_listing listing = { .enter = watch_directory,
                                        .file = collect ? make_pending : pass_by,
                                        .context = watcher };
    return hd_list_files(root, path, &listing, err);
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
