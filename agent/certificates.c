/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/certificates.h"

#include "core/log.h"

#include <string.h>

static void stamp(const struct hd_tls_files *files, struct hd_file_stamp out[HD_CERTIFICATES_FILES])
{
    hd_file_stamp_of(files->cert, &out[0]);
    hd_file_stamp_of(files->key, &out[1]);
    out[2] = (struct hd_file_stamp){ 0 };
    if (files->ca != NULL)
        hd_file_stamp_of(files->ca, &out[2]);
}

static bool changed(struct hd_certificates *certificates)
{
    struct hd_file_stamp now[HD_CERTIFICATES_FILES];
    bool equal = true;
    stamp(&certificates->files, now);
    for (unsigned i = 0; i < HD_CERTIFICATES_FILES; i++)
        equal = equal && hd_file_stamp_equal(&now[i], &certificates->seen[i]);
    memcpy(certificates->seen, now, sizeof now);
    return !equal;
}

static int load(struct hd_certificates *certificates, struct hd_error *err)
{
    struct hd_tls_context *fresh = NULL;
    bool key_is_readable = false;
    if (hd_tls_server_new(&certificates->files, &fresh, &key_is_readable, err) != 0)
        return -1;
    hd_tls_context_free(certificates->context);
    certificates->context = fresh;
    if (key_is_readable)
        hd_log(HD_LOG_WARN, "tls-key=%s: others than its owner can read it; chmod 600 it",
               certificates->files.key);
    return 0;
}

int hd_certificates_open(struct hd_certificates *certificates, const struct hd_options *options,
                         struct hd_error *err)
{
    if (certificates->context != NULL)
        return 0;
    certificates->files = (struct hd_tls_files){ .cert = options->tls_cert,
                                                 .key = options->tls_key,
                                                 .ca = options->tls_client_ca };
    stamp(&certificates->files, certificates->seen);
    return load(certificates, err);
}

struct hd_tls_context *hd_certificates_now(struct hd_certificates *certificates)
{
    struct hd_error err = HD_ERROR_INIT;
    if (!changed(certificates))
        return certificates->context;
    if (load(certificates, &err) == 0)
        hd_log(HD_LOG_INFO, "tls-cert=%s was read again", certificates->files.cert);
    else
        hd_log(HD_LOG_WARN,
               "the changed certificate files cannot be used: %s; those before stay "
               "in use",
               err.text);
    return certificates->context;
}

void hd_certificates_close(struct hd_certificates *certificates)
{
    hd_tls_context_free(certificates->context);
    certificates->context = NULL;
}
