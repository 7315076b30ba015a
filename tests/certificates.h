/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for tests, made with openssl's own command as docs/remote.md does. Needs cmocka's
 * header before this one.
 */
#ifndef HD_TESTS_CERTIFICATES_H
#define HD_TESTS_CERTIFICATES_H

#include <stdio.h>
#include <stdlib.h>

static inline void run_in(const char *directory, const char *commands)
{
    char line[2048];
    int length =
        snprintf(line, sizeof line, "cd '%s' && { %s\n} >openssl.log 2>&1", directory, commands);
    assert_true(length > 0 && (size_t)length < sizeof line);
    if (system(line) != 0)
        fail_msg("failed, see %s/openssl.log: %s", directory, commands);
}

/* NAME.pem and NAME.key: one that issues others. */
static inline void make_authority(const char *directory, const char *name)
{
    char commands[1024];
    snprintf(commands, sizeof commands,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout %s.key "
             "-out %s.pem -days 30 -subj '/CN=Test authority %s'",
             name, name, name);
    run_in(directory, commands);
}

/* NAME.pem and NAME.key, issued by authority; days -1: it is over (OpenSSL 3.4 and newer take no
 * negative days, and older ones no dates). */
static inline void make_certificate(const char *directory, const char *authority, const char *name,
                                    const char *subject, const char *alternative_names, int days)
{
    static const char over[] = "-not_before 20200101000000Z -not_after 20210101000000Z";
    char commands[1024], issue[256];
    snprintf(commands, sizeof commands,
             "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout %s.key -out "
             "%s.csr -subj '%s' && echo '%s%s' >%s.ext",
             name, name, subject, alternative_names[0] != '\0' ? "subjectAltName=" : "",
             alternative_names, name);
    run_in(directory, commands);
    snprintf(issue, sizeof issue,
             "openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -extfile %s.ext -out %s.pem",
             name, authority, authority, name, name);
    int length = snprintf(commands, sizeof commands, "%s -days %d", issue, days);
    if (days < 0)
        snprintf(commands + length, sizeof commands - (size_t)length, " || %s %s", issue, over);
    run_in(directory, commands);
}

#endif
