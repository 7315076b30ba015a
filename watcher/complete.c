/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text.h"
#include "watcher/beneath.h"
#include "watcher/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the kernel cannot say whether a file has a writer: one that was not touched for so long has
 * none. */
#define UNTOUCHED_MICROSECONDS 1000000

static bool was_touched_lately(const struct stat *status)
{
    int64_t changed = (int64_t)status->st_mtim.tv_sec * 1000000 + status->st_mtim.tv_nsec / 1000;
    int64_t age = hd_text_now() - changed;
    return age >= 0 && age < UNTOUCHED_MICROSECONDS;
}

/*
 * A read lease (fcntl(2), F_SETLEASE) is granted only while nobody has the file open for writing.
 * It is given back at once by closing; a writer that opens the file in between waits those
 * microseconds, and the kernel tells us by a signal: SIGURG instead of SIGIO, because what nobody
 * handles must not end the process.
 */
static bool has_writer(int file, const struct stat *status)
{
    if (fcntl(file, F_SETSIG, SIGURG) != 0)
        return was_touched_lately(status);
    if (fcntl(file, F_SETLEASE, F_RDLCK) == 0)
        return false;
    return errno == EAGAIN || was_touched_lately(status);
}

static enum hd_completeness look_closer(int parent, const char *name, const struct stat *status)
{
    int file = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT ? HD_VANISHED : HD_COMPLETE;
    bool written = has_writer(file, status);
    close(file);
    return written ? HD_STILL_WRITTEN : HD_COMPLETE;
}

/* What cannot be looked at for another reason (no descriptor left, EIO) is handed out: whoever opens
 * it says why that fails, while a file taken for gone would be lost without a word. */
static enum hd_completeness unseen(int errno_value)
{
    bool gone = errno_value == ENOENT || errno_value == ENOTDIR || errno_value == ELOOP;
    return gone ? HD_VANISHED : HD_COMPLETE;
}

/* What is no regular file has nothing to be completed, and a second name (a hard link) is made of a
 * file that is there: no close event will follow for either. */
enum hd_completeness hd_completeness_of(int directory, const struct hd_pending_file *file)
{
    const char *name = NULL;
    int parent = hd_open_parent_beneath(directory, file->path, &name);
    if (parent < 0)
        return unseen(errno);
    struct stat status;
    enum hd_completeness result = HD_COMPLETE;
    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        result = unseen(errno);
    else if (S_ISDIR(status.st_mode))
        result = HD_VANISHED;
    else if (file->state == HD_PENDING_SEEN && S_ISREG(status.st_mode) && status.st_nlink == 1)
        result = look_closer(parent, name, &status);
    close(parent);
    return result;
}
