/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what in this JVM, as the file of authorized= says right now.
 *
 * Without that option the JVM's own user and root, and whoever presents the secret of token=, are
 * operators; nobody else is anything. With it, what the file says is all that counts. The file is
 * looked at before every answer and read again when it changed; one that cannot be used leaves what
 * the one before said in force, and one that could never be used lets nobody in. Loop thread only.
 */
#ifndef HD_AGENT_ACCESS_H
#define HD_AGENT_ACCESS_H

#include "core/authorized.h"
#include "core/options.h"
#include "core/tls.h"
#include "core/trusted_file.h"

struct hd_access {
    const struct hd_options *options;
    uint32_t jvm_user;
    struct hd_authorized authorized;
    struct hd_file_stamp seen; /* the file that was read last, usable or not */
    int64_t complained;        /* when a token file was last said to be unusable; 0: never */
};

/* Who somebody is, as far as was proven. */
struct hd_identity {
    bool local; /* a process of this machine, of this user: */
    uint32_t uid;
    struct hd_tls_names names; /* in the client's certificate */
    char *token_file;          /* NULL, or the file whose secret was presented */
};

/* Reads the file, if there is one; one line in the log where it cannot be used. options is a borrow
 * for the life of *access. */
void hd_access_open(struct hd_access *access, const struct hd_options *options, uint32_t jvm_user);
void hd_access_close(struct hd_access *access);

enum hd_role hd_access_of_uid(struct hd_access *access, uint32_t uid);
/* The highest role that any of what was proven gives. who (capacity bytes, may be NULL): what gave
 * it, or else what there is, as history shows it: "cert:alice", "token:/etc/hotdrop.token". */
enum hd_role hd_access_of(struct hd_access *access, const struct hd_identity *identity, char *who,
                          size_t capacity);

/* Could somebody's signature of a bundle stand for this role? Never where no signatures are asked
 * for (allowed-signers=): there, nobody verifies any. */
bool hd_access_has_signer(struct hd_access *access, enum hd_role needed);
/* What the list says of signers, for the engine, which verifies what they signed: a copy, closed with
 * hd_authorized_close. */
HD_CHECKED int hd_access_copy_signers(struct hd_access *access, struct hd_authorized *out,
                                      struct hd_error *err);

/* Whose secret is this? *file is a copy of the token file's path, the caller's. HD_E_DENIED:
 * nobody's; HD_E_SYSTEM, HD_E_FORMAT: not the one token file there is could be used. */
HD_CHECKED int hd_access_find_token(struct hd_access *access, const char *presented, size_t length,
                                    char **file, struct hd_error *err);

void hd_identity_close(struct hd_identity *identity);

#endif
