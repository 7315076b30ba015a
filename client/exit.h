/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command `hotdrop` tells the shell.
 */
#ifndef HD_CLIENT_EXIT_H
#define HD_CLIENT_EXIT_H

#include "core/error.h"

enum hd_exit {
    HD_EXIT_GOOD = 0,
    HD_EXIT_REFUSED = 1, /* what is live is unchanged; with --best-effort: something was refused */
    HD_EXIT_USAGE = 2,
    HD_EXIT_NO_AGENT =
        3, /* nobody there, or lost before the last byte of the bundle: nothing happened */
    HD_EXIT_NOT_AUTHORISED = 4,
    HD_EXIT_UNKNOWN = 5, /* the connection was lost after the last byte: history tells */
    /* all is live, but --wait-drained's time was over with threads still in old code */
    HD_EXIT_NOT_DRAINED = 6
};

/* The status for an error that happened before the last byte of a bundle was sent. */
enum hd_exit hd_exit_for_error(const struct hd_error *err);
/* The status for an error that the agent answered with (docs/protocol.md, "error"). */
enum hd_exit hd_exit_for_reason(const char *reason);

/* Ends the process once what was printed is out. What it holds goes back to the kernel at once, which
 * is much quicker than freeing a jar and a report piece by piece. */
_Noreturn void hd_exit_at_once(int status);

#endif
