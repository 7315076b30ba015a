/* SPDX-License-Identifier: Apache-2.0 */
/* Included by tests/lint in front of every file that clang-tidy reads, and nowhere else: tells the
 * analyzer, which sees one file at a time, that these functions always return -1. Without it, it
 * believes in paths on which a call failed and its caller went on with what it did not get. */
#ifndef HD_TESTS_ANALYZER_H
#define HD_TESTS_ANALYZER_H

#include "core/error.h"

#define hd_error_set(...)        (hd_error_set(__VA_ARGS__), -1)
#define hd_error_set_errno(...)  (hd_error_set_errno(__VA_ARGS__), -1)
#define hd_error_set_memory(err) (hd_error_set_memory(err), -1)
#define hd_error_prefix(...)     (hd_error_prefix(__VA_ARGS__), -1)

#endif
