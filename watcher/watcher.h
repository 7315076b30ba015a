/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory tree, watched: which files are complete now?
 *
 * A watcher owns one inotify instance and one timer, both behind a single descriptor that becomes
 * readable when hd_watcher_dispatch has something to do. Who waits on that descriptor is not its
 * business (the agent's event loop, the client's poll). It knows no JVM and no network. One thread
 * at a time.
 *
 * A file is complete when its writer closed it or renamed it into place (IN_CLOSE_WRITE,
 * IN_MOVED_TO). Files that come together form one batch: it is handed out after a quiet time that
 * starts at settle_ms and grows with the burst (at most a second), while jars and directories that
 * were renamed in are handed out at once, each as a batch of its own, if lone_jars is set. When the
 * kernel's queue overflows, or watches run out, the tree is walked again.
 */
#ifndef HD_WATCHER_WATCHER_H
#define HD_WATCHER_WATCHER_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct hd_watcher;

struct hd_watcher_options {
    uint64_t settle_ms;
    /* drop directories: a .jar/.war, or a directory renamed in, is a batch by itself and does not
     * wait */
    bool lone_jars;
    /* a compiler writes here: the quiet time starts at eight times settle_ms and follows the pauses
     * that it is seen to make; what is there at the start is handed out at once */
    bool learn_pauses;
    bool report_existing; /* what is there at the start forms the first batch */
    /* the directory may be absent, now or later (a clean build deletes it): it is waited for, and
     * when it appears what is in it forms a batch, rescanned set */
    bool await_directory;
};

enum hd_watch_kind {
    /* a file is complete (or, after a walk, is there and nobody is writing it); also a link, pipe
     * or device of such a name, which hd_watcher_read_file refuses in words */
    HD_WATCH_FILE,
    /* lone_jars only: a directory was renamed into the top level: complete with all that is in
     * it */
    HD_WATCH_DIRECTORY
};

struct hd_watch_item {
    enum hd_watch_kind kind;
    /* relative to the watched directory, '/' separated, no leading "./"; bytes as the file system
     * has them */
    char *path;
};

struct hd_watch_batch {
    struct hd_watch_item *items; /* each path once, in order of first arrival */
    size_t count;
    /* events were lost: items may name files that did not change; compare contents */
    bool rescanned;
    int64_t first_event; /* microseconds since the epoch */
};

/* Names that no compiler or copy leaves as a result are never reported: those that begin with '.'
 * or end in '~', .tmp, .part, .swp, .swx, .crdownload, .filepart; only *.class, *.jar, *.war count
 * as files, and with lone_jars symbolic links of any name. */

/* directory must exist, unless options say that it may be waited for. HD_E_NOT_FOUND, HD_E_SYSTEM
 * (exhausted inotify instances or watches: names the sysctl), … *warning (if not NULL; hd_alloc
 * memory) is set to words when the directory is on a file system where inotify stays silent about
 * other writers (NFS, SMB, FUSE, 9p …), else to NULL. */
HD_CHECKED int hd_watcher_new(const char *directory, const struct hd_watcher_options *options,
                              struct hd_watcher **out, char **warning, struct hd_error *err);
void hd_watcher_free(struct hd_watcher *watcher);

/* Readable (POLLIN) when dispatch should be called. Owned by the watcher. */
int hd_watcher_descriptor(const struct hd_watcher *watcher);
/* The watched directory's own descriptor (O_PATH|O_DIRECTORY), to read files below it. Opened on
 * demand and owned by the watcher: valid until the next dispatch (an open descriptor would keep the
 * kernel from reporting that the directory is deleted). -1 with errno when it cannot be opened. */
int hd_watcher_directory(struct hd_watcher *watcher);

/* Reads what there is, never blocks. out->count 0: nothing is complete yet; call again when
 * readable; if more batches wait, the descriptor is readable again at once. The caller closes *out.
 * HD_E_NOT_FOUND: the watched directory itself is gone (deleted, unmounted). Watches that could not
 * be set for want of fs.inotify.max_user_watches make it fall back to a walk whenever something
 * else fires, and fail once with HD_E_LIMIT (the watcher stays usable). */
HD_CHECKED int hd_watcher_dispatch(struct hd_watcher *watcher, struct hd_watch_batch *out,
                                   struct hd_error *err);
void hd_watch_batch_close(struct hd_watch_batch *batch);

/* Puts every file of the tree into the next batch (rescanned set), which comes at once. */
HD_CHECKED int hd_watcher_rescan(struct hd_watcher *watcher, struct hd_error *err);

/* Opens path below directory without following symbolic links in any component and without leaving
 * it, and checks what it is with fstat: a regular file with one link, owned by root, by the
 * directory's owner or by this process's user, at most max_bytes long. Returns the contents in
 * hd_alloc memory. HD_E_DENIED says which rule failed; HD_E_LIMIT; HD_E_NOT_FOUND; HD_E_FORMAT when
 * it changed its length meanwhile. */
HD_CHECKED int hd_watcher_read_file(int directory, const char *path, uint64_t max_bytes,
                                    uint8_t **data, size_t *length, uint32_t *owner_uid,
                                    struct hd_error *err);

/* Whose files are read, where it is not the rule above. may returns 0, or -1 with why not
 * (HD_E_DENIED); shown is the path, fit for that text. */
struct hd_owner_rule {
    int (*may)(void *context, uint32_t owner_uid, const char *shown, struct hd_error *err);
    void *context;
};
/* As hd_watcher_read_file; owners NULL: by the same rule. */
HD_CHECKED int hd_watcher_read_file_of(const struct hd_owner_rule *owners, int directory,
                                       const char *path, uint64_t max_bytes, uint8_t **data,
                                       size_t *length, uint32_t *owner_uid, struct hd_error *err);

#endif
