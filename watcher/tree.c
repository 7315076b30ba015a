/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc.h"
#include "core/text.h"
#include "watcher/names.h"
#include "watcher/silent.h"
#include "watcher/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* How long a batch that is due waits for files that are still being written, and how long until a
 * walk that failed is tried again. */
#define HOLD_MICROSECONDS UINT64_C(1000000)

static uint64_t now_microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void hd_watcher_touch(struct hd_watcher *watcher)
{
    if (!watcher->settle.active)
        watcher->first_event = hd_text_now();
    watcher->held = false;
    hd_settle_touch(&watcher->settle, now_microseconds());
}

static bool is_waiting_alone(const struct hd_watcher *watcher, const char *path)
{
    for (size_t i = 0; i < watcher->lone_count; i++)
        if (strcmp(watcher->lone[i].item.path, path) == 0)
            return true;
    return false;
}

int hd_watcher_add_lone(struct hd_watcher *watcher, enum hd_watch_kind kind, const char *path,
                        struct hd_error *err)
{
    if (is_waiting_alone(watcher, path))
        return 0;
    if (watcher->lone_count == watcher->lone_capacity) {
        size_t capacity = watcher->lone_capacity == 0 ? 8 : 2 * watcher->lone_capacity;
        struct hd_lone_item *lone = hd_realloc_array(watcher->lone, capacity, sizeof *lone);
        if (lone == NULL)
            return hd_error_set_memory(err);
        watcher->lone = lone;
        watcher->lone_capacity = capacity;
    }
    char *copy = hd_strdup(path);
    if (copy == NULL)
        return hd_error_set_memory(err);
    watcher->lone[watcher->lone_count++] =
        (struct hd_lone_item){ .item = { .kind = kind, .path = copy }, .seen_at = hd_text_now() };
    return 0;
}

static uint64_t deadline(const struct hd_watcher *watcher)
{
    if (watcher->lone_count > 0 || watcher->root_changed || watcher->tell_unwatched)
        return 0;
    if (watcher->root_watch < 0) /* the batch is taken when the directory is there */
        return UINT64_MAX;
    if (watcher->at_once)
        return 0;
    if (watcher->held)
        return watcher->settle.last + HOLD_MICROSECONDS;
    return hd_settle_deadline(&watcher->settle);
}

/* An absolute time of 0 would turn the timer off; one nanosecond after boot is over, so the
 * descriptor is readable at once. */
static void arm(struct hd_watcher *watcher)
{
    uint64_t due = deadline(watcher);
    if (due == watcher->armed_for)
        return;
    struct itimerspec when = { .it_value = { 0, 0 } };
    if (due != UINT64_MAX) {
        when.it_value.tv_sec = (time_t)(due / 1000000);
        when.it_value.tv_nsec = due == 0 ? 1 : (long)(due % 1000000) * 1000;
    }
    if (timerfd_settime(watcher->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        watcher->armed_for = due;
}

/* An expiry that was read has to be set anew, even to the same time. */
static void drain_timer(struct hd_watcher *watcher)
{
    uint64_t expirations;
    if (read(watcher->timer, &expirations, sizeof expirations) > 0)
        watcher->armed_for = UINT64_MAX;
}

/* Makes CLOSED of what is complete and VOID of what is gone; says whether the batch had better wait
 * for a writer. */
static bool survey(struct hd_watcher *watcher, int directory)
{
    bool wait = false;
    for (size_t i = 0; i < watcher->pending.count; i++) {
        struct hd_pending_file *file = &watcher->pending.files[i];
        if (file->state == HD_PENDING_VOID)
            continue;
        enum hd_completeness completeness = hd_completeness_of(directory, file);
        if (completeness == HD_VANISHED)
            file->state = HD_PENDING_VOID;
        else if (completeness == HD_COMPLETE)
            file->state = HD_PENDING_CLOSED;
        else if (!file->overdue && !(watcher->options.lone_jars && hd_name_is_archive(file->path)))
            wait = true;
    }
    return wait;
}

static size_t count_closed(const struct hd_pending *pending)
{
    size_t count = 0;
    for (size_t i = 0; i < pending->count; i++)
        count += pending->files[i].state == HD_PENDING_CLOSED;
    return count;
}

/* Archives of a drop directory, which a walk found, go the way of those that an event named. */
static int split_off_archives(struct hd_watcher *watcher, struct hd_error *err)
{
    if (!watcher->options.lone_jars)
        return 0;
    for (size_t i = 0; i < watcher->pending.count; i++) {
        struct hd_pending_file *file = &watcher->pending.files[i];
        if (file->state != HD_PENDING_CLOSED || !hd_name_is_archive(file->path))
            continue;
        if (hd_watcher_add_lone(watcher, HD_WATCH_FILE, file->path, err) != 0)
            return -1;
        file->state = HD_PENDING_VOID;
    }
    return 0;
}

static int move_closed(struct hd_watcher *watcher, struct hd_watch_batch *out, struct hd_error *err)
{
    size_t closed = count_closed(&watcher->pending);
    struct hd_watch_item *items = closed > 0 ? hd_alloc_zeroed(closed, sizeof *items) : NULL;
    if (closed > 0 && items == NULL)
        return hd_error_set_memory(err);
    size_t count = 0;
    for (size_t i = 0; i < watcher->pending.count; i++) {
        struct hd_pending_file *file = &watcher->pending.files[i];
        file->overdue = file->state == HD_PENDING_SEEN;
        if (file->state != HD_PENDING_CLOSED)
            continue;
        items[count++] = (struct hd_watch_item){ .kind = HD_WATCH_FILE, .path = file->path };
        file->path = NULL;
    }
    *out = (struct hd_watch_batch){ .items = items,
                                    .count = count,
                                    .rescanned = watcher->rescanned,
                                    .first_event = watcher->first_event };
    /* The batch is whole; files that were held back and cannot be kept are found by a walk. */
    struct hd_error ignored = HD_ERROR_INIT;
    if (hd_pending_compact(&watcher->pending, &ignored) != 0)
        watcher->lost = true;
    return 0;
}

static int walk_if_needed(struct hd_watcher *watcher, struct hd_error *err)
{
    if (!watcher->lost && !watcher->unwatched)
        return 0;
    if (hd_walk_all(watcher, true, err) != 0)
        return -1;
    watcher->lost = false;
    watcher->rescanned = true;
    return 0;
}

static void end_burst(struct hd_watcher *watcher)
{
    hd_settle_end(&watcher->settle);
    watcher->held = false;
    watcher->at_once = false;
    watcher->rescanned = false;
}

/* Nothing is forgotten; it is tried again in a while. */
static int postpone(struct hd_watcher *watcher)
{
    hd_settle_end(&watcher->settle);
    hd_watcher_touch(watcher);
    watcher->held = true;
    watcher->at_once = false;
    return -1;
}

static int cannot_open_root(struct hd_watcher *watcher, int errno_value, struct hd_error *err)
{
    if (errno_value != ENOENT && errno_value != ENOTDIR) {
        (void)hd_error_set_errno(err, errno_value, "%s", watcher->root_path);
        return postpone(watcher);
    }
    watcher->root_changed = true;
    end_burst(watcher);
    return 0;
}

static int take_batch(struct hd_watcher *watcher, struct hd_watch_batch *out, struct hd_error *err)
{
    uint64_t last_event = watcher->settle.last;
    if (walk_if_needed(watcher, err) != 0)
        return postpone(watcher);
    int directory = hd_root_directory(watcher);
    if (directory < 0)
        return cannot_open_root(watcher, errno, err);
    bool may_wait = !watcher->at_once && now_microseconds() < last_event + HOLD_MICROSECONDS;
    if (survey(watcher, directory) && may_wait) {
        watcher->settle.last = last_event;
        watcher->held = true;
        return 0;
    }
    if (split_off_archives(watcher, err) != 0 || move_closed(watcher, out, err) != 0)
        return postpone(watcher);
    end_burst(watcher);
    return 0;
}

/* Another failure than these is found, and told, by whoever takes the item. */
static bool is_gone(struct hd_watcher *watcher, const char *path)
{
    struct stat status;
    int directory = hd_root_directory(watcher);
    if (directory >= 0 && fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return false;
    return errno == ENOENT || errno == ENOTDIR;
}

/* Hands out the first lone item that is still there. */
static int take_lone(struct hd_watcher *watcher, struct hd_watch_batch *out, struct hd_error *err)
{
    struct hd_watch_item *item = hd_alloc_zeroed(1, sizeof *item);
    if (item == NULL)
        return hd_error_set_memory(err);
    size_t taken = 0;
    while (taken < watcher->lone_count && item->path == NULL) {
        struct hd_lone_item *lone = &watcher->lone[taken++];
        if (is_gone(watcher, lone->item.path)) {
            hd_free(lone->item.path);
            continue;
        }
        *item = lone->item;
        *out = (struct hd_watch_batch){ .items = item, .count = 1, .first_event = lone->seen_at };
    }
    watcher->lone_count -= taken;
    memmove(watcher->lone, watcher->lone + taken, watcher->lone_count * sizeof *watcher->lone);
    if (item->path == NULL)
        hd_free(item);
    return 0;
}

static int tell_unwatched(struct hd_watcher *watcher, struct hd_error *err)
{
    watcher->tell_unwatched = false;
    return hd_error_set(
        err, HD_E_LIMIT,
        "%s: this user's inotify watches have run out (sysctl fs.inotify.max_user_watches): "
        "changes in some of its directories are noticed only when something else in it changes",
        watcher->root_path);
}

static bool is_due(const struct hd_watcher *watcher)
{
    return now_microseconds() >= deadline(watcher);
}

static int step(struct hd_watcher *watcher, struct hd_watch_batch *out, struct hd_error *err)
{
    hd_root_release_directory(watcher);
    drain_timer(watcher);
    if (hd_events_read(watcher, err) != 0)
        return -1;
    bool due = is_due(watcher);
    if ((watcher->root_changed || (due && watcher->root_in_doubt)) &&
        hd_root_check(watcher, err) != 0)
        return -1;
    if (watcher->tell_unwatched)
        return tell_unwatched(watcher, err);
    if (watcher->lone_count > 0)
        return take_lone(watcher, out, err);
    if (watcher->root_watch < 0 || !is_due(watcher))
        return 0;
    if (take_batch(watcher, out, err) != 0)
        return -1;
    if (out->count == 0 && watcher->lone_count > 0)
        return take_lone(watcher, out, err);
    return 0;
}

int hd_watcher_dispatch(struct hd_watcher *watcher, struct hd_watch_batch *out,
                        struct hd_error *err)
{
    *out = (struct hd_watch_batch){ 0 };
    int result = step(watcher, out, err);
    arm(watcher);
    if (out->count == 0)
        hd_root_release_directory(watcher);
    return result;
}

int hd_watcher_rescan(struct hd_watcher *watcher, struct hd_error *err)
{
    if (watcher->root_watch < 0)
        return 0;
    if (hd_walk_all(watcher, true, err) != 0)
        return -1;
    watcher->rescanned = true;
    watcher->at_once = true;
    arm(watcher);
    return 0;
}

static int open_descriptors(struct hd_watcher *watcher, struct hd_error *err)
{
    watcher->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watcher->inotify < 0)
        return hd_error_set_errno(
            err, errno,
            "%s: inotify_init (sysctl fs.inotify.max_user_instances bounds them for each user)",
            watcher->root_path);
    watcher->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (watcher->timer < 0)
        return hd_error_set_errno(err, errno, "timerfd_create");
    watcher->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (watcher->epoll < 0)
        return hd_error_set_errno(err, errno, "epoll_create1");
    struct epoll_event readable = { .events = EPOLLIN };
    if (epoll_ctl(watcher->epoll, EPOLL_CTL_ADD, watcher->inotify, &readable) != 0 ||
        epoll_ctl(watcher->epoll, EPOLL_CTL_ADD, watcher->timer, &readable) != 0)
        return hd_error_set_errno(err, errno, "epoll_ctl");
    return 0;
}

static int make_warning(const char *directory, char **warning, struct hd_error *err)
{
    const char *file_system = hd_silent_file_system(directory);
    char *words = NULL;
    if (file_system != NULL) {
        words = hd_asprintf(
            "%s is on %s, where the kernel reports only what processes of this machine write: "
            "files that come from elsewhere stay unnoticed until something changes here",
            directory, file_system);
        if (words == NULL)
            return hd_error_set_memory(err);
    }
    *warning = words;
    return 0;
}

static struct hd_watcher *make(const char *directory, const struct hd_watcher_options *options,
                               struct hd_error *err)
{
    struct hd_watcher *watcher = hd_alloc_zeroed(1, sizeof *watcher);
    if (watcher == NULL) {
        (void)hd_error_set_memory(err);
        return NULL;
    }
    watcher->epoll = watcher->inotify = watcher->timer = watcher->directory = -1;
    watcher->root_watch = watcher->ancestor_watch = -1;
    watcher->armed_for = UINT64_MAX;
    watcher->options = *options;
    hd_settle_init(&watcher->settle, options->settle_ms, options->learn_pauses);
    watcher->root_path = hd_strdup(directory);
    if (watcher->root_path == NULL)
        (void)hd_error_set_memory(err);
    return watcher;
}

int hd_watcher_new(const char *directory, const struct hd_watcher_options *options,
                   struct hd_watcher **out, char **warning, struct hd_error *err)
{
    if (directory[0] == '\0')
        return hd_error_set(err, HD_E_NOT_FOUND, "no directory to watch: its name is empty");
    struct hd_watcher *watcher = make(directory, options, err);
    if (watcher == NULL || watcher->root_path == NULL || open_descriptors(watcher, err) != 0 ||
        hd_root_enter(watcher, options->report_existing, err) != 0 ||
        (warning != NULL && make_warning(directory, warning, err) != 0)) {
        hd_watcher_free(watcher);
        return -1;
    }
    hd_root_release_directory(watcher);
    watcher->at_once = options->report_existing && options->learn_pauses;
    arm(watcher);
    *out = watcher;
    return 0;
}

static void close_descriptor(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

void hd_watcher_free(struct hd_watcher *watcher)
{
    if (watcher == NULL)
        return;
    hd_directories_close(&watcher->directories, -1);
    hd_pending_close(&watcher->pending);
    for (size_t i = 0; i < watcher->lone_count; i++)
        hd_free(watcher->lone[i].item.path);
    hd_free(watcher->lone);
    close_descriptor(watcher->directory);
    close_descriptor(watcher->epoll);
    close_descriptor(watcher->timer);
    close_descriptor(watcher->inotify);
    hd_free(watcher->root_path);
    hd_free(watcher);
}

int hd_watcher_descriptor(const struct hd_watcher *watcher)
{
    return watcher->epoll;
}

int hd_watcher_directory(struct hd_watcher *watcher)
{
    return hd_root_directory(watcher);
}

void hd_watch_batch_close(struct hd_watch_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        hd_free(batch->items[i].path);
    hd_free(batch->items);
    *batch = (struct hd_watch_batch){ 0 };
}
