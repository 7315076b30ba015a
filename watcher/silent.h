/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems on which inotify sees only what this machine's own processes write. Any thread.
 */
#ifndef HD_WATCHER_SILENT_H
#define HD_WATCHER_SILENT_H

#include "core/error.h"

/* The name of the file system directory is on when it is such a one, else NULL (also when statfs
 * fails). Static text. */
const char *hd_silent_file_system(const char *directory);

#endif
