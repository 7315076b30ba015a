/* SPDX-License-Identifier: Apache-2.0 */
/* Text that claims to say who may do what. Every line that is taken has a role and somebody, and
 * gives exactly that one at least that role. */
#include "core/authorized.h"

#include <stddef.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(bool kept)
{
    if (!kept)
        __builtin_trap();
}

static void check_line(const struct hd_authorized *authorized, const struct hd_who *who)
{
    promise(who->role > HD_ROLE_NONE && who->role < HD_ROLE_COUNT);
    if (who->kind == HD_WHO_UID) {
        promise(who->name == NULL && hd_authorized_uid(authorized, who->uid) >= who->role);
        return;
    }
    promise(who->name != NULL && who->name[0] != '\0' && strchr(who->name, '\n') == NULL);
    promise(hd_authorized_named(authorized, who->kind, who->name) >= who->role);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hd_authorized authorized;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_authorized_parse((const char *)data, size, &authorized, &err) != 0) {
        promise(err.code == HD_E_FORMAT && err.text[0] != '\0');
        return 0;
    }
    for (size_t i = 0; i < authorized.count; i++)
        check_line(&authorized, &authorized.lines[i]);
    promise(hd_authorized_uid(&authorized, UINT32_MAX) == HD_ROLE_NONE);
    promise(hd_authorized_named(&authorized, HD_WHO_CERT, "") == HD_ROLE_NONE);
    hd_authorized_close(&authorized);
    return 0;
}
