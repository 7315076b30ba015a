/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access.h"

#include "agent/token.h"
#include "core/alloc.h"
#include "core/log.h"
#include "core/text.h"

#include <stdio.h>

#define COMPLAINT_MICROSECONDS INT64_C(60000000)

/* ---- the file -------------------------------------------------------------------------------- */

static void tell_use(const struct hd_access *access, bool first)
{
    hd_log(HD_LOG_INFO, "authorized=%s: %zu line%s%s", access->options->authorized,
           access->authorized.count, access->authorized.count == 1 ? "" : "s",
           first ? "" : ", read again");
}

static void read_file(struct hd_access *access, bool first)
{
    struct hd_authorized fresh;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_authorized_read(access->options->authorized, &fresh, &err) == 0) {
        hd_authorized_close(&access->authorized);
        access->authorized = fresh;
        tell_use(access, first);
    } else if (first) {
        hd_log(HD_LOG_ERROR, "authorized=%s; nobody may do anything until it is mended", err.text);
    } else {
        hd_log(HD_LOG_WARN, "authorized=%s; what it said before stays in force", err.text);
    }
}

static void refresh(struct hd_access *access)
{
    struct hd_file_stamp stamp;
    if (access->options->authorized == NULL)
        return;
    hd_file_stamp_of(access->options->authorized, &stamp);
    if (hd_file_stamp_equal(&stamp, &access->seen))
        return;
    access->seen = stamp;
    read_file(access, false);
}

void hd_access_open(struct hd_access *access, const struct hd_options *options, uint32_t jvm_user)
{
    *access = (struct hd_access){ .options = options, .jvm_user = jvm_user };
    if (options->authorized == NULL)
        return;
    hd_file_stamp_of(options->authorized, &access->seen);
    read_file(access, true);
}

void hd_access_close(struct hd_access *access)
{
    hd_authorized_close(&access->authorized);
}

void hd_identity_close(struct hd_identity *identity)
{
    hd_tls_names_close(&identity->names);
    hd_free(identity->token_file);
    identity->token_file = NULL;
}

/* ---- roles ----------------------------------------------------------------------------------- */

static enum hd_role role_of_uid(const struct hd_access *access, uint32_t uid)
{
    if (access->options->authorized != NULL)
        return hd_authorized_uid(&access->authorized, uid);
    return uid == access->jvm_user || uid == 0 ? HD_ROLE_OPERATOR : HD_ROLE_NONE;
}

static enum hd_role role_of_name(const struct hd_access *access, enum hd_who_kind kind,
                                 const char *name)
{
    if (access->options->authorized != NULL)
        return hd_authorized_named(&access->authorized, kind, name);
    return kind == HD_WHO_TOKEN ? HD_ROLE_OPERATOR : HD_ROLE_NONE;
}

enum hd_role hd_access_of_uid(struct hd_access *access, uint32_t uid)
{
    refresh(access);
    return role_of_uid(access, uid);
}

/* What gives the most, so far. */
struct best {
    enum hd_role role;
    const char *prefix;
    const char *name;
};

static void consider(struct best *best, enum hd_role role, const char *prefix, const char *name)
{
    if (best->name == NULL || role > best->role)
        *best = (struct best){ role, prefix, name };
}

enum hd_role hd_access_of(struct hd_access *access, const struct hd_identity *identity, char *who,
                          size_t capacity)
{
    struct best best = { HD_ROLE_NONE, NULL, NULL };
    char shown[128];
    refresh(access);
    if (identity->local)
        return role_of_uid(access, identity->uid);
    for (size_t i = 0; i < identity->names.count; i++)
        consider(&best, role_of_name(access, HD_WHO_CERT, identity->names.items[i]), "cert",
                 identity->names.items[i]);
    if (identity->token_file != NULL)
        consider(&best, role_of_name(access, HD_WHO_TOKEN, identity->token_file), "token",
                 identity->token_file);
    if (who != NULL && best.name != NULL) {
        hd_text_escape(best.name, shown, sizeof shown);
        hd_text_format(who, capacity, "%s:%s", best.prefix, shown);
    }
    return best.role;
}

bool hd_access_has_signer(struct hd_access *access, enum hd_role needed)
{
    refresh(access);
    if (access->options->authorized == NULL || access->options->allowed_signers == NULL)
        return false;
    for (size_t i = 0; i < access->authorized.count; i++) {
        const struct hd_who *who = &access->authorized.lines[i];
        if (who->kind == HD_WHO_SIGNER && who->role >= needed)
            return true;
    }
    return false;
}

int hd_access_copy_signers(struct hd_access *access, struct hd_authorized *out,
                           struct hd_error *err)
{
    refresh(access);
    return hd_authorized_copy_signers(&access->authorized, out, err);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* 0: it is; -1 with why not. */
static int try_token(const char *path, const char *presented, size_t length, char **file,
                     struct hd_error *err)
{
    if (hd_token_verify(path, presented, length, err) != 0)
        return -1;
    *file = hd_strdup(path);
    return *file != NULL ? 0 : hd_error_set_memory(err);
}

/* Whoever knows no token can have us look as often as they like. */
static void complain(struct hd_access *access, const struct hd_error *cause)
{
    int64_t now = hd_text_now();
    int64_t since = now - access->complained;
    bool again = access->complained != 0 && since >= 0 && since < COMPLAINT_MICROSECONDS;
    hd_log(again ? HD_LOG_DEBUG : HD_LOG_WARN, "authorized=: a token cannot be used: %s",
           cause->text);
    if (!again)
        access->complained = now;
}

/* A file that cannot be used keeps nobody else out. */
static int try_listed(struct hd_access *access, const char *presented, size_t length, char **file,
                      struct hd_error *err)
{
    for (size_t i = 0; i < access->authorized.count; i++) {
        const struct hd_who *who = &access->authorized.lines[i];
        struct hd_error cause = HD_ERROR_INIT;
        if (who->kind != HD_WHO_TOKEN)
            continue;
        if (try_token(who->name, presented, length, file, &cause) == 0)
            return 0;
        if (cause.code != HD_E_DENIED)
            complain(access, &cause);
    }
    return hd_error_set(err, HD_E_DENIED, "the token is nobody's here");
}

int hd_access_find_token(struct hd_access *access, const char *presented, size_t length,
                         char **file, struct hd_error *err)
{
    refresh(access);
    if (access->options->authorized != NULL)
        return try_listed(access, presented, length, file, err);
    if (access->options->token_file == NULL)
        return hd_error_set(err, HD_E_DENIED, "no token is taken here");
    return try_token(access->options->token_file, presented, length, file, err);
}
