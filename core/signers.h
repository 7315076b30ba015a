/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may sign: a file in OpenSSH's allowed_signers format (ssh-keygen(1), ALLOWED SIGNERS), so
 * that the file that git and ssh-keygen use does here too.
 *
 * A line is "PRINCIPALS [OPTIONS] KEYTYPE BASE64 [COMMENT]"; of the options, namespaces=,
 * valid-after= and valid-before= are known. Certificate authorities (cert-authority) are not: such
 * a file is refused rather than half understood. Immutable once read; any thread.
 */
#ifndef HD_CORE_SIGNERS_H
#define HD_CORE_SIGNERS_H

#include "core/buffer.h"

struct hd_signers;

/* HD_E_FORMAT names the line. An empty file is no error: then nobody may sign. */
HD_CHECKED int hd_signers_read(struct hd_bytes text, struct hd_signers **out, struct hd_error *err);
void hd_signers_free(struct hd_signers *signers);

/* Whose key (in its wire form) is it, at that time (seconds since the epoch)? Sets *principal, the
 * first name of its line, a borrow from signers. HD_E_DENIED: nobody's; or its line is for another
 * namespace or another time, which the text says. */
HD_CHECKED int hd_signers_find(const struct hd_signers *signers, struct hd_bytes key, int64_t now,
                               const char **principal, struct hd_error *err);

#endif
