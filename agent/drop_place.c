/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/drop_place.h"

#include "core/alloc.h"
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME        ".hotdrop.lock"
#define OTHERS_MAY_WRITE (S_IWGRP | S_IWOTH)

static int open_directory(const char *path, int *out, struct hd_error *err)
{
    *out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out >= 0)
        return 0;
    if (errno == ENOENT || errno == ENOTDIR)
        return hd_error_set(err, HD_E_NOT_FOUND,
                            "drop directory %s does not exist: create it and restart the JVM, or "
                            "take it out of the agent's options",
                            path);
    if (errno == EACCES)
        return hd_error_set(
            err, HD_E_DENIED,
            "drop directory %s may not be read by this JVM's user (uid %u): chown it", path,
            geteuid());
    return hd_error_set_errno(err, errno, "drop directory %s", path);
}

static int check_access(int directory, const char *path, struct hd_error *err)
{
    struct stat status;
    if (fstat(directory, &status) != 0)
        return hd_error_set_errno(err, errno, "drop directory %s", path);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return hd_error_set(err, HD_E_DENIED,
                            "drop directory %s belongs to uid %u, who could then run code in this "
                            "JVM: it must belong to the JVM's user; chown %u %s",
                            path, status.st_uid, geteuid(), path);
    if (status.st_mode & OTHERS_MAY_WRITE)
        return hd_error_set(err, HD_E_DENIED,
                            "drop directory %s is writable by others (mode %04o), who could then "
                            "run code in this JVM: chmod go-w %s",
                            path, status.st_mode & 07777, path);
    if (faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return hd_error_set(err, HD_E_DENIED,
                            "drop directory %s is not writable by this JVM's user (uid %u), so "
                            "files could not be moved to .done: %s; chown or remount it",
                            path, geteuid(),
                            errno == EROFS ? "read-only file system" : "permission denied");
    return 0;
}

static int refuse_held(int lock, const char *path, struct hd_error *err)
{
    char text[32] = "";
    ssize_t length = pread(lock, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    text[strspn(text, "0123456789")] = '\0';
    char own[32];
    snprintf(own, sizeof own, "%ld", (long)getpid());
    if (strcmp(text, own) == 0)
        return hd_error_set(err, HD_E_DENIED,
                            "drop directory %s is served by this JVM already: name it once", path);
    return hd_error_set(err, HD_E_DENIED,
                        "drop directory %s is held by another JVM (pid %s): one JVM per directory, "
                        "give this one its own",
                        path, text[0] != '\0' ? text : "unknown");
}

static int check_lock_file(int lock, const char *path, struct hd_error *err)
{
    struct stat status;
    if (fstat(lock, &status) != 0)
        return hd_error_set_errno(err, errno, "%s/" LOCK_NAME, path);
    bool ours = status.st_uid == 0 || status.st_uid == geteuid();
    if (S_ISREG(status.st_mode) && status.st_nlink == 1 && ours)
        return 0;
    return hd_error_set(err, HD_E_DENIED,
                        "%s/" LOCK_NAME " is not a plain file of this JVM's user: remove it", path);
}

/* The pid is for people; the lock itself is the kernel's and ends with the process. */
static int take_lock(int directory, const char *path, int *out, struct hd_error *err)
{
    int lock =
        openat(directory, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (lock < 0)
        return hd_error_set_errno(err, errno, "drop directory %s: " LOCK_NAME, path);
    *out = lock;
    if (check_lock_file(lock, path, err) != 0)
        return -1;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? refuse_held(lock, path, err)
                   : hd_error_set_errno(err, errno, "drop directory %s: locking it", path);
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) == 0 && pwrite(lock, text, (size_t)length, 0) != length)
        hd_log(HD_LOG_DEBUG, "%s/" LOCK_NAME ": the pid could not be written", path);
    return 0;
}

static int open_own(int directory, const char *name, const char *path, int *out,
                    struct hd_error *err)
{
    if (mkdirat(directory, name, 0700) != 0 && errno != EEXIST)
        return hd_error_set_errno(err, errno, "drop directory %s: making %s", path, name);
    *out = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*out < 0)
        return hd_error_set_errno(
            err, errno, "drop directory %s: %s (remove it if it is no directory)", path, name);
    struct stat status;
    if (fstat(*out, &status) != 0)
        return hd_error_set_errno(err, errno, "%s/%s", path, name);
    bool ours = status.st_uid == 0 || status.st_uid == geteuid();
    if (!ours || (status.st_mode & OTHERS_MAY_WRITE))
        return hd_error_set(err, HD_E_DENIED,
                            "%s/%s must belong to this JVM's user (uid %u) and be writable by "
                            "nobody else: chown, chmod go-w, or remove it",
                            path, name, geteuid());
    return 0;
}

int hd_drop_place_open(const char *path, struct hd_drop_place *out, struct hd_error *err)
{
    struct hd_drop_place place = {
        .directory = -1, .lock = -1, .claimed = -1, .done = -1, .refused = -1
    };
    if (open_directory(path, &place.directory, err) != 0 ||
        check_access(place.directory, path, err) != 0 ||
        take_lock(place.directory, path, &place.lock, err) != 0 ||
        open_own(place.directory, ".claimed", path, &place.claimed, err) != 0 ||
        open_own(place.directory, ".done", path, &place.done, err) != 0 ||
        open_own(place.directory, ".refused", path, &place.refused, err) != 0) {
        hd_drop_place_close(&place);
        return -1;
    }
    place.path = hd_strdup(path);
    if (place.path == NULL) {
        hd_drop_place_close(&place);
        return hd_error_set_memory(err);
    }
    *out = place;
    return 0;
}

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

void hd_drop_place_close(struct hd_drop_place *place)
{
    close_descriptor(&place->refused);
    close_descriptor(&place->done);
    close_descriptor(&place->claimed);
    close_descriptor(&place->lock);
    close_descriptor(&place->directory);
    for (size_t i = 0; i < place->left_count; i++)
        hd_free(place->left[i]);
    hd_free(place->left);
    place->left = NULL;
    place->left_count = place->left_capacity = 0;
    hd_free(place->path);
    place->path = NULL;
}
