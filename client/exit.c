/* SPDX-License-Identifier: Apache-2.0 */
#include "client/exit.h"

#include "core/reason.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

enum hd_exit hd_exit_for_error(const struct hd_error *err)
{
    switch (err->code) {
    case HD_OK:
        return HD_EXIT_GOOD;
    case HD_E_USAGE:
    case HD_E_FORMAT:
    case HD_E_LIMIT:
    case HD_E_NOT_FOUND:
        return HD_EXIT_USAGE;
    case HD_E_DENIED:
        return HD_EXIT_NOT_AUTHORISED;
    default:
        return HD_EXIT_NO_AGENT;
    }
}

enum hd_exit hd_exit_for_reason(const char *reason)
{
    if (strcmp(reason, hd_reason_word(HD_REASON_NOT_AUTHORISED)) == 0)
        return HD_EXIT_NOT_AUTHORISED;
    if (strcmp(reason, "bad-request") == 0 || strcmp(reason, "not-found") == 0)
        return HD_EXIT_USAGE;
    return HD_EXIT_REFUSED;
}

void hd_exit_at_once(int status)
{
    fflush(NULL);
#ifdef __SANITIZE_ADDRESS__
    __lsan_do_leak_check(); /* else asked by exit */
#endif
    _exit(status);
}
