/* SPDX-License-Identifier: Apache-2.0 */
#include "core/random.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Kernels before 3.17, RHEL 7's among them, have only this. */
static ssize_t read_device(void *out, size_t size)
{
    int device = open("/dev/urandom", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (device < 0)
        return -1;
    ssize_t got = read(device, out, size);
    int reason = errno;
    close(device);
    errno = reason;
    return got;
}

int hd_random_fill(void *out, size_t size, struct hd_error *err)
{
    ssize_t got = syscall(SYS_getrandom, out, size, 0);
    if (got < 0 && errno == ENOSYS)
        got = read_device(out, size);
    if (got == (ssize_t)size)
        return 0;
    return hd_error_set_errno(err, got < 0 ? errno : EIO, "the kernel gives no random bytes");
}
