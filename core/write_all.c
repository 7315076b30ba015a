/* SPDX-License-Identifier: Apache-2.0 */
#include "core/write_all.h"

#include <errno.h>
#include <unistd.h>

int hd_write_all(int descriptor, struct hd_bytes bytes)
{
    while (bytes.length > 0) {
        ssize_t written = write(descriptor, bytes.data, bytes.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes = (struct hd_bytes){ bytes.data + written, bytes.length - (size_t)written };
    }
    return 0;
}
