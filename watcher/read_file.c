/* SPDX-License-Identifier: Apache-2.0 */
#include "core/alloc.h"
#include "core/text.h"
#include "watcher/beneath.h"
#include "watcher/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SHOWN 300

static int refuse_system(int errno_value, const char *shown, struct hd_error *err)
{
    switch (errno_value) {
    case ENOENT:
        return hd_error_set(err, HD_E_NOT_FOUND, "%s: no such file", shown);
    case ELOOP:
    case ENOTDIR:
        return hd_error_set(err, HD_E_DENIED,
                            "%s: a directory in this path is a symbolic link, or no directory; "
                            "links are not followed",
                            shown);
    case EINVAL:
        return hd_error_set(err, HD_E_DENIED, "%s: not a plain path below the watched directory",
                            shown);
    case EACCES:
    case EPERM:
        return hd_error_set(err, HD_E_DENIED, "%s: this process may not read it", shown);
    default:
        return hd_error_set_errno(err, errno_value, "%s", shown);
    }
}

static const char *kind_word(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFLNK:
        return "a symbolic link";
    case S_IFIFO:
        return "a named pipe";
    case S_IFSOCK:
        return "a socket";
    case S_IFBLK:
    case S_IFCHR:
        return "a device";
    case S_IFDIR:
        return "a directory";
    default:
        return "not a regular file";
    }
}

static int check_kind(const struct stat *status, const char *shown, struct hd_error *err)
{
    if (!S_ISREG(status->st_mode))
        return hd_error_set(err, HD_E_DENIED, "%s is %s: only regular files are read", shown,
                            kind_word(status->st_mode));
    if (status->st_nlink != 1)
        return hd_error_set(err, HD_E_DENIED,
                            "%s is a hard link (%lu names for one file): whoever holds another "
                            "name could change it; copy it instead",
                            shown, (unsigned long)status->st_nlink);
    return 0;
}

static int check_owner(const struct hd_owner_rule *owners, const struct stat *status, int directory,
                       const char *shown, struct hd_error *err)
{
    struct stat top;
    if (owners != NULL)
        return owners->may(owners->context, status->st_uid, shown, err);
    if (fstat(directory, &top) != 0)
        return hd_error_set_errno(err, errno, "fstat of the watched directory");
    uid_t owner = status->st_uid;
    if (owner == 0 || owner == top.st_uid || owner == geteuid())
        return 0;
    return hd_error_set(err, HD_E_DENIED,
                        "%s belongs to uid %u: only files of root, of the directory's owner (uid "
                        "%u) and of this process's user (uid %u) are read",
                        shown, owner, top.st_uid, geteuid());
}

static int read_all(int file, uint8_t *data, size_t size, const char *shown, struct hd_error *err)
{
    size_t done = 0;
    uint8_t beyond;
    for (;;) {
        bool full = done == size;
        ssize_t got = read(file, full ? &beyond : data + done, full ? 1 : size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return hd_error_set_errno(err, errno, "%s: read", shown);
        if (got == 0)
            break;
        if (full)
            return hd_error_set(err, HD_E_FORMAT,
                                "%s grew while it was read: its writer is not done", shown);
        done += (size_t)got;
    }
    if (done < size)
        return hd_error_set(err, HD_E_FORMAT, "%s became shorter while it was read", shown);
    return 0;
}

/* What is not a regular file is never opened, because opening a device can have effects; and it is
 * looked at again once it is open, because the name may stand for something else by then. */
static int open_checked(int directory, const char *path, const char *shown, struct stat *status,
                        struct hd_error *err)
{
    const char *name = NULL;
    int parent = hd_open_parent_beneath(directory, path, &name);
    if (parent < 0)
        return refuse_system(errno, shown, err);
    int file = -1;
    if (fstatat(parent, name, status, AT_SYMLINK_NOFOLLOW) != 0) {
        (void)refuse_system(errno, shown, err);
    } else if (check_kind(status, shown, err) == 0) {
        file = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (file < 0)
            (void)refuse_system(errno, shown, err);
    }
    close(parent);
    return file;
}

static int check_opened(const struct hd_owner_rule *owners, int file, int directory,
                        const char *shown, uint64_t max_bytes, struct stat *status,
                        struct hd_error *err)
{
    if (fstat(file, status) != 0)
        return hd_error_set_errno(err, errno, "%s: fstat", shown);
    if (check_kind(status, shown, err) != 0 ||
        check_owner(owners, status, directory, shown, err) != 0)
        return -1;
    if ((uint64_t)status->st_size > max_bytes)
        return hd_error_set(err, HD_E_LIMIT, "%s has %llu bytes, more than the %llu allowed", shown,
                            (unsigned long long)status->st_size, (unsigned long long)max_bytes);
    return 0;
}

int hd_watcher_read_file(int directory, const char *path, uint64_t max_bytes, uint8_t **data,
                         size_t *length, uint32_t *owner_uid, struct hd_error *err)
{
    return hd_watcher_read_file_of(NULL, directory, path, max_bytes, data, length, owner_uid, err);
}

int hd_watcher_read_file_of(const struct hd_owner_rule *owners, int directory, const char *path,
                            uint64_t max_bytes, uint8_t **data, size_t *length, uint32_t *owner_uid,
                            struct hd_error *err)
{
    char shown[PATH_SHOWN];
    hd_text_escape(path, shown, sizeof shown);
    struct stat status;
    int file = open_checked(directory, path, shown, &status, err);
    if (file < 0)
        return -1;

    int result = -1;
    uint8_t *contents = NULL;
    if (check_opened(owners, file, directory, shown, max_bytes, &status, err) != 0)
        goto out;
    size_t size = (size_t)status.st_size;
    contents = hd_alloc(size);
    if (contents == NULL) {
        (void)hd_error_set_memory(err);
        goto out;
    }
    if (read_all(file, contents, size, shown, err) != 0)
        goto out;
    *data = contents;
    contents = NULL;
    *length = size;
    *owner_uid = status.st_uid;
    result = 0;
out:
    hd_free(contents);
    close(file);
    return result;
}
