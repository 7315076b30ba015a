/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's options: "key=value,key=value" behind -agentpath, or one a line in the file that
 * config= names ('#' starts a comment).
 *
 * Called once, on the thread that loads the agent. Strings belong to the struct.
 */
#ifndef HD_CORE_OPTIONS_H
#define HD_CORE_OPTIONS_H

#include "core/error.h"
#include "core/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_string_list {
    char **items;
    size_t count;
};

struct hd_options {
    struct hd_string_list drops;
    struct hd_string_list watches;
    struct hd_string_list listens; /* empty: the default unix socket; "none" alone: no listener */
    struct hd_string_list allow;   /* empty: everything */
    struct hd_string_list deny;
    uint64_t settle_ms;              /* 30 */
    char *token_file;                /* NULL: none */
    char *tls_cert;                  /* NULL: none */
    char *tls_key;                   /* not NULL where tls_cert is not */
    char *tls_client_ca;             /* NULL: no client's certificate is asked for */
    char *authorized;                /* NULL: the defaults of agent/access.h */
    char *store;                     /* NULL: history in memory only */
    bool way_back_required;          /* what could not be rolled back exactly is refused */
    struct hd_string_list emergency; /* principals whose signature alone is enough in one */
    char *app;                       /* what bundles name as their target; NULL: no name */
    char *allowed_signers;           /* NULL: unsigned bundles are taken */
    unsigned approvals;              /* 1: by how many different signers */
    char *log_file;                  /* NULL: stderr */
    enum hd_log_level log_level;     /* info */
    uint64_t max_bundle;             /* bytes; 256M */
    uint64_t max_rate_per_minute;    /* 60 */
};

/* text may be NULL (no options). Values hold no comma unless they come from a config file.
 * HD_E_USAGE names the key, the value, the place (FILE:LINE for a config file) and what would be
 * right; for an unknown key it lists the known ones. Checks combinations too: ws:// needs token=,
 * wss:// tls-cert= and tls-key=, an address must parse, files and directories are not touched here.
 * A key that is no list may come again: the last value counts, a config file being read where
 * config= stands; it counts only where nobody but this process's user and root can write it
 * (core/trusted_file.h). On success closed with hd_options_close. */
HD_CHECKED int hd_options_parse(const char *text, struct hd_options *out, struct hd_error *err);
void hd_options_close(struct hd_options *options);

/* A listening or target address, taken apart. */
enum hd_address_kind { HD_ADDRESS_NONE, HD_ADDRESS_UNIX, HD_ADDRESS_WS, HD_ADDRESS_WSS };
struct hd_address {
    enum hd_address_kind kind;
    char path[108]; /* UNIX: as sun_path, shorter than 108 */
    char host[256]; /* WS, WSS: without the brackets of an IPv6 literal */
    uint16_t port;
};
HD_CHECKED int hd_address_parse(const char *text, struct hd_address *out, struct hd_error *err);
/* WS or WSS. */
bool hd_address_is_tcp(const struct hd_address *address);
/* An IPv4 or IPv6 address in digits, without brackets. */
bool hd_address_is_ip(const char *host);
/* 127.0.0.0/8, ::1 and "localhost". */
bool hd_address_is_loopback(const struct hd_address *address);

#endif
