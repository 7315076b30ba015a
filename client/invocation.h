/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of `hotdrop COMMAND`: its options, read with getopt_long from the one table of all
 * options, and what is left over. Main thread; strings borrow argv.
 */
#ifndef HD_CLIENT_INVOCATION_H
#define HD_CLIENT_INVOCATION_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Which options a command takes, as bits of the table's groups. */
enum hd_option_group {
    HD_OPTIONS_TARGET = 1u << 0, /* --pid --to --token --ca --cert --key */
    HD_OPTIONS_JSON = 1u << 1,
    HD_OPTIONS_DEPLOY = 1u << 2,            /* --loader --all-loaders --best-effort */
    HD_OPTIONS_PUSH = 1u << 3,              /* --message */
    HD_OPTIONS_EMERGENCY = 1u << 4,         /* --emergency */
    HD_OPTIONS_ATTACH = 1u << 5,            /* --options --agent */
    HD_OPTIONS_ATTACH_ON_THE_WAY = 1u << 6, /* --attach */
    HD_OPTIONS_WATCH = 1u << 7,             /* --settle */
    HD_OPTIONS_DIFF = 1u << 8,              /* --jdk */
    HD_OPTIONS_TRIAL = 1u << 9,             /* --confirm-within --smoke --wait-drained */
    HD_OPTIONS_EXPECT = 1u << 10,           /* --expect */
    HD_OPTIONS_KEEP = 1u << 11,             /* --keep */
    HD_OPTIONS_BLOCKING = 1u << 12,         /* --blocking */
    HD_OPTIONS_SIGN = 1u << 13,             /* --key --output and what a manifest says */
    HD_OPTIONS_SIGNERS = 1u << 14           /* --allowed-signers */
};

struct hd_invocation {
    const char *command;
    const char *to;
    const char *token_file;
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
    const char *loader;
    const char *message;
    const char *agent_options;
    const char *agent_file;
    const char *smoke;
    const char *expect;
    const char *key;
    const char *output;
    const char *bundle_name;
    const char *bundle_release;
    const char *bundle_target;
    const char *not_before;
    const char *expires;
    const char *base;
    const char *allowed_signers;
    const char *emergency;
    uint64_t sequence; /* 0: not given */
    uint64_t settle_ms;
    uint64_t confirm_within_ms; /* 0: not given */
    uint64_t wait_drained_ms;   /* 0: not given */
    uint64_t jdk;               /* diff: the feature release that is to take the swap */
    int pid;                    /* 0: not given */
    bool json;
    bool all_loaders;
    bool best_effort;
    bool keep;
    bool attach;
    bool blocking;
    bool help;
    char **arguments; /* what is no option; borrows argv */
    size_t argument_count;
};

/* argv[0] is the command's name. HD_E_USAGE names the option. */
HD_CHECKED int hd_invocation_parse(int argc, char **argv, unsigned groups,
                                   struct hd_invocation *out, struct hd_error *err);
/* The options of these groups, a line each. */
void hd_invocation_print_options(FILE *stream, unsigned groups);

#endif
