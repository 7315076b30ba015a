/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and signatures by the real ssh-keygen, in a directory that is gone after the test. Needs
 * cmocka's header before this one.
 */
#ifndef HD_TESTS_SSH_KEYGEN_H
#define HD_TESTS_SSH_KEYGEN_H

#include "core/alloc.h"
#include "core/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ssh_keys {
    char directory[64];
};

static inline void ssh_run(const struct ssh_keys *keys, const char *command)
{
    char line[4200];
    snprintf(line, sizeof line, "cd %s && %s", keys->directory, command);
    assert_int_equal(system(line), 0);
}

static inline int ssh_keys_start(void **state)
{
    struct ssh_keys *keys = calloc(1, sizeof *keys);
    snprintf(keys->directory, sizeof keys->directory, "/tmp/hotdrop-test-ssh-XXXXXX");
    *state = keys;
    return mkdtemp(keys->directory) != NULL ? 0 : -1;
}

static inline int ssh_keys_stop(void **state)
{
    struct ssh_keys *keys = *state;
    char line[128];
    snprintf(line, sizeof line, "rm -rf %s", keys->directory);
    int status = system(line);
    free(keys);
    return status;
}

/* options: "-t ed25519", say. The key's file is called name. */
static inline void ssh_make_key(const struct ssh_keys *keys, const char *name, const char *options)
{
    char line[256];
    snprintf(line, sizeof line, "ssh-keygen -q %s -N '' -C test -f %s", options, name);
    ssh_run(keys, line);
}

/* What the file holds; freed by the next call, and by NULL. */
static inline struct hd_bytes ssh_read(const struct ssh_keys *keys, const char *name)
{
    static uint8_t contents[65536];
    char path[256];
    snprintf(path, sizeof path, "%s/%s", keys->directory, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(contents, 1, sizeof contents, file);
    fclose(file);
    return (struct hd_bytes){ contents, length };
}

/* The signature of message by that key, valid until the next reading. */
static inline struct hd_bytes ssh_sign(const struct ssh_keys *keys, const char *key,
                                       const char *name_space, const char *message)
{
    char line[4096];
    snprintf(line, sizeof line,
             "printf '%%s' '%s' >message && ssh-keygen -q -Y sign -n %s -f %s message "
             "2>/dev/null && mv message.sig signature",
             message, name_space, key);
    ssh_run(keys, line);
    return ssh_read(keys, "signature");
}

#endif
