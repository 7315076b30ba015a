/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL begins here, and only once something is digested, checked or encrypted: an agent that
 * nobody has given anything yet carries none of what OpenSSL sets up. Any thread, any number of
 * times.
 */
#ifndef HD_CORE_CRYPTO_H
#define HD_CORE_CRYPTO_H

#include <openssl/crypto.h>

/* Before the first call of OpenSSL that would begin by itself: it would leave an atexit handler in
 * the JVM, and read a configuration file that is meant for the application (OPENSSL_init_crypto(3)).
 * Where it fails, so does what is called next. */
static inline void hd_crypto_begin(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

#endif
