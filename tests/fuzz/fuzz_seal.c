/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parsers behind allowed-signers=: the first byte says which one gets the rest — a manifest, the
 * signatures of a bundle (read, and verified against the rest of the text), or a file of signers.
 */
#include "core/manifest.h"
#include "core/signers.h"
#include "core/ssh_signature.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_manifest(struct hd_bytes text)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_manifest manifest;
    if (hd_manifest_read(text, &manifest, &err) == 0)
        hd_manifest_close(&manifest);
}

static void read_signatures(struct hd_bytes text)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_ssh_signature signature;
    while (hd_ssh_signature_next(&text, &signature, &err) == 1) {
        (void)!hd_ssh_signature_verify(&signature, text, &err);
        hd_ssh_signature_close(&signature);
    }
}

static void read_signers(struct hd_bytes text)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_signers *signers = NULL;
    const char *principal;
    if (hd_signers_read(text, &signers, &err) == 0)
        (void)!hd_signers_find(signers, text, 0, &principal, &err);
    hd_signers_free(signers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct hd_bytes) = { read_manifest, read_signatures,
                                                        read_signers };
    if (size > 0)
        readers[data[0] % 3]((struct hd_bytes){ data + 1, size - 1 });
    return 0;
}
