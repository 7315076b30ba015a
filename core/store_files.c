/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store_files.h"

#include "core/write_all.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BESIDE ".new"

static int write_to_disk(int file, struct hd_bytes contents, struct hd_error *err)
{
    if (hd_write_all(file, contents) != 0)
        return hd_error_set_errno(err, errno, "the store cannot be written");
    if (fsync(file) != 0)
        return hd_error_set_errno(err, errno, "the store cannot be brought to disk");
    return 0;
}

static int write_beside(int directory, struct hd_bytes contents, struct hd_error *err)
{
    int file =
        openat(directory, BESIDE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return hd_error_set_errno(err, errno, "the store cannot be written");
    int result = write_to_disk(file, contents, err);
    close(file);
    return result;
}

int hd_store_files_replace(int directory, const char *name, struct hd_bytes contents,
                           struct hd_error *err)
{
    int result = write_beside(directory, contents, err);
    if (result == 0 && renameat(directory, BESIDE, directory, name) != 0)
        result = hd_error_set_errno(err, errno, "%s cannot be put into the store", name);
    if (result != 0) {
        unlinkat(directory, BESIDE, 0);
        return -1;
    }
    if (fsync(directory) != 0)
        return hd_error_set_errno(err, errno, "the store cannot be brought to disk");
    return 0;
}

int hd_store_files_put(int directory, const char *name, struct hd_bytes contents,
                       struct hd_error *err)
{
    struct stat status;
    bool is_there = fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISREG(status.st_mode) && (uint64_t)status.st_size == contents.length;
    if (!is_there)
        return hd_store_files_replace(directory, name, contents, err);
    (void)utimensat(directory, name, NULL, AT_SYMLINK_NOFOLLOW); /* else it only goes earlier */
    return 0;
}

static int read_all(int file, struct hd_buffer *out, struct hd_error *err)
{
    enum { CHUNK = 1 << 16 };
    for (;;) {
        if (hd_buffer_reserve(out, CHUNK, err) != 0)
            return -1;
        ssize_t got = read(file, out->data + out->length, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return hd_error_set_errno(err, errno, "the store cannot be read");
        if (got == 0)
            return 0;
        out->length += (size_t)got;
    }
}

int hd_store_files_read(int directory, const char *name, struct hd_buffer *out,
                        struct hd_error *err)
{
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        return hd_error_set(err, HD_E_NOT_FOUND, "%s is not in the store", name);
    if (file < 0)
        return hd_error_set_errno(err, errno, "%s cannot be read", name);
    int result = read_all(file, out, err);
    close(file);
    return result;
}

/* ---- the bound ------------------------------------------------------------------------------- */

struct oldest {
    char name[HD_STORE_NAME_SIZE];
    struct timespec modified;
    struct hd_store_files_size size; /* of all files */
};

static bool is_earlier(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* A digest is long enough to be looked for as text. */
static bool is_referred_to(const struct hd_buffer *references, const char *name)
{
    size_t digest = HD_DIGEST_HEX_SIZE - 1;
    return references->length >= digest && strlen(name) >= digest &&
           memmem(references->data, references->length, name, digest) != NULL;
}

static void consider(int bundles, const char *name, const struct hd_buffer *references,
                     struct oldest *oldest)
{
    struct stat status;
    if (fstatat(bundles, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode) ||
        strlen(name) >= sizeof oldest->name)
        return;
    oldest->size.bytes += (uint64_t)status.st_size;
    oldest->size.count++;
    if (is_referred_to(references, name))
        return;
    if (oldest->name[0] != '\0' && !is_earlier(&status.st_mtim, &oldest->modified))
        return;
    memcpy(oldest->name, name, strlen(name) + 1);
    oldest->modified = status.st_mtim;
}

static int find_oldest(int bundles, const struct hd_buffer *references, struct oldest *oldest,
                       struct hd_error *err)
{
    int copy = openat(bundles, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    if (list == NULL) {
        hd_error_set_errno(err, errno, "the store's bundles cannot be listed");
        if (copy >= 0)
            close(copy);
        return -1;
    }
    const struct dirent *entry;
    while ((entry = readdir(list)) != NULL)
        consider(bundles, entry->d_name, references, oldest);
    closedir(list);
    return 0;
}

static int read_references(int directory, const char *name, struct hd_buffer *out,
                           struct hd_error *err)
{
    struct hd_error own = HD_ERROR_INIT;
    if (hd_store_files_read(directory, name, out, &own) == 0 || own.code == HD_E_NOT_FOUND)
        return 0;
    return hd_error_set(err, own.code, "%s", own.text);
}

int hd_store_files_shrink(int directory, int bundles, const char *references,
                          const struct hd_store_files_size *maximum, uint64_t length,
                          struct hd_store_files_size *size, char removed[HD_STORE_NAME_SIZE],
                          struct hd_error *err)
{
    struct hd_buffer named = HD_BUFFER_INIT;
    struct oldest oldest = { .name = "" };
    int result = read_references(directory, references, &named, err);
    if (result == 0)
        result = find_oldest(bundles, &named, &oldest, err);
    hd_buffer_close(&named);
    if (result != 0)
        return -1;
    *size = oldest.size;
    bool fits = oldest.size.count < maximum->count && length <= maximum->bytes &&
                oldest.size.bytes <= maximum->bytes - length;
    if (fits || oldest.name[0] == '\0')
        return 0;
    if (unlinkat(bundles, oldest.name, 0) != 0)
        return hd_error_set_errno(err, errno, "%s cannot be removed from the store", oldest.name);
    memcpy(removed, oldest.name, sizeof oldest.name);
    return 1;
}
