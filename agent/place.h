/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file behind a URL that a class loader answered: what it is called on disk, and since when it
 * is as it is. Any thread.
 */
#ifndef HD_AGENT_PLACE_H
#define HD_AGENT_PLACE_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* The file that the path of a URL stands for, %XX decoded. HD_E_MEMORY only. The caller frees
 * *out. */
HD_CHECKED int hd_place_decode(const char *url_path, size_t length, char **out,
                               struct hd_error *err);

/* When the outermost archive of a URL last changed, microseconds since the epoch:
 * "jar:file:/a.jar!/…", Spring Boot's "jar:nested:/a.jar/!BOOT-INF/…", Tomcat's
 * "jar:war:file:/a.war…". url_path is what follows the first scheme. INT64_MAX: no such file is
 * to be seen. */
HD_CHECKED int hd_place_archive_changed_at(const char *url_path, int64_t *out,
                                           struct hd_error *err);

/* The later of the last change to the contents and to the inode (a file moved into place keeps
 * its mtime, not its ctime). */
int64_t hd_place_changed_at(const struct stat *status);

#endif
