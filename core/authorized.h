/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: the file that authorized= names, and the one table of what each request needs.
 *
 * The file has a line each, "ROLE WHO"; '#' begins a comment at the start of a line or behind a
 * blank. WHO is uid:N, cert:NAME (a name in a client's certificate), token:FILE (who presents that
 * file's secret) or signer:PRINCIPAL. Whoever stands in several lines has the highest of the roles.
 *
 * Pure but for reading; one thread at a time.
 */
#ifndef HD_CORE_AUTHORIZED_H
#define HD_CORE_AUTHORIZED_H

#include "core/message.h"

#include <stddef.h>
#include <stdint.h>

/* Each may do all that those before it may. */
enum hd_role { HD_ROLE_NONE, HD_ROLE_VIEWER, HD_ROLE_DEPLOYER, HD_ROLE_OPERATOR };
#define HD_ROLE_COUNT 4

/* "none", "viewer", "deployer", "operator" */
const char *hd_role_word(enum hd_role role);

/* The least role that may ask for this: the table of the protocol. */
enum hd_role hd_role_needed(const struct hd_request *request);
/* A word for what it asks for: "push", "push --keep", "status". */
const char *hd_role_request_word(const struct hd_request *request);

enum hd_who_kind { HD_WHO_UID, HD_WHO_CERT, HD_WHO_TOKEN, HD_WHO_SIGNER };

struct hd_who {
    enum hd_role role;
    enum hd_who_kind kind;
    uint32_t uid; /* UID */
    char *name;   /* the others */
};

struct hd_authorized {
    struct hd_who *lines;
    size_t count;
};

#define HD_AUTHORIZED_MAX_BYTES ((size_t)1 << 18)

/* HD_E_FORMAT names the line and what would be right; HD_E_MEMORY. On success closed with
 * hd_authorized_close. */
HD_CHECKED int hd_authorized_parse(const char *text, size_t length, struct hd_authorized *out,
                                   struct hd_error *err);
/* Reads and parses; as well as these, the errors of hd_trusted_file_read. */
HD_CHECKED int hd_authorized_read(const char *path, struct hd_authorized *out,
                                  struct hd_error *err);
/* Only the lines signer:PRINCIPAL of it. On success closed with hd_authorized_close. */
HD_CHECKED int hd_authorized_copy_signers(const struct hd_authorized *authorized,
                                          struct hd_authorized *out, struct hd_error *err);
void hd_authorized_close(struct hd_authorized *authorized);

/* HD_ROLE_NONE where no line names them. */
enum hd_role hd_authorized_uid(const struct hd_authorized *authorized, uint32_t uid);
enum hd_role hd_authorized_named(const struct hd_authorized *authorized, enum hd_who_kind kind,
                                 const char *name);

#endif
