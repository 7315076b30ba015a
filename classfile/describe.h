/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A difference in words: "method added: bar(int)", "field count: int became long". Pure; any
 * thread.
 */
#ifndef HD_CLASSFILE_DESCRIBE_H
#define HD_CLASSFILE_DESCRIBE_H

#include "classfile/compare.h"
#include "classfile/words.h"

/* Appends one clause, without a full stop. */
void hd_describe_difference(struct hd_words *words, const struct hd_difference *difference);

#endif
