/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures as `ssh-keygen -Y sign` writes them (OpenSSH's PROTOCOL.sshsig): armoured text that
 * names the key, a namespace and a digest. A signature owns its bytes; it belongs to one thread at
 * a time.
 */
#ifndef HD_CORE_SSH_SIGNATURE_H
#define HD_CORE_SSH_SIGNATURE_H

#include "core/buffer.h"

#include <stdbool.h>

#define HD_SSH_NAMESPACE "hotdrop"

struct hd_ssh_signature {
    struct hd_buffer blob;
    struct hd_bytes key; /* the signer's, in its wire form; borrowed from blob, as what follows */
    struct hd_bytes name_space;
    struct hd_bytes reserved;
    struct hd_bytes hash_algorithm;
    struct hd_bytes signature;
};

#define HD_SSH_SIGNATURE_INIT                                                                      \
    {                                                                                              \
        HD_BUFFER_INIT, { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 },                        \
        {                                                                                          \
            NULL, 0                                                                                \
        }                                                                                          \
    }

/* Takes the next signature off the front of text, which may hold several, each between its BEGIN
 * and END lines and nothing but white space around them. 1: *out is filled; 0: there is none left;
 * -1: HD_E_FORMAT, HD_E_MEMORY. */
HD_CHECKED int hd_ssh_signature_next(struct hd_bytes *text, struct hd_ssh_signature *out,
                                     struct hd_error *err);
void hd_ssh_signature_close(struct hd_ssh_signature *signature);

/* 0: it is its key's signature of message, in the namespace HD_SSH_NAMESPACE. HD_E_DENIED: it is
 * not, or of another namespace; HD_E_FORMAT as hd_ssh_key_verify. Whose key it is, is another
 * question (core/signers.h). */
HD_CHECKED int hd_ssh_signature_verify(const struct hd_ssh_signature *signature,
                                       struct hd_bytes message, struct hd_error *err);

#endif
