/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names in a watched directory matter. Pure functions over one path component; any thread.
 */
#ifndef HD_WATCHER_NAMES_H
#define HD_WATCHER_NAMES_H

#include <stdbool.h>

/* Hidden ('.' first), or what editors, browsers and copy programs leave while they are not done:
 * name~, .tmp, .part, .swp, .swx, .crdownload, .filepart. */
bool hd_name_is_ignored(const char *name);
/* *.class, *.jar or *.war, and not ignored. */
bool hd_name_is_wanted(const char *name);
/* *.jar or *.war. */
bool hd_name_is_archive(const char *name);

#endif
