/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void hd_file_stamp_of(const char *path, struct hd_file_stamp *out)
{
    struct stat status;
    *out = (struct hd_file_stamp){ 0 };
    if (stat(path, &status) != 0)
        return;
    out->device = status.st_dev;
    out->inode = status.st_ino;
    out->size = status.st_size;
    out->modified = nanoseconds(status.st_mtim);
    out->changed = nanoseconds(status.st_ctim);
}

bool hd_file_stamp_equal(const struct hd_file_stamp *a, const struct hd_file_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified == b->modified && a->changed == b->changed;
}

static int check(const char *path, int descriptor, bool *readable_by_others, struct hd_error *err)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return hd_error_set_errno(err, errno, "%s: cannot be examined", path);
    if (!S_ISREG(status.st_mode))
        return hd_error_set(err, HD_E_DENIED, "%s: not a regular file", path);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return hd_error_set(err, HD_E_DENIED, "%s: belongs to another user (uid %lu)", path,
                            (unsigned long)status.st_uid);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return hd_error_set(err, HD_E_DENIED,
                            "%s: others than its owner can write it; chmod 600 it", path);
    *readable_by_others = (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
    return 0;
}

/* A FIFO is opened for reading without a writer, and then refused. */
int hd_trusted_file_open(const char *path, bool *readable_by_others, struct hd_error *err)
{
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0)
        return hd_error_set_errno(err, errno, "%s: cannot be opened", path);
    if (check(path, descriptor, readable_by_others, err) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

static int read_all(const char *path, int descriptor, size_t max_bytes, struct hd_buffer *out,
                    struct hd_error *err)
{
    /* All at once, so that nothing of a key is left behind in memory that was outgrown. */
    if (hd_buffer_reserve(out, max_bytes + 1, err) != 0)
        return -1;
    ssize_t got;
    do {
        got = read(descriptor, out->data + out->length, max_bytes + 1 - out->length);
        out->length += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0)
        return hd_error_set_errno(err, errno, "%s: cannot be read", path);
    if (out->length > max_bytes)
        return hd_error_set(err, HD_E_LIMIT, "%s: larger than %zu bytes", path, max_bytes);
    if (memchr(out->data, '\0', out->length) != NULL)
        return hd_error_set(err, HD_E_FORMAT, "%s: holds a NUL byte, so it is not a text file",
                            path);
    out->data[out->length] = '\0';
    return 0;
}

int hd_trusted_file_read(const char *path, size_t max_bytes, struct hd_buffer *out,
                         bool *readable_by_others, struct hd_error *err)
{
    int descriptor = hd_trusted_file_open(path, readable_by_others, err);
    if (descriptor < 0)
        return -1;
    int result = read_all(path, descriptor, max_bytes, out, err);
    close(descriptor);
    return result;
}
