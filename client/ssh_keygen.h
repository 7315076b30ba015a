/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures through the ssh-keygen program, so that ssh-agent, passphrases and hardware keys work
 * as people know them. Main thread.
 */
#ifndef HD_CLIENT_SSH_KEYGEN_H
#define HD_CLIENT_SSH_KEYGEN_H

#include "core/buffer.h"

/* `ssh-keygen -Y sign` of message with that key: a private key, or a public one whose private half
 * the ssh-agent holds. The caller closes *armour. ssh-keygen talks to the user by itself. HD_E_USAGE:
 * there is no ssh-keygen, or it did not sign. */
HD_CHECKED int hd_ssh_keygen_sign(const char *key, struct hd_bytes message,
                                  struct hd_buffer *armour, struct hd_error *err);

#endif
