/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys of SSH and what they sign (RFC 4253 §6.6, RFC 5656, RFC 8332, RFC 8709, and OpenSSH's
 * PROTOCOL.u2f for hardware keys), by OpenSSL's libcrypto. Any thread; everything is borrowed.
 */
#ifndef HD_CORE_SSH_KEY_H
#define HD_CORE_SSH_KEY_H

#include "core/buffer.h"

/* "SHA256:" and 43 characters, as ssh-keygen -l prints it. */
#define HD_SSH_FINGERPRINT_SIZE 52

/* Does signature (a signature blob) of that key (in its wire form) fit data? 0: it does.
 * HD_E_DENIED: it does not, the key is too weak (RSA below 2048 bits), the signature uses SHA-1, or
 * nobody touched the hardware key. HD_E_FORMAT: a kind of key that is not known here (ssh-ed25519,
 * ecdsa-sha2-*, ssh-rsa and the sk- forms of the first two are), or bytes that are no key. */
HD_CHECKED int hd_ssh_key_verify(struct hd_bytes key, struct hd_bytes signature,
                                 struct hd_bytes data, struct hd_error *err);

/* "" where the digest library failed. */
void hd_ssh_key_fingerprint(struct hd_bytes key, char out[HD_SSH_FINGERPRINT_SIZE]);

#endif
