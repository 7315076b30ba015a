/* SPDX-License-Identifier: Apache-2.0 */
#include "core/authorized.h"

#include "core/alloc.h"
#include "core/text.h"
#include "core/trusted_file.h"

#include <string.h>

#define SHOWN_TEXT_SIZE 120

/* ---- roles ----------------------------------------------------------------------------------- */

static const char *const role_words[HD_ROLE_COUNT] = {
    [HD_ROLE_NONE] = "none",
    [HD_ROLE_VIEWER] = "viewer",
    [HD_ROLE_DEPLOYER] = "deployer",
    [HD_ROLE_OPERATOR] = "operator",
};

const char *hd_role_word(enum hd_role role)
{
    return role_words[role];
}

/* The one table: what each message of the protocol needs. */
static const struct need {
    const char *word;
    enum hd_role role;
} needs[] = {
    [HD_REQUEST_CHECK] = { "check", HD_ROLE_VIEWER },
    [HD_REQUEST_STATUS] = { "status", HD_ROLE_VIEWER },
    [HD_REQUEST_HISTORY] = { "history", HD_ROLE_VIEWER },
    [HD_REQUEST_SHOW] = { "show", HD_ROLE_VIEWER },
    [HD_REQUEST_PUSH] = { "push", HD_ROLE_DEPLOYER },
    [HD_REQUEST_ROLLBACK] = { "rollback", HD_ROLE_DEPLOYER },
    [HD_REQUEST_CONFIRM] = { "confirm", HD_ROLE_DEPLOYER },
    [HD_REQUEST_KEEP] = { "keep", HD_ROLE_OPERATOR },
};
static const struct need push_and_keep = { "push --keep", HD_ROLE_OPERATOR };
/* What is not in the table yet. */
static const struct need everything = { "this", HD_ROLE_OPERATOR };

static const struct need *find_need(const struct hd_request *request)
{
    if (request->type == HD_REQUEST_PUSH && request->keep)
        return &push_and_keep;
    size_t index = (size_t)request->type;
    bool known = index < sizeof needs / sizeof needs[0] && needs[index].word != NULL;
    return known ? &needs[index] : &everything;
}

enum hd_role hd_role_needed(const struct hd_request *request)
{
    return find_need(request)->role;
}

const char *hd_role_request_word(const struct hd_request *request)
{
    return find_need(request)->word;
}

/* ---- the file -------------------------------------------------------------------------------- */

static const struct {
    const char *prefix;
    enum hd_who_kind kind;
} who_kinds[] = {
    { "uid:", HD_WHO_UID },
    { "cert:", HD_WHO_CERT },
    { "token:", HD_WHO_TOKEN },
    { "signer:", HD_WHO_SIGNER },
};

/* In place. */
static char *without_comment_and_blanks(char *line)
{
    hd_text_cut_comment(line);
    return hd_text_trim(line);
}

static int complain(unsigned line, const char *text, const char *complaint, struct hd_error *err)
{
    char shown[SHOWN_TEXT_SIZE];
    hd_text_escape(text, shown, sizeof shown);
    return hd_error_set(err, HD_E_FORMAT, "line %u, \"%s\": %s", line, shown, complaint);
}

static bool take_role(const char *text, size_t length, enum hd_role *out)
{
    for (unsigned role = HD_ROLE_VIEWER; role < HD_ROLE_COUNT; role++) {
        if (strlen(role_words[role]) == length && memcmp(role_words[role], text, length) == 0) {
            *out = (enum hd_role)role;
            return true;
        }
    }
    return false;
}

/* NULL: it begins with none of the prefixes. */
static const char *take_kind(const char *text, enum hd_who_kind *out)
{
    for (size_t i = 0; i < sizeof who_kinds / sizeof who_kinds[0]; i++) {
        size_t length = strlen(who_kinds[i].prefix);
        if (strncmp(text, who_kinds[i].prefix, length) == 0) {
            *out = who_kinds[i].kind;
            return text + length;
        }
    }
    return NULL;
}

static int take_line(const char *text, unsigned line, struct hd_who *out, struct hd_error *err)
{
    struct hd_who who = { .role = HD_ROLE_NONE };
    size_t length = strcspn(text, " \t");
    if (!take_role(text, length, &who.role))
        return complain(line, text, "expected viewer, deployer or operator, and then who", err);
    const char *rest = text + length;
    rest += strspn(rest, " \t");
    const char *name = take_kind(rest, &who.kind);
    if (name == NULL || name[0] == '\0')
        return complain(line, text,
                        "expected uid:N, cert:NAME, token:FILE or signer:PRINCIPAL behind the role",
                        err);
    uint64_t uid = 0;
    struct hd_error cause = HD_ERROR_INIT;
    if (who.kind == HD_WHO_UID && hd_text_parse_number(name, 0, UINT32_MAX - 1, &uid, &cause) != 0)
        return complain(line, text, "expected the number of a user behind uid:", err);
    who.uid = (uint32_t)uid;
    if (who.kind != HD_WHO_UID && (who.name = hd_strdup(name)) == NULL)
        return hd_error_set_memory(err);
    *out = who;
    return 0;
}

static int add_line(struct hd_authorized *authorized, const char *text, unsigned line,
                    struct hd_error *err)
{
    struct hd_who who;
    if (take_line(text, line, &who, err) != 0)
        return -1;
    struct hd_who *grown =
        hd_realloc_array(authorized->lines, authorized->count + 1, sizeof *grown);
    if (grown == NULL) {
        hd_free(who.name);
        return hd_error_set_memory(err);
    }
    authorized->lines = grown;
    authorized->lines[authorized->count++] = who;
    return 0;
}

static int add_lines(struct hd_authorized *authorized, char *text, struct hd_error *err)
{
    unsigned number = 0;
    for (char *line = strsep(&text, "\n"); line != NULL; line = strsep(&text, "\n")) {
        number++;
        line = without_comment_and_blanks(line);
        if (*line != '\0' && add_line(authorized, line, number, err) != 0)
            return -1;
    }
    return 0;
}

int hd_authorized_parse(const char *text, size_t length, struct hd_authorized *out,
                        struct hd_error *err)
{
    struct hd_authorized authorized = { NULL, 0 };
    if (length > 0 && memchr(text, '\0', length) != NULL)
        return hd_error_set(err, HD_E_FORMAT, "there is a NUL byte in it");
    char *copy = hd_strndup(length > 0 ? text : "", length);
    if (copy == NULL)
        return hd_error_set_memory(err);
    int result = add_lines(&authorized, copy, err);
    hd_free(copy);
    if (result != 0)
        hd_authorized_close(&authorized);
    else
        *out = authorized;
    return result;
}

int hd_authorized_read(const char *path, struct hd_authorized *out, struct hd_error *err)
{
    struct hd_buffer text = HD_BUFFER_INIT;
    bool ignored = false;
    int result = hd_trusted_file_read(path, HD_AUTHORIZED_MAX_BYTES, &text, &ignored, err);
    if (result == 0) {
        result = hd_authorized_parse((const char *)text.data, text.length, out, err);
        if (result != 0)
            hd_error_prefix(err, "%s", path);
    }
    hd_buffer_close(&text);
    return result;
}

static int copy_line(const struct hd_who *who, struct hd_authorized *copy, struct hd_error *err)
{
    struct hd_who *line = &copy->lines[copy->count];
    *line = *who;
    line->name = hd_strdup(who->name);
    if (line->name == NULL)
        return hd_error_set_memory(err);
    copy->count++;
    return 0;
}

int hd_authorized_copy_signers(const struct hd_authorized *authorized, struct hd_authorized *out,
                               struct hd_error *err)
{
    struct hd_authorized copy = { hd_alloc_zeroed(authorized->count + 1, sizeof *copy.lines), 0 };
    int result = copy.lines != NULL ? 0 : hd_error_set_memory(err);
    for (size_t i = 0; result == 0 && i < authorized->count; i++) {
        if (authorized->lines[i].kind == HD_WHO_SIGNER)
            result = copy_line(&authorized->lines[i], &copy, err);
    }
    if (result == 0)
        *out = copy;
    else
        hd_authorized_close(&copy);
    return result;
}

void hd_authorized_close(struct hd_authorized *authorized)
{
    for (size_t i = 0; i < authorized->count; i++)
        hd_free(authorized->lines[i].name);
    hd_free(authorized->lines);
    *authorized = (struct hd_authorized){ NULL, 0 };
}

/* ---- asking ---------------------------------------------------------------------------------- */

static enum hd_role higher(enum hd_role a, enum hd_role b)
{
    return a > b ? a : b;
}

enum hd_role hd_authorized_uid(const struct hd_authorized *authorized, uint32_t uid)
{
    enum hd_role role = HD_ROLE_NONE;
    for (size_t i = 0; i < authorized->count; i++) {
        const struct hd_who *who = &authorized->lines[i];
        if (who->kind == HD_WHO_UID && who->uid == uid)
            role = higher(role, who->role);
    }
    return role;
}

enum hd_role hd_authorized_named(const struct hd_authorized *authorized, enum hd_who_kind kind,
                                 const char *name)
{
    enum hd_role role = HD_ROLE_NONE;
    for (size_t i = 0; i < authorized->count; i++) {
        const struct hd_who *who = &authorized->lines[i];
        if (who->kind == kind && who->name != NULL && strcmp(who->name, name) == 0)
            role = higher(role, who->role);
    }
    return role;
}
