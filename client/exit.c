/* SPDX-License-Identifier: Apache-2.0 */
#include "client/exit.h"

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
