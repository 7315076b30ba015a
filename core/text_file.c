/* SPDX-License-Identifier: Apache-2.0 */
#include "core/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_descriptor(int descriptor, struct hd_buffer *text, struct hd_error *err)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return hd_error_set_errno(err, errno, "cannot be examined");
    if (!S_ISREG(status.st_mode))
        return hd_error_set(err, HD_E_USAGE, "not a regular file");
    char chunk[4096];
    ssize_t got;
    while ((got = read(descriptor, chunk, sizeof chunk)) > 0) {
        if (hd_buffer_append(text, chunk, (size_t)got, err) != 0)
            return -1;
        if (text->length > HD_TEXT_FILE_MAX_BYTES)
            return hd_error_set(err, HD_E_LIMIT, "larger than 1M");
    }
    if (got < 0)
        return hd_error_set_errno(err, errno, "cannot be read");
    if (text->length > 0 && memchr(text->data, '\0', text->length) != NULL)
        return hd_error_set(err, HD_E_USAGE, "holds a NUL byte, so it is not a text file");
    return hd_buffer_append(text, "", 1, err);
}

int hd_text_file_read(const char *path, struct hd_buffer *out, struct hd_error *err)
{
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0)
        return hd_error_set_errno(err, errno, "the file cannot be opened");
    int result = read_descriptor(descriptor, out, err);
    close(descriptor);
    return result;
}
