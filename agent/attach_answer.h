/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own words to whoever attached it: the attach protocol carries a number only. `hotdrop
 * attach` makes an empty file and adds answer=FILE to the options; the agent writes into it how its
 * start went.
 *
 *     ok | failed | already
 *     every warning and error of the start, a line each
 *
 * The thread that attaches, only.
 */
#ifndef HD_AGENT_ATTACH_ANSWER_H
#define HD_AGENT_ATTACH_ANSWER_H

#include "core/buffer.h"

struct hd_attach_answer {
    char *options; /* what is left of them; NULL: none */
    char *path;    /* NULL: nobody waits for an answer */
    struct hd_buffer lines;
};

/* Takes answer=FILE out of the options (which may be NULL) and begins to listen to the log.
 * Found before the options are parsed, so that the words reach the other side even where they
 * cannot be. *out must stay where it is until the end: the log knows its address. */
HD_CHECKED int hd_attach_answer_begin(const char *options, struct hd_attach_answer *out,
                                      struct hd_error *err);
/* Stops listening, writes the file, and closes *answer. The file must exist, be a regular file and
 * no symbolic link, be empty, and belong to this process's user or root: anything else is left
 * alone, and logged. */
void hd_attach_answer_end(struct hd_attach_answer *answer, const char *verdict);

#endif
