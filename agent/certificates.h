/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's certificate, its key, and whose certificates it takes: tls-cert=, tls-key=,
 * tls-client-ca=. A JVM lives longer than a certificate, so the files are looked at for every new
 * connection and read again when they changed; connections that are there already go on. Start-up
 * thread, then loop thread.
 */
#ifndef HD_AGENT_CERTIFICATES_H
#define HD_AGENT_CERTIFICATES_H

#include "core/options.h"
#include "core/tls.h"
#include "core/trusted_file.h"

enum { HD_CERTIFICATES_FILES = 3 };

struct hd_certificates {
    struct hd_tls_files files;
    struct hd_tls_context *context;                   /* NULL: not open */
    struct hd_file_stamp seen[HD_CERTIFICATES_FILES]; /* read last, usable or not */
};

/* Reads all three. options is a borrow for the life of *certificates. Does nothing where it is open
 * already. */
HD_CHECKED int hd_certificates_open(struct hd_certificates *certificates,
                                    const struct hd_options *options, struct hd_error *err);
/* The present ones, for a new connection; a borrow until the next call. Files that changed and
 * cannot be used are one line in the log, and those before stay in use. */
struct hd_tls_context *hd_certificates_now(struct hd_certificates *certificates);
void hd_certificates_close(struct hd_certificates *certificates);

#endif
